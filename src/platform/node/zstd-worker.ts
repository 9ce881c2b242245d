/** The program of a thread that compresses and decompresses Zstandard. */

import { parentPort } from 'node:worker_threads';
import { ownZstd } from './own-zstd.ts';
import type { ZstdAnswer, ZstdQuestion } from './zstd-threads.ts';

const zstd = ownZstd();

async function answerTo({ id, bytes, most, checked, room }: ZstdQuestion): Promise<ZstdAnswer> {
  try {
    const { pack, unpack } = await zstd;
    return { id, bytes: await (most === undefined ? pack(bytes) : unpack(bytes, most, { checked, room })) };
  } catch (cause) {
    return { id, problem: cause instanceof Error ? cause.message : String(cause) };
  }
}

parentPort?.on('message', async (questions: readonly ZstdQuestion[]) => {
  const answers: ZstdAnswer[] = [];
  for (const question of questions) answers.push(await answerTo(question));
  const own = answers.flatMap((answer) => ('bytes' in answer ? (answer.bytes.buffer as ArrayBuffer) : []));
  parentPort?.postMessage(answers, own);
});
