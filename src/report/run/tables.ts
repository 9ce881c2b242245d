/** Tables of the report. */

import { html, type Markup } from '../kit/markup.ts';
import type { FactRows, Score, ScoreTable } from './data.ts';

const DIRECTIONS = { higher: ['↑', 'higher is better'], lower: ['↓', 'lower is better'] } as const;

function formatScore(value: Score | string, digits: number): Markup | string {
  if (typeof value === 'string') return value;
  if (value === null) return html`<span aria-hidden="true">–</span><span class="hidden">none</span>`;
  return value.toFixed(digits);
}

export function scoreTable({ caption, columns, rows, digits = [], note }: ScoreTable): Markup {
  return html`<div class="scroll"><table class="scores"><caption>${caption}</caption>
<thead><tr><th scope="col"><span class="hidden">Row</span></th>${columns.map(({ label, better }) => {
    if (better === undefined) return html`<th scope="col">${label}</th>`;
    const [arrow, meaning] = DIRECTIONS[better];
    return html`<th scope="col">${label}\u00a0<span aria-hidden="true">${arrow}</span><span class="hidden"> (${meaning})</span></th>`;
  })}</tr></thead>
<tbody>${rows.map(
    ({ name, values, own }) =>
      html`<tr${own === true ? html` class="own"` : undefined}><th scope="row">${name}</th>${values.map(
        (value, i) => html`<td>${formatScore(value, digits[i] ?? 4)}</td>`,
      )}</tr>
`,
  )}</tbody></table></div>
${note === undefined ? undefined : html`<p class="note">${note}</p>`}`;
}

/** A table of names and values under a heading; nothing if it is empty. */
export function factTable(heading: string, facts: FactRows): Markup | undefined {
  if (facts.length === 0) return undefined;
  return html`<div><h3>${heading}</h3><table><tbody>${facts.map(
    ([name, value]) => html`<tr><th scope="row">${name}</th><td>${value}</td></tr>
`,
  )}</tbody></table></div>`;
}
