/**
 * What images are unpacked and packed with. A platform that has it in native code gives its own (`ReadOptions.zlib`): 5
 * times as fast as ours in Node, and several files at once.
 */
import { zlibSync } from 'fflate';
import { crc32 } from '../array/crc32.ts';
import { inflate } from './inflate.ts';

export interface Zlib {
  /** As `inflate` of inflate.ts: the same bytes, the same streams refused. */
  inflate(zlib: Uint8Array, expected: number): Uint8Array | Promise<Uint8Array>;
  /** Packs into a stream that `inflate` reads; how well is up to the platform. */
  deflate(bytes: Uint8Array): Uint8Array;
  crc32(bytes: Uint8Array): number;
}

/** In JavaScript, for every platform. */
export const portableZlib: Zlib = { inflate, deflate: (bytes) => zlibSync(bytes), crc32 };
