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
/** Side of the windows in which new pixels are judged, and how many windows at most. */
const WINDOW_PX = 256;
const MOST_WINDOWS = 3;
/** What was painted earlier counts less with every edit. */
const FADING = 0.8;

/** By class: pixels that both say, that the model says, that the user says. */
type Counts = Map<number, { both: number; model: number; user: number }>;

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
    const windows = newPixels(before, after).slice(0, MOST_WINDOWS);
    if (windows.length === 0) return;
    for (const counts of [this.#quick, this.#network]) {
      for (const one of counts.values()) for (const name of ['both', 'model', 'user'] as const) one[name] *= FADING;
    }
    for (const { page, pixels, region } of windows) {
      for (const [model, counts] of [
        [quick, this.#quick],
        [network, this.#network],
      ] as const) {
        const { data } = argmaxClasses(await model.predict(page, region));
        add(counts, pixels, (p) => {
          const [x, y] = [(p % page.width) - region.x, Math.floor(p / page.width) - region.y];
          return after.classes[data[y * region.width + x] as number]?.label ?? 0;
        });
      }
    }
    const lead = meanDice(this.#network) - meanDice(this.#quick);
    const winner = lead > MARGIN ? 1 : lead < -MARGIN ? -1 : 0;
    this.#lead = winner === Math.sign(this.#lead) ? this.#lead + winner : winner;
    if (this.#lead >= TIMES) this.networkIsBetter = true;
    if (this.#lead <= -TIMES) this.networkIsBetter = false;
  }
}

function add(counts: Counts, pixels: ReadonlyMap<number, number>, predicted: (p: number) => number): void {
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

/** Mean over the classes that the user painted. */
function meanDice(counts: Counts): number {
  const scores = [...counts.values()].flatMap(({ both, model, user }) => (user > 0 ? (2 * both) / (model + user) : []));
  return scores.length === 0 ? 0 : scores.reduce((sum, score) => sum + score, 0) / scores.length;
}

/** Pixels that are painted now and were not, or otherwise, by the windows in which they lie. */
function newPixels(before: LiveData, after: LiveData) {
  const old = new Map(before.raw.pages.map((page) => [page.name, page.label.values]));
  return after.raw.pages.flatMap((page) => {
    const known = old.get(page.name);
    const { width, height, label } = page;
    const windows = new Map<number, Map<number, number>>();
    const across = Math.ceil(width / WINDOW_PX);
    for (let p = 0; p < label.values.length; p++) {
      const value = label.values[p] as number;
      if (value === known?.[p]) continue;
      const found = after.labelOf(value);
      if (found === undefined) continue;
      const at = Math.floor(Math.floor(p / width) / WINDOW_PX) * across + Math.floor((p % width) / WINDOW_PX);
      const pixels = windows.get(at) ?? new Map<number, number>();
      pixels.set(p, found);
      windows.set(at, pixels);
    }
    return [...windows].map(([at, pixels]) => {
      const [y, x] = [Math.floor(at / across) * WINDOW_PX, (at % across) * WINDOW_PX];
      const region = { x, y, width: Math.min(WINDOW_PX, width - x), height: Math.min(WINDOW_PX, height - y) };
      return { page, pixels, region };
    });
  });
}
