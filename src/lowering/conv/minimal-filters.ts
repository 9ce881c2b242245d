/**
 * Winograd's minimal filtering F(m, 3): m outputs of a three-tap kernel with m + 2 multiplications instead of 3 m
 * (Lavin & Gray 2016; points 0, 1, -1 and infinity, with 2 and -2 for m = 4, and with 1/2 and -1/2 for m = 6).
 *
 *     y = A' (G w . B' x)
 *
 * where x has m + 2 neighbours, w three taps and y m outputs. The second point is 1, whose column of A' is all ones: a
 * number added there is added to every output.
 */
import { float32, type NdArray } from '../../array/ndarray.ts';

type Rows = readonly (readonly number[])[];

export interface MinimalFilter {
  /** m */
  readonly tile: number;
  /** m + 2 */
  readonly points: number;
  /** B' */
  readonly input: Rows;
  /** G */
  readonly weights: Rows;
  /** A' */
  readonly output: Rows;
}

export const F2: MinimalFilter = {
  tile: 2,
  points: 4,
  input: [
    [1, 0, -1, 0],
    [0, 1, 1, 0],
    [0, -1, 1, 0],
    [0, 1, 0, -1],
  ],
  weights: [
    [1, 0, 0],
    [1 / 2, 1 / 2, 1 / 2],
    [1 / 2, -1 / 2, 1 / 2],
    [0, 0, 1],
  ],
  output: [
    [1, 1, 1, 0],
    [0, 1, -1, -1],
  ],
};

export const F4: MinimalFilter = {
  tile: 4,
  points: 6,
  input: [
    [4, 0, -5, 0, 1, 0],
    [0, -4, -4, 1, 1, 0],
    [0, 4, -4, -1, 1, 0],
    [0, -2, -1, 2, 1, 0],
    [0, 2, -1, -2, 1, 0],
    [0, 4, 0, -5, 0, 1],
  ],
  weights: [
    [1 / 4, 0, 0],
    [-1 / 6, -1 / 6, -1 / 6],
    [-1 / 6, 1 / 6, -1 / 6],
    [1 / 24, 1 / 12, 1 / 6],
    [1 / 24, -1 / 12, 1 / 6],
    [0, 0, 1],
  ],
  output: [
    [1, 1, 1, 1, 1, 0],
    [0, 1, -1, 2, -2, 0],
    [0, 1, 1, 4, 4, 0],
    [0, 1, -1, 8, -8, 1],
  ],
};

export const F6: MinimalFilter = {
  tile: 6,
  points: 8,
  input: [
    [1, 0, -21 / 4, 0, 21 / 4, 0, -1, 0],
    [0, 1, 1, -17 / 4, -17 / 4, 1, 1, 0],
    [0, -1, 1, 17 / 4, -17 / 4, -1, 1, 0],
    [0, 1 / 2, 1 / 4, -5 / 2, -5 / 4, 2, 1, 0],
    [0, -1 / 2, 1 / 4, 5 / 2, -5 / 4, -2, 1, 0],
    [0, 2, 4, -5 / 2, -5, 1 / 2, 1, 0],
    [0, -2, 4, 5 / 2, -5, -1 / 2, 1, 0],
    [0, -1, 0, 21 / 4, 0, -21 / 4, 0, 1],
  ],
  weights: [
    [1, 0, 0],
    [-2 / 9, -2 / 9, -2 / 9],
    [-2 / 9, 2 / 9, -2 / 9],
    [1 / 90, 1 / 45, 2 / 45],
    [1 / 90, -1 / 45, 2 / 45],
    [32 / 45, 16 / 45, 8 / 45],
    [32 / 45, -16 / 45, 8 / 45],
    [0, 0, 1],
  ],
  output: [
    [1, 1, 1, 1, 1, 1, 1, 0],
    [0, 1, -1, 2, -2, 1 / 2, -1 / 2, 0],
    [0, 1, 1, 4, 4, 1 / 4, 1 / 4, 0],
    [0, 1, -1, 8, -8, 1 / 8, -1 / 8, 0],
    [0, 1, 1, 16, 16, 1 / 16, 1 / 16, 0],
    [0, 1, -1, 32, -32, 1 / 32, -1 / 32, 1],
  ],
};

export function matrix(rows: Rows): NdArray {
  return float32([rows.length, rows[0].length], Float32Array.from(rows.flat()));
}

export function transposed(rows: Rows): Rows {
  return rows[0].map((_, j) => rows.map((row) => row[j]));
}

/** The transform of rows and columns at once, for tiles stored flat: the Kronecker square. */
export function squared(rows: Rows): Rows {
  return rows.flatMap((p) => rows.map((q) => p.flatMap((a) => q.map((b) => a * b))));
}

/** Whether to use minimal filtering: where it is faster, wherever it is possible (tests), or never. */
export type WinogradUse = 'auto' | 'always' | 'never';
