/** Parts of an image, as `lamella.json` lists them. */

import { DatasetError } from '../errors.ts';
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

/** Whether a region is in a slice. */
export const isInSlice = (region: Region, slice: number): boolean => (region.slice ?? slice) === slice;

export const boxesOverlap = ([ax, ay, aw, ah]: Box, [bx, by, bw, bh]: Box): boolean =>
  ax < bx + bw && bx < ax + aw && ay < by + bh && by < ay + ah;

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

const whole = (value: number): boolean => Number.isInteger(value);

/** @throws DatasetError for a region that extends beyond its slice, or encloses no pixel; naming the file. */
export function requireRegion({ id, shape }: Region, [height, width]: Size, file: string): void {
  const problem = (what: string): DatasetError =>
    new DatasetError(`region ${id} ${what}; the image is ${width} x ${height}.`, {
      file,
      remedy: 'Draw it within the image, or use the annotation that was made on this image.',
    });
  if ('box' in shape) {
    const [x, y, wide, high] = shape.box;
    if (!shape.box.every(whole) || wide < 1 || high < 1) {
      throw new DatasetError(`region ${id} has the box [${shape.box.join(', ')}].`, {
        file,
        remedy: 'Use whole numbers: x, y, and a width and height of at least 1.',
      });
    }
    if (x < 0 || y < 0 || x + wide > width || y + high > height) {
      throw problem(`is outside its image: x ${x} to ${x + wide}, y ${y} to ${y + high}`);
    }
    return;
  }
  for (const line of shape.polygon) {
    for (let i = 0; i < line.length; i += 2) {
      const [x, y] = [line[i] as number, line[i + 1] as number];
      if (!(x >= 0 && y >= 0 && x <= width && y <= height)) {
        throw problem(`is outside its image: it has a corner at x ${x}, y ${y}`);
      }
    }
  }
  let pixels = 0;
  fillRegion(shape, [height, width], (_, from, to) => {
    pixels += to - from;
  });
  if (pixels === 0) throw problem('encloses no pixel');
}
