/** Objects of label maps, image by image: tables, the report, files for other programs. */

import { ndarray } from '../../array/ndarray.ts';
import { labelArrays, labelPages, requireLabels } from '../../dataset/labels/labels.ts';
import { counted } from '../../errors.ts';
import { maskOfValues } from '../../evaluate/ignore-mask.ts';
import { baseName } from '../../files.ts';
import { page, toFloat32 } from '../../image/convert.ts';
import { type Image, sizes } from '../../image/image.ts';
import { type MeasuredImage, measure } from '../../measure/measure.ts';
import { type Table, withColumn } from '../../measure/table.ts';
import { contingency } from '../../metrics/contingency.ts';
import { type InstanceMatching, type InstanceScores, instanceScores, matchInstances } from '../../metrics/instances.ts';
import { matchObjects } from '../../metrics/match-objects.ts';
import { extentsOf, type IntegerArray } from '../../objects/grid.ts';
import { imagePicture, type Picture } from '../../report/kit/pictures.ts';
import { type CollectedImage, ObjectsCollector } from '../../report/objects/collect.ts';
import { countsTable } from '../../report/objects/counts.ts';
import type { ClassShare, ObjectsReport } from '../../report/objects/data.ts';
import { objectsHeadline, pixelSizeNotes } from '../../report/objects/headline.ts';
import { renderObjectsReport } from '../../report/objects/page.ts';
import { score } from '../../report/run/data.ts';
import { declaredOf } from '../image-list.ts';
import type { countLarge } from './by-region.ts';
import { type ClassNames, classesOfObjects, namesOfValues, predictedClasses, withClasses } from './classes.ts';
import { type FailedMap, type MeasureItem, type MeasureReader, measurable, titleOf, without } from './inputs.ts';
import { asObjects, type MeasuredKinds, withoutSmall } from './label-objects.ts';
import { describeKind, kindsOf } from './map-kinds.ts';
import { pixelSize, pixelSizeText } from './map-pixel-size.ts';
import type { MeasuredObjects, MeasureOutputs } from './outputs.ts';

export interface ObjectsResult {
  readonly task: 'objects';
  readonly kinds: MeasuredKinds;
  readonly report: ObjectsReport;
  /** A row per image, as in `images.csv`. */
  readonly counts: Table;
  /** If there is a ground truth. */
  readonly scores?: InstanceScores;
  readonly failed: readonly FailedMap[];
}

/**
 * Measures all label maps and writes the files of each, the tables and the report.
 * @param count counts those that are larger than memory; default: all are measured as a whole
 */
export async function measureObjects(
  path: string,
  reader: MeasureReader,
  outputs: MeasureOutputs,
  count?: typeof countLarge,
): Promise<ObjectsResult> {
  const large = await count?.(reader);
  const { inputs, options, failed } = reader;
  const { items, prediction } = inputs;
  const { minSize = 0, truth } = options;
  const kinds = await kindsOf(reader, large);
  const collector = new ObjectsCollector({ total: items.length });
  const matchings: InstanceMatching[] = [];
  const sizes = new Map<string, number>();
  const ranks = new Set<number>();
  await reader.each(items, async (item) => {
    const add = (
      { matching, pixelSize: size }: Pick<MeasuredItem, 'matching' | 'pixelSize'>,
      { length }: readonly number[],
    ): void => {
      if (matching !== undefined) matchings.push(matching);
      sizes.set(size, (sizes.get(size) ?? 0) + 1);
      ranks.add(length);
    };
    const tables = await large?.measure(reader, item, kinds);
    for (const each of tables ?? []) {
      await outputs.outlines(each, () => each.outlines ?? []);
      collector.addCounts({ ...each, table: withFrame(each) }, each.match);
      add(each, each.shape);
    }
    const found = tables === undefined ? await measureItem(reader, item, kinds, outputs) : [];
    for (const each of found) {
      await outputs.objects(each);
      collector.add({ ...each, table: withFrame(each) });
      add(each, each.labels.shape);
    }
    const rows = (tables ?? found).reduce((sum, { table }) => sum + table.rows, 0);
    reader.hooks.onImage?.(`${item.name}: ${rows} objects`);
  });
  const collected = collector.result();
  const scores = matchings.length === 0 ? undefined : instanceScores(matchings);
  const [model] = prediction?.models ?? [];
  const objects = collected.table.rows.toLocaleString('en');
  const report: ObjectsReport = {
    ...collected,
    title: `Objects in ${options.title ?? titleOf(path)}`,
    summary: `${objects} objects in ${counted(collected.images.length, 'image')}${
      model === undefined ? '' : `, segmented by ${modelName(model)}`
    }${scores === undefined ? '' : `, compared with ${titleOf(truth as string)}`}.`,
    createdAt: new Date().toISOString(),
    headline: objectsHeadline(collected, scores),
    precision: scores?.perThreshold.map((at) => [at.iouThreshold, score(at.averagePrecision)] as const),
    ...reader.method([
      ...pixelSizeNotes(sizes),
      describeKind('label maps', kinds.labels),
      ...(scores === undefined ? [] : [describeKind('ground truth', kinds.truth)]),
      ...(['labels', 'truth'] as const)
        .filter((which) => kinds.ignored[which].length > 0)
        .map(
          (which) =>
            `${kinds.ignored[which].join(', ')} is ignored in the ${which === 'labels' ? 'label maps' : 'ground truth'}.`,
        ),
      ...(ranks.has(3)
        ? [`Volumes are measured ${scores === undefined ? '' : 'and compared '}in 3D, not slice by slice.`]
        : []),
      ...(minSize > 0 ? [`Objects of fewer than ${minSize} pixels are excluded.`] : []),
      'Lengths, areas and shapes are defined in docs/measurements.md.',
    ]),
  };
  await outputs.table('objects', report.table);
  const counts = countsTable(report.images);
  await outputs.table('images', counts);
  await outputs.finish();
  if (options.report !== false) await outputs.write('report.html', renderObjectsReport(report));
  return { task: 'objects', kinds, report, counts, failed, scores };
}

type MeasuredItem = CollectedImage &
  MeasuredObjects & {
    readonly pixelSize: string;
    readonly matching?: InstanceMatching;
  };

/** The objects of one label map, per time point. */
async function measureItem(
  reader: MeasureReader,
  item: MeasureItem,
  kinds: MeasuredKinds,
  outputs: MeasureOutputs,
): Promise<readonly MeasuredItem[]> {
  const { minSize = 0 } = reader.options;
  const { map, truth, image: stored, classes } = await reader.read(item);
  const image = stored && measurable(stored);
  for (const labels of truth === undefined ? [map] : [map, truth]) requireLabels(labelPages(labels));
  if (map.geometry?.slicePositionsMm !== undefined) {
    const note = 'Slices are unevenly spaced; objects are measured with the mean distance.';
    reader.noted.add({ source: item.name, notes: [note] });
  }
  const size = pixelSize(map);
  const truths = truth === undefined ? undefined : labelArrays(truth);
  const ofClasses = classes === undefined ? undefined : labelArrays(classes);
  const nameOf = classNamesFor(reader, kinds);
  const objects = labelArrays(map).map((values) => {
    const separate = asObjects(without(values, kinds.ignored.labels), kinds.labels);
    return { values, labels: minSize > 0 ? withoutSmall(separate, minSize) : separate };
  });
  for (const { labels } of objects) outputs.requireRoom(labels);
  return objects.map(({ values, labels }, t, all): MeasuredItem => {
    const own = truths?.[t];
    const trueObjects = own === undefined ? undefined : asObjects(without(own, kinds.ignored.truth), kinds.truth);
    const mask = own === undefined ? {} : maskOfValues(own, kinds.ignored.truth);
    const { depth } = extentsOf(labels.shape);
    const table = measure(labels, image === undefined ? undefined : valuesAt(image, t, labels.shape), size ?? {});
    const areClasses = kinds.labels.kind === 'classes';
    const valued = areClasses ? values : ofClasses?.[t];
    const found = nameOf && valued && classesOfObjects(labels, valued, nameOf);
    return {
      name: all.length > 1 ? `${item.name}[${t}]` : item.name,
      group: item.group,
      labels,
      ...(nameOf && areClasses && { shares: classShares(values, labels, nameOf) }),
      table: found === undefined ? table : withClasses(table, found),
      classes: found,
      map,
      fileName: item.fileName,
      channels: image === undefined || isColour(image) ? 1 : sizes(image).channels,
      t: all.length > 1 ? t : undefined,
      pixelSize: pixelSizeText(map),
      pictureOf: (z) => pictureAt(image, t * depth + z, labels, z),
      ...(trueObjects === undefined
        ? {}
        : {
            match: { matches: matchObjects(trueObjects, labels, mask), truth: trueObjects },
            matching: matchInstances(contingency(trueObjects, labels, mask)),
          }),
    };
  });
}

/** Names of the classes of objects, if they may be of several. */
function classNamesFor({ inputs }: MeasureReader, { labels, isOfClasses }: MeasuredKinds): ClassNames | undefined {
  if (labels.kind === 'objects') return predictedClasses(inputs.prediction);
  const stated = declaredOf(inputs.items.map((item) => item.labels))?.classes;
  return isOfClasses ? (predictedClasses(inputs.prediction) ?? namesOfValues(stated)) : undefined;
}

/** How much of a map each of its classes is, without what is no object. */
function classShares(
  { data: values }: IntegerArray,
  { data: labels }: IntegerArray,
  nameOf: ClassNames,
): readonly ClassShare[] {
  const counts = new Map<number, number>();
  for (const [p, value] of values.entries()) {
    if (labels[p] !== 0) counts.set(value, (counts.get(value) ?? 0) + 1);
  }
  return [...counts].flatMap(([value, pixels]) => {
    const name = nameOf(value);
    return name === undefined ? [] : [{ value, name, covered: pixels / labels.length }];
  });
}

/** The table with its time point, from 1, if there are several. */
function withFrame({ table, t }: Pick<MeasuredItem, 'table' | 't'>): Table {
  if (t === undefined) return table;
  return withColumn(table, { name: 'frame', values: new Int32Array(table.rows).fill(t + 1) });
}

const isColour = ({ channels }: Image): boolean => channels?.join() === 'red,green,blue';

/** The image at one time point as [c, h, w] or [c, d, h, w]. */
function valuesAt(image: Image, t: number, shape: readonly number[]): MeasuredImage {
  const { channels } = sizes(image);
  const length = channels * shape.reduce((product, n) => product * n, 1);
  const data = image.data.subarray(t * length, (t + 1) * length);
  return {
    ...ndarray(image.dtype, channels > 1 ? [channels, ...shape] : shape, data),
    channels: image.channels,
  };
}

/** The channels of one slice at one time point, [h, w] each. */
function planesAt(image: Image, index: number): readonly Float32Array[] {
  const { data } = toFloat32(page(image, index));
  const { channels, height, width } = sizes(image);
  const pixels = height * width;
  return Array.from({ length: channels }, (_, c) => data.subarray(c * pixels, (c + 1) * pixels));
}

/** The image, or otherwise the objects in grey. */
function pictureAt(image: Image | undefined, index: number, labels: IntegerArray, z: number): Picture {
  const [height, width] = labels.shape.slice(-2) as [number, number];
  if (image !== undefined) return imagePicture(planesAt(image, index), height, width);
  const pixels = height * width;
  const plane = Uint8Array.from({ length: pixels }, (_, p) => (labels.data[z * pixels + p] === 0 ? 24 : 110));
  return { planes: [plane], height, width };
}

/** For `runs/a/best.onnx` the run. */
function modelName(path: string): string {
  const parts = path.split(/[/\\]/);
  return /^(best|last)\.onnx$/.test(baseName(path)) ? parts.slice(-3, -1).join('/') : baseName(path);
}
