/** Whether the values of label images number objects or encode classes. This file alone decides it. */

import type { ValuePieces } from '../../objects/blocks/value-pieces.ts';
import { connectedComponents } from '../../objects/connected-components.ts';
import type { Connectivity, IntegerArray } from '../../objects/grid.ts';
import { notAnnotatedValue } from './not-annotated.ts';
import { isSoftMask, WHITE_FROM } from './soft-mask.ts';

/** `objects`: every value is a separate object. `classes`: values recur, and connected pixels are an object. */
export const LABEL_KINDS = ['objects', 'classes'] as const;
export type LabelKind = (typeof LABEL_KINDS)[number];

export interface LabelKindFinding {
  readonly kind: LabelKind;
  /** A clause for display, such as `each of the 4 values is one connected piece`. */
  readonly reason: string;
  /**
   * Its basis: stated (by the user, the files, or a file beside them); clear from the values; unclear; or a mask, with
   * at most one value.
   */
  readonly evidence: 'stated' | 'clear' | 'unclear' | 'mask';
  /** Whether the classes are black and white with soft edges: then values from `WHITE_FROM` on are white. */
  readonly soft?: boolean;
}

export interface LabelKindOptions {
  /** As set by the user. */
  readonly as?: LabelKind;
  /** As stated beside the files, such as by a `dataset.json` that names classes. `labelKindsOfBoth`: for the truth only. */
  readonly declared?: { readonly kind: LabelKind; readonly by: string };
  /**
   * The answer if a few values, each in one piece, could be either: `objects` for callers that expect objects, such as
   * `measure`. Default: classes if at least three images have the same values, otherwise objects.
   */
  readonly unclear?: LabelKind;
}

/** The properties of one label map. */
interface MapFacts {
  readonly values: readonly number[];
  readonly pieces: number;
  /** Number of values that are one connected piece. */
  readonly whole: number;
  /** Whether values ascend from the first row to the last, as programs number objects. */
  readonly ascending: boolean;
  readonly written: LabelKind | undefined;
}

/** A map with more values is unlikely to be one of classes, unless they recur. */
const FEW_VALUES = 8;
/** Objects may be broken, and classes in one piece, but not most of them. */
const MOSTLY_WHOLE = 0.6;
/** Minimum number of consecutive numbers, counting the objects of an image, that is not a coincidence. */
const LEAST_COUNTED = 4;

/** How the pixels of a value are connected to one piece: at corners too. */
export const pieceConnectivity = (shape: readonly number[]): Connectivity => (shape.length === 3 ? 26 : 8);

/**
 * Examines all label maps of a folder, one after another, and then decides what their values are: `const survey = new
 * LabelKindSurvey(); for each map: survey.add(map); survey.result({ as })`.
 *
 * In object maps nearly every value is one connected piece, and other images have other values or more of them; in
 * class maps values have many pieces, or recur between images. A single value besides 0 in all maps is a mask:
 * `classes`, so that connected pixels are an object, which is the same for an object in one piece.
 */
export class LabelKindSurvey {
  readonly #maps: MapFacts[] = [];
  readonly #ignore: ReadonlySet<number>;
  readonly #values = new Set<number>();
  /** Pixels of each value. */
  readonly #counts = new Map<number, number>();

  /** @param ignore values that are not labels, besides 0 and negative ones */
  constructor({ ignore = [] }: { readonly ignore?: readonly number[] } = {}) {
    this.#ignore = new Set(ignore);
  }

  /**
   * @param map [height, width] or [depth, height, width]: volumes are examined in 3D
   * @param written the kind stated by the file itself (`Image.labelKind`)
   */
  add(map: IntegerArray, written?: LabelKind): void {
    const connectivity = pieceConnectivity(map.shape);
    const { labels, count } = connectedComponents(map, { connectivity, by: 'value' });
    const valueAt = new Float64Array(count + 1);
    const pixels = new Float64Array(count + 1);
    for (let i = 0; i < labels.data.length; i++) {
      const k = labels.data[i];
      valueAt[k] = map.data[i];
      pixels[k] = pixels[k] + 1;
    }
    const counted = new Map<number, { readonly value: number; pixels: number; pieces: number }>();
    // Pieces are found row by row.
    for (let k = 0; k <= count; k++) {
      if (pixels[k] === 0) continue;
      const value = valueAt[k];
      const own = counted.get(value) ?? { value, pixels: 0, pieces: 0 };
      own.pixels += pixels[k];
      own.pieces++;
      counted.set(value, own);
    }
    this.addCounted([...counted.values()], written);
  }

  /**
   * A map of which the values were counted, such as block by block.
   * @param values in the order of their first pixels; pieces as connected by `pieceConnectivity`
   */
  addCounted(values: readonly ValuePieces[], written?: LabelKind): void {
    const pieces = new Map<number, number>();
    for (const { value, pixels, pieces: count } of values) {
      if (this.#ignore.has(value)) continue;
      this.#counts.set(value, (this.#counts.get(value) ?? 0) + pixels);
      if (value > 0) pieces.set(value, count);
    }
    const met = [...pieces.keys()];
    const ascending = met.toSorted((a, b) => a - b);
    for (const value of ascending) this.#values.add(value);
    pieces.delete(notAnnotatedValue(ascending) ?? 0);
    this.#maps.push({
      values: ascending.filter((value) => pieces.has(value)),
      pieces: [...pieces.values()].reduce((sum, n) => sum + n, 0),
      whole: [...pieces.values()].filter((n) => n === 1).length,
      ascending: met.every((value, i) => value === ascending[i]),
      written,
    });
  }

  /** A map of which the kind is stated. @param values those that it has, in any order */
  addStated(values: readonly number[], written: LabelKind): void {
    const own = values.filter((value) => value > 0 && !this.#ignore.has(value)).sort((a, b) => a - b);
    for (const value of own) this.#values.add(value);
    const skipped = notAnnotatedValue(own);
    const counted = own.filter((value) => value !== skipped);
    const { length } = counted;
    this.#maps.push({ values: counted, pieces: length, whole: length, ascending: true, written });
  }

  /** Number of distinct values in all maps. */
  get valueCount(): number {
    return this.#values.size;
  }

  /** Values to ignore: the given ones, and the one that means "not annotated". */
  get ignored(): readonly number[] {
    if (isSoftMask(this.#counts)) return [...this.#ignore];
    return [...new Set([...this.#ignore, notAnnotatedValue([...this.#values].sort((a, b) => a - b)) ?? []].flat())];
  }

  result(options: LabelKindOptions = {}): LabelKindFinding {
    const soft = isSoftMask(this.#counts);
    const found = this.#found(soft, options);
    return soft && found.kind === 'classes' ? { ...found, soft } : found;
  }

  #found(soft: boolean, { as, declared, unclear }: LabelKindOptions): LabelKindFinding {
    if (as !== undefined) return { kind: as, reason: 'as asked for', evidence: 'stated' };
    const maps = this.#maps.filter(({ values }) => values.length > 0);
    const written = new Set(maps.map((map) => map.written));
    const [own] = written;
    if (written.size === 1 && own !== undefined) return { kind: own, reason: 'as the files say', evidence: 'stated' };
    if (declared !== undefined) return { kind: declared.kind, reason: `as ${declared.by} says`, evidence: 'stated' };
    if (soft) {
      const reason = `0 and 255 with few levels between are a mask with soft edges, cut at ${WHITE_FROM}, in which connected pixels are one object`;
      return { kind: 'classes', reason, evidence: 'mask' };
    }
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
    // Numbers that count up from 1 in each image, as many as there are objects.
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
 * The label kinds of predictions and ground truth, considering both folders: if one is unclear, it is assumed to be the
 * same as the other. A mask stays a mask.
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

/**
 * What drawn shapes are, in all files together: with two or more named classes their classes, otherwise an object each.
 * @param as set by the user
 */
export function shapeKind(classNames: readonly string[], as?: LabelKind): LabelKind {
  return as ?? (classNames.length > 1 ? 'classes' : 'objects');
}
