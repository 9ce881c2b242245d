/**
 * Plain data with typed arrays as bytes, by which processes tell each other what they found.
 *
 * Layout, little-endian: uint32 CRC-32 of everything after it, uint32 length of the text, the data as JSON padded with
 * spaces to a multiple of 8, in which an array is its type, offset and length, then the arrays, each padded with zeros to
 * a multiple of 8.
 */

import { crc32 } from './crc32.ts';

const TYPES = {
  Int8Array,
  Uint8Array,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
} as const;
type Type = keyof typeof TYPES;
type TypedArray = InstanceType<(typeof TYPES)[Type]>;

/** An array in the text. */
interface Place {
  readonly $array: Type;
  /** From the first array on, in bytes. */
  readonly at: number;
  readonly length: number;
}

const PREFIX = 8;
const padded = (bytes: number): number => Math.ceil(bytes / 8) * 8;
const isArray = (value: unknown): value is TypedArray => ArrayBuffer.isView(value) && value.constructor.name in TYPES;

/** @param record objects, lists, texts, finite numbers, and typed arrays of numbers of up to 64 bits */
export function encodeRecord(record: object): Uint8Array {
  const arrays: { readonly at: number; readonly data: TypedArray }[] = [];
  let size = 0;
  const text = new TextEncoder().encode(
    JSON.stringify(record, (_, value: unknown) => {
      if (!isArray(value)) return value;
      const place: Place = { $array: value.constructor.name as Type, at: size, length: value.length };
      arrays.push({ at: size, data: value });
      size += padded(value.byteLength);
      return place;
    }),
  );
  const first = PREFIX + padded(text.length);
  const bytes = new Uint8Array(first + size);
  const view = new DataView(bytes.buffer);
  view.setUint32(4, first - PREFIX, true);
  bytes.fill(0x20, PREFIX, first);
  bytes.set(text, PREFIX);
  for (const { at, data } of arrays) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), first + at);
  }
  view.setUint32(0, crc32(bytes.subarray(4)), true);
  return bytes;
}

/** What was encoded; undefined if the bytes are cut off or damaged. */
export function decodeRecord(bytes: Uint8Array): unknown {
  if (bytes.length < PREFIX) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (crc32(bytes.subarray(4)) !== view.getUint32(0, true)) return undefined;
  const first = PREFIX + view.getUint32(4, true);
  return JSON.parse(new TextDecoder().decode(bytes.subarray(PREFIX, first)), (_, value: unknown) => {
    const { $array, at, length } = (value ?? {}) as Partial<Place>;
    if ($array === undefined || at === undefined) return value;
    const array = new TYPES[$array](length as number);
    new Uint8Array(array.buffer).set(bytes.subarray(first + at, first + at + array.byteLength));
    return array;
  });
}
