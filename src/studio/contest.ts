/**
 * Which of two live models is better, judged by what the user paints next: before they learn from new strokes, both predict
 * those pixels, which neither has seen.
 */

import { argmaxClasses } from '../metrics/argmax.ts';
import type { LiveData } from './live-data.ts';
import type { LiveModel } from './live-models.ts';

/** What the network must be better by, twice in a row. */
const MARGIN = 0.01;
const TIMES = 2;
/** Pieces in which new pixels are judged, at most. */
const MOST_PIECES = 3;
/** What was painted earlier counts less with every edit. */
const FADING = 0.8;

/** By the label of a class: pixels that both say, that the model says, that the user says. */
export type Counts = Map<number, { both: number; model: number; user: number }>;

export class Contest {
  readonly #quick: Counts = new Map();
  readonly #network: Counts = new Map();
  #lead = 0;

  /** Whether the network has won. Once it has, it keeps its place until the quick model wins. */
  networkIsBetter = false;

  /**
   * @param before what both models have learned from
   * @param after the same, painted further
   */
  async judge(before: LiveData | undefined, after: LiveData, quick: LiveModel, network: LiveModel): Promise<void> {
    if (before === undefined || quick.step === 0 || network.step === 0) return;
    const windows = newPixels(before, after).slice(0, MOST_PIECES);
    if (windows.length === 0) return;
    for (const counts of [this.#quick, this.#network]) {
      for (const one of counts.values()) for (const name of ['both', 'model', 'user'] as const) one[name] *= FADING;
    }
    for (const { page, box, pixels } of windows) {
      const [x, y, width, height] = box;
      for (const [model, counts] of [
        [quick, this.#quick],
        [network, this.#network],
      ] as const) {
        const { data } = argmaxClasses(await model.predict(page, { x, y, width, height }));
        addCounts(counts, pixels, (p) => after.classes[data[p] as number]?.label ?? 0);
      }
    }
    const winner = better(meanDice(this.#network), meanDice(this.#quick));
    this.#lead = winner === Math.sign(this.#lead) ? this.#lead + winner : winner;
    if (this.#lead >= TIMES) this.networkIsBetter = true;
    if (this.#lead <= -TIMES) this.networkIsBetter = false;
  }
}

/** 1: the first mean Dice is better by what a model must be better by; -1: the second is; 0: neither. */
export const better = (one: number, other: number): -1 | 0 | 1 =>
  one - other > MARGIN ? 1 : one - other < -MARGIN ? -1 : 0;

/** @param pixels what the user says, by their number @param predicted what the model says */
export function addCounts(
  counts: Counts,
  pixels: Iterable<readonly [p: number, label: number]>,
  predicted: (p: number) => number,
): void {
  const at = (label: number) => {
    const known = counts.get(label) ?? { both: 0, model: 0, user: 0 };
    counts.set(label, known);
    return known;
  };
  for (const [p, label] of pixels) {
    const own = predicted(p);
    at(label).user++;
    at(own).model++;
    if (own === label) at(label).both++;
  }
}

/** Dice of a class. */
export const diceOf = ({
  both,
  model,
  user,
}: {
  readonly both: number;
  readonly model: number;
  readonly user: number;
}) => (2 * both) / (model + user);

/** Mean over the classes that the user painted. */
export function meanDice(counts: Counts): number {
  const scores = [...counts.values()].flatMap((own) => (own.user > 0 ? diceOf(own) : []));
  return scores.length === 0 ? 0 : scores.reduce((sum, score) => sum + score, 0) / scores.length;
}

/** Pixels that are painted now and were not, or otherwise, with their labels, by the pieces in which they lie. */
function newPixels(before: LiveData, after: LiveData) {
  const old = new Map(before.pieces.map(({ key, labels }) => [key, labels]));
  return after.pieces.flatMap(({ key, page, box, labels }) => {
    const known = old.get(key);
    const pixels = new Map<number, number>();
    for (let p = 0; p < labels.length; p++) {
      const value = labels[p] as number;
      if (value === known?.[p]) continue;
      const label = after.labelOf(value);
      if (label !== undefined) pixels.set(p, label);
    }
    return pixels.size === 0 ? [] : [{ page, box, pixels }];
  });
}
