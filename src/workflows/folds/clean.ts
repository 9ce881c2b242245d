/** How class maps are cleaned, chosen on held-out images. */

import { ndarray } from '../../array/ndarray.ts';
import { IGNORE } from '../../dataset/labels/labels.ts';
import { diceOf, OverlapScorer } from '../../evaluate/overlap.ts';
import { type ClassRule, type Cleaning, cleanClasses } from '../../objects/clean-classes.ts';
import { connectedComponents } from '../../objects/connected-components.ts';
import { type Choose, type HeldOutImage, improves } from './choose.ts';

/** A class map, of a slice [h, w] or a volume [d, h, w], and its ground truth. */
export interface ClassMap {
  readonly fold: number;
  readonly unit: string;
  readonly shape: readonly number[];
  /** Class of each pixel, `IGNORE` if it is ignored. */
  readonly truth: Uint8Array;
  readonly found: Uint8Array;
}

export interface CleaningOptions {
  readonly classes: number;
  /** Classes that are not in the mean Dice. */
  readonly leaveOut: readonly number[];
  readonly background: number;
}

/** The mean Dice of an image, with the cleaning applied. */
export function scoredMap(
  { fold, unit, shape, truth, found }: ClassMap,
  options: CleaningOptions,
): HeldOutImage<Cleaning> {
  const { classes, leaveOut } = options;
  const known = new Map<string, number>();
  return {
    fold,
    unit,
    score(cleaning) {
      const key = JSON.stringify(cleaning?.rules ?? []);
      const before = known.get(key);
      if (before !== undefined) return before;
      const cleaned = cleaning === undefined ? found : cleanClasses(found, shape, cleaning);
      const score = diceOf(new OverlapScorer(classes, { leaveOut }).add(truth, cleaned));
      known.set(key, score);
      return score;
    },
  };
}

/** Fractions of the median part of a class, of which smaller parts are removed. */
const SIZES = [0.02, 0.05, 0.1, 0.2, 0.5];

/** Median size of the connected parts of each class in the ground truth, in pixels; 0 for one that does not occur. */
export function medianParts(maps: readonly ClassMap[], classes: number): readonly number[] {
  const sizes = Array.from({ length: classes }, (): number[] => []);
  for (const { truth, shape } of maps) {
    const parts = connectedComponents(
      ndarray(
        'uint8',
        shape,
        truth.map((c) => (c === IGNORE ? 0 : c + 1)),
      ),
      {
        by: 'value',
      },
    );
    const counts = new Float64Array(parts.count + 1);
    const classOf = new Uint8Array(parts.count + 1);
    parts.labels.data.forEach((part, i) => {
      counts[part] = (counts[part] as number) + 1;
      classOf[part] = truth[i] as number;
    });
    for (let part = 1; part <= parts.count; part++) sizes[classOf[part] as number]?.push(counts[part] as number);
  }
  return sizes.map((own) => own.toSorted((a, b) => a - b)[own.length >> 1] ?? 0);
}

/**
 * Class by class: the largest part alone, or no parts below a size, and holes filled, each taken only if it improves the
 * score by more than chance explains.
 * @param parts as `medianParts`
 */
export function chooseCleaning(
  parts: readonly number[],
  { classes, leaveOut, background }: CleaningOptions,
): Choose<Cleaning> {
  return (some) => {
    let rules: readonly ClassRule[] = [];
    let scores = some.map((image) => image.score(undefined));
    for (let c = 0; c < classes; c++) {
      if (c === background || leaveOut.includes(c)) continue;
      const sizes = [...new Set(SIZES.map((share) => Math.round(share * (parts[c] as number))))].filter((n) => n > 1);
      const steps: readonly (readonly Partial<ClassRule>[])[] = [
        [{ largest: true }, ...sizes.map((minSize) => ({ minSize }))],
        [{ fillHoles: true }],
      ];
      for (const candidates of steps) {
        const tried = candidates.map((change) => {
          const others = rules.filter((rule) => rule.class !== c);
          const own = { ...(rules.find((rule) => rule.class === c) ?? { class: c }), ...change };
          const next = [...others, own];
          return { rules: next, scores: some.map((image) => image.score({ background, rules: next })) };
        });
        const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
        const best = tried.reduce((a, b) => (sum(b.scores) > sum(a.scores) ? b : a));
        if (improves(some, scores, best.scores)) ({ rules, scores } = best);
      }
    }
    return rules.length === 0 ? undefined : { background, rules };
  };
}
