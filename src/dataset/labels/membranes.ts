import { ndarray } from '../../array/ndarray.ts';
import { connectedComponents } from '../../objects/connected-components.ts';
import type { Labelled } from '../annotated.ts';

/** Smaller pieces are uninformative about cells and membranes. */
export const LEAST_PIECE_PX = 32;
const LEAST_CELLS = 8;
const MAIN_SHARE = 0.8;

/** Sizes of the pieces of one of two classes that have at least `LEAST_PIECE_PX` pixels. */
export type PieceSizes = (value: 0 | 1, connectivity: 4 | 8) => readonly number[];

function pieces({ height, width, label }: Labelled, value: number, connectivity: 4 | 8): readonly number[] {
  const mask = label.map((found) => (found === value ? 1 : 0));
  const { labels, count } = connectedComponents(ndarray('uint8', [height, width], mask), { connectivity });
  const sizes = new Array<number>(count + 1).fill(0);
  for (const piece of labels.data) sizes[piece] = sizes[piece] + 1;
  return sizes.slice(1).filter((size) => size >= LEAST_PIECE_PX);
}

/** Four of many slices, evenly spread. */
export function examined<T>(pages: readonly T[]): readonly T[] {
  const step = Math.max(1, Math.floor(pages.length / 4));
  return pages.filter((_, i) => i % step === 0).slice(0, 4);
}

/**
 * The class of the inside of cells if two classes show cells and the membranes between them: membranes are the smaller,
 * connected class, and divide the other into many pieces. Undefined for other images.
 *
 * @param pages class indices; four of them are examined
 */
export function insideOfCells(pages: readonly Labelled[]): 0 | 1 | undefined {
  return insideOfPieces(
    examined(pages).map(
      (page): PieceSizes =>
        (value, c) =>
          pieces(page, value, c),
    ),
  );
}

/** `insideOfCells`, by the pieces of the slices that are examined. */
export function insideOfPieces(looked: readonly PieceSizes[]): 0 | 1 | undefined {
  if (looked.length === 0) return undefined;
  for (const inside of [1, 0] as const) {
    const fits = looked.every((sizesOf) => {
      const cells = sizesOf(inside, 4);
      const membranes = sizesOf(inside === 1 ? 0 : 1, 8);
      const sum = (sizes: readonly number[]): number => sizes.reduce((a, b) => a + b, 0);
      const main = membranes.reduce((a, b) => Math.max(a, b), 0);
      return sum(cells) > sum(membranes) && cells.length >= LEAST_CELLS && main >= MAIN_SHARE * sum(membranes);
    });
    if (fits) return inside;
  }
  return undefined;
}
