/** Dice, precision and recall of the second of two classes at every threshold, summed over images. */

import type { NdArray } from '../../array/ndarray.ts';
import { type Series, score } from './data.ts';

const STEPS = 20;
/** 0.05 to 0.95. */
const THRESHOLDS = Array.from({ length: STEPS - 1 }, (_, i) => (i + 1) / STEPS);
/** As probabilities are stored: 0.1 as float32 is not above 0.1. */
const CUTS = Float32Array.from(THRESHOLDS);

interface Sums {
  shared: number;
  predicted: number;
  actual: number;
}

export class ThresholdCounts {
  readonly #sums: readonly Sums[] = THRESHOLDS.map(() => ({ shared: 0, predicted: 0, actual: 0 }));

  /**
   * @param truth class indices 0 and 1; others are ignored
   * @param probabilities [2, height, width]
   */
  add(truth: Uint8Array, probabilities: NdArray<'float32'>): void {
    const pixels = truth.length;
    // above[k][t]: number of pixels of class k above t thresholds.
    const above = [new Float64Array(STEPS), new Float64Array(STEPS)] as const;
    for (let p = 0; p < pixels; p++) {
      const counts = above[truth[p] as number];
      if (counts === undefined) continue;
      const probability = probabilities.data[pixels + p] as number;
      let reached = Math.min(STEPS - 1, Math.max(0, Math.floor(probability * STEPS)));
      // Strictly above its threshold.
      if (reached > 0 && probability <= (CUTS[reached - 1] as number)) reached--;
      counts[reached] = (counts[reached] as number) + 1;
    }
    const actual = above[1].reduce((a, b) => a + b);
    let background = 0;
    let foreground = 0;
    for (let t = THRESHOLDS.length - 1; t >= 0; t--) {
      background += above[0][t + 1] as number;
      foreground += above[1][t + 1] as number;
      const sums = this.#sums[t] as Sums;
      sums.shared += foreground;
      sums.predicted += background + foreground;
      sums.actual += actual;
    }
  }

  series(): readonly Series[] {
    const of = (name: string, value: (sums: Sums) => number): Series => ({
      name,
      points: THRESHOLDS.map((threshold, t) => [threshold, score(value(this.#sums[t] as Sums))]),
    });
    return [
      of('Dice', ({ shared, predicted, actual }) => (2 * shared) / (predicted + actual)),
      of('Precision', ({ shared, predicted }) => shared / predicted),
      of('Recall', ({ shared, actual }) => shared / actual),
    ];
  }
}
