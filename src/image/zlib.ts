/**
 * What images are unpacked with. A platform that has it in native code gives its own (`ReadOptions.zlib`): 5 times as
 * fast as ours in Node, and several files at once.
 */
import { crc32 } from '../array/crc32.ts';
import { inflate } from './inflate.ts';

export interface Zlib {
  /** As `inflate` of inflate.ts: the same bytes, the same streams refused. */
  inflate(zlib: Uint8Array, expected: number): Uint8Array | Promise<Uint8Array>;
  crc32(bytes: Uint8Array): number;
}

/** In JavaScript, for every platform. */
export const portableZlib: Zlib = { inflate, crc32 };
