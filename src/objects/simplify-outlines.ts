/** Removes corners from outlines, identically on both sides of a shared edge. */

import type { NdArray } from '../array/ndarray.ts';
import type { Polygon, Ring } from './rings.ts';

/**
 * Removes corners of rings where the line moves by at most `tolerancePx` (Douglas and Peucker 1973). Rings are cut
 * where more than two pieces meet and at the corners of the map; each part in between is simplified separately and in a
 * fixed direction, so that neighbours keep a common line. A ring that would fall below three corners keeps all of them.
 * @param polygons one per piece, piece 1 first
 * @param pieces number of the piece at each pixel [height, width], 0 = background
 */
export function simplifyOutlines(
  polygons: readonly Polygon[],
  { data, shape }: NdArray<'int32'>,
  tolerancePx: number,
): Polygon[] {
  const [height, width] = shape as readonly [number, number];
  const at = (x: number, y: number): number => (x < 0 || y < 0 || x >= width || y >= height ? 0 : data[y * width + x]);
  const kept = new Set<number>();
  const isNode = (x: number, y: number): boolean => {
    if ((x === 0 || x === width) && (y === 0 || y === height)) return true;
    if (kept.has(y * (width + 1) + x)) return true;
    const [a, b, c, d] = [at(x - 1, y - 1), at(x, y - 1), at(x, y), at(x - 1, y)];
    return Number(a !== b) + Number(b !== c) + Number(c !== d) + Number(d !== a) > 2;
  };
  for (;;) {
    let collapsed = false;
    const simplify = (ring: Ring): Ring => {
      const found = simplifyRing(withNodes(ring, isNode), tolerancePx, isNode);
      if (found.length >= 6) return found;
      collapsed = true;
      for (let i = 0; i < ring.length; i += 2) kept.add(ring[i + 1] * (width + 1) + ring[i]);
      return ring;
    };
    const out = polygons.map(({ exterior, holes }) => ({ exterior: simplify(exterior), holes: holes.map(simplify) }));
    // Neighbours of a ring that keeps its corners must keep them too.
    if (!collapsed) return out;
  }
}

/** The ring with additional corners at the nodes on its straight edges. */
function withNodes(ring: Ring, isNode: (x: number, y: number) => boolean): Ring {
  const out: number[] = [];
  const n = ring.length;
  for (let i = 0; i < n; i += 2) {
    const [fromX, fromY] = [ring[i], ring[i + 1]];
    const [toX, toY] = [ring[(i + 2) % n], ring[(i + 3) % n]];
    const [dx, dy] = [Math.sign(toX - fromX), Math.sign(toY - fromY)];
    out.push(fromX, fromY);
    for (let x = fromX + dx, y = fromY + dy; x !== toX || y !== toY; x += dx, y += dy) {
      if (isNode(x, y)) out.push(x, y);
    }
  }
  return Int32Array.from(out);
}

function simplifyRing(ring: Ring, tolerancePx: number, isNode: (x: number, y: number) => boolean): Ring {
  const count = ring.length / 2;
  const x = (i: number): number => ring[2 * (i % count)];
  const y = (i: number): number => ring[2 * (i % count) + 1];
  let cuts: number[] = [];
  for (let i = 0; i < count; i++) if (isNode(x(i), y(i))) cuts.push(i);
  if (cuts.length < 2) cuts = twoCuts(cuts[0] ?? 0, count, x, y);
  const keep = new Uint8Array(count);
  for (const [k, from] of cuts.entries()) {
    const to = k + 1 < cuts.length ? cuts[k + 1] : cuts[0] + count;
    keep[from] = 1;
    keepBetween(from, to, x, y, tolerancePx, (i) => {
      keep[i % count] = 1;
    });
  }
  const out: number[] = [];
  for (let i = 0; i < count; i++) if (keep[i] === 1) out.push(x(i), y(i));
  return Int32Array.from(out);
}

/**
 * A ring's cut and the corner farthest from it, in order. A ring without a node is cut at its uppermost, leftmost
 * corner.
 */
function twoCuts(node: number, count: number, x: (i: number) => number, y: (i: number) => number): number[] {
  let far = node;
  let most = -1;
  for (let i = 0; i < count; i++) {
    const distance = (x(i) - x(node)) ** 2 + (y(i) - y(node)) ** 2;
    // In case of a tie, the choice must not depend on the direction of the ring.
    if (distance > most || (distance === most && (y(i) - y(far) || x(i) - x(far)) < 0)) {
      most = distance;
      far = i;
    }
  }
  return node < far ? [node, far] : [far, node];
}

/** Marks the corners to keep strictly between two kept ones. */
function keepBetween(
  from: number,
  to: number,
  x: (i: number) => number,
  y: (i: number) => number,
  tolerancePx: number,
  keep: (i: number) => void,
): void {
  const todo: [number, number][] = [[from, to]];
  for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
    const [a, b] = next;
    const length = Math.hypot(x(b) - x(a), y(b) - y(a));
    let most = tolerancePx;
    let farthest = -1;
    for (let i = a + 1; i < b; i++) {
      const distance =
        length === 0
          ? Math.hypot(x(i) - x(a), y(i) - y(a))
          : Math.abs((x(b) - x(a)) * (y(i) - y(a)) - (x(i) - x(a)) * (y(b) - y(a))) / length;
      // In case of a tie, the choice must not depend on the direction of the line.
      const first = farthest >= 0 && distance === most && (y(i) - y(farthest) || x(i) - x(farthest)) < 0;
      if (distance > most || first) {
        most = distance;
        farthest = i;
      }
    }
    if (farthest < 0) continue;
    keep(farthest);
    todo.push([a, farthest], [farthest, b]);
  }
}
