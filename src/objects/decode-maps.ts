/** Objects from the maps of a network, whichever they are. */

import { float32, type NdArray } from '../array/ndarray.ts';
import { UsageError } from '../errors.ts';
import { flowObjects } from './flows/flow-objects.ts';
import type { MapKind } from './object-maps.ts';
import { starObjects } from './stars/star-objects.ts';

/** Of a probability. */
export const USUAL_THRESHOLD = 0.5;

export interface DecodeOptions {
  /** Pixels that are more probable belong to objects, or propose one: 0..1, default 0.5. */
  readonly threshold?: number | undefined;
  /** Stars: as `StarOptions.overlap`. */
  readonly overlap?: number | undefined;
  /** Flows: as `FlowOptions.flowError`. */
  readonly flowError?: number | undefined;
  /** Stars: as `StarOptions.margin`. */
  readonly margin?: number | undefined;
  /** Stars: number of rays. Maps that follow them are no distances. Default: all but the first. */
  readonly rays?: number | undefined;
  /** Flows: as `FlowOptions.minSize`. */
  readonly minSize?: number | undefined;
  /** Stars: the maps have one value for every n-th row and column of the image. Default 1. */
  readonly grid?: number;
  /** Of the image; default: that of the maps times `grid`. */
  readonly shape?: readonly [height: number, width: number];
}

/**
 * The objects of one image.
 * @param maps [channels, h, w]: probability and distances of stars; flows along y and x and the logit of cells
 * @returns `labels` [height, width], 0 = background
 * @throws UsageError for an option of the other kind of maps; as `starObjects`, `flowObjects`
 */
export function decodeMaps(
  kind: MapKind,
  { shape: [channels, rows, columns], data }: NdArray<'float32'>,
  {
    threshold = USUAL_THRESHOLD,
    overlap,
    flowError,
    margin,
    minSize,
    grid,
    shape,
    rays = (channels as number) - 1,
  }: DecodeOptions = {},
): { readonly labels: NdArray<'int32'>; readonly count: number } {
  const other = kind === 'stars' ? flowError : overlap;
  if (other !== undefined) {
    throw new UsageError(`${kind === 'stars' ? 'A flow error' : 'An overlap'} is not for maps of ${kind}.`, {
      remedy: 'Remove it.',
    });
  }
  const sides = [rows, columns] as readonly [number, number];
  const plane = sides[0] * sides[1];
  if (kind === 'stars') {
    const probability = float32(sides, data.subarray(0, plane));
    const distances = float32([rays, ...sides], data.subarray(plane, (1 + rays) * plane));
    return starObjects({ probability, distances }, { threshold, overlap, margin, grid, shape });
  }
  const flows = float32([2, ...sides], data.subarray(0, 2 * plane));
  const cell = float32(sides, data.subarray(2 * plane));
  return flowObjects({ flows, cell }, { threshold: Math.log(threshold / (1 - threshold)), flowError, minSize });
}
