import { FlateErrorCode, Gunzip } from 'fflate';
import { concatenate } from '../array/bytes.ts';
import { crc32 } from '../array/crc32.ts';

const SLICE_BYTES = 2 ** 16;
/** Checksum and length, after each member. */
const TRAILER_BYTES = 8;

/** Whether bytes start with the gzip signature. */
export function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b && bytes[2] === 8;
}

export interface Gunzipped {
  readonly bytes: Uint8Array;
  /** Notes data other than zeros after the gzip data; it is ignored, as by gzip itself. */
  readonly notes: readonly string[];
}

/**
 * Decompresses gzip with all its members, and verifies checksum and length of each. Zero padding of the last block is
 * ignored.
 * @param limit decompression stops, without an error, at this number of bytes; the last checksum is then not verified
 * @throws Error if the stream is damaged or ends early
 */
export function gunzip(bytes: Uint8Array, limit: number): Gunzipped {
  const chunks: Uint8Array[] = [];
  let length = 0;
  let complete = false;
  /** Start of the current member: among the chunks, and within their concatenation. */
  let member = { chunk: 0, at: 0 };
  const stream = new Gunzip((chunk, final) => {
    chunks.push(chunk);
    length += chunk.length;
    complete = final;
  });
  stream.onmember = (next) => {
    const trailer = trailerOf(concatenate(chunks.slice(member.chunk)));
    if (!startsAt(bytes, next - TRAILER_BYTES, trailer)) throw new Error(MISMATCH);
    member = { chunk: chunks.length, at: length };
  };
  for (let at = 0; at < bytes.length && length < limit && !complete; at += SLICE_BYTES) {
    const end = Math.min(bytes.length, at + SLICE_BYTES);
    try {
      stream.push(bytes.subarray(at, end), end === bytes.length);
    } catch (cause) {
      // A member has ended, and what follows is not another one.
      if ((cause as { code?: number }).code !== FlateErrorCode.InvalidHeader) throw cause;
      complete = true;
    }
  }
  const out = concatenate(chunks).subarray(0, limit);
  if (length >= limit) return { bytes: out, notes: [] };
  if (!complete) throw new Error('its gzip data end early');
  const trailer = trailerOf(out.subarray(member.at));
  let last = bytes.length - TRAILER_BYTES;
  while (last >= 0 && !startsAt(bytes, last, trailer)) last--;
  if (last < 0) throw new Error(MISMATCH);
  const behind = bytes.subarray(last + TRAILER_BYTES);
  const notes = behind.some((byte) => byte !== 0)
    ? [`${behind.length} bytes that are not gzip follow the gzip data; they are ignored.`]
    : [];
  return { bytes: out, notes };
}

const MISMATCH = 'the checksum of its gzip data does not match';

function trailerOf(member: Uint8Array): Uint8Array {
  const trailer = new Uint8Array(TRAILER_BYTES);
  const view = new DataView(trailer.buffer);
  view.setUint32(0, crc32(member), true);
  view.setUint32(4, member.length % 2 ** 32, true);
  return trailer;
}

function startsAt(bytes: Uint8Array, at: number, wanted: Uint8Array): boolean {
  for (let i = 0; i < wanted.length; i++) if (bytes[at + i] !== wanted[i]) return false;
  return true;
}

/** The first bytes of gzip content, for inspection; fewer, or none, if it is damaged. */
export function gunzipHead(bytes: Uint8Array, count: number): Uint8Array {
  const head: number[] = [];
  const stream = new Gunzip((chunk) => {
    for (let i = 0; i < chunk.length && head.length < count; i++) head.push(chunk[i]);
  });
  try {
    for (let at = 0; at < bytes.length && head.length < count; at += 4096) stream.push(bytes.subarray(at, at + 4096));
  } catch {
    // Return what was decompressed so far.
  }
  return Uint8Array.from(head);
}
