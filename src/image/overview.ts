/** An overview image for viewing: a slice, and for a volume its three central planes. */

import { page, pageCount, rescaleToUint8, toFloat32 } from './convert.ts';
import { displayWindow } from './display.ts';
import { bodyDirection, millimetres } from './geometry.ts';
import { type Image, sizes } from './image.ts';
import { displayMap, reorient } from './orient.ts';

export interface OverviewOptions {
  /** Longest side of a plane, in pixels. Default 512. */
  readonly sidePx?: number;
  /** Whether `sidePx` is the width of all planes together. */
  readonly fitWidth?: boolean;
}

/** A plane through a volume: values by rows, and the size of a pixel. */
interface Plane {
  readonly width: number;
  readonly height: number;
  readonly dx: number;
  readonly dy: number;
  at(x: number, y: number): number;
}

const GAP_PX = 4;

/**
 * A grey image (uint8 `yx`) of the first channel: the middle slice, and for a volume of at least 8 slices with known
 * spacing the two perpendicular planes to its right, true to scale. Oriented for viewing (`displayMap`), with
 * `displayWindow`.
 */
export function overviewPicture(
  image: Image,
  { sidePx = 512, fitWidth = false }: OverviewOptions = {},
): Image<'uint8'> {
  const map = displayMap(image);
  const turned = map === undefined ? image : reorient(image, map);
  const planes = planesOf(turned);
  const { low, high } = displayWindow(image);
  const widths = planes.map(({ width, dx }) => width * dx);
  const longest = fitWidth
    ? widths.reduce((sum, width) => sum + width, 0) * (1 + (GAP_PX * (planes.length - 1)) / sidePx)
    : Math.max(...widths, ...planes.map(({ height, dy }) => height * dy));
  const finest = Math.min(...planes.flatMap(({ dx, dy }) => [dx, dy]));
  // Enlarged at most four times, reduced as far as needed.
  const scale = Math.max(longest / sidePx, finest / 4);
  const sizes = planes.map(({ width, height, dx, dy }) => ({
    width: Math.max(1, Math.round((width * dx) / scale)),
    height: Math.max(1, Math.round((height * dy) / scale)),
  }));
  const height = Math.max(...sizes.map((size) => size.height));
  const width = sizes.reduce((sum, size) => sum + size.width, GAP_PX * (sizes.length - 1));
  const values = new Float32Array(width * height).fill(Number.NaN);
  let left = 0;
  for (const [i, plane] of planes.entries()) {
    const size = sizes[i];
    for (let y = 0; y < size.height; y++) {
      const row = Math.min(plane.height - 1, Math.floor(((y + 0.5) * plane.height) / size.height));
      for (let x = 0; x < size.width; x++) {
        const column = Math.min(plane.width - 1, Math.floor(((x + 0.5) * plane.width) / size.width));
        values[y * width + left + x] = plane.at(column, row);
      }
    }
    left += size.width + GAP_PX;
  }
  return rescaleToUint8({ dtype: 'float32', shape: [height, width], axes: 'yx', data: values, spacing: {} }, low, high);
}

function planesOf(image: Image): readonly Plane[] {
  const middle = toFloat32(page(image, Math.floor(pageCount(image) / 2)));
  const { width, height, slices: depth } = sizes(image);
  const [dx, dy, dz] = [image.spacing.x, image.spacing.y, image.spacing.z].map(millimetres);
  const known = dx !== undefined && dy !== undefined;
  const slice: Plane = {
    width,
    height,
    dx: known ? dx : 1,
    dy: known ? dy : 1,
    at: (x, y) => middle.data[y * width + x],
  };
  if (!known || dz === undefined || depth < 8) return [slice];
  // The first channel of the first time point.
  const { data } = toFloat32({ ...image, data: image.data.subarray(0, depth * height * width) });
  const value = (x: number, y: number, z: number) => data[(z * height + y) * width + x];
  // The head is on top.
  const z = image.geometry?.direction[2];
  const upward = z !== undefined && bodyDirection(z) === 'head';
  const row = (y: number) => (upward ? depth - 1 - y : y);
  return [
    slice,
    { width, height: depth, dx, dy: dz, at: (x, y) => value(x, height >> 1, row(y)) },
    { width: height, height: depth, dx: dy, dy: dz, at: (x, y) => value(width >> 1, x, row(y)) },
  ];
}
