/** Parts of an image, as `lamella.json` lists them. */

import { type FoundRun, fillPolygon, type Line, type Size } from '../objects/fill-polygon.ts';

/** Left and top pixel, width and height: integers. Pixel (x, y) covers x..x+1 and y..y+1. */
export type Box = readonly [x: number, y: number, width: number, height: number];

/**
 * A rectangle, or the pixels whose centres are enclosed by the lines under the even-odd rule, so that an inner line is
 * a hole.
 */
export type RegionShape = { readonly box: Box } | { readonly polygon: readonly Line[] };

/** Plain JSON. */
export interface Region {
  /** Unique within its image; named in messages. */
  readonly id: number;
  readonly shape: RegionShape;
  /** Slice of the image from 0, time points one after another; undefined: every slice. */
  readonly slice?: number;
  /** Whether unpainted pixels are background here; otherwise they stay not annotated. */
  readonly complete: boolean;
  /** Painted by hand, an accepted prediction, or from another program. */
  readonly origin: 'painted' | 'proofread' | 'imported';
  /** Never used for training, only for scoring. */
  readonly held: boolean;
}

/** The bounding box of a region. */
export function boundsOf(shape: RegionShape): Box {
  if ('box' in shape) return shape.box;
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const line of shape.polygon) {
    for (let i = 0; i < line.length; i += 2) {
      left = Math.min(left, line[i]);
      right = Math.max(right, line[i]);
      top = Math.min(top, line[i + 1]);
      bottom = Math.max(bottom, line[i + 1]);
    }
  }
  return [left, top, right - left, bottom - top];
}

/** Calls back with each run of a region's pixels inside the image, row by row. */
export function fillRegion(shape: RegionShape, size: Size, found: FoundRun): void {
  if ('polygon' in shape) {
    fillPolygon(shape.polygon, size, found);
    return;
  }
  const [height, width] = size;
  const [x, y, wide, high] = shape.box;
  const [from, to] = [Math.max(0, x), Math.min(width, x + wide)];
  if (from >= to) return;
  for (let row = Math.max(0, y); row < Math.min(height, y + high); row++) found(row, from, to);
}
