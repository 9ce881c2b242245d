/** Whether the values of label images number objects or name classes. Nothing else decides it. */

import { connectedComponents } from '../../objects/connected-components.ts';
import type { IntegerArray } from '../../objects/grid.ts';
import { notAnnotatedValue } from './not-annotated.ts';

/** `objects`: every value is an object of its own. `classes`: a value recurs, and its connected pixels are an object. */
export const LABEL_KINDS = ['objects', 'classes'] as const;
export type LabelKind = (typeof LABEL_KINDS)[number];

export interface LabelKindFinding {
  readonly kind: LabelKind;
  /** A clause for people, such as `each of the 4 values is one connected piece`. */
  readonly reason: string;
  /**
   * What it rests on: somebody says so (the user, the files, what lies beside them); the values make it clear; they leave
   * doubt; or one value at most is there, a mask.
   */
  readonly evidence: 'stated' | 'clear' | 'unclear' | 'mask';
}

export interface LabelKindOptions {
  /** What the user says. */
  readonly as?: LabelKind;
  /** What something beside the files says, such as a `dataset.json` that names classes; of both, beside the ground truth. */
  readonly declared?: { readonly kind: LabelKind; readonly by: string };
  /**
   * The answer where a few values, each in one piece, could be either: `objects` for who asks for objects, such as
   * `measure`. Default: classes if three images or more have the same values, else objects.
   */
  readonly unclear?: LabelKind;
}

/** What one label map shows. */
interface MapFacts {
  readonly values: readonly number[];
  readonly pieces: number;
  /** How many of the values are one connected piece. */
  readonly whole: number;
  /** Whether the values ascend from the first row to the last, as programs number objects. */
  readonly ascending: boolean;
  readonly written: LabelKind | undefined;
}

/** A map of more values than this is hardly one of classes, unless they recur. */
const FEW_VALUES = 8;
/** Objects may be broken, and classes may be in one piece, but not most of them. */
const MOSTLY_WHOLE = 0.6;
/** So many numbers must count up in step with the objects of an image before that is no accident. */
const LEAST_COUNTED = 4;

/**
 * Looks at all label maps of a folder, one after another, and then says what their values are:
 * `const survey = new LabelKindSurvey(); for each map: survey.add(map); survey.result({ as })`.
 *
 * In maps of objects nearly each value is one connected piece, and other images have other values or more of them; in
 * maps of classes values lie in many pieces, or recur from image to image. One value beside 0 in all maps is a mask:
 * `classes`, so that connected pixels are an object, which for an object in one piece is the same.
 */
export class LabelKindSurvey {
  readonly #maps: MapFacts[] = [];
  readonly #ignore: ReadonlySet<number>;
  readonly #values = new Set<number>();

  /** @param ignore values that are no label, besides 0 and negative ones */
  constructor({ ignore = [] }: { readonly ignore?: readonly number[] } = {}) {
    this.#ignore = new Set(ignore);
  }

  /**
   * @param map [height, width] or [depth, height, width]: a volume is looked at in 3D
   * @param written what the file itself says (`Image.labelKind`)
   */
  add(map: IntegerArray, written?: LabelKind): void {
    const connectivity = map.shape.length === 3 ? 26 : 8;
    const { labels, count } = connectedComponents(map, { connectivity, by: 'value' });
    const valueAt = new Float64Array(count + 1);
    for (let i = 0; i < labels.data.length; i++) valueAt[labels.data[i]] = map.data[i];
    const pieces = new Map<number, number>();
    for (let k = 1; k <= count; k++) {
      const value = valueAt[k];
      if (value > 0 && !this.#ignore.has(value)) pieces.set(value, (pieces.get(value) ?? 0) + 1);
    }
    // Pieces are met row by row.
    const met = [...pieces.keys()];
    const values = met.toSorted((a, b) => a - b);
    for (const value of values) this.#values.add(value);
    pieces.delete(notAnnotatedValue(values) ?? 0);
    this.#maps.push({
      values: values.filter((value) => pieces.has(value)),
      pieces: [...pieces.values()].reduce((sum, n) => sum + n, 0),
      whole: [...pieces.values()].filter((n) => n === 1).length,
      ascending: met.every((value, i) => value === values[i]),
      written,
    });
  }

  /** Number of different values in all maps. */
  get valueCount(): number {
    return this.#values.size;
  }

  /** Values to ignore: those given, and the one that means "not annotated". */
  get ignored(): readonly number[] {
    return [...new Set([...this.#ignore, notAnnotatedValue([...this.#values].sort((a, b) => a - b)) ?? []].flat())];
  }

  result({ as, declared, unclear }: LabelKindOptions = {}): LabelKindFinding {
    if (as !== undefined) return { kind: as, reason: 'as asked for', evidence: 'stated' };
    const maps = this.#maps.filter(({ values }) => values.length > 0);
    const written = new Set(maps.map((map) => map.written));
    const [own] = written;
    if (written.size === 1 && own !== undefined) return { kind: own, reason: 'as the files say', evidence: 'stated' };
    if (declared !== undefined) return { kind: declared.kind, reason: `as ${declared.by} says`, evidence: 'stated' };
    return guess(maps, unclear);
  }
}

function guess(maps: readonly MapFacts[], unclear?: LabelKind): LabelKindFinding {
  const all = [...new Set(maps.flatMap(({ values }) => values))].sort((a, b) => a - b);
  const sum = (of: (map: MapFacts) => number): number => maps.reduce((total, map) => total + of(map), 0);
  const most = maps.reduce((n, { values }) => Math.max(n, values.length), 0);
  const occurrences = sum(({ values }) => values.length);
  if (all.length === 0) return { kind: 'classes', reason: 'nothing is labelled', evidence: 'mask' };
  if (all.length === 1) {
    return {
      kind: 'classes',
      reason: `${all[0]} is the only value: a mask, in which connected pixels are one object`,
      evidence: 'mask',
    };
  }
  const where = maps.length === 1 ? '' : ` of ${maps.length} images`;
  if (sum(({ whole }) => whole) < MOSTLY_WHOLE * occurrences) {
    const pieces = sum((map) => map.pieces);
    return { kind: 'classes', reason: `the ${all.length} values${where} lie in ${pieces} pieces`, evidence: 'clear' };
  }
  const whole = `nearly each value${maps.length === 1 ? '' : ' of an image'} is one connected piece`;
  const same = maps.length > 2 && occurrences === all.length * maps.length;
  if (same && !(most > FEW_VALUES && maps.every(({ ascending }) => ascending))) {
    const reason = `all ${maps.length} images have the same ${all.length} values`;
    return { kind: unclear ?? 'classes', reason, evidence: 'unclear' };
  }
  if (most > FEW_VALUES) return { kind: 'objects', reason: `${whole}, up to ${most} in one`, evidence: 'clear' };
  if (maps.length > 2) {
    // Numbers that are counted up anew in each image, as far as there are objects.
    if (most >= LEAST_COUNTED && maps.every(({ values }) => values.at(-1) === all[values.length - 1])) {
      return { kind: 'objects', reason: `${whole}, and the numbers grow with their count`, evidence: 'clear' };
    }
    if (occurrences < 2 * all.length) {
      return { kind: 'objects', reason: `${whole}, and other images have other values`, evidence: 'clear' };
    }
    const reason = `the same ${all.length} values recur in ${maps.length} images`;
    return { kind: unclear ?? 'classes', reason, evidence: 'unclear' };
  }
  return { kind: unclear ?? 'objects', reason: whole, evidence: 'unclear' };
}

/**
 * What the values of predictions and of their ground truth are, both folders counting: where one leaves doubt, it is
 * taken to be as the other. A mask stays a mask.
 */
export function labelKindsOfBoth(
  truth: LabelKindSurvey,
  prediction: LabelKindSurvey,
  options: LabelKindOptions = {},
): { readonly truth: LabelKindFinding; readonly prediction: LabelKindFinding } {
  const { declared: _, ...ofPrediction } = options;
  const [t, p] = [truth.result(options), prediction.result(ofPrediction)];
  const follow = (own: LabelKindFinding, other: LabelKindFinding, name: string): LabelKindFinding =>
    own.evidence === 'unclear' && (other.evidence === 'stated' || other.evidence === 'clear') && own.kind !== other.kind
      ? { kind: other.kind, reason: `as in the ${name}, where ${other.reason}`, evidence: 'clear' }
      : own;
  return { truth: follow(t, p, 'predictions'), prediction: follow(p, t, 'ground truth') };
}
