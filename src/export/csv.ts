import { type ColumnValues, headerOf, type Table } from '../measure/table.ts';

/**
 * A table as CSV (RFC 4180, with LF line ends): the header includes units, numbers have the fewest digits that read
 * back as the same double, missing values are empty cells. A table without rows is only its header.
 * @example writeCsv({ columns: [{ name: 'area', unit: 'µm²', values: Float64Array.of(2.5) }], rows: 1 })
 *   // 'area_um2\n2.5\n'
 */
export function writeCsv({ columns, rows }: Table): string {
  const lines = [columns.map((column) => quoted(headerOf(column))).join(',')];
  for (let row = 0; row < rows; row++) lines.push(columns.map(({ values }) => cell(values, row)).join(','));
  return `${lines.join('\n')}\n`;
}

function cell(values: ColumnValues, row: number): string {
  const value = values[row];
  if (typeof value === 'string') return quoted(value);
  return Number.isNaN(value) ? '' : String(value);
}

function quoted(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
