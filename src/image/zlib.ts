/**
 * What images are unpacked and packed with. A platform that has it in native code gives its own (`ReadOptions.zlib`): 5
 * times as fast as ours in Node, and several files at once.
 */
import { zlibSync } from 'fflate';
import { crc32 } from '../array/crc32.ts';
import type { Zlib } from '../files.ts';
import { inflate } from './inflate.ts';

/** In JavaScript, for every platform. */
export const portableZlib: Zlib = { inflate, deflate: (bytes) => zlibSync(bytes), crc32 };
