/** Simple points: pixels that can be flipped without changing the topology of a mask. */

/**
 * For each 3x3 pattern whether its centre is simple, foreground 4-connected and background 8-connected.
 *
 * Bit k of the pattern is pixel k in rows from top left (0) to bottom right (8), the centre is bit 4. The centre is
 * simple if, among its eight neighbours, exactly one 4-connected foreground component shares an edge with it, and there
 * is exactly one 8-connected background component (Kong and Rosenfeld 1989).
 */
export function simplePointTable(): Uint8Array {
  const table = new Uint8Array(512);
  for (let pattern = 0; pattern < 512; pattern++) {
    const foreground = ringComponents(pattern, 1, false);
    const background = ringComponents(pattern, 0, true);
    table[pattern] = foreground === 1 && background === 1 ? 1 : 0;
  }
  return table;
}

/**
 * Number of components of one value among the eight neighbours; without `diagonal`, of those sharing an edge with the
 * centre.
 */
function ringComponents(pattern: number, value: 0 | 1, diagonal: boolean): number {
  const seen = new Set<number>();
  let components = 0;
  const isOf = (k: number): boolean => k !== 4 && ((pattern >> k) & 1) === value;
  const starts = diagonal ? [0, 1, 2, 3, 5, 6, 7, 8] : [1, 3, 5, 7];
  for (const start of starts) {
    if (!isOf(start) || seen.has(start)) continue;
    components++;
    const open = [start];
    seen.add(start);
    for (let k = open.pop(); k !== undefined; k = open.pop()) {
      for (let other = 0; other < 9; other++) {
        const dx = Math.abs((other % 3) - (k % 3));
        const dy = Math.abs(Math.floor(other / 3) - Math.floor(k / 3));
        const near = diagonal ? Math.max(dx, dy) === 1 : dx + dy === 1;
        if (near && isOf(other) && !seen.has(other)) {
          seen.add(other);
          open.push(other);
        }
      }
    }
  }
  return components;
}
