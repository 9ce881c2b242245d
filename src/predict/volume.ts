/**
 * Prediction of volumes by networks that take them whole: float32 [N, C, D, H, W]. The tiles of `tile-plan.ts` along three
 * axes.
 */

import { mirrorIndex } from '../array/gaussian.ts';
import { elementCount, float32, type NdArray } from '../array/ndarray.ts';
import { DatasetError, Interrupted, ModelError } from '../errors.ts';
import type { SegmentationModel } from './model.ts';
import { orientedShape } from './orientation.ts';
import { type AxisPlan, type AxisTile, planAxis, smallestTile, type TilingRule, validSide } from './tile-plan.ts';
import { type RunOptions, requireOrientations, runModel } from './tiles.ts';
import { addTile, fillWindow, type Job, orient, type PreparedPage, type Sides } from './window.ts';

/** A network whose tiles have a depth. */
export interface VolumeModel extends SegmentationModel {
  readonly rule: Required<SegmentationModel['rule']>;
}

/** Whether a network takes volumes, not slices. */
export const takesVolumes = (model: SegmentationModel): model is VolumeModel => model.rule.z !== undefined;

/** @throws ModelError for a network of volumes, where single slices are given */
export function requireImages(model: SegmentationModel): void {
  if (!takesVolumes(model)) return;
  throw new ModelError('the network takes volumes, not single slices.', {
    remedy: 'Predict the whole stack (lamella predict), or use a network for images.',
  });
}

/** Numbers of voxels. */
export interface VolumeSize {
  readonly depth: number;
  readonly height: number;
  readonly width: number;
}

export interface VolumeOptions extends RunOptions {
  /** Largest side of a tile in voxels, along every axis. Default: as large as `TILE_VOXELS` allow. */
  readonly tile?: number;
  /** Voxels mirrored around the volume in addition to the network's margin. Default 0: a third axis makes them costly. */
  readonly border?: number;
}

export interface VolumePlan {
  readonly z: AxisPlan;
  readonly y: AxisPlan;
  readonly x: AxisPlan;
  readonly description: string;
  /** Why tiles are not exact though the network's receptive field is known. */
  readonly note?: string;
}

/** Voxels of a tile: 16 channels of them take 128 MiB. */
const TILE_VOXELS = 2 ** 21;
/** If exact tiles would have more voxels, tiles are blended. */
const MOST_VOXELS = 2 ** 23;

/** z, y and x of what a plan is made for. */
type Axes<T> = readonly [z: T, y: T, x: T];

/**
 * How a volume of this size is tiled.
 * @throws UsageError if the tile is too small for the network, naming the smallest valid side
 */
export function planVolume(
  { rule }: VolumeModel,
  { depth, height, width }: VolumeSize,
  { tile, border = 0 }: Pick<VolumeOptions, 'tile' | 'border'> = {},
): VolumePlan {
  const lengths: Axes<number> = [depth, height, width];
  const exact: Axes<TilingRule> = [rule.z, rule.y, rule.x];
  const wholes = exact.map((axis, i) => wholeSide(lengths[i] as number, axis, border));
  const least = wholes.map((whole, i) => Math.min(whole, smallestTile(exact[i] as TilingRule)));
  const isTooLarge = tile === undefined && exact.every((axis) => axis.exact) && elementCount(least) > MOST_VOXELS;
  const rules = isTooLarge ? exact.map((axis) => ({ ...axis, exact: false })) : exact;
  const limits = tile === undefined ? sidesWithin(wholes, rules) : [tile, tile, tile];
  const [z, y, x] = rules.map((axis, i) => planAxis(lengths[i] as number, axis, { tile: limits[i], border })) as [
    AxisPlan,
    AxisPlan,
    AxisPlan,
  ];
  const tiles = z.tiles.length * y.tiles.length * x.tiles.length;
  const isBlended = [...z.tiles, ...y.tiles, ...x.tiles].some(({ weights }) => weights !== undefined);
  const what = tiles === 1 ? 'one tile' : `${tiles} ${isBlended ? 'blended ' : ''}tiles`;
  const halo = Math.max(...exact.map((axis) => axis.halo));
  return {
    ...{ z, y, x },
    description: `${width} x ${height} x ${depth} voxels in ${what} of ${x.side} x ${y.side} x ${z.side}`,
    ...(isTooLarge && {
      note: `The network sees ${halo} voxels around each: exact tiles would have ${least.toReversed().join(' x ')} voxels at least, so tiles are blended.`,
    }),
  };
}

/** Side of a tile that covers an axis. */
const wholeSide = (length: number, rule: TilingRule, border: number): number =>
  rule.fixed ?? validSide(length + 2 * (rule.margin + border), rule);

/** Sides of tiles of at most `TILE_VOXELS`, cut where they are longest, but not below what the network needs. */
function sidesWithin(wholes: readonly number[], rules: readonly TilingRule[]): readonly number[] {
  const sides = [...wholes];
  const stepOf = (i: number): number => {
    const rule = rules[i] as TilingRule;
    const isCut = rule.fixed === undefined && (sides[i] as number) - rule.multiple >= smallestTile(rule);
    return isCut ? rule.multiple : 0;
  };
  while (elementCount(sides) > TILE_VOXELS) {
    const cuttable = sides.map((side, i) => (stepOf(i) > 0 ? side : 0));
    const longest = cuttable.indexOf(Math.max(...cuttable));
    if (cuttable[longest] === 0) break;
    sides[longest] = (sides[longest] as number) - stepOf(longest);
  }
  return sides;
}

/**
 * The probabilities of a volume, slice by slice: float32 [classes, height, width] each; they sum to 1 at every voxel.
 * The result does not depend on `tile` if the rule of the network is exact. Memory: the volume, the result, and one tile's
 * activations.
 * @param pages the slices from the first to the last, normalised
 * @throws DatasetError for a single slice; UsageError for a tile that is too small; ModelError if the model returns a
 * shape other than declared, or NaN; Interrupted if `signal` is aborted.
 */
export async function predictVolume(
  model: VolumeModel,
  pages: readonly [PreparedPage, ...PreparedPage[]],
  options: VolumeOptions = {},
): Promise<readonly NdArray<'float32'>[]> {
  const { tta = 1, onProgress, signal } = options;
  requireOrientations(model, tta);
  const [{ height, width, name }] = pages;
  const depth = pages.length;
  if (depth === 1 && model.rule.z.fixed !== 1) {
    throw new DatasetError(`the image has one slice of ${width} x ${height}; the network takes volumes.`, {
      file: name,
      remedy: 'Use a stack of slices as one file, or a network for images.',
    });
  }
  const plan = planVolume(model, { depth, height, width }, options);
  const sides = { y: plan.y.side, x: plan.x.side };
  const channels = model.input.channels.count;
  const results = pages.map(() => float32([model.classes.length, height, width]));
  const runs: { readonly z: AxisTile; readonly job: Job }[] = [];
  for (let orientation = 0; orientation < tta; orientation++) {
    for (const z of plan.z.tiles) {
      for (const y of plan.y.tiles) for (const x of plan.x.tiles) runs.push({ z, job: { y, x, orientation } });
    }
  }
  const window = new Float32Array(channels * plan.z.side * sides.y * sides.x);
  const margin = { y: model.rule.y.margin, x: model.rule.x.margin };
  for (const [done, { z, job }] of runs.entries()) {
    if (signal?.aborted === true) throw new Interrupted('Prediction was stopped.');
    fillVolume(window, pages, { channels, depth: plan.z.side, first: z.origin, sides, job });
    const feed = float32([1, channels, plan.z.side, ...orientedShape(sides.y, sides.x, job.orientation)]);
    orient(feed.data, window, channels * plan.z.side, sides, job.orientation);
    const output = await runModel(model, feed);
    const slices = plan.z.side - 2 * model.rule.z.margin;
    if (output.shape[2] !== slices) {
      throw new ModelError(`The model gave ${output.shape[2]} slices; expected ${slices}.`, {
        file: name,
        remedy: 'Check its tile rule: it may not be a segmentation network.',
      });
    }
    for (let slice = z.from; slice < z.to; slice++) {
      const at = slice - z.origin - model.rule.z.margin;
      const share = (z.weights?.[slice - z.from] ?? 1) / tta;
      const tile = { job, output: sliceOf(output, at), index: 0, model, sides, margin, share, file: name };
      addTile(results[slice] as NdArray<'float32'>, tile, { y: 0, x: 0, height, width });
    }
    onProgress?.(done + 1, runs.length);
  }
  return results;
}

/** Slice `at` of [1, K, D, H, W], as [1, K, H, W]. */
function sliceOf({ shape, data }: NdArray<'float32'>, at: number): NdArray<'float32'> {
  const [, classes, depth, height, width] = shape as readonly [number, number, number, number, number];
  const pixels = height * width;
  const slice = float32([1, classes, height, width]);
  for (let c = 0; c < classes; c++) {
    const from = (c * depth + at) * pixels;
    slice.data.set(data.subarray(from, from + pixels), c * pixels);
  }
  return slice;
}

/** Copies the window [channels, depth, sides.y, sides.x] of a job from slices, mirrored outside of the volume. */
function fillVolume(
  window: Float32Array,
  pages: readonly PreparedPage[],
  {
    channels,
    depth,
    first,
    sides,
    job,
  }: {
    readonly channels: number;
    readonly depth: number;
    readonly first: number;
    readonly sides: Sides;
    readonly job: Job;
  },
): void {
  const pixels = sides.y * sides.x;
  for (let slice = 0; slice < depth; slice++) {
    const { planes, height, width } = pages[mirrorIndex(first + slice, pages.length)] as PreparedPage;
    const size = { height, width, channels: 1 };
    for (let c = 0; c < channels; c++) {
      const target = window.subarray((c * depth + slice) * pixels, (c * depth + slice + 1) * pixels);
      const plane = planes.subarray(c * height * width, (c + 1) * height * width);
      fillWindow(target, plane, size, { y: job.y.origin, x: job.x.origin }, sides);
    }
  }
}
