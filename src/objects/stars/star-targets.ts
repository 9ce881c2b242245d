/**
 * What a network learns of star-convex objects: the distance to the border along each ray, and how deep a pixel lies in
 * its object (Schmidt, Weigert, Broaddus and Myers, Cell Detection with Star-convex Polygons, MICCAI 2018).
 */

import { float32, type NdArray, ndarray } from '../../array/ndarray.ts';
import { UsageError } from '../../errors.ts';
import { distanceToZero } from '../distance-transform.ts';
import type { IntegerArray } from '../grid.ts';
import { boxesOf } from '../label-boxes.ts';
import { relabelConsecutive } from '../relabel.ts';

/** How many rays StarDist uses. */
const RAYS = 32;
export const LEAST_RAYS = 3;

export interface StarDistanceOptions {
  /** Number of rays, at least 3; default 32. Ray k has the angle 2 pi k / rays from +x towards +y. */
  readonly rays?: number;
  /** Distances at every pixel of every n-th row and column only, from the first; in pixels all the same. Default 1. */
  readonly grid?: number;
}

/**
 * The distance from each pixel of an object to its border along each ray, in pixels; 0 in the background. A ray is
 * followed in steps of one pixel from the centre of the pixel, until the nearest pixel is of another value or outside
 * the image; of the last step only so much counts as leads half a pixel along the axis nearest to the ray. Positions
 * are of single precision, and halves are rounded to even, as by StarDist's `star_dist`.
 * @param labels [h, w]; 0 = background
 * @returns [rays, ceil(h / grid), ceil(w / grid)]
 * @throws UsageError for another number of axes, fewer than 3 rays, or a grid that is no whole number above 0.
 */
export function starDistances(
  { shape, data }: IntegerArray,
  { rays = RAYS, grid = 1 }: StarDistanceOptions = {},
): NdArray<'float32'> {
  const [height, width] = sidesOf(shape);
  if (!Number.isInteger(rays) || rays < LEAST_RAYS || !Number.isInteger(grid) || grid < 1) {
    throw new UsageError(`There cannot be ${rays} rays at every ${grid}. pixel.`, {
      remedy: `Use whole numbers: at least ${LEAST_RAYS} rays, and a grid of at least 1.`,
    });
  }
  const [rows, columns] = [Math.ceil(height / grid), Math.ceil(width / grid)];
  const plane = rows * columns;
  const result = float32([rays, rows, columns]);
  // In single precision, with which the reference decides what is on a border.
  const angle = Math.fround((2 * Math.PI) / rays);
  for (let k = 0; k < rays; k++) {
    const phi = Math.fround(k * angle);
    const [stepX, stepY] = [Math.fround(Math.cos(phi)), Math.fround(Math.sin(phi))];
    const cut = Math.fround(Math.fround(0.5 / Math.max(Math.abs(stepX), Math.abs(stepY))) - 1);
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        const y = row * grid;
        const x = column * grid;
        const label = data[y * width + x];
        if (label === 0) continue;
        let alongX = 0;
        let alongY = 0;
        for (;;) {
          alongX = Math.fround(alongX + stepX);
          alongY = Math.fround(alongY + stepY);
          const atY = roundEven(Math.fround(y + alongY));
          const atX = roundEven(Math.fround(x + alongX));
          if (atY < 0 || atX < 0 || atY >= height || atX >= width || data[atY * width + atX] !== label) break;
        }
        alongX += cut * stepX;
        alongY += cut * stepY;
        result.data[k * plane + row * columns + column] = Math.sqrt(alongX * alongX + alongY * alongY);
      }
    }
  }
  return result;
}

/** Adding it leaves no bits for fractions: sums are rounded to whole numbers, halves to even ones. */
const ROUNDER = 1.5 * 2 ** 52;
const roundEven = (value: number): number => value + ROUNDER - ROUNDER;

/**
 * How deep each pixel lies in its object: its distance to the nearest pixel that is not of the object, divided by the
 * largest one in the object; 0 in the background, 1 in the middle. Outside the image is no border, unless one object
 * fills it. As StarDist's `edt_prob`.
 * @param labels [h, w]; 0 = background. Pixels of one value are one object.
 * @returns [h, w], 0..1
 * @throws UsageError for another number of axes, or a negative label.
 */
export function starProbability(labels: IntegerArray): NdArray<'float32'> {
  const [height, width] = sidesOf(labels.shape);
  const { labels: numbered, count } = relabelConsecutive(labels);
  const probability = float32([height, width]);
  const isFull = count === 1 && numbered.data.every((label) => label === 1);
  for (const [index, box] of boxesOf(numbered, count).entries()) {
    const own = index + 1;
    // One pixel around the object is enough, where there is one.
    const top = Math.max(box.top - 1, isFull ? -1 : 0);
    const left = Math.max(box.left - 1, isFull ? -1 : 0);
    const bottom = Math.min(box.bottom + 1, height + (isFull ? 1 : 0));
    const right = Math.min(box.right + 1, width + (isFull ? 1 : 0));
    const columns = right - left;
    const mask = ndarray('uint8', [bottom - top, columns]);
    for (let y = box.top; y < box.bottom; y++) {
      for (let x = box.left; x < box.right; x++) {
        if (numbered.data[y * width + x] === own) mask.data[(y - top) * columns + x - left] = 1;
      }
    }
    const { data: depth } = distanceToZero(mask).distance;
    let deepest = 0;
    for (let i = 0; i < depth.length; i++) deepest = Math.max(deepest, depth[i]);
    for (let y = box.top; y < box.bottom; y++) {
      for (let x = box.left; x < box.right; x++) {
        const at = y * width + x;
        if (numbered.data[at] === own) probability.data[at] = depth[(y - top) * columns + x - left] / deepest;
      }
    }
  }
  return probability;
}

function sidesOf(shape: readonly number[]): readonly [height: number, width: number] {
  if (shape.length === 2) return shape as readonly [number, number];
  throw new UsageError(`The labels have ${shape.length} axes [${shape.join(', ')}].`, {
    remedy: 'Stars are of images [height, width]; use the slices of a volume.',
  });
}
