/** Styles of the reports with outlines and tables of measurements. */
export const OBJECTS_STYLE = `
:root { --object: #4cc4ff; --merged: #ff7a1a; --split: #f7e645; --missed: #5ab8ff; --spurious: #ff8fd0; --matched: #3ddc97; }
.gallery { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(350px, 100%), 1fr)); gap: 22px 22px; margin-top: 14px;
  align-items: start; }
.frame { position: relative; border-radius: 4px; overflow: hidden; background: #000; outline: 1px solid var(--rule); }
.frame img { display: block; width: 100%; height: auto; }
.overlay { position: absolute; inset: 0; width: 100%; height: 100%; }
.overlay .lines { filter: drop-shadow(0 0 1px rgb(0 0 0 / 0.85)); }
.overlay path { fill: transparent; stroke: var(--object); stroke-width: 1.5; vector-effect: non-scaling-stroke; stroke-linejoin: round; }
.overlay .matched { stroke: var(--matched); }
.overlay .merged { stroke: var(--merged); stroke-width: 2.5; }
.overlay .split { stroke: var(--split); stroke-width: 2.5; }
.overlay .spurious { stroke: var(--spurious); stroke-width: 2; stroke-dasharray: 2 3; }
.overlay .missed { stroke: var(--missed); stroke-width: 2; stroke-dasharray: 6 4; }
[data-linked] .overlay path { cursor: pointer; }
.overlay path:hover { fill: rgb(255 255 255 / 0.22); }
.overlay path.on { fill: rgb(255 255 255 / 0.4); stroke: #fff; stroke-width: 3; }
.overlay text { fill: #fff; stroke: rgb(0 0 0 / 0.75); stroke-width: 3px; paint-order: stroke; vector-effect: non-scaling-stroke;
  text-anchor: middle; dominant-baseline: central; font-weight: 600; pointer-events: none; font-variant-numeric: tabular-nums; }
body:has(#outlines:not(:checked)) .lines, body:has(#numbers:not(:checked)) .numbers { display: none; }
.frame + figcaption { margin-top: 6px; display: flex; flex-wrap: wrap; gap: 2px 12px; }
figcaption strong { max-width: 100%; color: var(--text); overflow-wrap: anywhere; }
.beside { display: flex; flex-wrap: wrap; gap: 8px 40px; align-items: start; }
.beside > div { max-width: 100%; }
.beside > div > .note { width: 0; min-width: 100%; }
.beside > figure { flex: 1 1 340px; max-width: 640px; }
.beside .scores { min-width: 0; width: 100%; font-size: 14px; }
.beside .scores td, .beside .scores thead th + th { padding-left: 10px; padding-right: 6px; }
.beside .scores th { white-space: nowrap; }
.switches { display: flex; flex-wrap: wrap; gap: 6px 20px; margin: 6px 0 0; font-size: 14px; }
.switches label { display: inline-flex; align-items: center; gap: 6px; cursor: pointer; }
.legend span.line { width: 22px; height: 0; border-top: 3px solid; filter: drop-shadow(0 0 1px rgb(0 0 0 / 0.7)); }
.legend span.line.dashed { border-top-style: dashed; }
.legend span.line.dotted { border-top-style: dotted; }
.histograms { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(270px, 100%), 1fr)); gap: 18px 24px; margin-top: 14px; }
details > .histograms { margin-top: 14px; }
.tools { display: flex; flex-wrap: wrap; align-items: center; gap: 8px 18px; margin: 14px 0 8px; font-size: 14px; }
.tools[hidden] { display: none; }
.tools input { font: inherit; color: inherit; background: var(--page); border: 1px solid var(--rule); border-radius: 6px; padding: 5px 10px;
  max-width: 70vw; }
.tools input:focus-visible, .data button:focus-visible, .more:focus-visible { outline: 2px solid var(--line-1); outline-offset: 1px; }
.tools output { color: var(--muted); }
.scroll.tall { max-height: 620px; overflow: auto; border: 1px solid var(--rule); border-radius: 6px; margin-top: 0; }
.data { font-size: 13.5px; border-collapse: separate; border-spacing: 0; min-width: 100%; }
.data th, .data td { padding: 4px 12px; text-align: right; white-space: nowrap; border-bottom: 1px solid var(--rule); }
.data th.text, .data td.text { text-align: left; }
.data td.text { min-width: 12ch; max-width: 34ch; white-space: normal; overflow-wrap: anywhere; }
.data thead th { position: sticky; top: 0; background: var(--panel); padding: 0; z-index: 1; }
.data thead button { all: unset; box-sizing: border-box; cursor: pointer; display: block; width: 100%; padding: 7px 12px; text-align: inherit;
  white-space: nowrap; }
.data thead button::after { content: "\\2195"; opacity: 0.35; margin-left: 5px; }
.data th[aria-sort="ascending"] button::after { content: "\\2191"; opacity: 1; }
.data th[aria-sort="descending"] button::after { content: "\\2193"; opacity: 1; }
.data thead button:hover { color: var(--text); }
.data .unit { font-weight: 400; }
.data tbody tr:hover td { background: var(--panel); }
.data.linked tbody tr { cursor: pointer; }
.data tbody tr.on td { background: var(--own); }
.more { font: inherit; font-size: 14px; margin: 8px 0 0; padding: 5px 14px; color: inherit; background: var(--panel); border: 1px solid var(--rule);
  border-radius: 6px; cursor: pointer; }
.more[hidden] { display: none; }
@media print {
  .tools, .more, .switches { display: none; }
  .scroll.tall { max-height: none; overflow: visible; border: 0; }
  .data { font-size: 7pt; }
  .data th, .data td, .data thead button { padding: 2pt 4pt; white-space: normal; }
  .gallery { grid-template-columns: 1fr 1fr; gap: 10pt; }
  .histograms { grid-template-columns: 1fr 1fr 1fr; gap: 8pt; }
  .frame, .overlay path, .legend span { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
`;
