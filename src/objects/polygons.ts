/** Outlines of objects along the edges of their pixels. */

import { addTo } from '../array/lists.ts';
import { ndarray } from '../array/ndarray.ts';
import { UsageError } from '../errors.ts';
import { connectedComponents } from './connected-components.ts';
import { extentsOf, type IntegerArray } from './grid.ts';
import type { Polygon, Ring } from './rings.ts';
import { simplifyOutlines } from './simplify-outlines.ts';

export interface Outline {
  readonly label: number;
  /** More than one if the object has several pieces, or pieces that touch only at a corner. */
  readonly polygons: readonly Polygon[];
}

export interface PolygonOptions {
  /**
   * Corners may be removed if the line moves by at most this many pixels (Douglas and Peucker 1973); default 0: none,
   * the outline encloses exactly the pixels. Shared edges of neighbours stay shared.
   */
  readonly simplifyPx?: number;
}

/** Steps east, south, west, north. */
const DX = [1, 0, -1, 0] as const;
const DY = [0, 1, 0, -1] as const;

/**
 * The outlines of all objects of a label map [height, width] (0 is background), by ascending label. Each polygon is
 * valid as defined by OGC and GeoJSON (RFC 7946), and encloses exactly the pixel centres of the object. A map without
 * objects has none.
 *
 * @throws UsageError for a map that is not 2D, a negative label or a negative `simplifyPx`.
 * @example toPolygons(ndarray('uint8', [1, 2], Uint8Array.of(7, 7)))
 *   // [{ label: 7, polygons: [{ exterior: [0,0, 2,0, 2,1, 0,1], holes: [] }] }]
 */
export function toPolygons(labels: IntegerArray, { simplifyPx = 0 }: PolygonOptions = {}): readonly Outline[] {
  const { height, width, rank } = extentsOf(labels.shape);
  if (rank !== 2) {
    throw new UsageError(`Outlines are of 2D label maps; this one is [${labels.shape.join(', ')}].`, {
      remedy: 'Pass one slice at a time.',
    });
  }
  if (!(simplifyPx >= 0)) throw new UsageError(`simplifyPx is ${simplifyPx}; it must be 0 or more.`);
  const { labels: pieces, count } = connectedComponents(labels, { by: 'value' });
  const found = trace(pieces.data, height, width, count);
  const lines =
    simplifyPx > 0 ? simplifyOutlines(found, ndarray('int32', [height, width], pieces.data), simplifyPx) : found;
  const byLabel = new Map<number, Polygon[]>();
  const first = firstPixels(pieces.data, count);
  for (const [k, polygon] of lines.entries()) {
    const label = labels.data[first[k]];
    if (label < 0) {
      throw new UsageError(`The label map contains the negative value ${label}.`, {
        remedy: 'Labels are 0 for background and positive for objects.',
      });
    }
    addTo(byLabel, label, polygon);
  }
  return [...byLabel].sort(([a], [b]) => a - b).map(([label, polygons]) => ({ label, polygons }));
}

/** Index of the first pixel of each piece 1..count. */
function firstPixels(pieces: Int32Array, count: number): Int32Array {
  const first = new Int32Array(count);
  for (let p = 0, next = 1; p < pieces.length && next <= count; p++) {
    // Pieces are numbered in scan order.
    if (pieces[p] === next) first[next++ - 1] = p;
  }
  return first;
}

/** The polygon of each piece: every ring has a pixel whose upper neighbour belongs to another piece. */
function trace(pieces: Int32Array, height: number, width: number, count: number): Polygon[] {
  const exteriors: Ring[] = new Array(count);
  const holes: Ring[][] = Array.from({ length: count }, () => []);
  const walkedTop = new Uint8Array(pieces.length);
  const corners: number[] = [];
  const at = (x: number, y: number): number =>
    x < 0 || y < 0 || x >= width || y >= height ? 0 : pieces[y * width + x];
  for (let p = 0; p < pieces.length; p++) {
    const own = pieces[p];
    if (own === 0 || walkedTop[p] === 1 || (p >= width && pieces[p - width] === own)) continue;
    // Along the edges with the piece on the right: first east, above this pixel.
    corners.length = 0;
    const startX = p % width;
    const startY = (p - startX) / width;
    let x = startX;
    let y = startY;
    let heading = 0;
    let twiceArea = 0;
    do {
      if (heading === 0) walkedTop[y * width + x] = 1;
      x += DX[heading] as number;
      y += DY[heading] as number;
      // Twice the area to the left of x, by vertical edges.
      if (heading === 1) twiceArea += 2 * x;
      else if (heading === 3) twiceArea -= 2 * x;
      // The two pixels ahead of the corner (x, y).
      let left: number;
      let right: number;
      if (heading === 0) {
        left = at(x, y - 1);
        right = at(x, y);
      } else if (heading === 1) {
        left = at(x, y);
        right = at(x - 1, y);
      } else if (heading === 2) {
        left = at(x - 1, y);
        right = at(x - 1, y - 1);
      } else {
        left = at(x - 1, y - 1);
        right = at(x, y - 1);
      }
      // If only the left one belongs to the piece, the two pixels touch at the corner and are connected elsewhere:
      // turning left there keeps hole and exterior separate.
      if (left === own) {
        corners.push(x, y);
        heading = (heading + 3) % 4;
      } else if (right !== own) {
        corners.push(x, y);
        heading = (heading + 1) % 4;
      }
    } while (x !== startX || y !== startY || heading !== 0);
    const ring = Int32Array.from(corners);
    if (twiceArea > 0) exteriors[own - 1] = fromFirstCorner(ring);
    else holes[own - 1].push(fromFirstCorner(ring));
  }
  return exteriors.map((exterior, k) => ({ exterior, holes: holes[k] }));
}

/** The ring starting at its uppermost, then leftmost corner. A walk may begin in the middle of an edge. */
function fromFirstCorner(ring: Ring): Ring {
  let best = 0;
  for (let i = 2; i < ring.length; i += 2) {
    const dy = ring[i + 1] - ring[best + 1];
    if (dy < 0 || (dy === 0 && ring[i] < ring[best])) best = i;
  }
  const out = new Int32Array(ring.length);
  out.set(ring.subarray(best));
  out.set(ring.subarray(0, best), ring.length - best);
  return out;
}
