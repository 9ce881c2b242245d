/** Packs edits and writes records in the order in which things happened. */

import { ChunkEdit, type ChunkRuns } from './chunk-runs.ts';
import type { AppliedEdit, Change } from './edit.ts';
import { encodeEdit, encodeStep, type RecordHeader } from './record.ts';

/** Where records are kept in their order; `Journal` is one. */
export interface RecordStore {
  /** Resolves when the record would survive a crash. */
  write(sequence: number, record: Uint8Array): Promise<unknown>;
  /** A record that was written; without it, edits that memory has no room for can no longer be undone. */
  read?(sequence: number): Promise<Uint8Array>;
  /** Replaces all records at once. */
  rewrite?(records: readonly Uint8Array[]): Promise<void>;
}

export interface RecordWriterOptions {
  /** Default: edits are kept in memory only. */
  readonly store?: RecordStore;
  /** Called before edits are packed and every few milliseconds meanwhile, to let others work. */
  readonly pause?: () => Promise<void>;
  /** Called when a record could not be written; the next edit tries again. */
  readonly problem?: (cause: unknown) => void;
}

export interface Edit extends AppliedEdit {
  readonly sequence: number;
  /** Until it is packed; of the one that was packed last, still. */
  changes?: readonly Change[];
  /** Once it is packed, unless it is left to the store. */
  record?: Uint8Array;
  /** Whether the store has it. */
  stored: boolean;
}

export type Step = Extract<RecordHeader, { kind: 'undo' | 'redo' }>;

/** The edits that are kept, of which the first `done` are done, after record `sequence`. */
export interface Compaction {
  readonly edits: readonly Edit[];
  readonly done: number;
  readonly sequence: number;
}

type Item = Edit | Step | Compaction;

const isEdit = (item: Item): item is Edit => 'stored' in item;

/** Chunks that are packed between two pauses: at most about 3 ms. */
const CHUNKS_AT_ONCE = 8;

export class RecordWriter {
  readonly #options: RecordWriterOptions;
  readonly #unpackedLimit: number;
  readonly #written: () => void;
  #waiting: Item[] = [];
  #writing: Promise<void> | undefined;
  #lastPacked: Edit | undefined;

  /**
   * @param unpackedLimit bytes that edits may take before they are packed
   * @param written called after each record
   */
  constructor(options: RecordWriterOptions, unpackedLimit: number, written: () => void) {
    this.#options = options;
    this.#unpackedLimit = unpackedLimit;
    this.#written = written;
  }

  write(...items: readonly Item[]): void {
    this.#waiting.push(...items);
    // Edits that are made faster than they are packed must not fill the memory.
    const unpacked = this.#waiting.filter((item) => isEdit(item) && item.record === undefined) as Edit[];
    let excess = unpacked.reduce((sum, edit) => sum + bytesOf(edit), 0) - this.#unpackedLimit;
    for (const edit of unpacked) {
      if (excess <= 0) break;
      excess -= bytesOf(edit);
      this.#keepPacked(edit, finish(packing(edit)));
    }
    if (this.#writing !== undefined) return;
    this.#writing = this.#writeAll();
    this.#writing.catch((cause) => this.#options.problem?.(cause));
  }

  /** Resolves when all is written so far. @throws what the store throws */
  async settled(): Promise<void> {
    this.write();
    await this.#writing;
  }

  /** As `History.handIn`. */
  async handIn(): Promise<void> {
    await this.settled().catch(async () => {
      for (const item of [...this.#waiting]) await this.#store(item).catch(() => undefined);
    });
  }

  async #writeAll(): Promise<void> {
    const { pause } = this.#options;
    try {
      // Whoever made the edit goes on first.
      await pause?.();
      for (let item = this.#waiting[0]; item !== undefined; item = this.#waiting[0]) {
        await this.#store(item);
        this.#waiting.shift();
        this.#written();
      }
    } finally {
      // At once: what is made from now on is not waited for.
      this.#writing = undefined;
    }
  }

  async #store(item: Item): Promise<void> {
    const { store } = this.#options;
    if (isEdit(item)) {
      const record = await this.#packed(item);
      await store?.write(item.sequence, record);
      item.stored = true;
    } else if ('edits' in item) await store?.rewrite?.(await this.#compacted(item));
    else await store?.write(item.sequence, encodeStep(item));
  }

  async #packed(edit: Edit): Promise<Uint8Array> {
    if (edit.record !== undefined) return edit.record;
    const task = packing(edit);
    let state = task.next();
    for (let chunks = 1; !state.done; chunks++) {
      if (chunks % CHUNKS_AT_ONCE === 0) await this.#options.pause?.();
      state = task.next();
    }
    return this.#keepPacked(edit, state.value);
  }

  /** Edits are kept packed; the last one as it was made, too, since it is the one that is most often taken back. */
  #keepPacked(edit: Edit, record: Uint8Array): Uint8Array {
    if (this.#lastPacked !== undefined) {
      for (const chunk of chunksOf(this.#lastPacked)) if (chunk instanceof ChunkEdit) chunk.release();
      this.#lastPacked.changes = undefined;
    }
    this.#lastPacked = edit;
    edit.record = record;
    return record;
  }

  async #compacted({ edits, done, sequence }: Compaction): Promise<readonly Uint8Array[]> {
    const records: Uint8Array[] = [];
    for (const edit of edits) {
      const record = edit.record ?? (await this.#options.store?.read?.(edit.sequence));
      if (record !== undefined) records.push(record);
    }
    const undone = edits.slice(done).reverse();
    return [
      ...records,
      ...undone.map((edit) => encodeStep({ kind: 'undo', sequence, edit: edit.sequence })),
      encodeStep({ kind: 'saved', sequence }),
    ];
  }
}

const packing = ({ sequence, name, changes = [] }: Edit): Generator<void, Uint8Array> =>
  encodeEdit(sequence, name, changes);

function finish<T>(task: Generator<unknown, T>): T {
  let state = task.next();
  while (!state.done) state = task.next();
  return state.value;
}

const chunksOf = ({ changes = [] }: Pick<Edit, 'changes'>): readonly ChunkRuns[] =>
  changes.flatMap((change) => (change.kind === 'labels' ? change.chunks : []));

/** Memory that an edit takes. */
export function bytesOf({ changes = [], record }: Edit): number {
  if (record !== undefined) return record.length;
  return chunksOf({ changes }).reduce(
    (sum, chunk) => sum + (chunk instanceof ChunkEdit ? chunk.bytes : chunk.runs.length),
    0,
  );
}
