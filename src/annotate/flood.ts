/** Connected areas around a pixel, by scanlines. */

import type { FoundRun, Size } from '../objects/fill-polygon.ts';
import type { LabelLayer } from './label-layer.ts';

/** The value of a pixel of an image; NaN where it is not known. */
export type ValueAt = (x: number, y: number) => number;

/** Whether a pixel belongs to what is looked for; asked for pixels inside the image only. */
export type Inside = (x: number, y: number) => boolean;

export type Pixel = readonly [x: number, y: number];

/** Connected pixels. */
export interface FoundArea {
  /** Row, first column and the one after the last of each run, in the order in which they were found; disjoint. */
  readonly runs: Int32Array;
  readonly pixels: number;
  /** Whether that is all of it; false if the limit was reached. */
  readonly complete: boolean;
}

export interface FloodOptions {
  readonly size: Size;
  /** Default 4. */
  readonly connectivity?: 4 | 8;
  /** The search ends with the run that reaches so many pixels. Default 16,777,216. */
  readonly limit?: number;
}

/** Of a pixel: not asked about yet; inside and not found yet; found, or not inside. */
const [UNKNOWN, NEW, CLOSED] = [0, 1, 2];

/** Pixels that are looked at between two chances to pause: less than a millisecond. */
const PIXELS_AT_ONCE = 1 << 14;

/**
 * The connected area around a pixel; empty if the pixel is outside the image or not inside.
 * @yields pixels found so far, often enough to pause in between (`continueFor`)
 *
 * @example
 * const task = flood(similar(values, [40, 50], 12), [40, 50], { size: [height, width] });
 * const now = () => performance.now();
 * let state = continueFor(task, 8, now);
 * while (!state.done) {
 *   await nextFrame();
 *   state = continueFor(task, 8, now);
 * }
 * forEachRun(state.value, painter(layer, { value: 1 }));
 */
export function* flood(
  inside: Inside,
  [seedX, seedY]: Pixel,
  { size: [height, width], connectivity = 4, limit = 1 << 24 }: FloodOptions,
): Generator<number, FoundArea> {
  const reach = connectivity === 8 ? 1 : 0;
  /** What is known of the pixels of each row; rows that nothing was asked about are undefined. */
  const known: (Uint8Array | undefined)[] = [];
  const rowOf = (y: number): Uint8Array => (known[y] ??= new Uint8Array(width));
  /** Asks about pixels once: floods come by each of them about three times. */
  const ask = (row: Uint8Array, y: number, from: number, to: number): void => {
    for (let x = from; x < to; x++) if (row[x] === UNKNOWN) row[x] = inside(x, y) ? NEW : CLOSED;
  };
  const isNew = (row: Uint8Array, x: number, y: number): boolean => {
    if (row[x] === UNKNOWN) ask(row, y, x, x + 1);
    return row[x] === NEW;
  };
  const runs: number[] = [];
  let [pixels, looked] = [0, 0];
  const inImage = seedX >= 0 && seedY >= 0 && seedX < width && seedY < height;
  const waiting: Pixel[] = inImage && inside(seedX, seedY) ? [[seedX, seedY]] : [];
  while (waiting.length > 0 && pixels < limit) {
    const [x, y] = waiting.pop() as Pixel;
    const own = rowOf(y);
    if (own[x] === CLOSED) continue;
    let [from, to] = [x, x + 1];
    while (from > 0 && isNew(own, from - 1, y)) from--;
    while (to < width && isNew(own, to, y)) to++;
    own.fill(CLOSED, from, to);
    runs.push(y, from, to);
    pixels += to - from;
    const [first, end] = [Math.max(0, from - reach), Math.min(width, to + reach)];
    for (const next of [y - 1, y + 1]) {
      if (next < 0 || next >= height) continue;
      const row = rowOf(next);
      ask(row, next, first, end);
      for (let column = first; column < end; column++) {
        if (row[column] !== NEW) continue;
        waiting.push([column, next]);
        while (column + 1 < end && row[column + 1] === NEW) column++;
      }
    }
    looked += 3 * (to - from);
    if (looked < PIXELS_AT_ONCE) continue;
    looked = 0;
    yield pixels;
  }
  const complete = waiting.every(([x, y]) => known[y]?.[x] === CLOSED);
  return { runs: Int32Array.from(runs), pixels, complete };
}

/** Pixels whose value differs from that of a pixel by at most the tolerance. */
export function similar(values: ValueAt, [x, y]: Pixel, tolerance: number): Inside {
  const wanted = values(x, y);
  return (column, row) => Math.abs(values(column, row) - wanted) <= tolerance;
}

/** Pixels with the label of a pixel, which may be "not annotated". @throws UsageError for another slice */
export function sameLabel(layer: LabelLayer, [x, y]: Pixel, slice = 0): Inside {
  const labels = layer.reader(slice);
  const wanted = labels(x, y);
  return (column, row) => labels(column, row) === wanted;
}

/** Passes on the runs of an area. */
export function forEachRun({ runs }: Pick<FoundArea, 'runs'>, found: FoundRun): void {
  for (let i = 0; i < runs.length; i += 3) found(runs[i], runs[i + 1], runs[i + 2]);
}
