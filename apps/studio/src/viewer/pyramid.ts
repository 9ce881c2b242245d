/** Halved copies of a plane for showing it smaller than it is: each pixel the mean of 2 x 2. */

import type { Plane } from 'lamella/studio';

/** Values that WebGL takes as they are; 32-bit integers are shown as floats. */
export type Values = Uint8Array | Uint16Array | Int16Array | Float32Array;

export interface Level {
  readonly width: number;
  readonly height: number;
  readonly data: Values;
}

/** A plane of at most so many pixels needs no smaller copy: a graphics card reads it as it is. */
const SMALLEST_PX = 256 * 256;
/** Pixels that are averaged between two looks at the clock. */
const BAND_PX = 1 << 16;

/** The levels so far, the full one first; `build` adds the others bit by bit. */
export interface Pyramid {
  readonly levels: readonly Level[];
  readonly complete: boolean;
  /** Works until `deadlineMs` of `performance.now()`, or the end. @returns whether a level was added */
  build(deadlineMs: number): boolean;
}

const shown = (data: Plane['data']): Values =>
  data instanceof Int32Array || data instanceof Uint32Array ? Float32Array.from(data) : data;

export function createPyramid({ data, shape }: Plane): Pyramid {
  const [height, width] = shape.slice(-2);
  const levels: Level[] = [{ width, height, data: shown(data) }];
  const needed = (): boolean => levels[levels.length - 1].width * levels[levels.length - 1].height > SMALLEST_PX;
  let work: Generator<void, Level> | undefined;
  return {
    levels,
    get complete() {
      return !needed();
    },
    build(deadlineMs) {
      const { length } = levels;
      while (needed() && performance.now() < deadlineMs) {
        work ??= halve(levels[levels.length - 1]);
        const { done, value } = work.next();
        if (!done) continue;
        levels.push(value);
        work = undefined;
      }
      return levels.length > length;
    },
  };
}

/** The level above; an odd last row or column is averaged with itself. */
export function* halve({ width, height, data }: Level): Generator<void, Level> {
  const half = { width: (width + 1) >> 1, height: (height + 1) >> 1 };
  const out = new (data.constructor as { new (length: number): Values })(half.width * half.height);
  const mean = data instanceof Float32Array ? (sum: number) => sum / 4 : (sum: number) => Math.floor(sum / 4 + 0.5);
  const rowsPerBand = Math.max(1, Math.floor(BAND_PX / width));
  for (let y = 0; y < half.height; y++) {
    const top = 2 * y * width;
    const bottom = Math.min(2 * y + 1, height - 1) * width;
    for (let x = 0; x < half.width; x++) {
      const left = 2 * x;
      const right = Math.min(left + 1, width - 1);
      out[y * half.width + x] = mean(data[top + left] + data[top + right] + data[bottom + left] + data[bottom + right]);
    }
    if (y % rowsPerBand === rowsPerBand - 1) yield;
  }
  return { ...half, data: out };
}

/** The level to draw at a scale: the smallest that has at least one pixel per pixel of the screen. */
export const levelAt = (scale: number, levels: number): number =>
  Math.max(0, Math.min(levels - 1, Math.floor(-Math.log2(scale))));
