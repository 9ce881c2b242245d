/** Directories of TIFF files as they are written: classic ones with offsets of 32 bits, and BigTIFF with 64. */

import { strToU8 } from 'fflate';
import { bytesPer, type DType } from '../../../array/ndarray.ts';
import type { Image } from '../../image.ts';
import { TAG } from './directory.ts';

const ASCII = 2;
export const SHORT = 3;
export const LONG = 4;
export const RATIONAL = 5;
export const LONG8 = 16;
const TYPE_BYTES: Readonly<Record<number, number>> = { [ASCII]: 1, [SHORT]: 2, [LONG]: 4, [RATIONAL]: 8, [LONG8]: 8 };
/** What offsets of 32 bits reach, with some room for the directories. */
export const CLASSIC_LIMIT = 2 ** 32 - 2 ** 16;

/** One directory entry; `value` is stored in the entry itself if it is short enough. */
export interface Entry {
  readonly tag: number;
  readonly type: number;
  readonly count: number;
  readonly value: Uint8Array;
}

/** @param values a RATIONAL takes two each */
export function entry(tag: number, type: number, values: ArrayLike<number>): Entry {
  const size = type === RATIONAL ? 4 : TYPE_BYTES[type];
  const view = new DataView(new ArrayBuffer(values.length * size));
  for (let i = 0; i < values.length; i++) {
    if (size === 2) view.setUint16(2 * i, values[i], true);
    else if (size === 4) view.setUint32(4 * i, values[i], true);
    else view.setBigUint64(8 * i, BigInt(values[i]), true);
  }
  const count = type === RATIONAL ? values.length / 2 : values.length;
  return { tag, type, count, value: new Uint8Array(view.buffer) };
}

export function text(tag: number, ascii: string): Entry {
  const value = strToU8(`${ascii}\0`);
  return { tag, type: ASCII, count: value.length, value };
}

/** Red, green, blue and optionally alpha, to be displayed as colour by other programs: samples of one pixel. */
export function isColour({ dtype, channels }: Pick<Image, 'dtype' | 'channels'>): boolean {
  if (dtype !== 'uint8' && dtype !== 'uint16') return false;
  const names = channels?.join();
  return names === 'red,green,blue' || names === 'red,green,blue,alpha';
}

/** Entries that say what the samples of a page are. */
export function sampleEntries(
  dtype: DType,
  [height, width]: readonly [height: number, width: number],
  { samples, deflate }: { readonly samples: number; readonly deflate: boolean },
): readonly Entry[] {
  const each = (value: number) => Array<number>(samples).fill(value);
  return [
    entry(TAG.ImageWidth, LONG, [width]),
    entry(TAG.ImageLength, LONG, [height]),
    entry(TAG.BitsPerSample, SHORT, each(8 * bytesPer(dtype))),
    entry(TAG.Compression, SHORT, [deflate ? 8 : 1]),
    entry(TAG.PhotometricInterpretation, SHORT, [samples > 1 ? 2 : 1]),
    entry(TAG.SamplesPerPixel, SHORT, [samples]),
    entry(TAG.PlanarConfiguration, SHORT, [1]),
    entry(TAG.SampleFormat, SHORT, each(dtype.startsWith('float') ? 3 : dtype.startsWith('int') ? 2 : 1)),
    ...(samples === 4 ? [entry(TAG.ExtraSamples, SHORT, [2])] : []),
  ];
}

/** Parts of a file, one after the other, and the chain of its directories. */
export class TiffParts {
  readonly parts: Uint8Array[] = [];
  readonly #big: boolean;
  /** Where the next part begins in the file. */
  size: number;
  /** The offset of the first directory, which belongs into the header. */
  first = 0;
  #last: { readonly view: DataView; readonly at: number } | undefined;

  constructor({ start = 0, big }: { readonly start?: number; readonly big: boolean }) {
    this.size = start;
    this.#big = big;
  }

  /** @returns where the part begins: always at an even byte */
  append(part: Uint8Array): number {
    const at = this.size;
    this.parts.push(part);
    if (part.length % 2 !== 0) this.parts.push(new Uint8Array(1));
    this.size += part.length + (part.length % 2);
    return at;
  }

  /**
   * Appends a directory.
   * @param options chained: whether it is a page of the file, not only reached from another directory
   * @returns its offset
   */
  directory(given: readonly Entry[], { chained = true }: { readonly chained?: boolean } = {}): number {
    const entries = [...given].sort((a, b) => a.tag - b.tag);
    const big = this.#big;
    const [head, each, inline] = big ? [8, 20, 8] : [2, 12, 4];
    const view = new DataView(new ArrayBuffer(head + each * entries.length + inline));
    const setOffset = (at: number, value: number): void => {
      if (big) view.setBigUint64(at, BigInt(value), true);
      else view.setUint32(at, value, true);
    };
    if (big) view.setBigUint64(0, BigInt(entries.length), true);
    else view.setUint16(0, entries.length, true);
    for (const [i, { tag, type, count, value }] of entries.entries()) {
      const at = head + each * i;
      view.setUint16(at, tag, true);
      view.setUint16(at + 2, type, true);
      setOffset(at + 4, count);
      if (value.length <= inline) new Uint8Array(view.buffer).set(value, at + each - inline);
      else setOffset(at + each - inline, this.append(value));
    }
    const offset = this.append(new Uint8Array(view.buffer));
    if (!chained) return offset;
    if (this.#last === undefined) this.first = offset;
    else if (big) this.#last.view.setBigUint64(this.#last.at, BigInt(offset), true);
    else this.#last.view.setUint32(this.#last.at, offset, true);
    this.#last = { view, at: view.byteLength - inline };
    return offset;
  }
}
