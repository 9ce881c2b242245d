/** Separate objects of an image of any size. */

import { cropped } from '../../array/boxes.ts';
import { elementCount, type NdArray, ndarray } from '../../array/ndarray.ts';
import { connectedComponents } from '../connected-components.ts';
import {
  borderSeeds,
  depthOf,
  type PredictedMaps,
  probabilitiesOf,
  type SeparationSettings,
  stepsOf,
} from '../instances.ts';
import { aboveThreshold, otsuThreshold } from '../threshold.ts';
import { type Box, boxOf, enlarged } from './block-grid.ts';
import { describeBlock, type LabelledBlock } from './block-record.ts';
import {
  type ByBlocksOptions,
  byBlocks,
  type LabelBlocksOptions,
  labelBlocks,
  memoryBlockStore,
  type ObjectsByBlocks,
  requireGrid,
} from './by-blocks.ts';
import { partsOf } from './components-by-blocks.ts';
import { divideWindow } from './divide-window.ts';

/** Maps that are stored in whole steps, and read box by box. */
export interface MapsByBox {
  /** [z,] y, x */
  readonly shape: readonly number[];
  /** Of the foreground, and the border. */
  readonly dtype: 'uint8' | 'uint16';
  read(box: Box): Promise<StoredMaps>;
}

type Stored = NdArray<'uint8' | 'uint16'>;

export interface StoredMaps extends PredictedMaps {
  readonly foreground: Stored;
  readonly border?: Stored;
}

export interface SeparateByBlocksOptions extends ByBlocksOptions {
  /** Pixels around a block that are looked at first; default 64 in 2D, 16 in 3D. Twice as many where they do not suffice. */
  readonly halo?: number;
  /** The largest window, a block with its halo, in pixels, about 100 bytes each. Default: the whole image. */
  readonly maxWindow?: number;
}

/** Pixels around a block of a plane, and of a volume. */
export const DEFAULT_HALO = { 2: 64, 3: 16 } as const;

/**
 * As `separateObjects` of the whole maps: the same objects with the same numbers, wherever nothing is open. A window
 * around each block is enlarged until it is proved that the image beyond it changes nothing, or `maxWindow` is reached;
 * what is open then is separated as if the window were the image, and counted.
 *
 * Memory: that of a window and its maps, and 40 bytes for each object of each block.
 * @throws UsageError as `separateObjects`
 */
export async function separateByBlocks(
  maps: MapsByBox,
  settings: SeparationSettings,
  { halo, maxWindow = Number.POSITIVE_INFINITY, ...options }: SeparateByBlocksOptions,
): Promise<ObjectsByBlocks> {
  const { shape } = maps;
  const threshold = await thresholdOf(maps, settings, options);
  const { minConfidence = 0, fillHoles: holes = true, minSize, border } = settings;
  const { store = memoryBlockStore() } = options;
  const seeds =
    settings.by === 'border' ? await seedsOf(maps, { ...settings, threshold }, { ...options, store }) : undefined;
  const chosen = { ...settings, threshold, halo: halo ?? DEFAULT_HALO[shape.length === 3 ? 3 : 2], maxWindow };
  const minMean = minConfidence > 0 ? minConfidence * stepsOf(maps) : undefined;
  return byBlocks(shape, { ...options, store }, { minSize, border, minMean }, async (box) => {
    const { block, map } = await separateBlock(maps, box, chosen, seeds);
    return { labels: block.labels, record: describeBlock(block, box, { shape, map, holes }) };
  });
}

/** The seeds by the border, which are known before anything is flooded: their numbers in a box. */
type SeedsIn = (box: Box) => Promise<Uint32Array>;

async function seedsOf(
  maps: MapsByBox,
  { minSeedSize = 1, ...settings }: SeparationSettings & { readonly threshold: number },
  { block, store, signal }: LabelBlocksOptions,
): Promise<SeedsIn> {
  const { shape } = maps;
  const blocks = await labelBlocks(shape, 'seeds', { block, store, signal }, {}, async (box) => {
    const read = await maps.read(box);
    const mask = maskOf(read, settings);
    const { labels, count } = connectedComponents(borderSeeds(depthOf(mask, read, settings), mask, settings));
    return { labels, record: describeBlock(partsOf(labels, count, box, shape), box, { shape }) };
  });
  const joined = blocks.join.finish({ minSize: minSeedSize });
  return (box) => blocks.numbersIn(box, joined);
}

const maskOf = ({ foreground }: StoredMaps, { threshold }: { readonly threshold: number }): NdArray<'uint8'> =>
  aboveThreshold(probabilitiesOf(foreground), threshold);

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

/** Separates the objects of a block, in a window that grows until they are those of the whole image. */
export async function separateBlock(
  maps: MapsByBox,
  box: Box,
  {
    threshold,
    halo,
    maxWindow,
    ...settings
  }: SeparationSettings & { readonly threshold: number; readonly halo: number; readonly maxWindow: number },
  seedsIn?: SeedsIn,
): Promise<{ readonly block: LabelledBlock; readonly map: Stored }> {
  const { shape } = maps;
  const sizeOf = (margin: number): number => elementCount(enlarged(box, margin, shape).shape);
  const whole = elementCount(shape);
  if (settings.by === 'components') {
    const read = await maps.read(box);
    const { labels, count } = connectedComponents(maskOf(read, { threshold }));
    return { block: partsOf(labels, count, box, shape), map: read.foreground };
  }
  for (let margin = halo; ; margin *= 2) {
    const window = enlarged(box, margin, shape);
    const read = await maps.read(window);
    const isLast = sizeOf(2 * margin) > maxWindow || sizeOf(margin) === whole;
    const mask = maskOf(read, { threshold });
    const seeds = await seedsIn?.(window);
    const block = divideWindow({ box: window, shape, maps: read, mask, seeds }, box, settings, { isLast });
    if (block === undefined) continue;
    const start = box.start.map((at, axis) => at - window.start[axis]);
    return { block, map: cropped(read.foreground, start, box.shape) };
  }
}
