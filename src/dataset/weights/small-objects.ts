/** Weights that let small objects count: a loss over pixels hardly sees them, a score over objects counts each alike. */

/** Smaller ones weigh no more than this times as much. */
const MOST = 4;

/** Pixels of each object of label maps; 0 is background. */
function sizesOf(objects: Int32Array | Uint32Array): Map<number, number> {
  const sizes = new Map<number, number>();
  for (const object of objects) if (object !== 0) sizes.set(object, (sizes.get(object) ?? 0) + 1);
  return sizes;
}

/** Pixels of the median object over all label maps; 0 where there is none. */
export function medianObjectSize(maps: readonly (Int32Array | Uint32Array)[]): number {
  const sizes = maps.flatMap((objects) => [...sizesOf(objects).values()]).sort((a, b) => a - b);
  return sizes[sizes.length >> 1] ?? 0;
}

/**
 * Adds to the weight of each pixel of an object smaller than `typicalSize` what it lacks: an object of n pixels weighs
 * sqrt(typicalSize / n) times as much a pixel, at most 4 times. Others stay as they are.
 * @param term weights beyond 1 of each pixel, changed in place
 */
export function addSmallObjects(term: Float32Array, objects: Int32Array, typicalSize: number): void {
  const extra = new Map(
    [...sizesOf(objects)].map(([object, size]) => [object, Math.min(MOST, Math.sqrt(typicalSize / size)) - 1]),
  );
  for (let p = 0; p < term.length; p++) {
    const more = extra.get(objects[p]) ?? 0;
    if (more > 0) term[p] = term[p] + more;
  }
}
