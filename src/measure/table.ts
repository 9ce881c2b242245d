/** Column-oriented tables of measurements: the output of `measure`, the input of exports and reports. */

import { UsageError } from '../errors.ts';

/** Numbers (NaN = missing), integers, or text. Booleans are 1 and 0. */
export type ColumnValues = Float64Array | Int32Array | readonly string[];

export interface Column<V extends ColumnValues = ColumnValues> {
  /** Lower case with underscores: `area`, `centroid_x`, `mean_red`. */
  readonly name: string;
  /** `µm`, `µm²`, `mm³`, `px`, `px²`, `HU`, `L`, `°`; undefined for counts, ratios and text. */
  readonly unit?: string;
  /** One value per row of the table. */
  readonly values: V;
}

export interface Table {
  /** With distinct headers. */
  readonly columns: readonly Column[];
  readonly rows: number;
}

const PLAIN: Readonly<Record<string, string>> = {
  µ: 'u',
  μ: 'u',
  '²': '2',
  '³': '3',
  Å: 'a',
  '°': 'deg',
  '%': 'percent',
};

/**
 * The header of a column in a file: name and unit in ASCII, lower case, so that it is also a valid variable name.
 * @example headerOf({ name: 'area', unit: 'µm²' }) // 'area_um2'
 */
export function headerOf({ name, unit }: Pick<Column, 'name' | 'unit'>): string {
  if (unit === undefined) return name;
  const plain = [...unit].map((letter) => PLAIN[letter] ?? letter).join('');
  return `${name}_${plain.toLowerCase().replace(/[^a-z0-9]+/g, '_')}`;
}

/**
 * The column with this header.
 * @throws UsageError if the table has none.
 */
export function tableColumn(table: Table, header: string): Column {
  const column = table.columns.find((candidate) => headerOf(candidate) === header);
  if (column === undefined) {
    throw new UsageError(`The table has no column ${header}.`, {
      remedy: `Its columns are ${table.columns.map(headerOf).join(', ')}.`,
    });
  }
  return column;
}

/** The same table with a leading column of constant text: the image or group of its rows. */
export const withText = (table: Table, name: string, text: string): Table =>
  withColumn(table, { name, values: new Array<string>(table.rows).fill(text) });

/** The same table with another leading column. */
export const withColumn = (table: Table, column: Column): Table => ({ ...table, columns: [column, ...table.columns] });

/**
 * Concatenates the rows of several tables. A column missing from a table is filled with NaN (text: empty). Columns are
 * in order of first occurrence; no tables result in no columns and no rows.
 * @throws UsageError if a column contains text in one table and numbers in another.
 */
export function joinRows(tables: readonly Table[]): Table {
  const rows = tables.reduce((sum, table) => sum + table.rows, 0);
  const firsts = new Map<string, Column>();
  for (const column of tables.flatMap((table) => table.columns)) {
    const header = headerOf(column);
    if (!firsts.has(header)) firsts.set(header, column);
  }
  const columns = [...firsts].map(([header, first]) => {
    const parts = tables.map((table) => table.columns.find((column) => headerOf(column) === header)?.values);
    return { ...first, values: joinValues(parts, tables, rows, header) };
  });
  return { columns, rows };
}

function joinValues(
  parts: readonly (ColumnValues | undefined)[],
  tables: readonly Table[],
  rows: number,
  header: string,
): ColumnValues {
  const given = parts.filter((part) => part !== undefined);
  const isText = given.some((part) => Array.isArray(part));
  if (isText && !given.every((part) => Array.isArray(part))) {
    throw new UsageError(`The column ${header} holds text in one table and numbers in another.`);
  }
  if (isText) {
    return parts.flatMap(
      (part, t) => (part as readonly string[] | undefined) ?? new Array<string>(tables[t].rows).fill(''),
    );
  }
  const whole = given.length === parts.length && given.every((part) => part instanceof Int32Array);
  const values = whole ? new Int32Array(rows) : new Float64Array(rows).fill(Number.NaN);
  let start = 0;
  for (const [t, part] of parts.entries()) {
    if (part !== undefined) values.set(part as ArrayLike<number>, start);
    start += tables[t].rows;
  }
  return values;
}
