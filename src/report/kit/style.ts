/** The report's style sheet: light or dark by the reader's setting, always light in print. */

const LIGHT = `
  color-scheme: light;
  --page: #ffffff; --panel: #f6f7f8; --text: #1b1f23; --muted: #57606a; --rule: #d0d7de; --own: #e8f1f8; --shadow: rgb(0 0 0 / 0.22);
  --line-1: #0067a3; --line-2: #b84e00; --line-3: #00745a; --line-4: #9c3f77;`;
const DARK = `
  color-scheme: dark;
  --page: #14171a; --panel: #1d2125; --text: #e6e8ea; --muted: #a0a8b0; --rule: #3a4149; --own: #1c3040; --shadow: rgb(0 0 0 / 0.75);
  --line-1: #56b4e9; --line-2: #f0a030; --line-3: #35c99b; --line-4: #e08fbc;`;

export const STYLE = `
:root {${LIGHT}}
@media screen and (prefers-color-scheme: dark) { :root {${DARK}} }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", sans-serif; }
main { max-width: 1240px; margin: 0 auto; padding: 32px 28px 48px; }
h1 { font-size: 28px; line-height: 1.2; margin: 0 0 6px; letter-spacing: -0.01em; }
h1, h3, li { overflow-wrap: anywhere; }
h2 { font-size: 20px; margin: 44px 0 10px; padding-top: 14px; border-top: 1px solid var(--rule); }
h3 { font-size: 16px; margin: 24px 0 8px; }
p { margin: 0 0 10px; max-width: 75ch; }
.muted, figcaption, caption, .note { color: var(--muted); font-size: 13px; }
.figures { display: flex; flex-wrap: wrap; gap: 1px; margin: 22px 0 0;
  background: var(--rule); border: 1px solid var(--rule); border-radius: 8px; overflow: hidden; }
.figures div { flex: 1 1 150px; background: var(--panel); padding: 12px 16px; display: flex; flex-direction: column; }
.figures dt { color: var(--muted); font-size: 13px; }
.figures dd { margin: 0; font-size: 24px; line-height: 1.25; font-weight: 600; font-variant-numeric: tabular-nums;
  letter-spacing: -0.01em; white-space: nowrap; }
.figures dd.note { font-size: 12px; font-weight: 400; letter-spacing: 0; white-space: normal; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(440px, 100%), 1fr)); gap: 20px 36px; }
figure { margin: 0; }
figure.chart svg { width: 100%; max-width: 640px; height: auto; display: block; }
figure.chart figcaption { margin-top: 2px; max-width: 640px; }
.scroll { overflow-x: auto; margin: 12px 0 8px; position: relative;
  /* A shadow at the side where there is more. */
  background: linear-gradient(to right, var(--page) 40%, transparent) left / 48px 100% no-repeat local,
    linear-gradient(to left, var(--page) 40%, transparent) right / 48px 100% no-repeat local,
    linear-gradient(to right, var(--shadow), transparent) left / 16px 100% no-repeat scroll,
    linear-gradient(to left, var(--shadow), transparent) right / 16px 100% no-repeat scroll; }
.scroll:focus-visible { outline: 2px solid var(--line-1); outline-offset: 2px; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
caption { text-align: left; padding: 0 0 8px; font-weight: 600; color: var(--text); font-size: 15px; }
th, td { text-align: left; padding: 6px 14px 6px 0; border-bottom: 1px solid var(--rule); vertical-align: top; }
thead th { font-size: 13px; color: var(--muted); font-weight: 600; vertical-align: bottom; }
.scores { min-width: min(760px, 100%); }
.scores td, .scores thead th + th { text-align: right; padding: 6px 10px 6px 22px; }
.scores tbody th { font-weight: 400; padding-left: 10px; min-width: 15ch; }
.scores thead th:first-child { padding-left: 10px; }
.scores tr.own th, .scores tr.own td { background: var(--own); font-weight: 600; }
.sheet { width: 100%; min-width: 700px; table-layout: fixed; }
.sheet th, .sheet td { padding: 8px 8px 8px 0; border-bottom: 0; }
.sheet col.names { width: 160px; }
.sheet tbody th { font-weight: 400; font-size: 13px; overflow-wrap: break-word; padding-right: 14px; }
.sheet tbody th strong { display: block; font-size: 14px; }
.sheet img { display: block; width: 100%; height: auto; border-radius: 2px; outline: 1px solid var(--rule); }
.sheet.close img { image-rendering: pixelated; }
.legend { display: flex; flex-wrap: wrap; gap: 6px 22px; list-style: none; margin: 10px 0 4px; padding: 0; font-size: 14px; }
.legend li { display: flex; align-items: center; gap: 8px; }
.legend span.swatch { width: 16px; height: 16px; border-radius: 3px; border: 1px solid var(--rule);
  print-color-adjust: exact; -webkit-print-color-adjust: exact; }
.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(400px, 100%), 1fr)); gap: 4px 40px; }
.facts table { width: 100%; font-size: 14px; }
.facts th { font-weight: 400; color: var(--muted); width: 40%; }
.facts td { overflow-wrap: anywhere; }
pre { background: var(--panel); border: 1px solid var(--rule); border-radius: 6px; padding: 12px 16px; overflow-x: auto; white-space: pre-wrap; overflow-wrap: anywhere;
  font: 13px/1.5 ui-monospace, "SF Mono", Menlo, Consolas, "Liberation Mono", monospace; margin: 8px 0; }
summary { cursor: pointer; color: var(--muted); }
summary:focus-visible { outline: 2px solid var(--line-1); outline-offset: 2px; }
footer { margin-top: 40px; padding-top: 12px; border-top: 1px solid var(--rule); color: var(--muted); font-size: 13px; }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
@page { size: A4; margin: 14mm 12mm; }
@media print {
  body { font-size: 10pt; }
  main { max-width: none; padding: 0; }
  h1 { font-size: 18pt; }
  h2 { font-size: 13pt; margin-top: 16pt; break-after: avoid; }
  h3, caption { break-after: avoid; }
  figure, tr, .figures { break-inside: avoid; }
  .figures div { flex-basis: 27mm; padding: 5pt 7pt; }
  .figures dt, .figures dd.note { font-size: 8pt; }
  .figures dd { font-size: 13pt; white-space: nowrap; }
  .charts { grid-template-columns: 1fr 1fr; gap: 8pt 16pt; }
  .scroll { overflow: visible; }
  .sheet { min-width: 0; }
  .sheet col.names { width: 27mm; }
  .sheet tbody th { font-size: 8pt; padding-right: 4pt; }
  .sheet tbody th strong { font-size: 9pt; }
  .sheet th, .sheet td { padding: 3pt 4pt 3pt 0; }
  .scores td, .scores thead th + th { padding: 3pt 6pt 3pt 10pt; }
  tr.own th, tr.own td { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
`;
