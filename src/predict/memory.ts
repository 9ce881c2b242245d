/** How much memory a prediction takes, and the largest tiles for the memory there is. */

import { bytesPer, elementCount } from '../array/ndarray.ts';
import { option, UsageError } from '../errors.ts';
import { peakOfResults } from '../graph/analysis/cost.ts';
import type { Graph, Value } from '../graph/ir.ts';
import { sizes } from '../image/image.ts';
import type { ImageInfo } from '../image/source.ts';
import type { TensorLayout } from '../runtime/runtime.ts';
import type { ModelMemory, SegmentationModel } from './model.ts';
import { DEFAULT_TILE, smallestTile } from './tile-plan.ts';

/** Measured, with 8, 16 and 32 channels: what kernels need beside the values of the graph. */
const KERNELS = 1.2;
/** Arrays of a tile's input, and of its output: of the network, oriented, added up, and not yet collected. */
const COPIES = 6;
/** Measured: weights in a second form, and copies of them while a network is compiled, in sizes of its file. */
const COMPILED = 11;

/**
 * What a network takes, by its graph for one shape [N, channels, side, side].
 * @param fileBytes of its file
 * @param layout that of the device, which may store channels in blocks
 */
export function modelMemory(graph: Graph, fileBytes: number, layout: TensorLayout): ModelMemory {
  const block = Number(/\d+/.exec(layout)?.[0] ?? 1);
  const sizeOf = ({ dtype, shape: [n, channels, ...rest] }: Value): number =>
    elementCount([n, rest.length < 2 ? channels : Math.ceil(channels / block) * block, ...rest]) * bytesPer(dtype);
  const [n, channels, height, width] = graph.inputs[0].shape;
  const outputs = graph.outputs.reduce((sum, value) => sum + value.shape[1], 0);
  const arrays = COPIES * 4 * (channels + outputs);
  return {
    perPixel: (KERNELS * peakOfResults(graph, sizeOf)) / (n * height * width) + arrays,
    compiled: COMPILED * fileBytes,
  };
}

/**
 * The side of the largest tile that a network computes in these bytes; of a network of which that is not known, the
 * default.
 * @param options batch: tiles per run; atLeast: the side of a tile that may take more
 * @throws UsageError if not even the smallest fits, without `atLeast`
 */
export function tileWithin(
  { memory, rule }: Pick<SegmentationModel, 'memory' | 'rule'>,
  bytes: number,
  { batch = 1, atLeast }: { readonly batch?: number; readonly atLeast?: number } = {},
): number {
  const least = Math.max(smallestTile(rule.y), smallestTile(rule.x));
  if (memory === undefined) return Math.max(least, DEFAULT_TILE);
  const perPixel = batch * memory.perPixel;
  const tile = Math.floor(Math.sqrt(Math.max(0, bytes) / perPixel));
  if (atLeast !== undefined) return Math.max(tile, atLeast, least);
  if (tile >= least) return tile;
  throw new UsageError(
    `Too little memory: the smallest tile, ${least} x ${least} pixels, takes ${megabytes(perPixel * least ** 2)}; ${megabytes(Math.max(0, bytes))} are left for it.`,
    { remedy: `Set ${option('memory')} to more, or ${option('batch')} to less.` },
  );
}

/**
 * About what the prediction of an image in memory takes beside the tiles, in bytes.
 * @param options scale: factor by which its slices are enlarged for the network
 */
export function wholeBytes(
  { classes, input }: Pick<SegmentationModel, 'classes' | 'input'>,
  info: ImageInfo,
  { objects = false, scale = 1 }: { readonly objects?: boolean; readonly scale?: number } = {},
): number {
  const { times, slices, height, width, channels } = sizes(info);
  const stored = 2 * bytesPer(info.dtype) * channels;
  // All classes thrice: as predicted, as one of them is cut out, as it is written.
  const perPixel = stored + 4 * input.channels.count + 12 * classes.length + 5 + (objects ? 40 : 0);
  // One slice at a time, before and after the network.
  const scaled = scale === 1 ? 0 : scale ** 2 * 4 * (input.channels.count + classes.length);
  return height * width * (times * slices * perPixel + scaled);
}

/** For messages. */
export const megabytes = (bytes: number): string =>
  bytes < 2e9 ? `${Math.ceil(bytes / 1e6)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
