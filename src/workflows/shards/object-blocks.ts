/**
 * Objects of an image that is predicted in parts. Each block is separated by itself, in the maps that the parts left, and
 * kept in a file with what the others need of it; when all are there, their objects are joined and numbered.
 */

import { joinPath, type WritableFiles } from '../../files.ts';
import {
  badShards,
  finishShards,
  isFinished,
  openShards,
  removeLeftovers,
  writeShards,
} from '../../image/formats/zarr/write-parts.ts';
import type { ImageSink } from '../../image/sink.ts';
import { type ImageInfo, type ImageSource, wholeRegion } from '../../image/source.ts';
import { type Box, boxOf } from '../../objects/blocks/block-grid.ts';
import {
  type BlockStore,
  blockName,
  byBlocks,
  type ObjectsByBlocks,
  requireGrid,
} from '../../objects/blocks/by-blocks.ts';
import { seedBlock, separateBlock } from '../../objects/blocks/separate-block.ts';
import { joinedSeeds, numberingOf } from '../../objects/blocks/separate-by-blocks.ts';
import { mapsAtTime, shapeAtTime, writeTimes } from '../../predict/object-regions.ts';
import type { ImagePart } from '../../predict/stream.ts';
import { readBlock, writeBlock } from './kept-block.ts';
import type { PlannedObjects, PlannedOutput, PlannedParts } from './plan.ts';
import { blockFile, type ObjectBlock, seedBlocksOf } from './units.ts';

/** An image whose objects are separated. */
interface ObjectsOf {
  readonly files: WritableFiles;
  readonly out: string;
  readonly objects: PlannedObjects;
}

/** Blocks that other processes separated. */
const storeOf = ({ files, out, objects }: ObjectsOf, t: number): BlockStore => ({
  write: async () => {},
  read: async (name) => (await readBlock(files, blockFile(out, objects, t, name))).labels.data,
});

const gridOf = ({ info, block }: PlannedObjects) => requireGrid(shapeAtTime(info), block);

/** The maps of all parts, before they are one image. */
function openMaps({ files, out }: Pick<ObjectsOf, 'files' | 'out'>, { outputs }: PlannedParts): ImageSource {
  const { path, info } = outputs.find(({ part }) => part === 'maps') as PlannedOutput;
  return openShards(files, joinPath(out, path), info);
}

/** Finds the seeds of the blocks of a part whose maps are there, if objects are separated by seeds that are known before. */
export async function findSeeds(
  files: WritableFiles,
  out: string,
  parts: PlannedParts & { readonly objects: PlannedObjects },
  part: ImagePart,
): Promise<void> {
  const { objects } = parts;
  const blocks = seedBlocksOf(objects, part);
  if (blocks.length === 0) return;
  const source = openMaps({ files, out }, parts);
  try {
    for (const { t, index } of blocks) {
      const found = await seedBlock(mapsAtTime(source, t), boxOf(gridOf(objects), index), objects.settings);
      await writeBlock(files, blockFile(out, objects, t, blockName('seeds', index)), found);
    }
  } finally {
    await source.close();
  }
}

/** Separates blocks of one image, one after the other. */
export class BlockSeparator {
  readonly #of: ObjectsOf;
  readonly #source: ImageSource;
  readonly #signal: AbortSignal | undefined;
  /** Numbers of the seeds, of the last time point. */
  #seeds: { readonly t: number; readonly seedsIn: Awaited<ReturnType<typeof joinedSeeds>> } | undefined;

  constructor(
    of: Omit<ObjectsOf, 'objects'>,
    parts: PlannedParts & { readonly objects: PlannedObjects },
    signal: AbortSignal | undefined,
  ) {
    this.#of = { ...of, objects: parts.objects };
    this.#source = openMaps(of, parts);
    this.#signal = signal;
  }

  async #seedsAt(t: number): Promise<((box: Box) => Promise<Uint32Array>) | undefined> {
    if (this.#seeds?.t === t) return this.#seeds.seedsIn;
    const { files, out, objects } = this.#of;
    const { info, settings, block } = objects;
    const options = { block, store: storeOf(this.#of, t), signal: this.#signal };
    const seedsIn = await joinedSeeds(shapeAtTime(info), settings, options, (_, index) =>
      readBlock(files, blockFile(out, objects, t, blockName('seeds', index))),
    );
    this.#seeds = { t, seedsIn };
    return seedsIn;
  }

  async separate({ t, index }: ObjectBlock): Promise<void> {
    const { files, out, objects } = this.#of;
    const { settings, maxWindow } = objects;
    const maps = mapsAtTime(this.#source, t);
    const box = boxOf(gridOf(objects), index);
    const found = await separateBlock(maps, box, settings, { maxWindow }, await this.#seedsAt(t));
    await writeBlock(files, blockFile(out, objects, t, blockName('labels', index)), found);
  }

  close(): Promise<void> {
    return this.#source.close();
  }
}

/**
 * Joins and numbers the objects of all blocks, and writes them; nothing if that was done.
 * @returns undefined if another process did it
 */
export async function joinObjects(
  of: ObjectsOf,
  signal: AbortSignal | undefined,
): Promise<ObjectsByBlocks | undefined> {
  const { files, out, objects } = of;
  const { info, settings, block, path } = objects;
  const store = joinPath(out, path);
  if (await isFinished(files, store)) return undefined;
  const found = await writeNumbers(of, store, info, (sink) =>
    writeTimes(sink, block, (t, to) =>
      byBlocks(
        shapeAtTime(info),
        { ...to, store: storeOf(of, t), signal },
        numberingOf(settings, { dtype: 'uint16' }),
        (_, index) => readBlock(files, blockFile(out, objects, t, blockName('labels', index))),
      ),
    ),
  );
  await removeLeftovers(files, store, info);
  await finishShards(files, store, info);
  return found;
}

/** Writes a store in parts; where that fails because another process has done it, and cleaned up, that is as good. */
async function writeNumbers(
  { files }: Pick<ObjectsOf, 'files'>,
  store: string,
  info: ImageInfo,
  write: (sink: ImageSink) => Promise<ObjectsByBlocks>,
): Promise<ObjectsByBlocks | undefined> {
  const whole = wholeRegion(info);
  const sink = await writeShards(files, store, info, whole);
  try {
    const found = await write(sink);
    await sink.finish();
    return found;
  } catch (cause) {
    await sink.abort();
    if ((await badShards(files, store, info, whole)).length > 0) throw cause;
    return undefined;
  }
}
