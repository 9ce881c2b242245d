/** A table of measurements that can be sorted and filtered. */

import { headerOf, type Table } from '../../measure/table.ts';
import { html, type Markup, trusted } from './markup.ts';

export interface DataTableOptions {
  readonly caption: string;
  /** Headers of the columns whose values, joined by `-` after an `o`, form the id of a row's outline in the page. */
  readonly link?: readonly string[];
  /** An example filter. */
  readonly example?: string;
}

/** Rows shown without JavaScript. */
const STATIC_ROWS = 40;

/** The table with its controls. The page embeds its rows as JSON, numbers to six digits. */
export function dataTable(table: Table, { caption, link, example }: DataTableOptions): Markup {
  const columns = table.columns.map((column) => ({
    header: headerOf(column),
    values: Array.from(column.values as ArrayLike<number | string>, shortened),
  }));
  if (table.rows === 0) return html`<p class="note">None.</p>`;
  const links = link?.map((header) => columns.findIndex((column) => column.header === header));
  const json = JSON.stringify({ columns, link: links }).replaceAll('<', '\\u003c');
  return html`<div data-table><div class="tools" hidden><label>Filter <input type="search" size="36" placeholder="${
    example === undefined ? 'words' : `words, or ${example}`
  }"></label><output></output></div>
<div class="scroll tall"><table class="data${links === undefined ? '' : ' linked'}"><caption class="hidden">${caption}</caption>
<thead><tr>${table.columns.map(
    ({ name, unit, values }) =>
      html`<th scope="col" aria-sort="none"${Array.isArray(values) ? html` class="text"` : undefined}><button type="button">${name.replaceAll('_', ' ')}${
        unit === undefined || name === 'pixels' ? undefined : html` <span class="unit">${unit}</span>`
      }</button></th>`,
  )}</tr></thead>
<tbody>${Array.from(
    { length: Math.min(STATIC_ROWS, table.rows) },
    (_, row) =>
      html`<tr>${columns.map(({ values }) => {
        const value = values[row];
        return typeof value === 'string' ? html`<td class="text">${value}</td>` : html`<td>${formatCell(value)}</td>`;
      })}</tr>
`,
  )}</tbody></table></div>
<button type="button" class="more" hidden>Show more</button>
${
  table.rows > STATIC_ROWS
    ? html`<noscript><p class="note">The first ${STATIC_ROWS} of ${table.rows} rows. The others, sorting and filtering need JavaScript.</p></noscript>`
    : undefined
}<script type="application/json">${trusted(json)}</script></div>`;
}

function shortened(value: number | string): number | string | null {
  if (typeof value === 'string') return value;
  return Number.isFinite(value) ? (Number.isInteger(value) ? value : Number(value.toPrecision(6))) : null;
}

function formatCell(value: number | null | undefined): string {
  if (value === null || value === undefined) return '–';
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(4)));
}
