/**
 * Keys' cubic convolution kernel (a = -0.5, also called Catmull-Rom): the weights of the four samples at positions -1
 * to 2 for a point at `t` in [0, 1) between the second and the third. They sum to 1, and the interpolant passes through
 * the samples.
 */
function cubicWeights(t: number, weights: Float32Array, at: number): void {
  const t2 = t * t;
  const t3 = t2 * t;
  weights[at] = 0.5 * (-t3 + 2 * t2 - t);
  weights[at + 1] = 0.5 * (3 * t3 - 5 * t2 + 2);
  weights[at + 2] = 0.5 * (-3 * t3 + 4 * t2 + t);
  weights[at + 3] = 0.5 * (t3 - t2);
}

interface Axis {
  readonly weights: Float32Array;
  readonly taps: Int32Array;
}

function axisTable(length: number, gridLength: number, start: number, step: number): Axis {
  const weights = new Float32Array(4 * length);
  const taps = new Int32Array(4 * length);
  for (let i = 0; i < length; i++) {
    const position = start + i * step;
    const base = Math.floor(position);
    cubicWeights(position - base, weights, 4 * i);
    for (let k = 0; k < 4; k++) taps[4 * i + k] = Math.min(gridLength - 1, Math.max(0, base - 1 + k));
  }
  return { weights, taps };
}

export interface GridPlacement {
  /** Grid coordinate of the first output row and column. */
  readonly startY: number;
  readonly startX: number;
  /** Step in grid coordinates per output pixel. */
  readonly stepY: number;
  readonly stepX: number;
}

/**
 * Bicubic interpolation of a coarse grid [gridHeight, gridWidth] at every pixel of [height, width]: out(y, x) =
 * cubic(grid, startY + y stepY, startX + x stepX). Outside the grid its edge values are extended.
 */
export function bicubicField(
  grid: Float32Array,
  [gridHeight, gridWidth]: readonly [number, number],
  [height, width]: readonly [number, number],
  { startY, startX, stepY, stepX }: GridPlacement,
): Float32Array {
  const columns = axisTable(width, gridWidth, startX, stepX);
  const rows = axisTable(height, gridHeight, startY, stepY);
  const wide = new Float32Array(gridHeight * width);
  for (let y = 0; y < gridHeight; y++) {
    const row = y * gridWidth;
    for (let x = 0, k = 0; x < width; x++, k += 4) {
      wide[y * width + x] =
        columns.weights[k] * grid[row + columns.taps[k]] +
        columns.weights[k + 1] * grid[row + columns.taps[k + 1]] +
        columns.weights[k + 2] * grid[row + columns.taps[k + 2]] +
        columns.weights[k + 3] * grid[row + columns.taps[k + 3]];
    }
  }
  const out = new Float32Array(height * width);
  for (let y = 0; y < height; y++) {
    const k = 4 * y;
    const w0 = rows.weights[k];
    const w1 = rows.weights[k + 1];
    const w2 = rows.weights[k + 2];
    const w3 = rows.weights[k + 3];
    const r0 = rows.taps[k] * width;
    const r1 = rows.taps[k + 1] * width;
    const r2 = rows.taps[k + 2] * width;
    const r3 = rows.taps[k + 3] * width;
    const o = y * width;
    for (let x = 0; x < width; x++) {
      out[o + x] = w0 * wide[r0 + x] + w1 * wide[r1 + x] + w2 * wide[r2 + x] + w3 * wide[r3 + x];
    }
  }
  return out;
}
