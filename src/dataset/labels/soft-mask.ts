/** Masks with soft edges: 0 and 255, and levels between them on few pixels, as resizing and smoothing leave them. */

import { notAnnotatedValue } from './not-annotated.ts';

/** The least level that is white. */
export const WHITE_FROM = 128;

/**
 * Whether the values of all label images together are those of a mask with soft edges. Numbers 1, 2, ... n beside 255 are
 * not: there 255 means "not annotated".
 * @param counts pixels of each value
 */
export function isSoftMask(counts: ReadonlyMap<number, number>): boolean {
  let total = 0;
  for (const [value, count] of counts) {
    if (value < 0 || value > 255) return false;
    total += count;
  }
  const white = counts.get(255) ?? 0;
  const between = total - white - (counts.get(0) ?? 0);
  if (!counts.has(0) || counts.size <= 16 || white <= 2 * between) return false;
  // With all levels 255 follows on 254.
  return counts.has(254) || notAnnotatedValue([...counts.keys()].filter(Boolean).sort((a, b) => a - b)) === undefined;
}
