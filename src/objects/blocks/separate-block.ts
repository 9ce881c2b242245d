/** What separating the objects of an image does with one block: its seeds, if they are known before, and its objects. */

import { cropped } from '../../array/boxes.ts';
import { elementCount, type NdArray } from '../../array/ndarray.ts';
import { connectedComponents } from '../connected-components.ts';
import { borderSeeds, depthOf, type PredictedMaps, probabilitiesOf, type SeparationSettings } from '../instances.ts';
import { aboveThreshold } from '../threshold.ts';
import { type Box, enlarged } from './block-grid.ts';
import { type DescribedBlock, describeBlock } from './block-record.ts';
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

/** Pixels around a block of a plane, and of a volume. */
export const DEFAULT_HALO = { 2: 64, 3: 16 } as const;

/** Settings whose threshold is known. */
export interface BlockSettings extends SeparationSettings {
  readonly threshold: number;
}

export interface WindowOptions {
  /** Pixels around a block that are looked at first; default 64 in 2D, 16 in 3D. Twice as many where they do not suffice. */
  readonly halo?: number;
  /** The largest window, a block with its halo, in pixels, about 100 bytes each. Default: the whole image. */
  readonly maxWindow?: number;
}

const maskOf = ({ foreground }: StoredMaps, { threshold }: Pick<BlockSettings, 'threshold'>): NdArray<'uint8'> =>
  aboveThreshold(probabilitiesOf(foreground), threshold);

/** The seeds of a block, by the border. */
export async function seedBlock(maps: MapsByBox, box: Box, settings: BlockSettings): Promise<DescribedBlock> {
  const { shape } = maps;
  const read = await maps.read(box);
  const mask = maskOf(read, settings);
  const { labels, count } = connectedComponents(borderSeeds(depthOf(mask, read, settings), mask, settings));
  return { labels, record: describeBlock(partsOf(labels, count, box, shape), box, { shape }) };
}

/**
 * The objects of a block, separated in a window that grows until they are proved to be those of the whole image.
 * @param seedsIn by the border: the numbers of the seeds in a box, which are known once all blocks have theirs
 */
export async function separateBlock(
  maps: MapsByBox,
  box: Box,
  settings: BlockSettings,
  { halo, maxWindow = Number.POSITIVE_INFINITY }: WindowOptions = {},
  seedsIn?: (box: Box) => Promise<Uint32Array>,
): Promise<DescribedBlock> {
  const { shape } = maps;
  const { fillHoles: holes = true } = settings;
  if (settings.by === 'components') {
    const read = await maps.read(box);
    const { labels, count } = connectedComponents(maskOf(read, settings));
    const parts = partsOf(labels, count, box, shape);
    return { labels, record: describeBlock(parts, box, { shape, map: read.foreground, holes }) };
  }
  for (let margin = halo ?? DEFAULT_HALO[shape.length === 3 ? 3 : 2]; ; margin = larger(margin)) {
    const window = enlarged(box, margin, shape);
    const next = elementCount(enlarged(box, larger(margin), shape).shape);
    const isLast = next > maxWindow || next === elementCount(window.shape);
    const read = await maps.read(window);
    const mask = maskOf(read, settings);
    const seeds = await seedsIn?.(window);
    const block = divideWindow({ box: window, shape, maps: read, mask, seeds }, box, settings, { isLast });
    if (block === undefined) continue;
    const start = box.start.map((at, axis) => at - window.start[axis]);
    const map = cropped(read.foreground, start, box.shape);
    return { labels: block.labels, record: describeBlock(block, box, { shape, map, holes }) };
  }
}

const larger = (margin: number): number => Math.max(1, 2 * margin);
