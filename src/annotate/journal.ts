/** Records one after another in a file that survives crashes. */

import { concatenate } from '../array/bytes.ts';
import { FormatError } from '../errors.ts';
import { readHeader, splitRecords } from './record.ts';
import type { RecordStore } from './record-writer.ts';

/** The file of a journal. Each promise resolves when its change would survive a crash. */
export interface JournalStore {
  size(): Promise<number>;
  /** Bytes from..to-1. */
  read(from: number, to: number): Promise<Uint8Array>;
  append(bytes: Uint8Array): Promise<void>;
  /** Cuts the file off after so many bytes. */
  truncate(size: number): Promise<void>;
  /** Puts other bytes in the place of all: a crash leaves the old or the new ones. */
  replace(bytes: Uint8Array): Promise<void>;
}

/** What is in a journal when it is opened. */
export interface OpenedJournal {
  readonly journal: Journal;
  /** For `History.replay`. */
  readonly records: readonly Uint8Array[];
  /** Bytes at the end that are no complete record and were cut off: what was being written in a crash, or damage. */
  readonly lostBytes: number;
}

/**
 * @example
 * const { journal, records } = await Journal.open(store);
 * const history = new History(annotations, { store: journal });
 * await history.replay(records);
 */
export class Journal implements RecordStore {
  readonly #store: JournalStore;
  /** Where each record is. If a number occurs again, the first one is an edit, and only those are read. */
  #places = new Map<number, readonly [from: number, to: number]>();
  #size = 0;
  #work: Promise<unknown> = Promise.resolve();

  private constructor(store: JournalStore) {
    this.#store = store;
  }

  /** @throws FormatError for a journal of a newer version, and what the store throws */
  static async open(store: JournalStore): Promise<OpenedJournal> {
    const bytes = await store.read(0, await store.size());
    const { records, end } = splitRecords(bytes);
    const journal = new Journal(store);
    journal.#locate(records);
    if (end < bytes.length) await store.truncate(end);
    return { journal, records, lostBytes: bytes.length - end };
  }

  /** Bytes of the file. */
  get size(): number {
    return this.#size;
  }

  #locate(records: readonly Uint8Array[]): void {
    this.#places = new Map();
    this.#size = 0;
    for (const record of records) this.#place(readHeader(record).sequence, record.length);
  }

  #place(sequence: number, length: number): void {
    if (!this.#places.has(sequence)) this.#places.set(sequence, [this.#size, this.#size + length]);
    this.#size += length;
  }

  write(sequence: number, record: Uint8Array): Promise<void> {
    return this.#oneByOne(async () => {
      // After a failure there may be a part of a record, behind which nothing would be found.
      if ((await this.#store.size()) > this.#size) await this.#store.truncate(this.#size);
      await this.#store.append(record);
      this.#place(sequence, record.length);
    });
  }

  /** @throws FormatError if it is not there */
  read(sequence: number): Promise<Uint8Array> {
    return this.#oneByOne(async () => {
      const place = this.#places.get(sequence);
      const record = place && (await this.#store.read(...place));
      if (record !== undefined && splitRecords(record).end === record.length) return record;
      throw new FormatError(`record ${sequence} of the journal is missing or damaged.`, {
        remedy: 'What it changed stays as it is; earlier edits can no longer be undone.',
      });
    });
  }

  rewrite(records: readonly Uint8Array[]): Promise<void> {
    return this.#oneByOne(async () => {
      await this.#store.replace(concatenate(records));
      this.#locate(records);
    });
  }

  #oneByOne<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#work.then(work);
    this.#work = done.catch(() => undefined);
    return done;
  }
}

/** A store in memory. @param bytes what is in it at first */
export function memoryJournal(bytes: Uint8Array = new Uint8Array(0)): JournalStore & { readonly bytes: Uint8Array } {
  let content = bytes;
  return {
    get bytes() {
      return content;
    },
    size: async () => content.length,
    read: async (from, to) => content.slice(from, to),
    append: async (more) => {
      content = concatenate([content, more]);
    },
    truncate: async (size) => {
      content = content.slice(0, size);
    },
    replace: async (other) => {
      content = other.slice();
    },
  };
}
