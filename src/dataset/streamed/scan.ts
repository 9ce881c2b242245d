/** What preparing a slice needs of all its pixels, found by reading it part by part: equal to what the whole gives. */

import { crc32, joinedCrc32 } from '../../array/crc32.ts';
import { DatasetError, option } from '../../errors.ts';
import { type ChannelSpec, ColourScan, type NamedPage, selectChannels } from '../../input/channels.ts';
import { type NormalisationSpec, scale } from '../../input/normalise.ts';
import { LEAST_HOUNSFIELD, type NonFinite, nonFinite, requireFinite } from '../../input/planes.ts';
import { StatisticsScan } from '../../input/statistics.ts';
import { BrightnessScan } from '../inversion.ts';
import { addCounts, applyMapping, type LabelMapping, type LabelPage } from '../labels/labels.ts';
import { PLACES_PER_PAGE } from '../patch-position.ts';
import { partsOf, type StreamedPage } from './page.ts';

/** The values of the labels of a slice: pixels of each, and what its first part says of them. */
export interface ScannedLabels {
  readonly counts: ReadonlyMap<number, number>;
  readonly first: LabelPage;
}

export async function scanLabels(page: StreamedPage): Promise<ScannedLabels> {
  const counts = new Map<number, number>();
  let first: LabelPage | undefined;
  for (const box of partsOf(page)) {
    const part = await page.readLabel(box);
    addCounts(counts, [part]);
    first ??= { ...part, values: new Int32Array() };
  }
  return { counts, first: first as LabelPage };
}

/** Whether a photograph has no colour. */
export async function hasNoColour(page: StreamedPage): Promise<boolean> {
  const scan = new ColourScan();
  for (const box of partsOf(page)) scan.add(await page.readImage(box));
  return scan.isGrey;
}

/**
 * Statistics of the channels of a slice, those of each block together.
 * @throws DatasetError for NaN and infinite values, and for values that may be Hounsfield units
 */
export async function scanValues(page: StreamedPage, channels: ChannelSpec, blocks: number): Promise<StatisticsScan[]> {
  const { count } = channels;
  const scans = Array.from({ length: blocks }, () => new StatisticsScan(count / blocks));
  const each = async (add: (scan: StatisticsScan, plane: number, values: Float32Array) => void, look: boolean) => {
    let bad: NonFinite | undefined;
    for (const box of partsOf(page)) {
      const part = await page.readImage(box);
      if (look) {
        const here = nonFinite(part.data, part);
        if (here !== undefined) bad = bad ? { ...bad, count: bad.count + here.count } : { ...here, y: here.y + box.y };
        if (page.mayBeHounsfield && part.data.some((value) => value < LEAST_HOUNSFIELD)) throw mayBeHounsfield(page);
      }
      const planes = selectChannels({ ...part, name: page.name }, channels);
      const size = planes.length / count;
      for (let c = 0; c < count; c++) {
        add(scans[blocks > 1 ? c : 0], blocks > 1 ? 0 : c, planes.subarray(c * size, (c + 1) * size));
      }
    }
    requireFinite(bad, page.file);
  };
  await each((scan, plane, values) => scan.addFirst(plane, values), true);
  await each((scan, plane, values) => scan.addSecond(plane, values), false);
  return scans;
}

const mayBeHounsfield = ({ file }: StreamedPage): DatasetError =>
  new DatasetError('values below -1024 may be Hounsfield units, which only the whole image tells.', {
    file,
    remedy: `Set ${option('memory')} to more, so that images are held in memory.`,
  });

/** How a slice becomes the input of a network. */
export interface StreamedInput {
  readonly channels: ChannelSpec;
  readonly normalisation: NormalisationSpec;
  /** By which it is normalised: as `scale`. */
  readonly numbers: readonly (readonly [number, number])[];
  readonly inverts: boolean;
}

/** Float32 [channels, height, width] of a part of a slice, normalised. */
export function inputOf(part: NamedPage, { channels, normalisation, numbers, inverts }: StreamedInput): Float32Array {
  const planes = selectChannels(part, channels);
  scale(planes, normalisation, numbers);
  if (inverts) negate(planes);
  return planes;
}

function negate(values: Float32Array): void {
  for (let i = 0; i < values.length; i++) values[i] = -values[i];
}

/** What is found of a slice when its normalisation is known. */
export interface ScannedContent {
  readonly brightness: BrightnessScan;
  /** Checksum of the input, as it is and inverted, and of the classes. */
  readonly crc: readonly [plain: number, inverted: number, label: number];
}

export async function scanContent(
  page: StreamedPage,
  input: StreamedInput,
  mapping: LabelMapping,
): Promise<ScannedContent> {
  const brightness = new BrightnessScan();
  const { count } = input.channels;
  const bytesOf = ({ buffer, byteOffset, byteLength }: Float32Array | Uint8Array) =>
    new Uint8Array(buffer, byteOffset, byteLength);
  // Of each channel, which follow each other in the whole.
  const sums = [new Array<number>(count).fill(0), new Array<number>(count).fill(0)] as const;
  let ofLabel = 0;
  for (const box of partsOf(page)) {
    const [part, label] = await Promise.all([page.readImage(box), page.readLabel(box)]);
    const planes = inputOf({ ...part, name: page.name }, { ...input, inverts: false });
    const classes = applyMapping(label, mapping);
    brightness.add(planes, classes);
    ofLabel = crc32(classes, ofLabel);
    for (const crcs of sums) {
      const size = planes.length / count;
      for (let c = 0; c < count; c++) {
        crcs[c] = crc32(bytesOf(planes.subarray(c * size, (c + 1) * size)), crcs[c]);
      }
      negate(planes);
    }
  }
  const plane = 4 * page.height * page.width;
  const [plain, inverted] = sums.map((crcs) => crcs.reduce((all, crc) => joinedCrc32(all, crc, plane)));
  return { brightness, crc: [plain, inverted, ofLabel] };
}

/**
 * Pixels of some classes, at most 256 of each, evenly spread (`spreadPixels`).
 * @param counts pixels of each class in the slice
 */
export async function scanPlaces(
  page: StreamedPage,
  mapping: LabelMapping,
  counts: ReadonlyMap<number, number>,
): Promise<ReadonlyMap<number, Int32Array | Float64Array>> {
  const found = new Map(
    [...counts].map(([of, count]) => [
      of,
      { count, kept: Math.min(count, PLACES_PER_PAGE), seen: 0, pixels: [] as number[] },
    ]),
  );
  for (const box of partsOf(page)) {
    const classes = applyMapping(await page.readLabel(box), mapping);
    for (let p = 0; p < classes.length; p++) {
      const own = found.get(classes[p]);
      if (own === undefined) continue;
      const { count, kept, pixels } = own;
      if (own.seen === Math.floor((pixels.length * count) / kept)) pixels.push(box.y * page.width + p);
      own.seen++;
    }
  }
  // Indices of a slice may be larger than 32 bits.
  const Kind = page.height * page.width > 2 ** 31 ? Float64Array : Int32Array;
  return new Map([...found].map(([of, { pixels }]) => [of, Kind.from(pixels)]));
}
