/** The work of a plan: the parts of its images, in an order that all processes share. */

import { joinPath, type WritableFiles } from '../../files.ts';
import { type BadShard, badShards, fullArray } from '../../image/formats/zarr/write-parts.ts';
import { sizes } from '../../image/image.ts';
import type { ImageInfo } from '../../image/source.ts';
import { type ImagePart, regionOfPart } from '../../predict/stream.ts';
import { type PlannedImage, type PlannedParts, RECORDS, type ShardPlan } from './plan.ts';

/** What one process does at a time. */
export interface Unit {
  readonly image: PlannedImage;
  /** With `image.parts`: one of them. */
  readonly part?: ImagePart;
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

export const unitsOf = ({ images }: Pick<ShardPlan, 'images'>): readonly Unit[] =>
  images.flatMap((image): readonly Unit[] =>
    image.parts === undefined ? [{ image }] : partsOf(image.parts).map((part) => ({ image, part })),
  );

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
export async function badFiles(files: WritableFiles, out: string, { image, part }: Unit): Promise<readonly BadShard[]> {
  if (image.parts === undefined || part === undefined) {
    const record = await readRecord(files, out, image);
    const wanted = record === undefined ? [recordFile(out, image)] : record.written.map((file) => joinPath(out, file));
    const bad: BadShard[] = [];
    for (const file of wanted) if ((await files.kind(file)) === undefined) bad.push({ file, why: 'missing' });
    return bad;
  }
  const found: BadShard[] = [];
  for (const { path, info } of image.parts.outputs) {
    found.push(...(await badShards(files, joinPath(out, path), info, regionOfPart(info, part))));
  }
  return found;
}
