/** Which object the background of an image lies in, from areas that touch. */

import { UnionFind } from '../union-find.ts';

/**
 * Areas that make up an image. Each is connected by faces, at least by others of its object; the tops of a peak that touch at
 * corners alone are so by what lies between, which is of the object or background.
 */
export interface Areas {
  /** The object, 0.., that each area is of; NONE for background. */
  readonly objectOf: Int32Array;
  /** 1 for areas at the border of the image. */
  readonly atBorder: Uint8Array;
  /** Visits all pairs of areas that touch, in any order and as often as it likes. */
  eachTouching(visit: (a: number, b: number) => void): void;
}

/** No object. */
export const NONE = -1;

/**
 * For each area of the background, the only object around the connected background that it belongs to: NONE if that
 * touches several, or the border of the image; of areas of objects NONE.
 */
export function enclosing({ objectOf, atBorder, eachTouching }: Areas): Int32Array {
  const isBackground = (area: number): boolean => objectOf[area] === NONE;
  const parts = new UnionFind();
  parts.add(objectOf.length);
  eachTouching((a, b) => {
    if (isBackground(a) && isBackground(b)) parts.unite(a, b);
  });
  const UNKNOWN = -2;
  const around = new Int32Array(objectOf.length).fill(UNKNOWN);
  for (let area = 0; area < objectOf.length; area++)
    if (isBackground(area) && atBorder[area] === 1) around[parts.find(area)] = NONE;
  eachTouching((a, b) => {
    if (isBackground(a) === isBackground(b)) return;
    const [part, object] = isBackground(a) ? [parts.find(a), objectOf[b]] : [parts.find(b), objectOf[a]];
    around[part] = around[part] === UNKNOWN || around[part] === object ? object : NONE;
  });
  return around.map((_, area) => (isBackground(area) ? Math.max(NONE, around[parts.find(area)]) : NONE));
}
