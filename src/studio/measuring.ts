/** Measuring a prediction of the project that is open, and its table in pages. */

import { labelArrays } from '../dataset/labels/labels.ts';
import { joinPath } from '../files.ts';
import { headerOf, type Table, tableColumn } from '../measure/table.ts';
import { splitAtNecks } from '../objects/split-at-necks.ts';
import type { MeasureFormat } from '../workflows/choices.ts';
import { readImageFile } from '../workflows/image-files.ts';
import { measureBy } from '../workflows/measure/measure-by.ts';
import { measureObjects } from '../workflows/measure/objects.ts';
import { shortNames } from '../workflows/report-facts.ts';
import type { ImageId, TablePage, TableQuery } from './engine.ts';
import type { StudioHost } from './host.ts';
import type { OpenProject } from './open-project.ts';
import { FOLDERS } from './project-folder.ts';
import { filtersOf, requirePrediction, segmentedImages } from './segmenting.ts';

/** Rows of a page that is not asked for in parts. */
const FIRST_ROWS = 1000;

/** A measured prediction. */
export interface Measured {
  readonly table: Table;
  /** A row per image. */
  readonly images: Table;
  /** The image of each name in the tables. */
  readonly names: ReadonlyMap<string, ImageId>;
  /** As `TablePage` has them. */
  readonly joined?: number;
  readonly since?: number;
}

/** Folders with a file of each image. */
const OF_IMAGES: { readonly [F in MeasureFormat]?: string } = { tiff: 'labels', roi: 'roi', geojson: 'geojson' };

const EMPTY: Table = { rows: 0, columns: [] };

/**
 * Measures as `lamella measure` does and writes the same files into `measures/`, in a folder with the number of the
 * prediction: of images that are still in the project. Nothing is written where there is none.
 * @returns the paths that were written, in `out`
 * @throws as `measureBy`
 */
export async function measurePrediction(
  host: StudioHost,
  open: OpenProject,
  prediction: string,
  format: readonly MeasureFormat[] = ['csv'],
): Promise<Measured & { readonly out: string; readonly written: readonly string[] }> {
  open.requireWritable();
  const path = await requirePrediction(host, open, prediction);
  const out = joinPath(open.folder, prediction.replace(FOLDERS.predictions, FOLDERS.measures));
  const { images, since } = await segmentedImages(host, open, prediction);
  if (images.length === 0) return { table: EMPTY, images: EMPTY, names: new Map(), since, out, written: [] };
  for (const name of format.map((one) => OF_IMAGES[one])) {
    if (name !== undefined) await host.remove(joinPath(out, name));
  }
  const measured: typeof measureObjects = (labels, reader, outputs) =>
    measureObjects(labels, reader, outputs, host.countLarge);
  const result = await measureBy(measured, host, path, {
    out,
    format,
    images: open.folder,
    maps: images.map(({ path: map, item }) => ({ path: map, image: item })),
    title: open.project.name ?? open.id,
  });
  const names = shortNames(images.map(({ item }) => item.name));
  return {
    table: result.report.table,
    images: result.counts,
    names: new Map(images.map(({ id }, i) => [names[i] as string, id])),
    since,
    out,
    written: result.written,
  };
}

/** Pixels of objects of which necks are looked for: about a second, while the table waits. */
const MOST_PIXELS = 2 ** 21;

/**
 * How many objects of a prediction have necks, as several that touch have; undefined where that is not asked for, or the
 * objects have more than two million pixels.
 */
export async function countJoined(
  host: StudioHost,
  open: OpenProject,
  prediction: string,
): Promise<number | undefined> {
  const { minSizePx: minSize, splitNecks } = await filtersOf(host, open, prediction);
  const folder = joinPath(open.folder, prediction, 'objects');
  if (open.project.task !== 'objects' || splitNecks === true || (await host.files.kind(folder)) !== 'folder') return;
  let [joined, pixels] = [0, 0];
  for (const { path } of (await segmentedImages(host, open, prediction)).images) {
    const labels = await readImageFile(host.files, path, { palette: 'index' });
    for (const objects of labelArrays(labels)) {
      for (const label of objects.data) if (label > 0) pixels++;
      if (pixels > MOST_PIXELS) return;
      joined += splitAtNecks(objects, { minSize }).split;
    }
  }
  return joined;
}

/** A part of a table, sorted. Text comes in alphabetical order, missing numbers last. */
export function pageOfTable(
  { table: objects, images, names, joined, since }: Measured,
  { of = 'objects', sort, offset = 0, limit = FIRST_ROWS }: Partial<TableQuery>,
): TablePage {
  const table = of === 'images' ? images : objects;
  const order = Array.from({ length: table.rows }, (_, row) => row);
  if (sort !== undefined) {
    const { values } = tableColumn(table, sort.column);
    order.sort((a, b) => compare(values[a], values[b], sort.descending));
  }
  const rows = order.slice(offset, offset + limit);
  return {
    columns: table.columns.map(({ name, unit }) => ({
      name,
      ...(unit !== undefined && { unit }),
      header: headerOf({ name, unit }),
    })),
    rows: rows.map((row) => table.columns.map(({ values }) => shown(values[row]))),
    total: table.rows,
    images: images.rows,
    joined,
    since,
    objects: rows.map((row) => objectAt(table, names, row)),
  };
}

/** JSON has no NaN, which is a number that is missing. */
const shown = (value: string | number | undefined): string | number | null =>
  value === undefined || Number.isNaN(value) ? null : value;

function compare(a: string | number | undefined, b: string | number | undefined, descending: boolean): number {
  if (typeof a === 'string' && typeof b === 'string') {
    return (descending ? -1 : 1) * (a < b ? -1 : a > b ? 1 : 0);
  }
  const [left, right] = [Number(a), Number(b)];
  if (Number.isNaN(left) || Number.isNaN(right)) return Number(Number.isNaN(left)) - Number(Number.isNaN(right));
  return descending ? right - left : left - right;
}

function objectAt(table: Table, names: Measured['names'], row: number): TablePage['objects'][number] {
  const number = (name: string): number | undefined => {
    const found = table.columns.find((column) => column.name === name)?.values[row];
    return found === undefined ? undefined : Number(found);
  };
  const image = String(tableColumn(table, 'image').values[row]);
  // Those of a series are named after their time points.
  const name = names.has(image) ? image : image.replace(/\[\d+\]$/, '');
  const [x, y] = [number('box_first_x'), number('box_first_y')];
  const [first, end] = [number('box_first_z') ?? 0, number('box_end_z') ?? 1];
  return {
    image: names.get(name) ?? name,
    page: Math.floor((first + end - 1) / 2),
    object: number('label') ?? 0,
    ...(x !== undefined &&
      y !== undefined && {
        box: { x, y, width: (number('box_end_x') ?? x) - x, height: (number('box_end_y') ?? y) - y },
      }),
  };
}
