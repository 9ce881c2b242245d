/** Zstandard on several threads. */

import { Worker } from 'node:worker_threads';
import type { UnpackOptions, Zstd } from '../../files.ts';
import { type OwnZstd, ownZstd } from './own-zstd.ts';
import { processors } from './processors.ts';
import { workerProgram } from './worker-program.ts';

/** Bytes of memory that is kept for results. */
const MOST_SPARE = 2 ** 24;

/** What a thread is asked: to compress, or to decompress to at most `most` bytes. */
export interface ZstdQuestion {
  readonly id: number;
  readonly bytes: Uint8Array;
  readonly most?: number;
  readonly checked?: boolean;
  /** Memory for the result, at least `most` bytes. */
  readonly room?: ArrayBuffer;
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

interface Job extends UnpackOptions, ZstdQuestion {}

interface Thread {
  readonly worker: Worker;
  readonly waiting: Map<number, { resolve(bytes: Uint8Array): void; reject(cause: Error): void }>;
  /** What it is asked next, all at once, as to wake a thread takes long. */
  readonly next: Job[];
}

/** Threads that start when there is enough to do, and do not keep the program running. */
export function zstdThreads({
  threads = Math.min(4, processors().count),
  startBytes = 2 ** 23,
}: ZstdThreadsOptions = {}): Zstd {
  const program = threads < 1 ? undefined : workerProgram('zstd-worker');
  const running = new Set<Thread>();
  /** Memory of results that are not needed any more: what is allocated anew, is cleared and mapped page by page. */
  const spare: ArrayBuffer[] = [];
  const results = new WeakSet<ArrayBufferLike>();
  let own: Promise<OwnZstd> | undefined;
  let doneHere = 0;
  let asked = 0;

  const start = (file: URL): Thread => {
    const worker = new Worker(file, { name: 'zstd' });
    const thread: Thread = { worker, waiting: new Map(), next: [] };
    const fail = (cause: Error): void => {
      running.delete(thread);
      for (const { reject } of thread.waiting.values()) reject(cause);
      thread.waiting.clear();
    };
    worker.on('message', (answers: readonly ZstdAnswer[]) => {
      for (const answer of answers) {
        const question = thread.waiting.get(answer.id);
        thread.waiting.delete(answer.id);
        if ('problem' in answer) question?.reject(new Error(answer.problem));
        else {
          results.add(answer.bytes.buffer);
          question?.resolve(answer.bytes);
        }
      }
      if (thread.waiting.size === 0) worker.unref();
    });
    worker.on('error', fail);
    worker.on('exit', (code) => fail(new Error(`the thread of Zstandard ended with code ${code}`)));
    worker.unref();
    running.add(thread);
    return thread;
  };

  const roomFor = (most: number): ArrayBuffer | undefined => {
    const room = spare.pop();
    if (room === undefined || (room.byteLength >= most && room.byteLength <= 2 * most)) return room;
    // Of another size: these will not be asked for soon.
    spare.length = 0;
    return undefined;
  };

  const ask = ({ worker, next }: Thread): void => {
    const jobs = next.splice(0);
    const given = new Set<ArrayBuffer>();
    const questions = jobs.map(({ id, bytes, most, checked, taken }): ZstdQuestion => {
      if (taken === true && bytes.length === bytes.buffer.byteLength) given.add(bytes.buffer as ArrayBuffer);
      const room = most === undefined ? undefined : roomFor(most);
      if (room !== undefined) given.add(room);
      return { id, bytes, most, checked, room };
    });
    worker.postMessage(questions, [...given]);
  };

  const inThread = (file: URL, job: Omit<Job, 'id'>): Promise<Uint8Array> => {
    let thread = running.size < threads ? start(file) : undefined;
    for (const other of running) if (other.waiting.size < (thread?.waiting.size ?? Infinity)) thread = other;
    const asks = thread as Thread;
    return new Promise((resolve, reject) => {
      const id = asked++;
      asks.worker.ref();
      asks.waiting.set(id, { resolve, reject });
      if (asks.next.push({ ...job, id }) === 1) setImmediate(ask, asks);
    });
  };

  /** Does it here, or in a thread. @param size of the content */
  const either = async (size: number, job: Omit<Job, 'id'>): Promise<Uint8Array> => {
    if (program !== undefined && doneHere >= startBytes) return inThread(program, job);
    doneHere += size;
    own ??= ownZstd();
    const zstd = await own;
    const { bytes, most, checked } = job;
    return most === undefined ? zstd.pack(bytes) : zstd.unpack(bytes, most, { checked });
  };

  return {
    pack: (bytes) => either(bytes.length, { bytes }),
    unpack: (packed, most, options) => either(most, { ...options, bytes: packed, most }),
    release({ buffer }) {
      if (results.delete(buffer) && buffer.byteLength * (spare.length + 1) <= MOST_SPARE)
        spare.push(buffer as ArrayBuffer);
    },
  };
}
