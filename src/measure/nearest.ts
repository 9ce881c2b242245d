/** Nearest neighbours among points. */

/**
 * The distance of each point to its nearest neighbour; NaN for a single point.
 *
 * Points are sorted into grid cells, about one per cell; cells are searched in growing shells around a point until no
 * nearer one is possible.
 * @param points coordinates per axis, in physical units
 */
export function nearestDistances(points: readonly [z: Float64Array, y: Float64Array, x: Float64Array]): Float64Array {
  const count = points[0].length;
  const nearest = new Float64Array(count).fill(Number.NaN);
  if (count < 2) return nearest;
  const low = points.map((values) => values.reduce((a, b) => Math.min(a, b)));
  const span = points.map((values, axis) => values.reduce((a, b) => Math.max(a, b)) - low[axis]);
  const edge = cellEdge(span, count);
  const cells = span.map((extent) => Math.floor(extent / edge) + 1) as [number, number, number];
  const cellAlong = (axis: 0 | 1 | 2, i: number): number => Math.floor((points[axis][i] - low[axis]) / edge);
  const first = new Int32Array(cells[0] * cells[1] * cells[2]).fill(-1);
  const next = new Int32Array(count);
  for (let i = 0; i < count; i++) {
    const cell = (cellAlong(0, i) * cells[1] + cellAlong(1, i)) * cells[2] + cellAlong(2, i);
    next[i] = first[cell];
    first[cell] = i;
  }
  const [pz, py, px] = points;
  const shells = Math.max(...cells);
  for (let i = 0; i < count; i++) {
    const [cz, cy, cx] = [cellAlong(0, i), cellAlong(1, i), cellAlong(2, i)];
    let best = Number.POSITIVE_INFINITY;
    // A point in shell s is at least (s - 1) cells away.
    for (let s = 0; s <= shells && (s - 1) * edge < best; s++) {
      for (let z = Math.max(0, cz - s); z <= Math.min(cells[0] - 1, cz + s); z++) {
        for (let y = Math.max(0, cy - s); y <= Math.min(cells[1] - 1, cy + s); y++) {
          // Inside the shell only its two ends are new.
          const whole = Math.abs(z - cz) === s || Math.abs(y - cy) === s;
          const step = whole || s === 0 ? 1 : 2 * s;
          for (let x = cx - s; x <= cx + s; x += step) {
            if (x < 0 || x >= cells[2]) continue;
            for (let j = first[(z * cells[1] + y) * cells[2] + x]; j >= 0; j = next[j]) {
              if (j === i) continue;
              const dz = pz[i] - pz[j];
              const dy = py[i] - py[j];
              const dx = px[i] - px[j];
              best = Math.min(best, Math.sqrt(dz * dz + dy * dy + dx * dx));
            }
          }
        }
      }
    }
    nearest[i] = best;
  }
  return nearest;
}

/** Edge length of cubes such that about `count` fill the box; axes along which all points are equal are ignored. */
function cellEdge(span: readonly number[], count: number): number {
  let axes = span.filter((extent) => extent > 0);
  if (axes.length === 0) return 1;
  // A flat box has a single layer of cells: its thin axes are ignored.
  for (;;) {
    const edge = (axes.reduce((product, extent) => product * extent, 1) / count) ** (1 / axes.length);
    const thick = axes.filter((extent) => extent >= edge);
    if (thick.length === axes.length || thick.length === 0) return edge;
    axes = thick;
  }
}
