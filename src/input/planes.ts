/** An image split into 2D slices with channels, the form in which a 2D network receives it. */

import { DatasetError } from '../errors.ts';
import { isHounsfield } from '../image/display.ts';
import type { Image } from '../image/image.ts';
import { sizes } from '../image/image.ts';

type Numeric = Exclude<Image['data'], BigInt64Array | BigUint64Array>;

/** One slice [channels, height, width] of an image in the values of its file. */
export interface Page {
  readonly data: Numeric;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  /** Channel names, if stated by the file: red, green and blue are a photograph, others are not. */
  readonly channelNames?: readonly string[];
  /** These channels were asked for, in this order, whatever a network was trained on. */
  readonly chosen?: true;
}

/**
 * The slices of an image over time and depth, slowest first; alpha is dropped. Pixels where nothing was measured
 * (`padding`) get the smallest measured value. Hounsfield units are clipped to at least -1024, the value of air:
 * scanners fill the area outside their field of view arbitrarily.
 * @throws DatasetError for integers beyond 32 bits and for NaN or infinite values, naming the file and the position of
 * the first.
 */
export function pagesOf(image: Image): readonly Page[] {
  const data = measuredOnly(image, narrowed(image.data));
  const pages = storedPages(image, data);
  const { height, width } = sizes(image);
  requireFinite(data && nonFinite(data, { width, height }), image.source);
  return pages;
}

/**
 * The slices of an image, or of a part of one, as they are stored; alpha is dropped.
 * @throws DatasetError for integers beyond 32 bits
 */
export function storedPages(image: Image, data = narrowed(image.data)): readonly Page[] {
  if (data === undefined || image.dtype === 'float16') {
    throw new DatasetError(`values of dtype ${image.dtype} are not supported.`, {
      file: image.source,
      remedy: 'Save the image with integers of up to 32 bits or float32.',
    });
  }
  const { times, channels: stored, slices: depth, height, width } = sizes(image);
  const pixels = height * width;
  const isAlpha = (name: string): boolean => /alpha/i.test(name);
  const kept = Array.from({ length: stored }, (_, c) => c).filter((c) => !isAlpha(image.channels?.[c] ?? ''));
  const channelNames = image.channels && kept.map((c) => (image.channels as readonly string[])[c] ?? '');
  const pages: Page[] = [];
  for (let t = 0; t < times; t++) {
    for (let z = 0; z < depth; z++) {
      // Axes are ordered t, c, z, y, x.
      const at = (c: number): number => ((t * stored + c) * depth + z) * pixels;
      let page: Numeric;
      if (kept.length === 1) page = data.subarray(at(kept[0]), at(kept[0]) + pixels);
      else {
        page = data.slice(0, kept.length * pixels);
        kept.forEach((c, i) => {
          page.set(data.subarray(at(c), at(c) + pixels), i * pixels);
        });
      }
      pages.push({ data: page, channels: kept.length, height, width, channelNames });
    }
  }
  return pages;
}

/** 64-bit integers, used by some programs for label maps, as int32 or uint32 if they all fit. */
function narrowed(data: Image['data']): Numeric | undefined {
  if (!(data instanceof BigInt64Array || data instanceof BigUint64Array)) return data;
  for (const Kind of [Int32Array, Uint32Array]) {
    const out = new Kind(data.length);
    let i = 0;
    while (i < data.length) {
      const value = Number(data[i]);
      out[i] = value;
      if (out[i] !== value) break;
      i++;
    }
    if (i === data.length) return out;
  }
  return undefined;
}

/** The value of air, to which smaller Hounsfield units are clipped. */
export const LEAST_HOUNSFIELD = -1024;

function measuredOnly(image: Image, data: Numeric | undefined): Numeric | undefined {
  if (data === undefined || image.dtype === 'float16') return data;
  const { padding } = image;
  const isSigned = !(data instanceof Uint8Array || data instanceof Uint16Array || data instanceof Uint32Array);
  if (padding === undefined && !isSigned) return data;
  let least = Number.POSITIVE_INFINITY;
  let padded = false;
  for (let i = 0; i < data.length; i++) {
    const value = data[i];
    if (value === padding) padded = true;
    else if (value < least) least = value;
  }
  const clips = isSigned && least < LEAST_HOUNSFIELD && isHounsfield(image);
  if (!clips && !(padded && least < Number.POSITIVE_INFINITY)) return data;
  const out = data.slice();
  const floor = clips ? LEAST_HOUNSFIELD : least;
  for (let i = 0; i < out.length; i++) {
    const value = out[i];
    if (value === padding || (clips && value < floor)) out[i] = floor;
  }
  return out;
}

/** Values of an image that are no numbers: how many, and where the first is. */
export interface NonFinite {
  readonly count: number;
  readonly y: number;
  readonly x: number;
}

/** The values that are NaN or infinite; undefined if there are none. */
export function nonFinite(
  data: Image['data'],
  { width, height }: { readonly width: number; readonly height: number },
): NonFinite | undefined {
  if (!(data instanceof Float32Array || data instanceof Float64Array)) return undefined;
  let count = 0;
  let first = -1;
  for (let i = 0; i < data.length; i++) {
    if (!Number.isFinite(data[i])) {
      if (count === 0) first = i;
      count++;
    }
  }
  return count === 0 ? undefined : { count, y: Math.floor(first / width) % height, x: first % width };
}

/** @throws DatasetError if there are such values */
export function requireFinite(found: NonFinite | undefined, file: string | undefined): void {
  if (found === undefined) return;
  const { count, x, y } = found;
  throw new DatasetError(
    `${count} ${count === 1 ? 'value is' : 'values are'} NaN or infinite, the first at x ${x}, y ${y}.`,
    { file, remedy: 'Replace them by numbers, or leave the file out.' },
  );
}
