/** Objects of label maps, image by image: tables, the page, files for other programs. */

import { basename } from 'node:path';
import { ndarray } from '../../array/ndarray.ts';
import { median } from '../../array/quantile.ts';
import { labelArrays } from '../../dataset/labels/labels.ts';
import { DatasetError, FormatError } from '../../errors.ts';
import { extent, type Image } from '../../image/image.ts';
import { ImageNotes } from '../../image/notes.ts';
import { type MeasuredImage, measure } from '../../measure/measure.ts';
import { columnOf, headerOf, type Table } from '../../measure/table.ts';
import { contingency } from '../../metrics/contingency.ts';
import { type InstanceMatching, type InstanceScores, instanceScores, matchInstances } from '../../metrics/instances.ts';
import { matchObjects, type ObjectMatches } from '../../metrics/match-objects.ts';
import { filterObjects } from '../../objects/filter-objects.ts';
import type { IntegerArray } from '../../objects/grid.ts';
import { imagePicture, type Picture } from '../../report/kit/pictures.ts';
import { ObjectsCollector } from '../../report/objects/collect.ts';
import { countsTable, sumOfMatches } from '../../report/objects/counts.ts';
import type { ObjectsReport } from '../../report/objects/data.ts';
import type { Figure } from '../../report/run/data.ts';
import { score } from '../../report/run/data.ts';
import type { MeasureFlags } from '../commands/measure.ts';
import { withFlags } from '../option-words.ts';
import type { MeasureFiles } from './measure-files.ts';
import {
  asObjects,
  factsOf,
  kindOfLabels,
  type MeasureInputs,
  type MeasureItem,
  noteItem,
  pixelSize,
  planesAt,
  readItem,
  titleOf,
} from './measure-inputs.ts';

export interface MeasuredFolder {
  readonly report: ObjectsReport;
  readonly scores?: InstanceScores;
  readonly failed: readonly { readonly file: string; readonly reason: string }[];
}

export interface MeasureHooks {
  /** A line for the user. */
  readonly say: (line: string) => void;
  readonly warn: (line: string) => void;
}

type Kind = 'objects' | 'classes';

/** Measures all label maps and writes what each one has of its own. */
export async function measureObjects(
  path: string,
  inputs: MeasureInputs,
  { flags, files, say, warn }: MeasureHooks & { readonly flags: MeasureFlags; readonly files: MeasureFiles },
): Promise<MeasuredFolder> {
  const { items, prediction } = inputs;
  const kind = inputs.kind ?? (await kindOfLabels(items, flags.labels));
  const withTruth = items.flatMap(({ truth }) => (truth === undefined ? [] : [{ labels: truth }]));
  const truthKind = withTruth.length === 0 ? kind : await kindOfLabels(withTruth, 'auto');
  const collector = new ObjectsCollector({ total: items.length });
  const matchings: InstanceMatching[] = [];
  const failed: { file: string; reason: string }[] = [];
  const sizes = new Map<string, number>();
  const noted = new ImageNotes();
  for (const item of items) {
    try {
      const found = await measureItem(item, { flags, kind, truthKind, noted });
      for (const each of found) {
        collector.add(each);
        if (each.matching !== undefined) matchings.push(each.matching);
        sizes.set(each.pixelSize, (sizes.get(each.pixelSize) ?? 0) + 1);
        await files.objects({ ...each, map: each.map });
      }
      say(`${item.name}: ${found.reduce((sum, { table }) => sum + table.rows, 0)} objects`);
    } catch (cause) {
      // One bad file among many does not keep the others waiting.
      if (items.length === 1 || !(cause instanceof FormatError || cause instanceof DatasetError)) throw cause;
      warn(withFlags(cause.message));
      failed.push({ file: item.labels.path, reason: cause.message });
    }
  }
  const collected = collector.result();
  const scores = matchings.length === 0 ? undefined : instanceScores(matchings);
  const [model] = prediction?.models ?? [];
  const objects = collected.table.rows.toLocaleString('en');
  const report: ObjectsReport = {
    ...collected,
    title: `Objects in ${titleOf(path)}`,
    summary: `${objects} objects in ${collected.images.length} image${collected.images.length === 1 ? '' : 's'}${
      model === undefined ? '' : `, segmented by ${modelName(model)}`
    }${scores === undefined ? '' : `, compared with ${titleOf(flags.truth as string)}`}.`,
    createdAt: new Date().toISOString(),
    headline: headlineOf(collected, scores),
    ...(scores === undefined
      ? {}
      : { precision: scores.perThreshold.map((at) => [at.iouThreshold, score(at.averagePrecision)] as const) }),
    notes: [
      ...pixelSizeNotes(sizes),
      kind === 'objects'
        ? 'Each value of the label maps is one object.'
        : 'Pixels of the same value that share edges are one object.',
      ...(flags.minSize > 0 ? [`Objects of fewer than ${flags.minSize} pixels are left out.`] : []),
      'Lengths, areas and shapes are defined in docs/measurements.md.',
      ...inputs.notes,
      ...noted.lines(),
      ...failed.map(({ reason }) => `Left out: ${reason}`),
    ],
    facts: factsOf(inputs, flags),
    commands: [commandOf(path, flags)],
  };
  return { report, failed, scores };
}

interface MeasuredItem {
  readonly name: string;
  readonly group: string;
  readonly labels: IntegerArray;
  readonly table: Table;
  readonly pictureOf: (z: number) => Picture;
  readonly map: Image;
  readonly pixelSize: string;
  readonly match?: { readonly matches: ObjectMatches; readonly truth: IntegerArray };
  readonly matching?: InstanceMatching;
}

/** The objects of one label map, of each time apart. */
async function measureItem(
  item: MeasureItem,
  {
    flags,
    kind,
    truthKind,
    noted,
  }: { readonly flags: MeasureFlags; readonly kind: Kind; readonly truthKind: Kind; readonly noted: ImageNotes },
): Promise<readonly MeasuredItem[]> {
  const read = await readItem(item, flags);
  const { map, image, truth } = read;
  noteItem(noted, item, read);
  if (map.geometry?.slicePositionsMm !== undefined) {
    noted.add({ source: item.name, notes: ['Slices lie at uneven distances; objects are measured with their mean.'] });
  }
  const size = pixelSize(map);
  const truths = truth === undefined ? undefined : labelArrays(truth);
  return labelArrays(map).map((values, t, all): MeasuredItem => {
    const separate = asObjects(values, kind);
    const labels = flags.minSize > 0 ? withoutSmall(separate, flags.minSize) : separate;
    const grid = image === undefined ? undefined : valuesAt(image, t, labels.shape);
    const table = measure(labels, grid, size ?? {});
    const own = truths?.[t];
    const trueObjects = own === undefined ? undefined : asObjects(own, truthKind);
    const depth = labels.shape.length === 3 ? (labels.shape[0] as number) : 1;
    return {
      name: all.length > 1 ? `${item.name}[${t}]` : item.name,
      group: item.group,
      labels,
      table,
      map,
      pixelSize: size === undefined ? '' : `${size.spacing.toReversed().join(' x ')} ${size.unit}`,
      pictureOf: (z) => pictureAt(image, t * depth + z, labels, z),
      ...(trueObjects === undefined
        ? {}
        : {
            match: { matches: matchObjects(trueObjects, labels), truth: trueObjects },
            matching: matchInstances(contingency(trueObjects, labels)),
          }),
    };
  });
}

/** Objects of at least so many pixels, under their own labels. */
function withoutSmall(labels: IntegerArray, minSize: number): IntegerArray {
  const kept = filterObjects(labels, { minSize });
  return ndarray(
    'int32',
    labels.shape,
    kept.labels.data.map((label) => kept.values[label] as number),
  );
}

/** The image at one time as [c, h, w] or [c, d, h, w]. */
function valuesAt(image: Image, t: number, shape: readonly number[]): MeasuredImage {
  const channels = extent(image, 'c');
  const length = channels * shape.reduce((product, n) => product * n, 1);
  const data = image.data.subarray(t * length, (t + 1) * length);
  return {
    ...ndarray(image.dtype, channels > 1 ? [channels, ...shape] : shape, data),
    ...(image.channels === undefined ? {} : { channels: image.channels }),
  };
}

/** The image, or where there is none the objects in grey. */
function pictureAt(image: Image | undefined, page: number, labels: IntegerArray, z: number): Picture {
  const [height, width] = labels.shape.slice(-2) as [number, number];
  if (image !== undefined) return imagePicture(planesAt(image, page), height, width);
  const pixels = height * width;
  const plane = Uint8Array.from({ length: pixels }, (_, p) => (labels.data[z * pixels + p] === 0 ? 24 : 110));
  return { planes: [plane], height, width };
}

function headlineOf(
  { images, table }: Pick<ObjectsReport, 'images' | 'table'>,
  scores: InstanceScores | undefined,
): readonly Figure[] {
  const sizes = table.columns.filter(({ name }) => name === 'area' || name === 'volume');
  const [size] = sizes;
  const typical = (column: Table['columns'][number]): string =>
    String(Number(median(columnOf(table, headerOf(column)).values as ArrayLike<number>).toPrecision(3)));
  const covered = images.flatMap((image) => (image.covered === null ? [] : [image.covered]));
  const mean = covered.reduce((a, b) => a + b, 0) / Math.max(1, covered.length);
  const sum = sumOfMatches(images);
  return [
    {
      label: 'Objects',
      value: table.rows.toLocaleString('en'),
      note:
        images.length === 1
          ? 'in one image'
          : `in ${images.length} images, ${(table.rows / Math.max(1, images.length)).toFixed(1)} each`,
    },
    // Of several pixel sizes there is no one median.
    ...(size === undefined || sizes.length > 1 || table.rows === 0
      ? []
      : [{ label: `Median ${size.name}`, value: `${typical(size)} ${size.unit ?? ''}`.trim() }]),
    { label: 'Covered', value: `${(100 * mean).toFixed(1)} %`, note: 'of the images by objects' },
    ...(scores === undefined
      ? []
      : [
          {
            label: 'AP at IoU 0.5',
            value: (scores.perThreshold[0]?.averagePrecision ?? Number.NaN).toFixed(3),
            note: `${sum.truth.toLocaleString('en')} true objects`,
          },
          { label: 'Merged, split', value: `${sum.merged}, ${sum.split}` },
          { label: 'Missed, spurious', value: `${sum.missed}, ${sum.spurious}` },
        ]),
  ];
}

function pixelSizeNotes(sizes: ReadonlyMap<string, number>): readonly string[] {
  return [...sizes].map(([size, count]) => {
    const which = sizes.size === 1 ? '' : ` (${count} image${count === 1 ? '' : 's'})`;
    return size === ''
      ? `The pixel size is not known, so lengths are in pixels${which}: --spacing gives it.`
      : `Pixel size ${size}${which}.`;
  });
}

/** Of `runs/a/best.onnx` the run. */
function modelName(path: string): string {
  const parts = path.split(/[/\\]/);
  return /^(best|last)\.onnx$/.test(basename(path)) ? parts.slice(-3, -1).join('/') : basename(path);
}

const quoted = (text: string): string => (/^[\w./:=,+@%-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`);

/** The command line that does it again. */
export function commandOf(path: string, flags: MeasureFlags): string {
  const words = ['lamella', 'measure', quoted(path)];
  if (flags.task !== 'objects') words.push('--task', flags.task);
  for (const [name, value] of [
    ['--images', flags.images],
    ['--truth', flags.truth],
    ['--spacing', flags.spacing?.filter((size) => size !== undefined).join(',')],
    ['--unit', flags.unit],
  ] as const) {
    if (value !== undefined) words.push(name, quoted(value));
  }
  if (flags.labels !== 'auto') words.push('--labels', flags.labels);
  if (flags.minSize > 0) words.push('--min-size', String(flags.minSize));
  return words.join(' ');
}

/** The tables that are written: objects, and images with their counts. */
export function tablesOf(report: ObjectsReport): readonly (readonly [name: string, table: Table])[] {
  return [
    ['objects', report.table],
    ['images', countsTable(report.images)],
  ];
}
