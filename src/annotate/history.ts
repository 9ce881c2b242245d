/** Undo and redo of every kind of edit, across images and slices. */

import { UsageError } from '../errors.ts';
import type { Annotations, Change } from './annotations.ts';
import { type Box, boundsOf, type Region } from './region.ts';

/** Where an edit changed something; without a slice in all of them. */
export interface ChangedPlace {
  readonly image: string;
  readonly slice?: number;
  readonly box: Box;
}

/** What an undo, a redo or a commit changed. */
export interface AppliedEdit {
  /** As given to `commit`. */
  readonly name: string;
  readonly places: readonly ChangedPlace[];
  /** Whether the list of classes changed. */
  readonly classes: boolean;
}

interface Edit extends AppliedEdit {
  readonly changes: readonly Change[];
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
  #edits: Edit[] = [];
  /** Edits that are done; those from here on can be redone. */
  #done = 0;

  constructor(annotations: Annotations) {
    this.#annotations = annotations;
  }

  /** Name of the edit that `undo` takes back; undefined if there is none. */
  get undoName(): string | undefined {
    return this.#edits[this.#done - 1]?.name;
  }

  /** Name of the edit that `redo` makes once more; undefined if there is none. */
  get redoName(): string | undefined {
    return this.#edits[this.#done]?.name;
  }

  /** Ends an edit, which can then be undone; what was undone before it cannot be redone. Undefined: nothing changed. */
  commit(name: string): AppliedEdit | undefined {
    const changes = this.#annotations.takeChanges();
    if (changes.length === 0) return undefined;
    const edit = { name, changes, places: changes.flatMap(placesOf), classes: changes.some(isOfClasses) };
    this.#edits = [...this.#edits.slice(0, this.#done), edit];
    this.#done++;
    return applied(edit);
  }

  /** Takes back what changed since the last commit, such as an unfinished stroke. */
  cancel(): void {
    this.#annotations.revert();
  }

  /**
   * Takes back the last edit that is done.
   * @returns what changed; undefined if there is nothing to undo
   * @throws UsageError while an edit is not committed
   */
  async undo(): Promise<AppliedEdit | undefined> {
    this.#requireCommitted();
    const edit = this.#edits[this.#done - 1];
    if (edit === undefined) return undefined;
    for (const change of edit.changes) this.#annotations.apply(change, 'before');
    this.#done--;
    return applied(edit);
  }

  /** Makes the edit once more that was undone last. @returns and @throws as `undo` */
  async redo(): Promise<AppliedEdit | undefined> {
    this.#requireCommitted();
    const edit = this.#edits[this.#done];
    if (edit === undefined) return undefined;
    for (const change of edit.changes) this.#annotations.apply(change, 'after');
    this.#done++;
    return applied(edit);
  }

  #requireCommitted(): void {
    if (!this.#annotations.hasChanges) return;
    throw new UsageError('An edit is not finished.', { remedy: 'Commit or cancel it first.' });
  }
}

const applied = ({ name, places, classes }: Edit): AppliedEdit => ({ name, places, classes });

const isOfClasses = ({ kind }: Change): boolean => kind === 'classes';

function placesOf(change: Change): readonly ChangedPlace[] {
  if (change.kind === 'classes') return [];
  const { image } = change;
  if (change.kind === 'labels') return change.boxes.map((place) => ({ image, ...place }));
  const { before, after } = change;
  const differing = (all: readonly Region[], others: readonly Region[]): readonly Region[] =>
    all.filter((region) => !others.includes(region));
  return [...differing(before, after), ...differing(after, before)].map(({ slice, shape }) => ({
    image,
    ...(slice === undefined ? {} : { slice }),
    box: boundsOf(shape),
  }));
}
