/** Lungs of label maps, patient by patient: tables, the report, comparison with the ground truth. */

import { addTo } from '../../array/lists.ts';
import { ndarray } from '../../array/ndarray.ts';
import { naturalOrder, stemOf } from '../../dataset/discover/names.ts';
import { labelArrays } from '../../dataset/labels/labels.ts';
import { notAnnotatedValue } from '../../dataset/labels/not-annotated.ts';
import { nameOfStack, stacksOf } from '../../dataset/split.ts';
import { counted, DatasetError, option } from '../../errors.ts';
import { maskOfValues } from '../../evaluate/ignore-mask.ts';
import { toFloat32 } from '../../image/convert.ts';
import { millimetres, nearest, planeName, sliceExtentsMm } from '../../image/geometry.ts';
import { type Image, sizes } from '../../image/image.ts';
import { displayMap, reorient } from '../../image/orient.ts';
import { LUNG_SIDE, lungSides } from '../../measure/lung-sides.ts';
import { type LungMeasures, measureLungs } from '../../measure/lungs.ts';
import { joinRows, type Table, withColumn, withText } from '../../measure/table.ts';
import { withoutIgnored } from '../../metrics/contingency.ts';
import { type VolumeSpacing, volumeScores } from '../../metrics/volume-scores.ts';
import type { IntegerArray } from '../../objects/grid.ts';
import { namedScores, volumeTable } from '../../report/kit/volume-table.ts';
import { patientOf } from '../../report/lungs/collect.ts';
import type { LungsPatient, LungsReport } from '../../report/lungs/data.ts';
import { lungFigures, lungHeadline } from '../../report/lungs/headline.ts';
import { renderLungsReport } from '../../report/lungs/page.ts';
import type { StackScores } from '../../report/run/data.ts';
import { declaredIgnored, type FailedMap, type MeasureItem, type MeasureReader, titleOf, without } from './inputs.ts';
import type { MeasureOutputs } from './outputs.ts';

export interface LungsResult {
  readonly task: 'lungs';
  readonly report: LungsReport;
  /** Per patient, if there is a ground truth. */
  readonly scores: readonly StackScores[];
  readonly failed: readonly FailedMap[];
}

/** Number of patients shown, and slices of each if there are several. */
const SHOWN_PATIENTS = 12;
const SHOWN_SLICES = 4;
/** Every chest contains air below this value. */
const LEAST_AIR_HU = -500;

/** Measures all label maps as lungs and writes tables and report. @throws as `readItem` for a single file. */
export async function measureFolderOfLungs(
  path: string,
  reader: MeasureReader,
  outputs: MeasureOutputs,
): Promise<LungsResult> {
  const { inputs, options, failed } = reader;
  const { report: withPage = true } = options;
  const notes: string[] = [];
  const slices: Table[] = [];
  const wholes: Table[] = [];
  const pages: LungsPatient[] = [];
  const scores: StackScores[] = [];
  let volumes = 0;
  const ignored = declaredIgnored(inputs, options);
  const groups = patientsOf(inputs.items);
  const step = Math.max(1, Math.ceil(groups.length / SHOWN_PATIENTS));
  for (const [i, group] of groups.entries()) {
    const read: ReadSlices[] = [];
    await reader.each(group.items, async (item) => void read.push(await readSlices(reader, item, ignored)));
    for (const patient of wholesOf(group.name, read, notes)) {
      if (patient.volume) volumes++;
      const { measures, geometry } = measured(patient);
      const named = withColumn(measures.slices, { name: 'image', values: patient.names });
      slices.push(withText(named, 'patient', patient.name));
      wholes.push(withText(measures.whole, 'patient', patient.name));
      if (patient.truth !== undefined) {
        const spacing = { ...geometry, ignore: patient.ignore };
        scores.push(namedScores(patient.name, volumeScores(patient.truth, patient.sides, spacing)));
      }
      if (withPage && i % step === 0)
        pages.push({ ...pageOf(patient, geometry, groups.length), figures: lungFigures(measures.whole) });
      reader.hooks.onImage?.(describe(patient.name, measures.whole));
    }
  }
  const perPatient = joinRows(wholes);
  const perSlice = joinRows(slices);
  const known = perPatient.columns.some(({ name, unit }) => name === 'lung_volume' && unit === 'L');
  const area = perSlice.columns.some(({ unit }) => unit === 'mm²');
  const hidden = wholes.length - pages.length;
  const report: LungsReport = {
    title: `Lungs in ${options.title ?? titleOf(path)}`,
    summary: `Lungs of ${counted(wholes.length, 'patient')} in ${counted(perSlice.rows, 'slice')}${inputs.prediction === undefined ? '' : ', segmented by a trained network'}${
      options.truth === undefined ? '' : ', compared with the ground truth'
    }.`,
    createdAt: new Date().toISOString(),
    headline: lungHeadline(perPatient, scores),
    perPatient,
    perSlice,
    patients: pages,
    scores: scores.length === 0 ? [] : [volumeTable(scores, 'Predicted and ground-truth lungs')],
    ...reader.method([
      ...(area
        ? []
        : [`The pixel size is unknown, so there are no mm² and no litres; set ${option('spacing')} in mm.`]),
      ...(area && !known
        ? [`The distance between slices is unknown, so there are no litres; set ${option('spacing')} in mm.`]
        : []),
      volumes === 0
        ? 'Slices are measured one by one and summed per patient.'
        : `${volumes === wholes.length ? 'Volumes' : `${volumes} of ${wholes.length} patients are volumes, which`} are measured in 3D.`,
      'Areas are counts of pixels times their size. Percentiles are interpolated linearly.',
      'Left and right lung are separated at the gap between them, or at the narrowest place where they touch.',
      ...(hidden > 0 && withPage ? [`Images of ${pages.length} of ${wholes.length} patients are shown.`] : []),
      ...notes,
    ]),
  };
  await outputs.table('patients', perPatient);
  await outputs.table('slices', perSlice);
  if (withPage) await outputs.write('report.html', renderLungsReport(report));
  return { task: 'lungs', report, scores, failed };
}

/** Files whose names differ only in their last number are slices of one patient. */
function patientsOf(
  items: readonly MeasureItem[],
): readonly { readonly name: string; readonly items: readonly MeasureItem[] }[] {
  const sorted = items.toSorted((a, b) => naturalOrder(a.name, b.name));
  const stacks = stacksOf(sorted.map(({ name }) => ({ file: `${name}.x`, page: 0, height: 0, width: 0 })));
  return stacks.map((stack) => {
    const own = stack.items.map((i) => sorted[i] as MeasureItem);
    const [first] = own as [MeasureItem];
    return { name: own.length === 1 ? first.name : nameOfStack(stack) || first.name, items: own };
  });
}

interface ReadSlices {
  readonly item: MeasureItem;
  readonly mask: IntegerArray;
  readonly truth?: IntegerArray;
  /** Nonzero where the ground truth is ignored. */
  readonly ignore?: IntegerArray;
  /** HU, single channel. */
  readonly image: Image<'float32'>;
  /** With the pixel size to use. */
  readonly map: Image;
}

async function readSlices(
  reader: MeasureReader,
  item: MeasureItem,
  ignored: ReturnType<typeof declaredIgnored>,
): Promise<ReadSlices> {
  const { map, image, truth } = await reader.read(item);
  const where = { file: item.labels.path };
  if (image === undefined) {
    throw new DatasetError('this label map has no image, so the density of its lungs is unknown.', {
      ...where,
      remedy: `Set ${option('images')} to files of the same names.`,
    });
  }
  const { channels } = sizes(image);
  if (channels > 1) {
    throw new DatasetError(`the image "${image.source}" has ${channels} channels; CT has one.`, {
      ...where,
      remedy: 'Use images in Hounsfield units.',
    });
  }
  const [mask, ...others] = labelArrays(map) as [IntegerArray, ...IntegerArray[]];
  if (others.length > 0)
    throw new DatasetError('several time points are not supported.', {
      ...where,
      remedy: 'Save one time point per file.',
    });
  const lungs = without(mask, ignoredOf(mask, ignored));
  const own = truth === undefined ? undefined : labelArrays(truth)[0];
  if (own === undefined) return { item, mask: lungs, image: toFloat32(image), map };
  const { ignore } = maskOfValues(own, ignoredOf(own, { labels: ignored.labels, mask: ignored.labels }));
  return { item, mask: lungs, image: toFloat32(image), map, truth: withoutIgnored(own, { ignore }), ignore };
}

/** The declared values, and the one that means "not annotated". */
function ignoredOf(
  { data }: IntegerArray,
  { labels, mask }: Pick<ReturnType<typeof declaredIgnored>, 'labels' | 'mask'>,
): readonly number[] {
  const values = new Set<number>(data);
  values.delete(0);
  const isMask = [...values].every((value) => labels.includes(value));
  const known = isMask ? mask : labels;
  for (const value of known) values.delete(value);
  const unknown = notAnnotatedValue([...values].sort((a, b) => a - b));
  return unknown === undefined ? known : [...known, unknown];
}

/** One patient as one volume, or a stack of single slices. */
interface Patient {
  readonly name: string;
  /** The file of each slice. */
  readonly names: readonly string[];
  /** [depth, height, width] */
  readonly sides: IntegerArray;
  readonly truth?: IntegerArray;
  /** Nonzero where the ground truth is ignored. */
  readonly ignore?: IntegerArray;
  readonly hu: Float32Array;
  readonly map: Image;
  /** The unit of values stated by the file. */
  readonly unit?: string;
  /** Whether the slices are one volume. */
  readonly volume: boolean;
}

/** Each volume is one patient; single slices of the same size form one. */
function wholesOf(name: string, read: readonly ReadSlices[], notes: string[]): readonly Patient[] {
  const volumes = read.filter(({ map }) => sizes(map).slices > 1);
  const singles = read.filter(({ map }) => sizes(map).slices === 1);
  const groups = new Map<string, ReadSlices[]>();
  for (const one of singles) addTo(groups, sizeOf(one), one);
  const patients = [
    ...volumes.map((one) => patientFrom(one.item.name, [one])),
    ...[...groups].map(([size, own]) => patientFrom(groups.size > 1 ? `${name} ${size}` : name, own)),
  ];
  for (const { hu, name: patient, unit } of patients) {
    if (unit !== undefined && unit !== 'HU') {
      notes.push(`The values of ${patient} are in ${unit} according to its file, not in Hounsfield units.`);
    }
    let least = Number.POSITIVE_INFINITY;
    for (const value of hu) if (value < least) least = value;
    if (least > LEAST_AIR_HU) {
      notes.push(
        `The minimum value of ${patient} is ${least}: these are hardly Hounsfield units, so the densities are meaningless.`,
      );
    }
  }
  return patients;
}

const sizeOf = ({ map }: ReadSlices): string => `${sizes(map).width}x${sizes(map).height}`;

function patientFrom(name: string, read: readonly ReadSlices[]): Patient {
  const [{ map, mask, image }] = read as readonly [ReadSlices];
  const { slices, height, width } = sizes(map);
  const depth = slices * read.length;
  const shape = [depth, height, width];
  const hu = new Float32Array(depth * height * width);
  const sides = new Uint8Array(hu.length);
  const truth = new Uint8Array(hu.length);
  const ignore = new Uint8Array(hu.length);
  read.forEach((one, i) => {
    const start = i * mask.data.length;
    hu.set(one.image.data, start);
    // Each file separately: single slices need not form a volume.
    sides.set(sidesOf(one).data, start);
    one.truth?.data.forEach((value: number, p: number) => {
      truth[start + p] = value === 0 ? 0 : 1;
    });
    if (one.ignore !== undefined) ignore.set(one.ignore.data, start);
  });
  return {
    name,
    map,
    hu,
    unit: image.valueUnit,
    volume: read.length === 1 && depth > 1,
    names: read.flatMap(({ item, map: own }) => new Array<string>(sizes(own).slices).fill(stemOf(item.name))),
    sides: ndarray('uint8', shape, sides),
    ...(read.every((one) => one.truth !== undefined) ? { truth: ndarray('uint8', shape, truth) } : {}),
    ...(read.some((one) => one.ignore !== undefined) ? { ignore: ndarray('uint8', shape, ignore) } : {}),
  };
}

/** Left and right, by the axis between them; without geometry the patient's left is on the right, as usual. */
function sidesOf({ mask, map }: ReadSlices): IntegerArray {
  const { geometry } = map;
  if (geometry === undefined) return lungSides(mask);
  const found = geometry.direction.map(nearest);
  const at = found.findIndex(({ axis }) => axis === 0);
  if (at < 0) return lungSides(mask);
  return lungSides(mask, {
    axis: (['x', 'y', 'z'] as const)[at] as 'x' | 'y' | 'z',
    growsLeft: (found[at] as { readonly positive: boolean }).positive,
  });
}

function measured({ map, sides, hu, volume }: Patient): {
  readonly measures: LungMeasures;
  readonly geometry: VolumeSpacing;
} {
  const y = millimetres(map.spacing.y);
  const x = millimetres(map.spacing.x);
  const depth = sides.shape[0] as number;
  // The distance between single slices is unknown.
  const sliceMm = volume || depth === 1 ? sliceExtentsMm(map) : undefined;
  const geometry: VolumeSpacing = {
    volume,
    ...(y === undefined || x === undefined ? {} : { pixelMm: [y, x] as const }),
    sliceMm,
  };
  return { geometry, measures: measureLungs(sides, ndarray('float32', sides.shape, hu), geometry) };
}

/** The images of a patient, in viewing orientation. */
function pageOf(
  { name, names, map, sides, hu, volume }: Patient,
  geometry: VolumeSpacing,
  patients: number,
): LungsPatient {
  const image: Image = { ...map, ...ndarray('float32', sides.shape, hu), axes: 'zyx' };
  const turn = displayMap(image);
  const upright = (of: Image): Image => (turn === undefined ? of : reorient(of, turn));
  const shown = upright(image);
  const shownSides = upright({ ...image, ...sides });
  const { pixelMm, sliceMm } = geometry;
  const axial = map.geometry === undefined || planeName(map.geometry) === 'axial';
  const mean = sliceMm === undefined ? 0 : sliceMm.reduce((a, b) => a + b, 0) / sliceMm.length;
  return patientOf(
    {
      name,
      hu: shown.data as Float32Array,
      sides: ndarray('uint8', shownSides.shape, shownSides.data as Uint8Array),
      values: LUNG_SIDE,
      sliceName: (z) => (volume ? `slice ${z + 1}` : (names[z] ?? '')),
      headFirst: (shown.geometry?.direction[2][2] ?? 1) < 0,
      ...(volume && axial && pixelMm !== undefined && sliceMm !== undefined
        ? { spacingMm: [mean, pixelMm[0], pixelMm[1]] as const }
        : {}),
    },
    { slices: patients === 1 ? 2 * SHOWN_SLICES : SHOWN_SLICES },
  );
}

/** A line for the user. */
function describe(name: string, { columns }: Table): string {
  const value = (column: string, unit: string): number | undefined =>
    columns.find((one) => one.name === column && one.unit === unit)?.values[0] as number | undefined;
  const litres = value('lung_volume', 'L');
  const mean = value('lung_mean', 'HU');
  const size = litres === undefined ? `${value('lung_area', 'px')} px` : `${litres.toFixed(3)} L`;
  return `${name}: ${size}, mean ${mean === undefined || Number.isNaN(mean) ? '-' : Math.round(mean)} HU`;
}
