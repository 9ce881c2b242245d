/** The network's input of images that are read by region, equal to that of the whole image (`network-input.ts`). */

import type { Rectangle } from '../array/window-sums.ts';
import { Interrupted } from '../errors.ts';
import { type Image, sizes } from '../image/image.ts';
import { type ImageInfo, type ImageSource, infoAt, type Region } from '../image/source.ts';
import { countAbove } from './background.ts';
import {
  type ChannelChoice,
  ColourScan,
  channelNote,
  losesColour,
  type NamedPage,
  pickChannels,
  selectChannels,
} from './channels.ts';
import { type InputSpec, normalisePart, numbersFor, scaleNote, wholeOperations } from './normalise.ts';
import { pixelSizeNote } from './pixel-size.ts';
import { LEAST_HOUNSFIELD, type NonFinite, nonFinite, requireFinite, storedPages } from './planes.ts';
import { StatisticsScan } from './statistics.ts';

/** One slice of an image as a network wants it, read as it is needed. */
export interface InputRegions {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly name: string;
  readonly scan: InputScan;
  /** What is to be said of the image, as `inputNotes`, and what its reader said of parts of it. */
  notes(): readonly string[];
  /** Pixels of the slice, float32 [channels, height, width], normalised. */
  read(box: Rectangle): Promise<Float32Array>;
}

export interface InputRegionsOptions {
  /** Default 0. */
  readonly level?: number;
  /** Time and depth of the slice; default 0. */
  readonly t?: number;
  readonly z?: number;
  /** Channels of the image in place of those that the network was trained on. */
  readonly channel?: ChannelChoice;
  /** Stored values to read at once for the numbers of the normalisation. Default 8 Mi. */
  readonly atOnce?: number;
  /** Checked before each part. */
  readonly signal?: AbortSignal;
  /** What another process found by reading the slice; default: it is found now. */
  readonly scan?: InputScan;
}

/** What is found of a slice only by reading all of it. */
export interface InputScan {
  /** By which it is normalised: as `normalisePart`. */
  readonly numbers: readonly (readonly [number, number])[];
  /** Whether it is inverted, because most of it is bright. */
  readonly inverts: boolean;
  readonly notes: readonly string[];
}

/**
 * Why the input of an image must be made from the whole of it, as a noun; undefined if it can be made by region.
 * Whether values are Hounsfield units may be seen from all of them only (`pagesOf`).
 */
export function needsWhole({ dtype, geometry, padding, valueUnit, modality }: ImageInfo): string | undefined {
  if (geometry !== undefined) return 'its orientation in the patient';
  if (padding !== undefined) return 'its pixels without a value';
  if (valueUnit === 'HU' || modality === 'CT') return 'its Hounsfield units';
  return /64$/.test(dtype) && dtype !== 'float64' ? `its values of type ${dtype}` : undefined;
}

/**
 * Opens a slice of an image, reading it once or twice from the first row to the last for the numbers of its
 * normalisation, where they are not given.
 * @returns undefined if only the whole image tells whether its values are Hounsfield units, or gives the numbers of its
 * operations
 * @throws DatasetError as `inputPages` and `prepareInput`; Interrupted
 */
export async function openInputRegions(
  source: ImageSource,
  { channels, normalisation, pixelMm }: InputSpec,
  { level = 0, t = 0, z = 0, channel, atOnce = 8 * 2 ** 20, signal, scan }: InputRegionsOptions = {},
): Promise<InputRegions | undefined> {
  const info = infoAt(source, level);
  const { times, slices, channels: stored, height, width } = sizes(info);
  const single = info.source ?? 'image';
  const name = times * slices > 1 ? `${single}[${t * slices + z}]` : single;
  const said = new Set<string>();
  const pageOf = (image: Image): NamedPage => {
    for (const note of image.notes ?? []) if (info.notes?.includes(note) !== true) said.add(note);
    const page = { ...storedPages(image)[0], name };
    return channel === undefined ? page : pickChannels(page, channel);
  };
  const read = ({ y, x, height: rows, width: columns }: Rectangle): Promise<Image> => {
    const first: Readonly<Record<string, number>> = { t, z, c: 0, y, x };
    const extent: Readonly<Record<string, number>> = { t: 1, z: 1, c: stored, y: rows, x: columns };
    const along = (of: Readonly<Record<string, number>>) => [...info.axes].map((axis) => of[axis]);
    return source.read(level, { start: along(first), shape: along(extent) } satisfies Region);
  };
  const chunkRows = level === 0 ? (source.chunk?.[info.axes.indexOf('y')] ?? 1) : 1;
  const rows = rowsAtOnce(chunkRows, atOnce / (width * stored));
  /** All rows, the next while one part is looked at. */
  async function* parts(): AsyncGenerator<{ readonly image: Image; readonly y: number }> {
    const part = (y: number) => read({ y, x: 0, height: Math.min(rows, height - y), width });
    let next = part(0);
    for (let y = 0; y < height; y += rows) {
      const image = await next;
      if (signal?.aborted === true) throw new Interrupted('Prediction was stopped.');
      if (y + rows < height) {
        next = part(y + rows);
        next.catch(() => {});
      }
      yield { image, y };
    }
  }

  if (wholeOperations(normalisation).length > 0) return undefined;
  const { scope, perChannel, percentiles, invertBright = false } = normalisation;
  const { count } = channels;
  const blocks = perChannel ? count : 1;
  const scaled = (page: NamedPage, numbers: InputScan['numbers']): Float32Array => {
    const planes = selectChannels(page, channels);
    normalisePart(planes, count, normalisation, numbers);
    return planes;
  };

  /** Reads all of the slice; undefined if its values may be Hounsfield units. */
  async function scanned(): Promise<InputScan | undefined> {
    const scans = Array.from({ length: blocks }, () => new StatisticsScan(count / blocks));
    const each = (page: NamedPage, add: (scan: StatisticsScan, plane: number, values: Float32Array) => void): void => {
      const planes = selectChannels(page, channels);
      const size = planes.length / count;
      for (let c = 0; c < count; c++) {
        add(scans[perChannel ? c : 0], perChannel ? 0 : c, planes.subarray(c * size, (c + 1) * size));
      }
    };
    const colours = new ColourScan();
    const isSigned = !/^(u|bool)/.test(info.dtype);
    const mayBeHounsfield = isSigned && info.valueUnit === undefined && info.modality === undefined;
    const first = pageOf(await read({ y: 0, x: 0, height: 1, width: 1 }));
    const looksForColour = losesColour(first, channels);
    let bad: NonFinite | undefined;
    if (scope === 'image' || isSigned || looksForColour) {
      for await (const { image, y } of parts()) {
        bad = together(bad, nonFinite(image.data, sizes(image)), y);
        if (mayBeHounsfield && isBelow(image.data, LEAST_HOUNSFIELD)) return undefined;
        const page = pageOf(image);
        if (looksForColour) colours.add(page);
        if (scope === 'image') each(page, (scan, plane, values) => scan.addFirst(plane, values));
      }
      requireFinite(bad, info.source);
    }
    if (scope === 'image') {
      for await (const { image } of parts())
        each(pageOf(image), (scan, plane, values) => scan.addSecond(plane, values));
    }
    const numbers =
      scope === 'image'
        ? scans.map((scan) => numbersFor(normalisation, scan.result(percentiles)))
        : normalisation.numbers.slice(0, blocks);
    let above = 0;
    if (invertBright) {
      for await (const { image } of parts()) above += countAbove(scaled(pageOf(image), numbers));
    }
    const noted = [
      channelNote(first, channels, colours.isGrey),
      scaleNote(info.dtype, normalisation),
      pixelSizeNote(pixelMm, info),
    ];
    return {
      numbers,
      inverts: 2 * above > count * height * width,
      notes: noted.filter((note) => note !== undefined),
    };
  }

  const found = scan ?? (await scanned());
  if (found === undefined) return undefined;
  const { numbers, inverts, notes } = found;
  return {
    height,
    width,
    channels: count,
    name,
    scan: found,
    notes: () => [...notes, ...said],
    async read(box) {
      const planes = scaled(pageOf(await read(box)), numbers);
      if (inverts) for (let i = 0; i < planes.length; i++) planes[i] = -planes[i];
      return planes;
    },
  };
}

/** Whole chunks of rows, or some of one where it has more than `most`. */
export function rowsAtOnce(chunkRows: number, most: number): number {
  return most >= chunkRows ? Math.floor(most / chunkRows) * chunkRows : Math.max(1, Math.floor(most));
}

function together(before: NonFinite | undefined, here: NonFinite | undefined, y: number): NonFinite | undefined {
  if (here === undefined) return before;
  return before === undefined ? { ...here, y: here.y + y } : { ...before, count: before.count + here.count };
}

function isBelow(data: Image['data'], limit: number): boolean {
  for (let i = 0; i < data.length; i++) if (data[i] < limit) return true;
  return false;
}
