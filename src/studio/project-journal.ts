/** The journal of a project: every edit, undo and redo, durable before it counts. */

import { Journal } from '../annotate/journal.ts';
import { encodeStep, readHeader, splitRecords } from '../annotate/record.ts';
import { UsageError } from '../errors.ts';
import type { WritableFiles } from '../files.ts';
import type { ImageId } from './engine.ts';
import type { OpenFile } from './host.ts';

/** From this size on the journal is cut, to the part of its end that can still be undone. */
const LARGE_BYTES = 2 ** 26;
const KEPT_BYTES = 2 ** 25;

export class ProjectJournal {
  readonly #journal: Journal | undefined;
  readonly #file: OpenFile | undefined;
  #bytes: () => Promise<Uint8Array>;
  /** Records that the label files do not contain. */
  readonly unsaved: readonly Uint8Array[];
  /** Images that were edited when it was opened, also those that were removed. */
  readonly images: ReadonlySet<ImageId>;
  #sequence: number;
  #isEmpty: boolean;
  /** Records behind those of the file for which it had no space, in their order. */
  readonly #held = new Map<number, Uint8Array>();

  private constructor(
    records: readonly Uint8Array[],
    bytes: () => Promise<Uint8Array>,
    journal?: Journal,
    file?: OpenFile,
  ) {
    const headers = records.map(readHeader);
    const saved = headers.findLast(({ kind }) => kind === 'saved')?.sequence ?? 0;
    this.unsaved = records.filter((_, i) => {
      const { kind, sequence } = headers[i] as (typeof headers)[number];
      return kind !== 'saved' && sequence > saved;
    });
    const changes = headers.flatMap((header) => (header.kind === 'edit' ? header.changes : []));
    this.images = new Set(changes.flatMap((change) => (change.kind === 'classes' ? [] : change.image)));
    this.#sequence = headers.reduce((most, { sequence }) => Math.max(most, sequence), 0);
    this.#isEmpty = records.length === 0;
    this.#bytes = bytes;
    this.#journal = journal;
    this.#file = file;
  }

  /** @throws FormatError for a journal of a newer version */
  static async open(file: OpenFile): Promise<ProjectJournal> {
    try {
      const { journal, records } = await Journal.open(file);
      return new ProjectJournal(records, async () => file.read(0, await file.size()), journal, file);
    } catch (cause) {
      await file.close();
      throw cause;
    }
  }

  /** The journal that another program writes, as it is now. */
  static async read(files: WritableFiles, path: string): Promise<ProjectJournal> {
    const bytes = (await files.kind(path)) === 'file' ? await files.read(path) : new Uint8Array();
    const { records, end } = splitRecords(bytes);
    return new ProjectJournal(records, async () => bytes.subarray(0, end));
  }

  /** Number of the last record that is written. */
  get sequence(): number {
    return this.#sequence;
  }

  /** Number of the next record, also where those before it could not be written. */
  get next(): number {
    return this.#sequence + this.#held.size + 1;
  }

  get isEmpty(): boolean {
    return this.#isEmpty;
  }

  bytes(): Promise<Uint8Array> {
    return this.#bytes();
  }

  /** Whether a record is there already, as after a connection that broke before its acknowledgement. */
  has(sequence: number): boolean {
    return sequence <= this.#sequence;
  }

  /** Whether a record could not be written, and is held. */
  isHeld(sequence: number, record: Uint8Array): boolean {
    const held = this.#held.get(sequence);
    return held !== undefined && isEqual(held, record);
  }

  /** Whether another record has the number of this one: one that another page wrote while this one's was cut off. */
  async hasOther(sequence: number, record: Uint8Array): Promise<boolean> {
    if (!this.has(sequence)) return false;
    // Of records that are no longer in the journal nothing is known.
    const found = await this.#journal?.read(sequence).catch(() => undefined);
    return found !== undefined && readHeader(found).kind !== 'saved' && !isEqual(found, record);
  }

  /**
   * Resolves when the record, and all before it, would survive a crash. One that cannot be written is held, so that those
   * behind it can be made, too.
   */
  async write(sequence: number, record: Uint8Array): Promise<void> {
    if (this.#journal === undefined) throw new UsageError('The journal of another program is not written.');
    if (!this.isHeld(sequence, record)) {
      // Of another history, such as what a page had kept that has ended.
      for (const number of this.#held.keys()) if (number >= sequence) this.#held.delete(number);
      this.#held.set(sequence, record);
    }
    for (const [number, one] of this.#held) {
      await this.#journal.write(number, one);
      this.#held.delete(number);
      this.#sequence = number;
      this.#isEmpty = false;
      if (number === sequence) break;
    }
  }

  /** A record by its number. @throws FormatError if it is not there */
  async read(sequence: number): Promise<Uint8Array> {
    if (this.#journal === undefined) throw new UsageError('The journal of another program is not read.');
    return this.#held.get(sequence) ?? this.#journal.read(sequence);
  }

  /** Notes that the label files contain everything up to now. */
  async saved(): Promise<void> {
    const journal = this.#journal;
    if (journal === undefined || this.#isEmpty) return;
    const mark = encodeStep({ kind: 'saved', sequence: this.#sequence });
    if (journal.size < LARGE_BYTES) await journal.write(this.#sequence, mark);
    else await journal.rewrite([...lastOf(splitRecords(await this.#bytes()).records, KEPT_BYTES), mark]);
  }

  async close(): Promise<void> {
    await this.#file?.close();
  }
}

const isEqual = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && a.every((byte, i) => byte === b[i]);

/** The last records, at most so many bytes of them, that need none of those before. */
export function lastOf(records: readonly Uint8Array[], most: number): readonly Uint8Array[] {
  let from = records.length;
  let bytes = 0;
  /** The first edit that is undone or redone later. */
  let needed = Number.POSITIVE_INFINITY;
  for (let i = records.length - 1; i >= 0; i--) {
    const record = records[i] as Uint8Array;
    bytes += record.length;
    if (bytes > most) break;
    const header = readHeader(record);
    if (header.kind === 'undo' || header.kind === 'redo') needed = Math.min(needed, header.edit);
    if (header.kind === 'edit' && header.sequence <= needed) from = i;
  }
  return records.slice(from);
}
