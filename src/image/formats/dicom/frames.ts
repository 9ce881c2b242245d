/**
 * Where each frame of a DICOM file belongs: its position, its rescaling, and what distinguishes it from others at the
 * same position. Frames may be stored in any order; functional groups and dimension indices (PS3.3 C.7.6.16, C.7.6.17)
 * identify them.
 */

import { cross } from '../../geometry.ts';
import type { Vector3 } from '../../image.ts';
import type { DataSet } from './parser.ts';

/** Position and rescaling of one frame; a plain file has one. */
export interface FramePlace {
  /** Centre of the first pixel, mm. */
  readonly position?: Vector3;
  /** Directions of increasing column (x) and row (y). */
  readonly orientation?: readonly [Vector3, Vector3];
  /** [x, y], mm. */
  readonly spacingMm?: readonly [number, number];
  /** Distance between slices according to the header; used only if positions are missing. */
  readonly betweenMm?: number;
  readonly thicknessMm?: number;
  readonly slope: number;
  readonly intercept: number;
  readonly rescaleType?: string;
  readonly window?: readonly [number, number];
  /** The set of parallel slices it belongs to, if the file has several. */
  readonly stack?: string;
  /** Spatial order by the indices of the file, for frames without a position; empty if it has none. */
  readonly spatialIndex: readonly number[];
  /** Order in time, b-value, echo, ... by the indices of the file. */
  readonly index: readonly number[];
}

export interface Frames {
  readonly places: readonly FramePlace[];
  /** What each number of `index` counts, in order. */
  readonly dimensions: readonly string[];
}

const TAG = {
  position: 'x00200032',
  orientation: 'x00200037',
  pixelSpacing: 'x00280030',
  imagerSpacing: 'x00181164',
  nominalSpacing: 'x00182010',
  thickness: 'x00180050',
  spacingBetween: 'x00180088',
  frames: 'x00280008',
  slope: 'x00281053',
  intercept: 'x00281052',
  rescaleType: 'x00281054',
  windowCentre: 'x00281050',
  windowWidth: 'x00281051',
  doseScaling: 'x3004000e',
  gridOffsets: 'x3004000c',
  shared: 'x52009229',
  perFrame: 'x52009230',
  frameContent: 'x00209111',
  dimensions: 'x00209222',
  dimensionPointer: 'x00209165',
  indexValues: 'x00209157',
  stackId: 'x00209056',
  inStack: 'x00209057',
  temporalIndex: 'x00209128',
  acquired: 'x00189074',
  referenced: 'x00189151',
  increment: 'x00280009',
} as const;

/**
 * Functional groups with attributes of a frame: plane position and orientation, pixel measures, pixel value
 * transformation, VOI LUT.
 */
const GROUPS = ['x00209113', 'x00209116', 'x00289110', 'x00289145', 'x00289132'] as const;

/** Dimensions along which frames are adjacent in space. */
const SPATIAL = new Set(
  'x00200032 x00200037 x00209056 x00209057 x00209113 x00209116 x0020930e x00209301 x0040072a x0040073a x0040074a x0048021e x0048021f x0048021a x00540080'.split(
    ' ',
  ),
);
/** Names of the others, for notes. */
const NAMES: Readonly<Record<string, string>> = {
  x00209128: 'time',
  x00189074: 'time',
  x00189151: 'time',
  x00209153: 'trigger delay',
  x00189087: 'b-value',
  x00189089: 'diffusion direction',
  x00189082: 'echo time',
  x00540010: 'energy window',
  x00540020: 'detector',
  x00540030: 'phase',
  x00540050: 'rotation',
  x00540060: 'R-R interval',
  x00540070: 'time slot',
  x00540090: 'angle of view',
  x00540100: 'time slice',
};

export function numberOf(dataSet: DataSet, tag: string): number | undefined {
  const value = dataSet.floatString(tag);
  return value !== undefined && Number.isFinite(value) ? value : undefined;
}

/** All numbers of a decimal string, if there are `count` finite ones. */
function numbers(dataSet: DataSet, tag: string, count: number): readonly number[] | undefined {
  const values = dataSet.string(tag)?.split('\\').map(Number);
  return values?.length === count && values.every(Number.isFinite) ? values : undefined;
}

/** The first item of a sequence. */
export function item(dataSet: DataSet | undefined, tag: string): DataSet | undefined {
  return dataSet?.elements[tag]?.items?.[0]?.dataSet;
}

/** The items describing the frames; undefined unless there is one per frame. */
export function frameItems(dataSet: DataSet): readonly DataSet[] | undefined {
  const items = dataSet.elements[TAG.perFrame]?.items?.flatMap(({ dataSet: own }) => own ?? []);
  return items?.length === frameCount(dataSet) ? items : undefined;
}

export const sharedItem = (dataSet: DataSet): DataSet | undefined => item(dataSet, TAG.shared);

const frameCount = (dataSet: DataSet): number => Math.max(1, dataSet.intString(TAG.frames) ?? 1);

/** Attributes of each frame: from functional groups for enhanced files, from the whole file for plain ones. */
export function framesOf(dataSet: DataSet, notes: string[]): Frames {
  const count = frameCount(dataSet);
  const shared = sharedItem(dataSet);
  const perFrame = frameItems(dataSet);
  if (perFrame !== undefined) {
    const dimensions = dimensionsOf(dataSet);
    const content = perFrame.map((own) => item(own, TAG.frameContent));
    const indices = content.map((own) => indexOf(own, dimensions));
    const stated = indices.every((index) => index !== undefined);
    const places = perFrame.map((own, i) => ({
      ...placeOf(groupsOf([own, shared], dataSet), notes),
      ...(stated ? indices[i] : contentIndex(content[i])),
      stack: content[i]?.string(TAG.stackId),
    }));
    const names = stated ? dimensions.filter((tag) => !SPATIAL.has(tag)) : CONTENT_INDEX;
    return { places, dimensions: names.map((tag) => NAMES[tag] ?? 'another dimension') };
  }
  if ((dataSet.elements[TAG.perFrame]?.items?.length ?? 0) > 0) {
    notes.push('The header does not describe every frame: their positions are unknown.');
  }
  const whole = { ...placeOf(groupsOf([shared], dataSet), notes), spatialIndex: [], index: [] };
  if (count === 1) return { places: [whole], dimensions: [] };
  const offsets = numbers(dataSet, TAG.gridOffsets, count);
  const { position, orientation } = whole;
  if (offsets !== undefined && position !== undefined && orientation !== undefined) {
    const normal = cross(...orientation);
    // Relative to the first plane, or absolute z of axial planes, depending on the first offset.
    const at = (i: number) => normal.map((n, k) => position[k] + (offsets[i] - offsets[0]) * n) as unknown as Vector3;
    return { places: offsets.map((_, i) => ({ ...whole, position: at(i) })), dimensions: [] };
  }
  return byVectors(dataSet, { ...whole, position: undefined }, count);
}

/** Nuclear medicine (PS3.3 C.8.4.8): the frame increment pointer names elements with one number per frame. */
function byVectors(dataSet: DataSet, whole: FramePlace, count: number): Frames {
  const pointer = dataSet.elements[TAG.increment];
  const tags = Array.from({ length: (pointer?.length ?? 0) / 4 }, (_, i) => {
    const [group, element] = [dataSet.uint16(TAG.increment, 2 * i) ?? 0, dataSet.uint16(TAG.increment, 2 * i + 1) ?? 0];
    return `x${((group << 16) | element).toString(16).padStart(8, '0')}`;
  });
  const vectors = tags.filter((tag) => dataSet.elements[tag]?.length === 2 * count && tag.startsWith('x0054'));
  const at = (spatial: boolean, i: number) =>
    vectors.filter((tag) => SPATIAL.has(tag) === spatial).map((tag) => dataSet.uint16(tag, i) ?? 0);
  return {
    places: Array.from({ length: count }, (_, i) => ({ ...whole, spatialIndex: at(true, i), index: at(false, i) })),
    dimensions: vectors.filter((tag) => !SPATIAL.has(tag)).map((tag) => NAMES[tag] ?? 'another dimension'),
  };
}

/** What the file's dimension indices count, as tags. */
function dimensionsOf(dataSet: DataSet): readonly string[] {
  const items = dataSet.elements[TAG.dimensions]?.items ?? [];
  return items.map(({ dataSet: own }) => own?.attributeTag(TAG.dimensionPointer)?.toLowerCase() ?? '');
}

type Index = Pick<FramePlace, 'spatialIndex' | 'index'>;

/** The dimension indices of a frame; undefined unless there is one per dimension. */
function indexOf(content: DataSet | undefined, dimensions: readonly string[]): Index | undefined {
  const length = (content?.elements[TAG.indexValues]?.length ?? 0) / 4;
  if (content === undefined || length === 0 || length !== dimensions.length) return undefined;
  const values = dimensions.map((tag, i) => ({ tag, value: content.uint32(TAG.indexValues, i) ?? 0 }));
  const of = (spatial: boolean) => values.filter(({ tag }) => SPATIAL.has(tag) === spatial).map(({ value }) => value);
  return { spatialIndex: of(true), index: of(false) };
}

const CONTENT_INDEX = [TAG.temporalIndex, TAG.acquired] as const;

/** Indices stated by the frame itself if its file has no dimension indices. */
function contentIndex(content: DataSet | undefined): Index {
  const inStack = content?.uint32(TAG.inStack);
  const time = content?.string(TAG.acquired) ?? content?.string(TAG.referenced) ?? '';
  return {
    spatialIndex: inStack === undefined ? [] : [inStack],
    index: [
      content?.uint32(TAG.temporalIndex) ?? 0,
      // YYYYMMDDHHMMSS.FFFFFF: days and seconds separately, because the whole exceeds the precision of a number.
      (Number.parseInt(time.slice(0, 8), 10) || 0) * 1e6 + (Number.parseFloat(time.slice(8)) || 0),
    ],
  };
}

/** Data sets that contain attributes of a frame: its groups, the shared ones, the file itself. */
function groupsOf(items: readonly (DataSet | undefined)[], file: DataSet): readonly DataSet[] {
  return [...items.flatMap((own) => GROUPS.flatMap((tag) => item(own, tag) ?? [])), file];
}

function placeOf(sources: readonly DataSet[], notes: string[]): Omit<FramePlace, 'stack' | 'spatialIndex' | 'index'> {
  const first = <T>(read: (source: DataSet) => T | undefined): T | undefined => {
    for (const source of sources) {
      const value = read(source);
      if (value !== undefined) return value;
    }
    return undefined;
  };
  const note = (text: string) => {
    if (!notes.includes(text)) notes.push(text);
  };
  const positive = (tag: string) => {
    const value = first((s) => numberOf(s, tag));
    return value !== undefined && value > 0 ? value : undefined;
  };
  const position = first((s) => numbers(s, TAG.position, 3)) as Vector3 | undefined;
  const cosines = first((s) => numbers(s, TAG.orientation, 6));
  const patient = first((s) => numbers(s, TAG.pixelSpacing, 2));
  const detector = first((s) => numbers(s, TAG.imagerSpacing, 2) ?? numbers(s, TAG.nominalSpacing, 2));
  if (patient === undefined && detector !== undefined) {
    note('The pixel size is that at the detector: the patient is nearer to the source, and smaller.');
  }
  const spacing = patient ?? detector;
  const usable = spacing?.every((value) => value > 0) === true;
  if (!usable)
    note(
      spacing === undefined
        ? 'The pixel size is not stated.'
        : `The pixel size is not usable (${spacing.join(' x ')}).`,
    );
  const slope = first((s) => numberOf(s, TAG.slope)) ?? first((s) => numberOf(s, TAG.doseScaling)) ?? 1;
  const centre = first((s) => numberOf(s, TAG.windowCentre));
  const width = positive(TAG.windowWidth);
  const orientation = cosines === undefined ? undefined : unitAxes(cosines);
  if (cosines !== undefined && orientation === undefined) note('The orientation is invalid and ignored.');
  return {
    position,
    orientation,
    // DICOM lists the distance between rows first.
    spacingMm: usable && spacing !== undefined ? [spacing[1], spacing[0]] : undefined,
    betweenMm: positive(TAG.spacingBetween),
    thicknessMm: positive(TAG.thickness),
    slope: slope === 0 ? 1 : slope,
    intercept: first((s) => numberOf(s, TAG.intercept)) ?? 0,
    rescaleType: first((s) => s.string(TAG.rescaleType)),
    window: centre !== undefined && width !== undefined ? [centre - width / 2, centre + width / 2] : undefined,
  };
}

/** Two orthogonal unit vectors, to the few digits of headers; undefined for others. */
function unitAxes(cosines: readonly number[]): readonly [Vector3, Vector3] | undefined {
  const [x, y] = [cosines.slice(0, 3), cosines.slice(3)] as unknown as [Vector3, Vector3];
  const [nx, ny] = [Math.hypot(...x), Math.hypot(...y)];
  const product = x[0] * y[0] + x[1] * y[1] + x[2] * y[2];
  if (Math.abs(nx - 1) > 0.01 || Math.abs(ny - 1) > 0.01 || Math.abs(product) > 0.01) return undefined;
  return [x.map((v) => v / nx) as unknown as Vector3, y.map((v) => v / ny) as unknown as Vector3];
}
