/** Separate objects of an image of any size. */

import { ndarray } from '../../array/ndarray.ts';
import { type SeparationSettings, stepsOf } from '../instances.ts';
import { otsuThreshold } from '../threshold.ts';
import { type Box, boxOf } from './block-grid.ts';
import {
  type ByBlocksOptions,
  byBlocks,
  type LabelBlock,
  type LabelBlocksOptions,
  labelBlocks,
  memoryBlockStore,
  type ObjectsByBlocks,
  requireGrid,
} from './by-blocks.ts';
import type { NumberingOptions } from './join-blocks.ts';
import { type MapsByBox, seedBlock, separateBlock, type WindowOptions } from './separate-block.ts';

export interface SeparateByBlocksOptions extends ByBlocksOptions, WindowOptions {}

/**
 * As `separateObjects` of the whole maps: the same objects with the same numbers, wherever nothing is open. A window
 * around each block is enlarged until it is proved that the image beyond it changes nothing, or `maxWindow` is reached;
 * what is open then is separated as if the window were the image, and counted.
 *
 * Memory: that of a window and its maps, and about 100 bytes for each object of each block.
 * @throws UsageError as `separateObjects`
 */
export async function separateByBlocks(
  maps: MapsByBox,
  settings: SeparationSettings,
  { halo, maxWindow, ...options }: SeparateByBlocksOptions,
): Promise<ObjectsByBlocks> {
  const { shape } = maps;
  const { block, store = memoryBlockStore(), signal } = options;
  const chosen = { ...settings, threshold: await thresholdOf(maps, settings, options) };
  const seedsIn = await joinedSeeds(shape, settings, { block, store, signal }, (box) => seedBlock(maps, box, chosen));
  return byBlocks(shape, { ...options, store }, numberingOf(settings, maps), (box) =>
    separateBlock(maps, box, chosen, { halo, maxWindow }, seedsIn),
  );
}

/**
 * The numbers of the seeds in a box, from those of all blocks; undefined if objects are separated without seeds that are
 * known before.
 * @param seedsOf as `seedBlock`
 */
export async function joinedSeeds(
  shape: readonly number[],
  { by, minSeedSize = 1 }: SeparationSettings,
  options: LabelBlocksOptions,
  seedsOf: LabelBlock,
): Promise<((box: Box) => Promise<Uint32Array>) | undefined> {
  if (by !== 'border') return undefined;
  const { join, numbersIn } = await labelBlocks(shape, 'seeds', options, {}, seedsOf);
  const joined = join.finish({ minSize: minSeedSize });
  return (box) => numbersIn(box, joined);
}

/** Which objects get numbers. */
export function numberingOf(
  { minConfidence = 0, minSize, border }: SeparationSettings,
  maps: Pick<MapsByBox, 'dtype'>,
): NumberingOptions {
  return { minSize, border, minMean: minConfidence > 0 ? minConfidence * stepsOf(maps) : undefined };
}

/** The threshold of the foreground; Otsu's by a pass over the image. */
export async function thresholdOf(
  maps: MapsByBox,
  { threshold = 0.5 }: SeparationSettings,
  { block, signal }: Pick<ByBlocksOptions, 'block' | 'signal'>,
): Promise<number> {
  if (threshold !== 'otsu') return threshold;
  const grid = requireGrid(maps.shape, block);
  const steps = stepsOf(maps);
  const counts = new Float64Array(steps + 1);
  for (let index = 0; index < grid.length; index++) {
    signal?.throwIfAborted();
    const { data } = (await maps.read(boxOf(grid, index))).foreground;
    for (let i = 0; i < data.length; i++) counts[data[i]]++;
  }
  const probabilities = Float32Array.from(counts, (_, step) => step / steps);
  return otsuThreshold(ndarray('float32', [1, probabilities.length], probabilities), { counts });
}
