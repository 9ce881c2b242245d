/** Zstandard compiled to WebAssembly, on several threads: for Node before 22.15, which has none of its own. */

import { Worker } from 'node:worker_threads';
import type { Zstd } from '../../files.ts';
import { processors } from './processors.ts';
import { workerProgram } from './worker-program.ts';
import { compiledZstd } from './zstd-compiled.ts';

/** What a thread is asked: to compress, or to decompress to at most `most` bytes. */
export interface ZstdQuestion {
  readonly id: number;
  readonly bytes: Uint8Array;
  readonly most?: number;
}

export type ZstdAnswer =
  | { readonly id: number; readonly bytes: Uint8Array }
  | { readonly id: number; readonly problem: string };

export interface ZstdThreadsOptions {
  /** Default: a thread for each core, at most 4. */
  readonly threads?: number;
  /** Bytes that are done on the calling thread before others start, which takes as long; default 8 MB. */
  readonly startBytes?: number;
}

interface Thread {
  readonly waiting: Map<number, { resolve(bytes: Uint8Array): void; reject(cause: Error): void }>;
  ask(question: ZstdQuestion): void;
}

/** Threads that start when there is enough to do, and do not keep the program running. */
export function zstdThreads({
  threads = Math.min(4, processors().count),
  startBytes = 2 ** 23,
}: ZstdThreadsOptions = {}): Zstd {
  const program = threads < 1 ? undefined : workerProgram('zstd-worker');
  const running = new Set<Thread>();
  let own: Promise<Zstd> | undefined;
  let doneHere = 0;
  let asked = 0;

  const start = (file: URL): Thread => {
    const worker = new Worker(file, { name: 'zstd' });
    const thread: Thread = {
      waiting: new Map(),
      ask(question) {
        worker.ref();
        worker.postMessage(question);
      },
    };
    const fail = (cause: Error): void => {
      running.delete(thread);
      for (const { reject } of thread.waiting.values()) reject(cause);
      thread.waiting.clear();
    };
    worker.on('message', (answer: ZstdAnswer) => {
      const question = thread.waiting.get(answer.id);
      thread.waiting.delete(answer.id);
      if (thread.waiting.size === 0) worker.unref();
      if ('problem' in answer) question?.reject(new Error(answer.problem));
      else question?.resolve(answer.bytes);
    });
    worker.on('error', fail);
    worker.on('exit', (code) => fail(new Error(`the thread of Zstandard ended with code ${code}`)));
    worker.unref();
    running.add(thread);
    return thread;
  };

  const inThread = (file: URL, bytes: Uint8Array, most?: number): Promise<Uint8Array> => {
    let thread = running.size < threads ? start(file) : undefined;
    for (const other of running) if (other.waiting.size < (thread?.waiting.size ?? Infinity)) thread = other;
    return new Promise((resolve, reject) => {
      const id = asked++;
      thread?.waiting.set(id, { resolve, reject });
      thread?.ask({ id, bytes, most });
    });
  };

  /** Does it here, or in a thread. @param size of the content */
  const either = async (size: number, bytes: Uint8Array, most?: number): Promise<Uint8Array> => {
    if (program !== undefined && doneHere >= startBytes) return inThread(program, bytes, most);
    doneHere += size;
    own ??= compiledZstd();
    const zstd = await own;
    return most === undefined ? zstd.pack(bytes) : zstd.unpack(bytes, most);
  };

  return {
    pack: (bytes) => either(bytes.length, bytes),
    unpack: (packed, most) => either(most, packed, most),
  };
}
