/** Undo and redo of every kind of edit, across images and slices, also after a restart. */

import { FormatError, UsageError } from '../errors.ts';
import type { Annotations } from './annotations.ts';
import type { Side } from './chunk-runs.ts';
import { type AppliedEdit, type Change, describeEdit } from './edit.ts';
import { changesOf, type RecordedChange, readHeader } from './record.ts';
import { bytesOf, type Edit, RecordWriter, type RecordWriterOptions, type Step } from './record-writer.ts';

export interface HistoryOptions extends RecordWriterOptions {
  /** Memory for edits; older ones are left to the store, or forgotten. Default 256 MB (2^28). */
  readonly bytes?: number;
  /** Edits that can be undone. Default 1,000. */
  readonly edits?: number;
}

/**
 * Edits of `Annotations` in their order. What is changed between two commits is one edit, of whatever kinds.
 *
 * @example
 * paintShape(annotations.layer('s01'), { box: [0, 0, 64, 64] }, { value: 1 });
 * history.commit('rectangle');
 * const undone = await history.undo(); // { name: 'rectangle', places: [{ image: 's01', slice: 0, box: [0, 0, 64, 64] }], ... }
 */
export class History {
  readonly #annotations: Annotations;
  readonly #store: HistoryOptions['store'];
  readonly #writer: RecordWriter;
  readonly #packedLimit: number;
  readonly #editLimit: number;
  #edits: Edit[] = [];
  /** Edits that are done; those from here on can be redone. */
  #done = 0;
  #sequence = 0;

  constructor(annotations: Annotations, { bytes = 2 ** 28, edits = 1000, ...options }: HistoryOptions = {}) {
    this.#annotations = annotations;
    this.#store = options.store;
    // Half of the memory for edits as they were made, half for packed ones.
    this.#writer = new RecordWriter(options, bytes / 2, () => this.#free());
    this.#packedLimit = bytes / 2;
    this.#editLimit = edits;
  }

  /** Name of the edit that `undo` takes back; undefined if there is none. */
  get undoName(): string | undefined {
    return this.nextUndo?.name;
  }

  /** Name of the edit that `redo` makes once more; undefined if there is none. */
  get redoName(): string | undefined {
    return this.nextRedo?.name;
  }

  /** What `undo` will change, so that it can be loaded and shown; undefined if there is nothing to undo. */
  get nextUndo(): AppliedEdit | undefined {
    return this.#applied(this.#edits.findLast((edit, i) => i < this.#done && this.#isOfImages(edit)));
  }

  /** What `redo` will change; undefined if there is nothing to redo. */
  get nextRedo(): AppliedEdit | undefined {
    return this.#applied(this.#edits.find((edit, i) => i >= this.#done && this.#isOfImages(edit)));
  }

  /** Bytes of memory that the edits take. */
  get bytes(): number {
    return this.#edits.reduce((sum, edit) => sum + bytesOf(edit), 0);
  }

  /** Number of the last edit, undo or redo. */
  get sequence(): number {
    return this.#sequence;
  }

  /** Ends an edit, which can then be undone; what was undone before it cannot be redone. Undefined: nothing changed. */
  commit(name: string): AppliedEdit | undefined {
    const changes = this.#annotations.takeChanges();
    if (changes.length === 0) return undefined;
    const edit = { ...describeEdit(name, changes), sequence: ++this.#sequence, changes, stored: false };
    this.#add(edit);
    this.#writer.write(edit);
    return this.#applied(edit);
  }

  #add(edit: Edit): void {
    this.#edits.length = this.#done;
    this.#edits.push(edit);
    this.#done++;
    if (this.#edits.length > this.#editLimit) this.#forgetOldest();
  }

  /** Takes back what changed since the last commit, such as an unfinished stroke. */
  cancel(): void {
    this.#annotations.revert();
  }

  /**
   * Takes back the last edit that is done. The labels change before this returns, unless the edit is in the store only,
   * or of an image that is not open.
   * @returns what changed; undefined if there is nothing to undo
   * @throws UsageError while an edit is not committed
   */
  undo(): Promise<AppliedEdit | undefined> {
    return this.#step('undo');
  }

  /** Makes the edit once more that was undone last. @returns and @throws as `undo` */
  redo(): Promise<AppliedEdit | undefined> {
    return this.#step('redo');
  }

  async #step(kind: Step['kind']): Promise<AppliedEdit | undefined> {
    const next = () => this.#edits[kind === 'undo' ? this.#done - 1 : this.#done];
    for (let edit = next(); edit !== undefined; edit = next()) {
      this.#requireCommitted();
      // Of images that were removed nothing is left to change.
      const isLeft = this.#isOfImages(edit);
      const own = isLeft ? this.#ofImages(edit.changes ?? changesOf(edit.record ?? (await this.#stored(edit)))) : [];
      if (own.some((change) => !this.#isOpen(change))) await this.#open(own);
      // Something else may have been done meanwhile.
      if (edit !== next()) continue;
      this.#requireCommitted();
      this.#apply(own, kind === 'undo' ? 'before' : 'after');
      this.#done += kind === 'undo' ? -1 : 1;
      this.#writer.write({ kind, sequence: ++this.#sequence, edit: edit.sequence });
      if (isLeft) return this.#applied(edit);
    }
    return undefined;
  }

  #requireCommitted(): void {
    if (!this.#annotations.hasChanges) return;
    throw new UsageError('An edit is not finished.', { remedy: 'Commit or cancel it first.' });
  }

  /** Whether an edit changed something that was not removed. */
  #isOfImages({ classes, places }: AppliedEdit): boolean {
    return classes || places.some(({ image }) => this.#annotations.has(image));
  }

  /** Without changes of images that were removed, also where another one has their id. */
  #ofImages<T extends Change | RecordedChange>(changes: readonly T[]): readonly T[] {
    const removed = new Set<string>();
    for (const change of changes) {
      if (change.kind !== 'classes' && !this.#annotations.isOfImage(change)) removed.add(change.image);
    }
    return changes.filter((change) => change.kind === 'classes' || !removed.has(change.image));
  }

  #applied(edit: Edit | undefined): AppliedEdit | undefined {
    if (edit === undefined) return undefined;
    const { name, places, classes } = edit;
    return { name, places: places.filter(({ image }) => this.#annotations.has(image)), classes };
  }

  #isOpen(change: Change): boolean {
    return change.kind !== 'labels' || this.#annotations.isOpen(change.image);
  }

  async #open(changes: readonly Change[]): Promise<void> {
    for (const change of changes) if (change.kind === 'labels') await this.#annotations.open(change.image);
  }

  #apply(changes: readonly Change[], side: Side): void {
    for (const change of changes) this.#annotations.apply(change, side);
  }

  async #stored({ sequence, name }: Edit): Promise<Uint8Array> {
    const record = await this.#store?.read?.(sequence);
    if (record !== undefined) return record;
    throw new FormatError(`the edit "${name}" is not kept any more.`, { remedy: 'Load the labels again.' });
  }

  /**
   * Makes recorded edits, undos and redos once more, such as those of a journal after a restart, or those that another
   * history wrote; they are not written again. Those of images that are not there, or have another size now, are left out.
   * @param apply false: labels, regions and classes contain all of them already. Default true: these are as they were
   * when the journal was compacted last, or at any later time
   * @returns what was changed, in order
   * @throws FormatError for records that do not belong together
   */
  async replay(records: readonly Uint8Array[], { apply = true } = {}): Promise<readonly AppliedEdit[]> {
    this.#requireCommitted();
    const replayed: AppliedEdit[] = [];
    const headers = records.map(readHeader);
    const saved = headers.findLast(({ kind }) => kind === 'saved')?.sequence ?? 0;
    for (const [i, header] of headers.entries()) {
      const { kind, sequence } = header;
      this.#sequence = Math.max(this.#sequence, sequence);
      if (kind === 'saved') continue;
      let edit: Edit | undefined;
      if (kind === 'edit') {
        const said = describeEdit(header.name, this.#ofImages(header.changes));
        edit = { ...said, sequence, record: records[i].slice(), stored: true };
        this.#add(edit);
      } else {
        edit = this.#edits[kind === 'undo' ? this.#done - 1 : this.#done];
        if (edit?.sequence !== header.edit) {
          throw new FormatError(`the journal has a ${kind} of edit ${header.edit} where there is none to ${kind}.`);
        }
        this.#done += kind === 'undo' ? -1 : 1;
      }
      if (!apply || sequence <= saved) continue;
      const record = edit.record ?? (await this.#stored(edit));
      const changes = this.#ofImages(changesOf(record));
      await this.#open(changes);
      this.#apply(changes, kind === 'undo' ? 'before' : 'after');
      if (this.#isOfImages(edit)) replayed.push(this.#applied(edit) as AppliedEdit);
    }
    this.#free();
    return replayed;
  }

  /** Resolves when everything is written so far. @throws what the store throws */
  settled(): Promise<void> {
    return this.#writer.settled();
  }

  /**
   * As `settled`, but where the store does not keep an edit, it is given those behind it as well: it may know what they
   * change without keeping them. Never throws.
   */
  handIn(): Promise<void> {
    return this.#writer.handIn();
  }

  /**
   * Rewrites the store so that it holds only what can still be undone and redone. Call it when the files of the project
   * hold the labels, regions and classes as they are now: what is older is then in them alone.
   * @throws what the store throws
   */
  async compact(): Promise<void> {
    this.#requireCommitted();
    this.#writer.write({ edits: [...this.#edits], done: this.#done, sequence: this.#sequence });
    await this.#writer.settled();
  }

  /** Leaves the oldest packed edits to the store, or forgets them, until the others fit. */
  #free(): void {
    const packed = this.#edits.reduce((sum, { record }) => sum + (record?.length ?? 0), 0);
    let excess = packed - this.#packedLimit;
    if (this.#store?.read === undefined) {
      while (excess > 0) excess -= this.#forgetOldest().record?.length ?? 0;
      return;
    }
    for (const edit of this.#edits) {
      if (excess <= 0) return;
      if (!edit.stored) continue;
      excess -= edit.record?.length ?? 0;
      edit.record = undefined;
    }
  }

  /** Forgets the edit that is the most steps away: the first one or, if all are undone, the last. */
  #forgetOldest(): Edit {
    if (this.#done === 0) return this.#edits.pop() as Edit;
    this.#done--;
    return this.#edits.shift() as Edit;
  }
}
