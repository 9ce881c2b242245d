/**
 * Messages between a page and an engine: a JSON header and binary parts. The same for a `MessagePort`, which transfers
 * the parts, and for a WebSocket, which carries both in one row of bytes (`socket-channel.ts`).
 *
 * | header | meaning |
 * | --- | --- |
 * | `{ v: 1, id, call, args }` | calls a method of the engine |
 * | `{ v: 1, id, read: { file, from, to } }` | asks for bytes of a file that the other side named |
 * | `{ v: 1, re, value }`, `{ v: 1, re, error }` | answers the call or question with that `id` |
 * | `{ v: 1, event }` | an event of the engine |
 * | `{ v: 1, ack }` | an event with that number was taken; see `serve.ts` |
 *
 * Within JSON, `{ $part: n, dtype }` stands for a typed array, whose bytes are part n; `{ $blob: n }` for a Blob, where
 * the channel carries them; `{ $file: id, size }` for one that stays on the other side, to be read in pieces; `{ $number }`
 * for NaN and infinity, `{ $none: true }` for undefined. A name that begins with `$` gets a second one.
 */

import { bytesPer, dtypeOf, isDType, viewAs } from '../array/ndarray.ts';
import { FormatError } from '../errors.ts';
import type { BlobLike } from '../files.ts';

export const PROTOCOL_VERSION = 1;

/** A message before it is put on a channel, or after. */
export interface Message {
  readonly header: unknown;
  readonly parts: readonly (Uint8Array | BlobLike)[];
}

/** What messages travel by. */
export interface Channel {
  /** Whether Blobs may be parts: between a page and its worker, which then share them. */
  readonly carriesBlobs: boolean;
  send(message: Message): void;
  /** @param listener gets what arrives, of which nothing is known yet */
  onMessage(listener: (message: { readonly header: unknown; readonly parts: readonly unknown[] }) => void): void;
  /** @param listener is called once, when nothing will arrive any more */
  onClose(listener: () => void): void;
  close(): void;
}

const isFile = (value: object): value is BlobLike =>
  'arrayBuffer' in value && typeof value.arrayBuffer === 'function' && 'size' in value;

/** A `Blob` or `File` of the platform, which a port carries; others only have its methods. */
const isBlob = (value: unknown): value is BlobLike =>
  /^\[object (Blob|File)\]$/.test(Object.prototype.toString.call(value));

const invalid = (problem: string): FormatError =>
  new FormatError(`A message cannot be understood: ${problem}.`, {
    remedy: 'Reload the page; page and engine must be of the same version.',
  });

/** Files of this side that the other side may read. */
export interface HeldFiles {
  hold(file: BlobLike): number;
}

/**
 * A value as JSON and parts.
 * @param held keeps the files that stay here
 */
export function encode(value: unknown, held: HeldFiles, { carriesBlobs }: Pick<Channel, 'carriesBlobs'>): Message {
  const parts: (Uint8Array | BlobLike)[] = [];
  const walk = (item: unknown): unknown => {
    if (item === undefined) return { $none: true };
    if (typeof item === 'number' && !Number.isFinite(item)) return { $number: String(item) };
    if (typeof item !== 'object' || item === null) return item;
    if (ArrayBuffer.isView(item)) {
      const { buffer, byteOffset, byteLength } = item;
      parts.push(new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength));
      return { $part: parts.length - 1, dtype: dtypeOf(item) };
    }
    if (isFile(item)) {
      if (!(carriesBlobs && isBlob(item))) return { $file: held.hold(item), size: item.size };
      parts.push(item);
      return { $blob: parts.length - 1 };
    }
    if (Array.isArray(item)) return item.map(walk);
    const entries = Object.entries(item).filter(([, inner]) => inner !== undefined);
    return Object.fromEntries(entries.map(([name, inner]) => [name.startsWith('$') ? `$${name}` : name, walk(inner)]));
  };
  return { header: walk(value), parts };
}

/**
 * The value that `encode` was given.
 * @param read reads a file of the other side
 * @throws FormatError for what no `encode` makes
 */
export function decode(
  { header, parts }: { readonly header: unknown; readonly parts: readonly unknown[] },
  read: (file: number, from: number, to: number) => Promise<Uint8Array>,
): unknown {
  const walk = (item: unknown): unknown => {
    if (typeof item !== 'object' || item === null) return item;
    if (Array.isArray(item)) return item.map(walk);
    const fields = item as { readonly [name: string]: unknown };
    if ('$none' in fields) return undefined;
    if ('$number' in fields) return nonFinite(fields.$number);
    if ('$part' in fields) return arrayOf(parts[Number(fields.$part)], fields.dtype);
    if ('$blob' in fields) {
      const part = parts[Number(fields.$blob)];
      if (!isBlob(part)) throw invalid('a file is missing');
      return part;
    }
    if ('$file' in fields) return remoteFile(fields.$file, fields.size, read);
    return Object.fromEntries(
      Object.entries(fields).map(([name, inner]) => [name.startsWith('$$') ? name.slice(1) : name, walk(inner)]),
    );
  };
  return walk(header);
}

function nonFinite(text: unknown): number {
  if (text !== 'NaN' && text !== 'Infinity' && text !== '-Infinity') throw invalid('a number is none');
  return Number(text);
}

function arrayOf(bytes: unknown, dtype: unknown): unknown {
  if (!(bytes instanceof Uint8Array) || typeof dtype !== 'string' || !isDType(dtype)) {
    throw invalid('an array is missing');
  }
  if (bytes.length % bytesPer(dtype) !== 0) throw invalid('an array ends within an element');
  if (dtype === 'uint8') return bytes;
  // A part of something larger may not be aligned.
  const { buffer } = bytes.length === bytes.buffer.byteLength ? bytes : bytes.slice();
  return viewAs(dtype, buffer);
}

/** Bytes that are asked for at a time. */
const PIECE = 2 ** 23;

function remoteFile(
  file: unknown,
  size: unknown,
  read: (file: number, from: number, to: number) => Promise<Uint8Array>,
): BlobLike {
  if (!isNatural(file) || !isNatural(size)) throw invalid('a file has no number or size');
  const bytes = async (from: number, to: number): Promise<ArrayBuffer> => {
    const whole = new Uint8Array(Math.max(0, to - from));
    for (let at = 0; at < whole.length; at += PIECE) {
      const end = Math.min(whole.length, at + PIECE);
      const piece = await read(file, from + at, from + end);
      if (piece.length !== end - at) throw invalid('a file has another length than was said');
      whole.set(piece, at);
    }
    return whole.buffer;
  };
  return {
    size,
    arrayBuffer: () => bytes(0, size),
    slice: (from, to) => ({ arrayBuffer: () => bytes(Math.min(from, size), Math.min(to, size)) }),
  };
}

export const isNatural = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

/** A header with the fields that it may have, checked. */
export type Header =
  | { readonly kind: 'call'; readonly id: number; readonly call: string; readonly args: unknown }
  | { readonly kind: 'read'; readonly id: number; readonly file: number; readonly from: number; readonly to: number }
  | { readonly kind: 'answer'; readonly re: number; readonly value?: unknown; readonly error?: unknown }
  | { readonly kind: 'event'; readonly event: unknown; readonly number: number | undefined }
  | { readonly kind: 'ack'; readonly ack: number };

/** The kind of a header. @throws FormatError for any other value */
export function headerOf(header: unknown): Header {
  if (typeof header !== 'object' || header === null || Array.isArray(header)) throw invalid('it has no header');
  const fields = header as { readonly [name: string]: unknown };
  if (fields.v !== PROTOCOL_VERSION) throw invalid(`it has version ${JSON.stringify(fields.v)?.slice(0, 20)}`);
  const { id, re, ack, number } = fields;
  if (isNatural(re)) return { kind: 'answer', re, value: fields.value, error: fields.error };
  if (isNatural(ack)) return { kind: 'ack', ack };
  if ('event' in fields) {
    if (number !== undefined && !isNatural(number)) throw invalid('an event has no number');
    return { kind: 'event', event: fields.event, number };
  }
  if (!isNatural(id)) throw invalid('it is neither a call nor an answer nor an event');
  if (typeof fields.call === 'string') return { kind: 'call', id, call: fields.call, args: fields.args };
  const read = fields.read as { readonly [name: string]: unknown } | null | undefined;
  if (typeof read !== 'object' || read === null) throw invalid('it calls nothing');
  const { file, from, to } = read;
  if (!isNatural(file) || !isNatural(from) || !isNatural(to)) throw invalid('a file is read without bounds');
  return { kind: 'read', id, file, from, to };
}
