/** The parts of a DICOM header that an image needs. None identifies a person; see `personal.ts` for those that do. */

import { FormatError } from '../../../errors.ts';
import { hasPreamble } from './detect.ts';
import { type FramePlace, framesOf, numberOf } from './frames.ts';
import { isSegmentation, nonImage } from './objects.ts';
import { DamagedDicom, type DataSet, type Element, parseElements } from './parser.ts';
import { type Slide, slideOf } from './slide.ts';

export interface DicomHeader {
  readonly file: string;
  /** Identifies files that belong together; never shown, because it could identify a person. */
  readonly seriesKey: string;
  /** Number of the series as counted by the scanner. */
  readonly seriesNumber?: number;
  readonly modality?: string;
  readonly bodyPart?: string;
  readonly transferSyntax: string;
  readonly rows: number;
  readonly columns: number;
  readonly samples: number;
  readonly photometric: string;
  /** Whether the samples of a pixel are stored in separate planes. */
  readonly planar: boolean;
  readonly bitsAllocated: number;
  readonly bitsStored: number;
  readonly highBit: number;
  readonly signed: boolean;
  readonly frames: readonly FramePlace[];
  /** What the numbers of the frames' `index` count: `time`, `b-value`, ... */
  readonly dimensions: readonly string[];
  /** For a file whose frames are tiles of one image. */
  readonly slide?: Slide;
  /** For a file that is one part of an image in several files (concatenation). */
  readonly part?: Part;
  readonly frameTimeMs?: number;
  /** Stored value of pixels where nothing was measured. */
  readonly padding?: number;
  readonly valueUnit?: string;
  readonly instanceNumber?: number;
  /** Distinguishes repetitions at a position: echo, phase, acquisition. Ascending in time. */
  readonly repetition: readonly number[];
  readonly notes: readonly string[];
}

export interface Part {
  /** Identifies parts that belong together; never shown. */
  readonly key: string;
  /** Counted from 1, and the number of parts, if stated by the file. */
  readonly number?: number;
  readonly total?: number;
  /** Number of frames in the parts before this one. */
  readonly firstFrame: number;
}

export interface ParsedDicom {
  readonly header: DicomHeader;
  /** With `headerOnly`, if the bytes reach them: without their value, from the start of which a reader goes on. */
  readonly pixels: { readonly dataSet: DataSet; readonly element: Element } | undefined;
}

const TAG = {
  bodyPart: 'x00180015',
  modality: 'x00080060',
  sopClass: 'x00080016',
  series: 'x0020000e',
  seriesNumber: 'x00200011',
  instanceNumber: 'x00200013',
  acquisition: 'x00200012',
  temporal: 'x00200100',
  trigger: 'x00181060',
  echo: 'x00180086',
  echoTime: 'x00180081',
  rows: 'x00280010',
  columns: 'x00280011',
  frameTime: 'x00181063',
  samples: 'x00280002',
  photometric: 'x00280004',
  planar: 'x00280006',
  bitsAllocated: 'x00280100',
  bitsStored: 'x00280101',
  highBit: 'x00280102',
  signed: 'x00280103',
  padding: 'x00280120',
  modalityLut: 'x00283000',
  doseScaling: 'x3004000e',
  doseUnits: 'x30040002',
  units: 'x00541001',
  concatenation: 'x00209161',
  partNumber: 'x00209162',
  partCount: 'x00209163',
  firstFrame: 'x00209228',
} as const;

const PIXELS = ['x7fe00010', 'x7fe00008', 'x7fe00009'] as const;

export interface ParseOptions {
  /** Only the header is needed: the pixels may be cut off. */
  readonly headerOnly?: boolean;
  /** Whether the bytes may end before the pixels, which are then undefined. */
  readonly isCut?: boolean;
  /** Whether segments of images are read as well, which are no image. */
  readonly segmentation?: boolean;
  /** Largest size to inflate to. */
  readonly maxBytes: number;
}

/**
 * Reads a DICOM file's header.
 * @throws FormatError for damaged files, bytes that end within the header, and objects without an image
 */
export async function parseDicom(
  bytes: Uint8Array,
  file: string,
  { headerOnly = false, isCut = false, segmentation = false, maxBytes }: ParseOptions,
): Promise<ParsedDicom> {
  let dataSet: DataSet;
  try {
    dataSet = parseElements(bytes, { until: headerOnly ? PIXELS : undefined, maxBytes });
  } catch (cause) {
    const partly = cause instanceof DamagedDicom ? cause.dataSet : undefined;
    const pixels = PIXELS.some((tag) => partly?.elements[tag] !== undefined);
    throw new FormatError(
      pixels ? 'the DICOM file ends early, within its pixels.' : 'the DICOM header is damaged or ends early.',
      {
        file,
        remedy: 'Copy the file again from its source.',
        cause,
      },
    );
  }
  const element = PIXELS.map((tag) => dataSet.elements[tag]).find((found) => found !== undefined);
  const sopClass = dataSet.string(TAG.sopClass);
  const other = segmentation && isSegmentation(sopClass) ? undefined : nonImage(sopClass);
  if (other !== undefined || (element === undefined && !isCut)) {
    const what = other ?? 'a DICOM object without an image';
    throw new FormatError(`this is ${what}, which is not supported.`, {
      file,
      remedy: 'Remove it, or export it as NIfTI.',
      facts: { code: 'unsupported-format', what },
    });
  }
  const notes = hasPreamble(bytes)
    ? []
    : ['This is DICOM without the preamble that begins its files; it is read all the same.'];
  const header = headerOf(dataSet, file, notes);
  return { header, pixels: element === undefined ? undefined : { dataSet, element } };
}

function headerOf(dataSet: DataSet, file: string, notes: string[]): DicomHeader {
  const uint = (tag: string): number | undefined => dataSet.uint16(tag);
  const rows = uint(TAG.rows);
  const columns = uint(TAG.columns);
  const bitsAllocated = uint(TAG.bitsAllocated);
  if (!rows || !columns || !bitsAllocated) {
    throw new FormatError('the DICOM header does not state the image size.', {
      file,
      remedy: 'It may not be an image: remove it, or export it again.',
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
  const { places: frames, dimensions } = framesOf(dataSet, notes);
  const part = partOf(dataSet);
  const padding = signed ? dataSet.int16(TAG.padding) : uint(TAG.padding);
  const samples = uint(TAG.samples) ?? 1;
  const frameTimeMs = numberOf(dataSet, TAG.frameTime);
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
    transferSyntax: dataSet.transferSyntax,
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
    dimensions,
    slide: slideOf(dataSet, { rows, columns, frames: frames.length, firstFrame: part?.firstFrame ?? 0 }, file),
    part,
    ...(frameTimeMs !== undefined && frameTimeMs > 0 ? { frameTimeMs } : {}),
    padding,
    valueUnit,
    instanceNumber,
    repetition: [
      dataSet.intString(TAG.temporal),
      numberOf(dataSet, TAG.trigger),
      dataSet.intString(TAG.echo),
      numberOf(dataSet, TAG.echoTime),
      dataSet.intString(TAG.acquisition),
    ].map((value) => value ?? 0),
    notes,
  };
}

/** Names of body parts that are shown (PS3.16, annex L): the field could contain anything. */
const BODY_PARTS = new Set(
  (
    'ABDOMEN ABDOMENPELVIS ANKLE AORTA ARM BRAIN BREAST CAROTID CHEST CHESTABDOMEN CHESTABDPELVIS COLON CSPINE ELBOW EYE ' +
    'FOOT HAND HEAD HEADNECK HEART HIP JAW KNEE LEG LIVER LSPINE LUNG NECK NECKCHEST ORBIT PANCREAS PELVIS PROSTATE ' +
    'SHOULDER SKULL SPINE THIGH THORAX TSPINE WHOLEBODY WRIST'
  ).split(' '),
);

/** A DICOM code, such as CT or CHEST; undefined for other texts, which could be anything. */
function code(text: string | undefined): string | undefined {
  return text !== undefined && /^[A-Z][A-Z0-9_ ]{0,15}$/.test(text) ? text : undefined;
}

/** The position of a file in an image of several files (PS3.3 C.7.6.16.1.1.4). */
function partOf(dataSet: DataSet): Part | undefined {
  const key = dataSet.string(TAG.concatenation);
  if (key === undefined) return undefined;
  return {
    key,
    number: dataSet.uint16(TAG.partNumber),
    total: dataSet.uint16(TAG.partCount),
    firstFrame: dataSet.uint32(TAG.firstFrame) ?? 0,
  };
}

function valueUnitOf(
  dataSet: DataSet,
  modality: string | undefined,
  frames: readonly FramePlace[],
): string | undefined {
  const types = new Set(frames.map(({ rescaleType }) => rescaleType));
  const [type] = types;
  if (types.size > 1) return undefined;
  if (type === 'HU') return 'HU';
  // DICOM PS3.3 C.11.1.1.2: Hounsfield units unless a CT image states otherwise.
  const rescaled = frames.some(({ slope, intercept }) => slope !== 1 || intercept !== 0);
  if (modality === 'CT' && type === undefined && rescaled) return 'HU';
  if (dataSet.elements[TAG.doseScaling] !== undefined && dataSet.string(TAG.doseUnits) === 'GY') return 'Gy';
  const units = dataSet.string(TAG.units);
  return units === 'BQML' ? 'Bq/ml' : units === 'GML' ? 'g/ml' : undefined;
}
