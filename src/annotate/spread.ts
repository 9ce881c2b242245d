/**
 * Spreads numbers over the pixels of a map that have none, each by the fewest steps across edges.
 * @param numbers [height, width], changed in place; 0: none yet
 * @param passes whether a number spreads from a pixel to the next, given by their indices
 */
export function spread(
  numbers: Int32Array | Uint32Array,
  width: number,
  passes: (from: number, to: number) => boolean,
  starts: readonly number[] = Array.from(numbers.keys()).filter((p) => numbers[p] > 0),
): void {
  const reached = [...starts];
  for (let i = 0; i < reached.length; i++) {
    const p = reached[i];
    const x = p % width;
    for (const next of [x > 0 ? p - 1 : -1, x + 1 < width ? p + 1 : -1, p - width, p + width]) {
      if (next < 0 || next >= numbers.length || numbers[next] > 0 || !passes(p, next)) continue;
      numbers[next] = numbers[p];
      reached.push(next);
    }
  }
}
