import { Gunzip } from 'fflate';
import { crc32 } from '../array/crc32.ts';

const SLICE_BYTES = 2 ** 16;

/** Whether bytes begin as gzip's do. */
export function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b && bytes[2] === 8;
}

/**
 * Unpacks gzip, all its members, and tests checksum and length of the last one.
 * @param limit unpacking stops, without an error, once there are so many bytes; the checksum is then not tested
 * @throws Error when the stream is damaged or ends early
 */
export function gunzip(bytes: Uint8Array, limit: number): Uint8Array {
  const chunks: Uint8Array[] = [];
  let length = 0;
  let ended = false;
  let member = 0;
  const stream = new Gunzip((chunk, final) => {
    chunks.push(chunk);
    length += chunk.length;
    ended = final;
  });
  stream.onmember = () => {
    member = length;
  };
  for (let at = 0; at < bytes.length && length < limit; at += SLICE_BYTES) {
    const end = Math.min(bytes.length, at + SLICE_BYTES);
    stream.push(bytes.subarray(at, end), end === bytes.length);
  }
  const out = new Uint8Array(Math.min(length, limit));
  let at = 0;
  for (const chunk of chunks) {
    if (at >= out.length) break;
    out.set(at + chunk.length > out.length ? chunk.subarray(0, out.length - at) : chunk, at);
    at += chunk.length;
  }
  if (length >= limit) return out;
  if (!ended) throw new Error('its gzip data end early');
  const tail = new DataView(bytes.buffer, bytes.byteOffset + bytes.length - 8, 8);
  const last = out.subarray(member);
  if (tail.getUint32(4, true) !== last.length % 2 ** 32 || tail.getUint32(0, true) !== crc32(last)) {
    throw new Error('the checksum of its gzip data does not match');
  }
  return out;
}

/** The first bytes of what gzip holds, for looking at; fewer, or none, where it is damaged. */
export function gunzipHead(bytes: Uint8Array, count: number): Uint8Array {
  const head: number[] = [];
  const stream = new Gunzip((chunk) => {
    for (let i = 0; i < chunk.length && head.length < count; i++) head.push(chunk[i]);
  });
  try {
    for (let at = 0; at < bytes.length && head.length < count; at += 4096) stream.push(bytes.subarray(at, at + 4096));
  } catch {
    // What was unpacked so far is what there is to see.
  }
  return Uint8Array.from(head);
}
