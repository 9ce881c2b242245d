/** Segments of images in DICOM (PS3.3 A.51, A.86): binary, fractional, and as a label map. */

import { FormatError } from '../../../errors.ts';
import type { ByteSource } from '../../../files.ts';
import { checkDeclaredSize, type ReadContext } from '../format.ts';
import { type FramePlace, frameItems, item, sharedItem } from './frames.ts';
import { parseDicom } from './header.ts';
import { type DataSet, isUnicode, textIn } from './parser.ts';
import { readSamples } from './pixels.ts';
import { readDicomHead } from './series.ts';

const TAG = {
  type: 'x00620001',
  segments: 'x00620002',
  number: 'x00620004',
  label: 'x00620005',
  identification: 'x0062000a',
  referenced: 'x0062000b',
  largestFraction: 'x0062000e',
  referencedSeries: 'x00081115',
  series: 'x0020000e',
} as const;

/** The pixels of one segment in one frame. */
export interface SegmentFrame {
  /** Where its plane lies in the patient. */
  readonly place: FramePlace;
  /** Name of the segment. */
  readonly segment: string;
  /** Whether a pixel, counted row by row, belongs to it. */
  isIn(pixel: number): boolean;
}

export interface DicomSegmentation {
  readonly rows: number;
  readonly columns: number;
  /** In the order of the file. */
  readonly frames: readonly SegmentFrame[];
  readonly notes: readonly string[];
}

const itemsOf = (dataSet: DataSet | undefined, tag: string): readonly DataSet[] =>
  dataSet?.elements[tag]?.items?.flatMap(({ dataSet: own }) => own ?? []) ?? [];

/**
 * The series that a file has segments of, by `DicomHeader.seriesKey`; undefined for an image. Pixels are not read.
 * @throws FormatError as `readDicomHead`
 */
export async function seriesOfSegments(
  source: ByteSource,
  file: string,
  maxBytes: number,
): Promise<readonly string[] | undefined> {
  const { pixels } = await readDicomHead(source, file, { maxBytes, segmentation: true });
  if (pixels.dataSet.elements[TAG.segments] === undefined) return undefined;
  return itemsOf(pixels.dataSet, TAG.referencedSeries).flatMap((series) => series.string(TAG.series) ?? []);
}

/**
 * Reads the segments of a file. A fraction of at least half of the largest is in its segment.
 * @throws FormatError for other files, frames of a segment that is not described, and pixels that are cut off
 */
export async function readSegmentation(bytes: Uint8Array, context: ReadContext): Promise<DicomSegmentation> {
  const { file, maxBytes } = context;
  const parsed = await parseDicom(bytes, file, { maxBytes, segmentation: true });
  const { header, pixels } = parsed;
  const fail = (problem: string): FormatError => new FormatError(problem, { file, remedy: 'Export it again.' });
  if (pixels === undefined) throw fail('the segmentation has no pixels.');
  const { dataSet } = pixels;
  const { rows, columns, frames: places } = header;
  const plane = rows * columns;
  const names = namesOf(dataSet);
  const nameOf = (number: number): string => {
    const name = names.get(number);
    if (name === undefined) throw fail(`it has pixels of segment ${number}, which it does not describe.`);
    return name;
  };
  const type = dataSet.string(TAG.type) ?? '';
  const isLabelMap = type === 'LABELMAP';
  if (!isLabelMap && type !== 'BINARY' && type !== 'FRACTIONAL')
    throw fail(`segments of the type "${type}" are not known.`);
  checkDeclaredSize(`the segmentation (${columns} x ${rows}, ${places.length} frames)`, plane * places.length, context);
  const samples =
    header.bitsAllocated === 1 ? unpacked(dataSet, parsed, fail) : (await readSamples(parsed, context)).data;
  const at = (frame: number, pixel: number): number => Number(samples[frame * plane + pixel]);
  if (isLabelMap) {
    const frames = places.flatMap((place, i) => {
      const values = new Set<number>();
      for (let p = 0; p < plane; p++) values.add(at(i, p));
      return [...values]
        .filter((value) => value !== 0)
        .map((value): SegmentFrame => ({ place, segment: nameOf(value), isIn: (p) => at(i, p) === value }));
    });
    return { rows, columns, frames, notes: [] };
  }
  const [perFrame, shared] = [frameItems(dataSet), sharedItem(dataSet)];
  const half = type === 'FRACTIONAL' ? (dataSet.uint16(TAG.largestFraction) ?? 255) / 2 : 1;
  const frames = places.map((place, i): SegmentFrame => {
    const own = item(perFrame?.[i], TAG.identification) ?? item(shared, TAG.identification);
    const number = own?.uint16(TAG.referenced);
    if (number === undefined) throw fail(`frame ${i + 1} names no segment.`);
    return { place, segment: nameOf(number), isIn: (p) => at(i, p) >= half };
  });
  const notes = type === 'FRACTIONAL' ? ['Its segments are fractions: from half on a pixel belongs to them.'] : [];
  return { rows, columns, frames, notes };
}

/** Names by number; a segment without a label is called by its number. */
function namesOf(dataSet: DataSet): ReadonlyMap<number, string> {
  const inUnicode = isUnicode(dataSet);
  return new Map(
    itemsOf(dataSet, TAG.segments).flatMap((segment) => {
      const number = segment.uint16(TAG.number);
      return number === undefined
        ? []
        : [[number, textIn(segment, TAG.label, inUnicode) ?? `segment ${number}`] as const];
    }),
  );
}

/** Bits of all frames one after another, the lowest of a byte first (PS3.5, 8.1.1 and annex D). */
function unpacked(
  dataSet: DataSet,
  { header: { rows, columns, frames }, pixels }: Awaited<ReturnType<typeof parseDicom>>,
  fail: (problem: string) => FormatError,
): Uint8Array {
  const { element } = pixels as NonNullable<typeof pixels>;
  if (element.encapsulatedPixelData === true) throw fail('compressed bits are not supported.');
  const count = rows * columns * frames.length;
  const bytes = dataSet.byteArray.subarray(element.dataOffset, element.dataOffset + element.length);
  if (bytes.length * 8 < count)
    throw fail(`${Math.ceil(count / 8)} bytes of pixels are needed, ${bytes.length} are there.`);
  return Uint8Array.from({ length: count }, (_, i) => ((bytes[i >> 3] as number) >> (i & 7)) & 1);
}
