/** Styles of the report that explains a network. */
export const EXPLAIN_STYLE = `
:root { --point: #f7e645; --field: #4cc4ff; --reach: #ff9a3c; }
.views { display: grid; gap: 22px; margin-top: 14px; align-items: start; }
.views.two { grid-template-columns: repeat(auto-fill, minmax(min(460px, 100%), 1fr)); }
.views.four { grid-template-columns: repeat(auto-fill, minmax(min(262px, 100%), 1fr)); }
.frame { position: relative; border-radius: 4px; overflow: hidden; background: #000; outline: 1px solid var(--rule); }
.frame img { display: block; width: 100%; height: auto; }
.frame.close img { image-rendering: pixelated; }
.frame svg { position: absolute; inset: 0; width: 100%; height: 100%; filter: drop-shadow(0 0 1px rgb(0 0 0 / 0.9)); }
.frame rect, .frame path { fill: none; vector-effect: non-scaling-stroke; stroke-width: 2; }
.frame .point { stroke: var(--point); }
.frame .field { stroke: var(--field); }
.frame .reach { stroke: var(--reach); stroke-dasharray: 6 4; }
.frame + figcaption { margin-top: 6px; }
figcaption strong { color: var(--text); }
.legend span.line { width: 22px; height: 0; border-top: 3px solid; filter: drop-shadow(0 0 1px rgb(0 0 0 / 0.7)); }
.legend span.line.dashed { border-top-style: dashed; }
.legend span.ramp { width: 90px; height: 14px; border-radius: 3px; print-color-adjust: exact; -webkit-print-color-adjust: exact; }
.ramp.heat { background: linear-gradient(90deg, #55106d, #ba3655, #f98c0a, #fcffa4); }
.ramp.signed { background: linear-gradient(90deg, rgb(0 114 178), #fff, rgb(213 94 0)); }
.tiles { display: grid; grid-template-columns: repeat(auto-fill, minmax(112px, 1fr)); gap: 16px 14px; margin-top: 14px; }
.tiles.large { grid-template-columns: repeat(auto-fill, minmax(150px, 1fr)); }
.tiles img { display: block; width: 100%; height: auto; border-radius: 3px; outline: 1px solid var(--rule); }
.tiles img.kernel, .layers img.kernel { image-rendering: pixelated; }
.tiles img + img { margin-top: 5px; }
.tiles figcaption { margin-top: 4px; font-size: 12px; line-height: 1.35; font-variant-numeric: tabular-nums; }
.bars { width: min(620px, 100%); margin-top: 12px; }
.bars td { white-space: nowrap; }
.bars th { font-weight: 400; text-align: right; width: 1%; white-space: nowrap; }
.bars td.bar { width: 70%; padding-right: 0; }
.bars td.bar span { display: block; height: 16px; border-radius: 2px; background: var(--line-1); min-width: 1px;
  print-color-adjust: exact; -webkit-print-color-adjust: exact; }
.bars tr.own th, .bars tr.own td { font-weight: 600; }
.bars tr.own td.bar span { background: var(--line-2); }
.layers td, .layers th { vertical-align: middle; white-space: nowrap; }
.layers td.number { text-align: right; }
.layers img { display: block; height: 44px; width: auto; max-width: 180px; border-radius: 2px; outline: 1px solid var(--rule); }
.layers td.picture { padding: 4px 16px 4px 0; }
.passage { margin-top: 30px; }
.step { margin: 12px 0 20px; padding-left: 14px; border-left: 3px solid var(--rule); }
.equation { display: flex; flex-wrap: wrap; align-items: center; gap: 8px 12px; margin: 10px 0; }
.equation > .sign { font-size: 20px; color: var(--muted); }
.equation figcaption { text-align: center; }
.grid { border-collapse: collapse; font: 12.5px/1.2 ui-monospace, "SF Mono", Menlo, Consolas, "Liberation Mono", monospace; }
.grid td { padding: 5px 7px; text-align: right; border: 1px solid var(--rule); min-width: 58px; print-color-adjust: exact;
  -webkit-print-color-adjust: exact; }
.grid td.pad { color: var(--muted); background: repeating-linear-gradient(45deg, transparent 0 5px, var(--panel) 5px 10px); }
.grid td.most { outline: 3px solid var(--line-2); outline-offset: -3px; font-weight: 700; }
.equation img { display: block; width: 150px; height: auto; image-rendering: pixelated; outline: 1px solid var(--rule); border-radius: 2px; }
.abreast { display: flex; flex-wrap: wrap; align-items: flex-start; gap: 6px 56px; }
.sum { font: 13.5px/1.6 ui-monospace, "SF Mono", Menlo, Consolas, "Liberation Mono", monospace; margin: 8px 0; overflow-wrap: anywhere; max-width: none; }
.sum b { font-weight: 700; }
.terms { font-size: 13.5px; margin: 8px 0; }
.terms th, .terms td { padding: 3px 18px 3px 0; text-align: right; font-weight: 400; }
.terms tr.total th, .terms tr.total td { font-weight: 700; border-bottom: 0; }
.ok { color: var(--line-3); font-weight: 700; white-space: nowrap; }
.bad { color: var(--line-2); font-weight: 700; white-space: nowrap; }
.layers tbody th, .checks tbody th { font-weight: 400; }
.checks td, .checks th { font-size: 14px; }
.checks td.number { text-align: right; white-space: nowrap; }
@media print {
  .views.two { grid-template-columns: 1fr 1fr; gap: 10pt; }
  .views.four { grid-template-columns: repeat(4, 1fr); gap: 6pt; }
  .tiles, .tiles.large { grid-template-columns: repeat(6, 1fr); gap: 6pt; }
  .frame, .tiles figure, .step { break-inside: avoid; print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
`;
