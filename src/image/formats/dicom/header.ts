/** What of a DICOM file's header an image needs. Nothing of it leads to a person: that is `personal.ts`'s. */

import { FormatError } from '../../../errors.ts';
import type { Vector3 } from '../../image.ts';
import { type DataSet, type Element, inflaterTo, loadParser } from './parser.ts';

/** Place and scale of one frame; a plain file has one. */
export interface FramePlace {
  /** Centre of the first pixel, mm. */
  readonly position?: Vector3;
  /** Directions in which columns (x) and rows (y) follow each other. */
  readonly orientation?: readonly [Vector3, Vector3];
  /** [x, y], mm. */
  readonly spacingMm?: readonly [number, number];
  readonly thicknessMm?: number;
  readonly slope: number;
  readonly intercept: number;
  readonly window?: readonly [number, number];
}

export interface DicomHeader {
  readonly file: string;
  /** Says which files belong together; never shown, it leads to a person. */
  readonly seriesKey: string;
  /** Number of the series as the scanner counted. */
  readonly seriesNumber?: number;
  readonly modality?: string;
  readonly bodyPart?: string;
  readonly transferSyntax: string;
  readonly rows: number;
  readonly columns: number;
  readonly samples: number;
  readonly photometric: string;
  /** Whether the samples of a pixel lie apart, one plane after the other. */
  readonly planar: boolean;
  readonly bitsAllocated: number;
  readonly bitsStored: number;
  readonly highBit: number;
  readonly signed: boolean;
  readonly frames: readonly FramePlace[];
  readonly frameTimeMs?: number;
  /** Distance of slices by the header; used only where positions are not given. */
  readonly spacingBetweenMm?: number;
  /** Stored value of pixels where nothing was measured. */
  readonly padding?: number;
  readonly valueUnit?: string;
  readonly instanceNumber?: number;
  /** Tells repetitions of a place apart: echo, phase, acquisition. Ascending in time. */
  readonly repetition: readonly number[];
  readonly notes: readonly string[];
}

export interface ParsedDicom {
  readonly header: DicomHeader;
  /** Undefined where only the header was read. */
  readonly pixels: { readonly dataSet: DataSet; readonly element: Element } | undefined;
}

/** Whether the first bytes are those of a DICOM file: "DICM" after 128 bytes of anything. */
export function isDicom(bytes: Uint8Array): boolean {
  return bytes.length >= 132 && String.fromCharCode(...bytes.subarray(128, 132)) === 'DICM';
}

const TAG = {
  bodyPart: 'x00180015',
  modality: 'x00080060',
  sopClass: 'x00080016',
  transferSyntax: 'x00020010',
  series: 'x0020000e',
  seriesNumber: 'x00200011',
  instanceNumber: 'x00200013',
  acquisition: 'x00200012',
  temporal: 'x00200100',
  trigger: 'x00181060',
  echo: 'x00180086',
  echoTime: 'x00180081',
  position: 'x00200032',
  orientation: 'x00200037',
  pixelSpacing: 'x00280030',
  imagerSpacing: 'x00181164',
  nominalSpacing: 'x00182010',
  thickness: 'x00180050',
  spacingBetween: 'x00180088',
  rows: 'x00280010',
  columns: 'x00280011',
  frames: 'x00280008',
  frameTime: 'x00181063',
  samples: 'x00280002',
  photometric: 'x00280004',
  planar: 'x00280006',
  bitsAllocated: 'x00280100',
  bitsStored: 'x00280101',
  highBit: 'x00280102',
  signed: 'x00280103',
  padding: 'x00280120',
  slope: 'x00281053',
  intercept: 'x00281052',
  rescaleType: 'x00281054',
  modalityLut: 'x00283000',
  windowCentre: 'x00281050',
  windowWidth: 'x00281051',
  doseScaling: 'x3004000e',
  doseUnits: 'x30040002',
  gridOffsets: 'x3004000c',
  units: 'x00541001',
  shared: 'x52009229',
  perFrame: 'x52009230',
  planePosition: 'x00209113',
  planeOrientation: 'x00209116',
  pixelMeasures: 'x00289110',
  transformation: 'x00289145',
  voiLut: 'x00289132',
} as const;

const PIXELS = ['x7fe00010', 'x7fe00008', 'x7fe00009'] as const;

/** Kinds of DICOM objects that hold no picture of the patient, by the end of their SOP class. */
const OTHER_OBJECTS: readonly (readonly [string, string])[] = [
  ['1.3.10', 'a DICOMDIR, an index of a disk'],
  ['5.1.4.1.1.66.4', 'a DICOM segmentation object'],
  ['5.1.4.1.1.66', 'a DICOM registration'],
  ['5.1.4.1.1.481.3', 'a set of contours for radiotherapy (RTSTRUCT)'],
  ['5.1.4.1.1.481.5', 'a radiotherapy plan'],
  ['5.1.4.1.1.11', 'a presentation state'],
  ['5.1.4.1.1.88', 'a structured report'],
  ['5.1.4.1.1.104', 'a document in DICOM'],
];

/** What a SOP class is that holds no picture of the patient; undefined for others. */
function otherObject(sopClass: string | undefined): string | undefined {
  return OTHER_OBJECTS.find(([end]) => sopClass?.startsWith(`1.2.840.10008.${end}`) === true)?.[1];
}

export interface ParseOptions {
  /** Only the header is needed: the bytes may end with it. */
  readonly headerOnly?: boolean;
  /** Largest size to inflate to. */
  readonly maxBytes: number;
}

/**
 * Reads a DICOM file's header.
 * @throws FormatError for damaged files and for objects that are no image; with `headerOnly` also where the bytes end
 *   within the header.
 */
export async function parseDicom(
  bytes: Uint8Array,
  file: string,
  { headerOnly = false, maxBytes }: ParseOptions,
): Promise<ParsedDicom> {
  const parser = await loadParser();
  let dataSet: DataSet;
  try {
    dataSet = parser.parseDicom(bytes, {
      ...(headerOnly ? { untilTag: PIXELS[0] } : {}),
      inflater: inflaterTo(maxBytes),
    });
  } catch (cause) {
    const partly = (cause as { dataSet?: DataSet }).dataSet;
    // The library throws texts, and for what ends early the part that it has read.
    const pixels = PIXELS.some((tag) => partly?.elements[tag] !== undefined);
    throw new FormatError(
      pixels ? 'the DICOM file ends early, within its pixels.' : 'the DICOM header is damaged or ends early.',
      {
        file,
        remedy: 'Copy the file again from where it came from.',
        cause: new Error(typeof cause === 'string' ? cause : 'damaged DICOM data'),
      },
    );
  }
  const element = PIXELS.map((tag) => dataSet.elements[tag]).find((found) => found !== undefined);
  const other = otherObject(dataSet.string(TAG.sopClass));
  if (other !== undefined || (element === undefined && !headerOnly)) {
    const what = other ?? 'a DICOM object without an image';
    throw new FormatError(`this is ${what}, which is not supported.`, {
      file,
      remedy: 'Leave it out, or export it as NIfTI.',
      facts: { code: 'unsupported-format', what },
    });
  }
  const header = headerOf(dataSet, file);
  return { header, pixels: element === undefined || headerOnly ? undefined : { dataSet, element } };
}

function headerOf(dataSet: DataSet, file: string): DicomHeader {
  const notes: string[] = [];
  const uint = (tag: string): number | undefined => dataSet.uint16(tag);
  const rows = uint(TAG.rows);
  const columns = uint(TAG.columns);
  const bitsAllocated = uint(TAG.bitsAllocated);
  if (!rows || !columns || !bitsAllocated) {
    throw new FormatError('the DICOM header does not say how large the image is.', {
      file,
      remedy: 'This may be no image; leave it out, or export it again.',
    });
  }
  const signed = uint(TAG.signed) === 1;
  const bitsStored = uint(TAG.bitsStored) || bitsAllocated;
  const modality = code(dataSet.string(TAG.modality));
  if (dataSet.elements[TAG.modalityLut] !== undefined) {
    throw new FormatError('a table of values (Modality LUT Sequence) is not supported.', {
      file,
      remedy: 'Export the series with rescale slope and intercept.',
    });
  }
  const frames = framesOf(dataSet, notes);
  const padding = signed ? dataSet.int16(TAG.padding) : uint(TAG.padding);
  const samples = uint(TAG.samples) ?? 1;
  const frameTimeMs = number(dataSet, TAG.frameTime);
  const between = number(dataSet, TAG.spacingBetween);
  const valueUnit = valueUnitOf(dataSet, modality, frames);
  const seriesNumber = dataSet.intString(TAG.seriesNumber);
  const instanceNumber = dataSet.intString(TAG.instanceNumber);
  const bodyPart = dataSet.string(TAG.bodyPart);
  const colours = dataSet.string(TAG.photometric);
  const photometric =
    colours === undefined ? (samples === 3 ? 'RGB' : 'MONOCHROME2') : (code(colours) ?? 'another space');
  if (photometric === 'MONOCHROME1') notes.push('Small values are meant to be bright (MONOCHROME1); they are kept.');
  return {
    file,
    seriesKey: dataSet.string(TAG.series) ?? '',
    seriesNumber,
    modality,
    ...(bodyPart !== undefined && BODY_PARTS.has(bodyPart) ? { bodyPart } : {}),
    transferSyntax: dataSet.string(TAG.transferSyntax) ?? '1.2.840.10008.1.2',
    rows,
    columns,
    samples,
    photometric,
    planar: uint(TAG.planar) === 1,
    bitsAllocated,
    bitsStored,
    highBit: uint(TAG.highBit) ?? bitsStored - 1,
    signed,
    frames,
    ...(frameTimeMs !== undefined && frameTimeMs > 0 ? { frameTimeMs } : {}),
    ...(between !== undefined && between > 0 ? { spacingBetweenMm: between } : {}),
    padding,
    valueUnit,
    instanceNumber,
    repetition: [
      dataSet.intString(TAG.temporal),
      number(dataSet, TAG.trigger),
      dataSet.intString(TAG.echo),
      number(dataSet, TAG.echoTime),
      dataSet.intString(TAG.acquisition),
    ].map((value) => value ?? 0),
    notes,
  };
}

/** Names of body parts that are shown (PS3.16, annex L): the field could hold anything. */
const BODY_PARTS = new Set(
  (
    'ABDOMEN ABDOMENPELVIS ANKLE AORTA ARM BRAIN BREAST CAROTID CHEST CHESTABDOMEN CHESTABDPELVIS COLON CSPINE ELBOW EYE ' +
    'FOOT HAND HEAD HEADNECK HEART HIP JAW KNEE LEG LIVER LSPINE LUNG NECK NECKCHEST ORBIT PANCREAS PELVIS PROSTATE ' +
    'SHOULDER SKULL SPINE THIGH THORAX TSPINE WHOLEBODY WRIST'
  ).split(' '),
);

/** A code of DICOM's, such as CT or CHEST; undefined for texts that are none, which could be anything. */
function code(text: string | undefined): string | undefined {
  return text !== undefined && /^[A-Z][A-Z0-9_ ]{0,15}$/.test(text) ? text : undefined;
}

function number(dataSet: DataSet, tag: string): number | undefined {
  const value = dataSet.floatString(tag);
  return value !== undefined && Number.isFinite(value) ? value : undefined;
}

/** All numbers of a decimal string, when they are `count` finite ones. */
function numbers(dataSet: DataSet, tag: string, count: number): readonly number[] | undefined {
  const values = dataSet.string(tag)?.split('\\').map(Number);
  return values?.length === count && values.every(Number.isFinite) ? values : undefined;
}

/** The place of each frame: of the file for plain images, by functional groups for enhanced ones. */
function framesOf(dataSet: DataSet, notes: string[]): readonly FramePlace[] {
  const count = Math.max(1, dataSet.intString(TAG.frames) ?? 1);
  const whole = placeOf([dataSet], notes);
  const perFrame = dataSet.elements[TAG.perFrame]?.items;
  const shared = dataSet.elements[TAG.shared]?.items?.[0]?.dataSet;
  if (perFrame !== undefined && perFrame.length === count) {
    return perFrame.map(({ dataSet: own }) => placeOf(groupsOf([own, shared], dataSet), notes));
  }
  const offsets = numbers(dataSet, TAG.gridOffsets, count);
  const { position, orientation } = whole;
  return Array.from({ length: count }, (_, i): FramePlace => {
    if (count === 1) return whole;
    const { position: _position, ...rest } = whole;
    if (offsets === undefined || position === undefined || orientation === undefined) return rest;
    const [[a, b, c], [d, e, f]] = orientation;
    const normal: Vector3 = [b * f - c * e, c * d - a * f, a * e - b * d];
    // Relative to the first plane, or absolute z of axial planes: the first offset tells.
    const along = offsets[i] - offsets[0];
    return { ...rest, position: normal.map((n, k) => position[k] + along * n) as unknown as Vector3 };
  });
}

/** Data sets in which the facts of a frame stand: its groups, the shared ones, the file itself. */
function groupsOf(items: readonly (DataSet | undefined)[], file: DataSet): readonly DataSet[] {
  const tags = [TAG.planePosition, TAG.planeOrientation, TAG.pixelMeasures, TAG.transformation, TAG.voiLut];
  const groups = items.flatMap((item) =>
    tags.flatMap((tag) => {
      const found = item?.elements[tag]?.items?.[0]?.dataSet;
      return found === undefined ? [] : [found];
    }),
  );
  return [...groups, file];
}

function placeOf(sources: readonly DataSet[], notes: string[]): FramePlace {
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
  const thickness = first((s) => number(s, TAG.thickness));
  const slope = first((s) => number(s, TAG.slope)) ?? first((s) => number(s, TAG.doseScaling)) ?? 1;
  const intercept = first((s) => number(s, TAG.intercept)) ?? 0;
  const centre = first((s) => number(s, TAG.windowCentre));
  const width = first((s) => number(s, TAG.windowWidth));
  const orientation = cosines === undefined ? undefined : unitAxes(cosines);
  if (cosines !== undefined && orientation === undefined) note('The orientation is not usable; it is left out.');
  return {
    position,
    orientation,
    // DICOM has the distance of rows first.
    ...(usable && spacing !== undefined ? { spacingMm: [spacing[1], spacing[0]] } : {}),
    ...(thickness !== undefined && thickness > 0 ? { thicknessMm: thickness } : {}),
    slope: slope === 0 ? 1 : slope,
    intercept,
    ...(centre !== undefined && width !== undefined && width > 0
      ? { window: [centre - width / 2, centre + width / 2] }
      : {}),
  };
}

/** Two unit vectors at right angles, to the few digits that headers have; undefined for others. */
function unitAxes(cosines: readonly number[]): readonly [Vector3, Vector3] | undefined {
  const [x, y] = [cosines.slice(0, 3), cosines.slice(3)] as unknown as [Vector3, Vector3];
  const [nx, ny] = [Math.hypot(...x), Math.hypot(...y)];
  const product = x[0] * y[0] + x[1] * y[1] + x[2] * y[2];
  if (Math.abs(nx - 1) > 0.01 || Math.abs(ny - 1) > 0.01 || Math.abs(product) > 0.01) return undefined;
  return [x.map((v) => v / nx) as unknown as Vector3, y.map((v) => v / ny) as unknown as Vector3];
}

function valueUnitOf(
  dataSet: DataSet,
  modality: string | undefined,
  frames: readonly FramePlace[],
): string | undefined {
  const type = dataSet.string(TAG.rescaleType);
  if (type === 'HU') return 'HU';
  // DICOM PS3.3 C.11.1.1.2: Hounsfield units where a CT image does not say otherwise.
  const rescaled = frames.some(({ slope, intercept }) => slope !== 1 || intercept !== 0);
  if (modality === 'CT' && type === undefined && rescaled) return 'HU';
  if (dataSet.elements[TAG.doseScaling] !== undefined && dataSet.string(TAG.doseUnits) === 'GY') return 'Gy';
  const units = dataSet.string(TAG.units);
  return units === 'BQML' ? 'Bq/ml' : units === 'GML' ? 'g/ml' : undefined;
}
