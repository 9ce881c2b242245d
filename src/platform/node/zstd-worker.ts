/** The program of a thread that compresses and decompresses Zstandard. */

import { parentPort } from 'node:worker_threads';
import { compiledZstd } from './zstd-compiled.ts';
import type { ZstdAnswer, ZstdQuestion } from './zstd-threads.ts';

const zstd = compiledZstd();

parentPort?.on('message', async ({ id, bytes, most }: ZstdQuestion) => {
  const say = (answer: ZstdAnswer, transfer: ArrayBuffer[] = []): void => parentPort?.postMessage(answer, transfer);
  try {
    const { pack, unpack } = await zstd;
    const result = await (most === undefined ? pack(bytes) : unpack(bytes, most));
    say({ id, bytes: result }, [result.buffer as ArrayBuffer]);
  } catch (cause) {
    say({ id, problem: cause instanceof Error ? cause.message : String(cause) });
  }
});
