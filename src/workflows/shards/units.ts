/** The work of a plan: the parts of its images, in an order that all processes share. */

import { factsOf } from '../../errors.ts';
import { joinPath, type WritableFiles } from '../../files.ts';
import { type BadShard, badShards, fullArray, isFinished } from '../../image/formats/zarr/write-parts.ts';
import { sizes } from '../../image/image.ts';
import type { ImageInfo } from '../../image/source.ts';
import { boxOf } from '../../objects/blocks/block-grid.ts';
import { blockName, requireGrid } from '../../objects/blocks/by-blocks.ts';
import { shapeAtTime } from '../../predict/object-regions.ts';
import { type ImagePart, regionOfPart } from '../../predict/stream.ts';
import { isBlock } from './kept-block.ts';
import { type PlannedImage, type PlannedObjects, type PlannedParts, RECORDS, type ShardPlan } from './plan.ts';

/** What one process does at a time. */
export interface Unit {
  readonly image: PlannedImage;
  /** With `image.parts`: one of them to predict. */
  readonly part?: ImagePart;
  /** With `image.parts.objects`: a block whose objects are to be separated. */
  readonly block?: ObjectBlock;
}

/** A block of the objects of one time point, in raster order. */
export interface ObjectBlock {
  readonly t: number;
  readonly index: number;
}

/** The k-th of n equal shares of the work, counted from 1. */
export interface ShardNumber {
  readonly k: number;
  readonly n: number;
}

/** Sides of the files of a result: what one process writes by itself. */
export function shardSides(info: ImageInfo): Readonly<Record<'z' | 'y' | 'x', number>> {
  const { shard } = fullArray('', info);
  const along = (axis: string): number => shard[info.axes.indexOf(axis)] ?? 1;
  return { z: along('z'), y: along('y'), x: along('x') };
}

function partsOf({ outputs }: PlannedParts): readonly ImagePart[] {
  const [{ info }] = outputs;
  const { times, slices, height, width } = sizes(info);
  const sides = shardSides(info);
  const starts = (length: number, side: number): readonly number[] =>
    Array.from({ length: Math.ceil(length / side) }, (_, i) => i * side);
  return starts(times, 1).flatMap((t) =>
    starts(slices, sides.z).flatMap((z) =>
      starts(height, sides.y).flatMap((y) =>
        starts(width, sides.x).map((x) => ({
          ...{ t, z, y, x },
          slices: Math.min(sides.z, slices - z),
          height: Math.min(sides.y, height - y),
          width: Math.min(sides.x, width - x),
        })),
      ),
    ),
  );
}

/** What is to be predicted. */
export const unitsOf = ({ images }: Pick<ShardPlan, 'images'>): readonly Unit[] =>
  images.flatMap((image): readonly Unit[] =>
    image.parts === undefined ? [{ image }] : partsOf(image.parts).map((part) => ({ image, part })),
  );

function objectBlocksOf({ info, block }: PlannedObjects): readonly ObjectBlock[] {
  const { length } = requireGrid(shapeAtTime(info), block);
  const { times } = sizes(info);
  return Array.from({ length: times * length }, (_, i) => ({ t: Math.floor(i / length), index: i % length }));
}

/** What is to be separated into objects, when everything is predicted. */
export const objectUnitsOf = ({ images }: Pick<ShardPlan, 'images'>): readonly Unit[] =>
  images.flatMap((image) =>
    image.parts?.objects === undefined ? [] : objectBlocksOf(image.parts.objects).map((block) => ({ image, block })),
  );

/** The blocks of a part in which seeds are found when it is predicted: none if there are no seeds known before objects. */
export function seedBlocksOf(objects: PlannedObjects, part: ImagePart): readonly ObjectBlock[] {
  if (objects.settings.by !== 'border') return [];
  const grid = requireGrid(shapeAtTime(objects.info), objects.block);
  const { start, shape } = regionOfPart({ ...objects.info, axes: objects.info.axes.replace('t', '') }, part);
  return objectBlocksOf(objects).filter(({ t, index }) => {
    const from = boxOf(grid, index).start;
    return (
      t === part.t &&
      from.every((at, axis) => at >= (start[axis] as number) && at < (start[axis] as number) + (shape[axis] as number))
    );
  });
}

/** Where a block is kept. @param name as `blockName` */
export const blockFile = (out: string, { between }: PlannedObjects, t: number, name: string): string =>
  joinPath(out, between, String(t), `${name}.block`);

/** The share of a process: neighbours, which read the same pixels. */
export function shareOf<T>(work: readonly T[], { k, n }: ShardNumber): readonly T[] {
  return work.slice(Math.floor(((k - 1) * work.length) / n), Math.floor((k * work.length) / n));
}

/** What is recorded of an image that was predicted as a whole. */
export interface WholeRecord {
  /** Files, relative to the folder of results. */
  readonly written: readonly string[];
  readonly level?: number;
  /** Why it could not be predicted. */
  readonly failed?: string;
}

const recordFile = (out: string, { name }: PlannedImage): string => joinPath(out, RECORDS, 'done', `${name}.json`);

export async function recordWhole(
  files: WritableFiles,
  out: string,
  image: PlannedImage,
  record: WholeRecord,
): Promise<void> {
  await files.write(recordFile(out, image), `${JSON.stringify(record)}\n`);
}

/** Undefined before it is done. */
export async function readRecord(
  files: WritableFiles,
  out: string,
  image: PlannedImage,
): Promise<WholeRecord | undefined> {
  const file = recordFile(out, image);
  if ((await files.kind(file)) === undefined) return undefined;
  return JSON.parse(new TextDecoder().decode(await files.read(file))) as WholeRecord;
}

/** The files of a unit that are missing or broken: none when it is done. */
export async function badFiles(
  files: WritableFiles,
  out: string,
  { image, part, block }: Unit,
): Promise<readonly BadShard[]> {
  const objects = image.parts?.objects;
  if (objects !== undefined && block !== undefined) {
    const bad = await badBlock(files, blockFile(out, objects, block.t, blockName('labels', block.index)));
    return unlessJoined(files, out, objects, bad);
  }
  if (image.parts === undefined || part === undefined) {
    const record = await readRecord(files, out, image);
    const wanted = record === undefined ? [recordFile(out, image)] : record.written.map((file) => joinPath(out, file));
    const bad: BadShard[] = [];
    for (const file of wanted) if ((await files.kind(file)) === undefined) bad.push({ file, why: 'missing' });
    return bad;
  }
  const found: BadShard[] = [];
  const between: BadShard[] = [];
  for (const { path, info, part: of } of image.parts.outputs) {
    const bad = await badShards(files, joinPath(out, path), info, regionOfPart(info, part));
    (of === 'maps' ? between : found).push(...bad);
  }
  if (objects === undefined) return found;
  for (const { t, index } of seedBlocksOf(objects, part)) {
    between.push(...(await badBlock(files, blockFile(out, objects, t, blockName('seeds', index)))));
  }
  return [...found, ...(await unlessJoined(files, out, objects, between))];
}

async function badBlock(files: WritableFiles, file: string): Promise<readonly BadShard[]> {
  try {
    return (await isBlock(files, file)) ? [] : [{ file, why: 'broken' }];
  } catch (cause) {
    if (factsOf(cause, 'no-file') === undefined) throw cause;
    return [{ file, why: 'missing' }];
  }
}

/** What is there before objects are joined is not needed afterwards. Looked at last, since it is removed then. */
const unlessJoined = async (
  files: WritableFiles,
  out: string,
  { path }: PlannedObjects,
  bad: readonly BadShard[],
): Promise<readonly BadShard[]> => (bad.length > 0 && (await isFinished(files, joinPath(out, path))) ? [] : bad);
