/** What preparing a slice needs of all its pixels, found by reading it part by part: equal to what the whole gives. */

import { crc32, joinedCrc32 } from '../../array/crc32.ts';
import type { Rectangle } from '../../array/window-sums.ts';
import { DatasetError, option } from '../../errors.ts';
import { type ChannelSpec, ColourScan, type NamedPage, selectChannels } from '../../input/channels.ts';
import { type NormalisationSpec, normalisePart } from '../../input/normalise.ts';
import { LEAST_HOUNSFIELD, type NonFinite, nonFinite, type Page, requireFinite } from '../../input/planes.ts';
import { StatisticsScan } from '../../input/statistics.ts';
import type { Rectangle as AnnotatedBox, AnnotatedRows } from '../annotated.ts';
import { BrightnessScan } from '../inversion.ts';
import { addCounts, type LabelPage } from '../labels/labels.ts';
import { type FocusIndex, PLACES_PER_PAGE } from '../patch-position.ts';
import { AnnotatedAreas, RowCounter } from './areas.ts';
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
    const values = new ValueCheck(page);
    for (const box of partsOf(page)) {
      const part = await page.readImage(box);
      if (look) values.add(part, box);
      const planes = selectChannels({ ...part, name: page.name }, channels);
      const size = planes.length / count;
      for (let c = 0; c < count; c++) {
        add(scans[blocks > 1 ? c : 0], blocks > 1 ? 0 : c, planes.subarray(c * size, (c + 1) * size));
      }
    }
    values.require();
  };
  await each((scan, plane, values) => scan.addFirst(plane, values), true);
  await each((scan, plane, values) => scan.addSecond(plane, values), false);
  return scans;
}

/** What is asked of all values of a slice. */
class ValueCheck {
  readonly #page: StreamedPage;
  #bad: NonFinite | undefined;

  constructor(page: StreamedPage) {
    this.#page = page;
  }

  /** @throws DatasetError for values that may be Hounsfield units */
  add(part: Page, box: Rectangle): void {
    const bad = this.#bad;
    const here = nonFinite(part.data, part);
    if (here !== undefined)
      this.#bad = bad ? { ...bad, count: bad.count + here.count } : { ...here, y: here.y + box.y };
    if (this.#page.mayBeHounsfield && part.data.some((value) => value < LEAST_HOUNSFIELD)) {
      throw mayBeHounsfield(this.#page);
    }
  }

  /** @throws DatasetError for NaN and infinite values */
  require(): void {
    requireFinite(this.#bad, this.#page.file);
  }
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
  /** By which it is normalised: as `normalisePart`. */
  readonly numbers: readonly (readonly [number, number])[];
  readonly inverts: boolean;
}

/** Float32 [channels, height, width] of a part of a slice, normalised. */
export function inputOf(part: NamedPage, { channels, normalisation, numbers, inverts }: StreamedInput): Float32Array {
  const planes = selectChannels(part, channels);
  normalisePart(planes, channels.count, normalisation, numbers);
  if (inverts) negate(planes);
  return planes;
}

function negate(values: Float32Array): void {
  for (let i = 0; i < values.length; i++) values[i] = -values[i];
}

/** Reads the classes of a box of a slice. */
export type ReadClasses = (box: Rectangle) => Promise<Uint8Array>;

/** What is found of a slice when its normalisation is known. */
export interface ScannedContent {
  readonly brightness: BrightnessScan;
  /** Pixels of each class. */
  readonly counts: Float64Array;
  /** Checksum of the input, as it is and inverted, and of the classes. */
  readonly crc: readonly [plain: number, inverted: number, label: number];
  /** Of a slice annotated in part: as `annotatedRows` and `annotatedBoxes`. */
  readonly annotated: { readonly rows: AnnotatedRows; readonly boxes: readonly AnnotatedBox[] } | undefined;
}

/**
 * @param isPartial whether pixels are not annotated, so that those that are have to be found
 * @throws DatasetError as `scanValues`, whose numbers may be known without it
 */
export async function scanContent(
  page: StreamedPage,
  input: StreamedInput,
  readClasses: ReadClasses,
  isPartial: boolean,
): Promise<ScannedContent> {
  const brightness = new BrightnessScan();
  const values = new ValueCheck(page);
  const found = isPartial ? { areas: new AnnotatedAreas(page), rows: new RowCounter(page) } : undefined;
  const { count } = input.channels;
  const bytesOf = ({ buffer, byteOffset, byteLength }: Float32Array | Uint8Array) =>
    new Uint8Array(buffer, byteOffset, byteLength);
  // Of each channel, which follow each other in the whole.
  const counts = new Float64Array(256);
  const sums = [new Array<number>(count).fill(0), new Array<number>(count).fill(0)] as const;
  let ofLabel = 0;
  for (const box of partsOf(page)) {
    const [part, classes] = await Promise.all([page.readImage(box), readClasses(box)]);
    values.add(part, box);
    const planes = inputOf({ ...part, name: page.name }, { ...input, inverts: false });
    found?.areas.add(classes);
    found?.rows.add(classes);
    for (const index of classes) counts[index] = counts[index] + 1;
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
  values.require();
  const plane = 4 * page.height * page.width;
  const [plain, inverted] = sums.map((crcs) => crcs.reduce((all, crc) => joinedCrc32(all, crc, plane)));
  return {
    brightness,
    counts,
    crc: [plain, inverted, ofLabel],
    annotated: found && { rows: found.rows.result, boxes: found.areas.result() },
  };
}

/** Of a slice, pixels of each rare class that it has (`focusPlaces`). */
export type PagePlaces = ReadonlyMap<number, Int32Array | Float64Array>;

/** What is read of a slice, or of a part of it, to find pixels. */
export interface ClassSource extends Pick<StreamedPage, 'height' | 'width' | 'rows'> {
  readonly readLabel: ReadClasses;
}

/**
 * Pixels of some classes, at most 256 of each, evenly spread (`spreadPixels`).
 * @param counts pixels of each class in the slice
 */
export async function scanPlaces(
  page: ClassSource,
  classes: readonly number[],
  counts: Float64Array,
): Promise<PagePlaces> {
  const found = new Map(
    classes
      .filter((of) => counts[of] > 0)
      .map((of) => {
        const count = counts[of];
        return [of, { count, kept: Math.min(count, PLACES_PER_PAGE), seen: 0, pixels: [] as number[] }];
      }),
  );
  if (found.size === 0) return new Map();
  for (const box of partsOf(page)) {
    const label = await page.readLabel(box);
    for (let p = 0; p < label.length; p++) {
      const own = found.get(label[p]);
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

/** The places of a class in all pages. */
export const placesOf = (pages: readonly PagePlaces[], classIndex: number): FocusIndex['rare'][number]['places'] =>
  pages.flatMap((own, page) => {
    const pixels = own.get(classIndex);
    return pixels === undefined ? [] : [{ page, pixels }];
  });
