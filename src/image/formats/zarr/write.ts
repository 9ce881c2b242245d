/**
 * Writes OME-Zarr 0.5: sharded arrays of Zarr 3 with their pyramid, and labels in the store of their image.
 *
 * A store says from its first file on that it is not finished, and what describes its arrays and the image is written
 * last: one that was cut off is refused by name, and no other program finds an image in it. Shards that are all zero are
 * written as well, as an index without chunks, and each array says so: where a shard is missing later, it was lost.
 */

import { UsageError } from '../../../errors.ts';
import { baseName, folderName, joinPath, type WritableFiles, writeNew } from '../../../files.ts';
import type { Halving } from '../../halve.ts';
import { type PyramidLevel, PyramidWriter, planLevels } from '../../pyramid.ts';
import { type ImageSink, WrittenUnits } from '../../sink.ts';
import type { ImageInfo } from '../../source.ts';
import { readNode } from './metadata.ts';
import { arrayMetadata, imageMetadata, ValueRange, ZSTD_LEVEL } from './metadata-out.ts';
import { omeOf } from './ome.ts';
import { type Pack, type ShardedArray, ShardWriter } from './shards.ts';
import { folderStore } from './store.ts';
import { loadZarrita } from './zarrita.ts';

/** Pixels along each axis of what is compressed at once, and of a file. */
const PLANE = { chunk: 512, shard: 4096 };
const VOLUME = { chunk: 64, shard: 512 };

export interface WriteOmeZarrOptions {
  /** Whether values are labels, whose lower resolutions have no means; default: as the image says. */
  readonly labels?: boolean;
  /** Resolutions; default: down to 512 pixels. */
  readonly levels?: number;
}

/** Chunks and shards of an array: squares of planes, or cubes where there are slices. */
export function layoutOf(axes: string, shape: readonly number[]): Pick<ShardedArray, 'chunk' | 'shard'> {
  const { chunk, shard } = axes.includes('z') ? VOLUME : PLANE;
  const isSpace = (i: number): boolean => 'zyx'.includes(axes[i]);
  const chunks = shape.map((length, i) => (isSpace(i) ? Math.min(chunk, length) : 1));
  const shards = shape.map((length, i) =>
    isSpace(i) ? Math.min(shard, Math.ceil(length / chunks[i]) * chunks[i]) : 1,
  );
  return { chunk: chunks, shard: shards };
}

/** The arrays of a store and how their pixels follow from those of the first. */
export interface PlannedStore {
  readonly levels: readonly [PyramidLevel, ...PyramidLevel[]];
  readonly arrays: readonly [ShardedArray, ...ShardedArray[]];
  readonly isLabel: boolean;
  readonly by: Halving;
}

export function planStore(
  folder: string,
  info: ImageInfo,
  { labels: isLabel = info.labelKind !== undefined, levels: count }: WriteOmeZarrOptions = {},
): PlannedStore {
  const levels = planLevels(info).slice(0, count) as [PyramidLevel, ...PyramidLevel[]];
  const { dtype, axes } = info;
  const arrays = levels.map(
    ({ shape }, n): ShardedArray => ({
      path: joinPath(folder, String(n)),
      dtype,
      shape,
      ...layoutOf(axes, shape),
    }),
  ) as [ShardedArray, ...ShardedArray[]];
  return { levels, arrays, isLabel, by: isLabel ? 'first' : 'mean' };
}

const metadataOf = (folder: string): string => joinPath(folder, 'zarr.json');

const UNFINISHED = { lamella: { unfinished: true } };

/** Says that a store is being written, unless it is there. */
export async function beginStore(files: WritableFiles, folder: string): Promise<void> {
  await writeNew(files, metadataOf(folder), json(groupOf(UNFINISHED)));
}

/** Writes what describes the arrays and the image: from now on there is an image. */
export async function describeStore(
  files: WritableFiles,
  folder: string,
  info: ImageInfo,
  { levels, arrays, isLabel, range }: PlannedStore & { readonly range: ValueRange },
): Promise<void> {
  for (const array of arrays) await files.write(metadataOf(array.path), json(arrayMetadata(array, info.axes)));
  const image = imageMetadata(info, levels, { name: nameOf(folder), isLabel, range });
  await files.write(metadataOf(folder), json(groupOf(image)));
}

/**
 * Begins an OME-Zarr store, or labels in one: `folder` is then `<store>/labels/<name>`. Memory is that of the region
 * written, and of the chunks of lower resolutions that it leaves unfinished: a row of chunks of each.
 *
 * @param info of the image; axes in the order `tczyx`
 * @throws UsageError for labels that are no integers, or whose image is not there; LamellaError without permission
 *
 * @example
 * const sink = await writeOmeZarr(nodeFiles, 'cells.ome.zarr', { dtype: 'uint8', axes: 'yx', shape: [9000, 9000], spacing: {} });
 * await sink.write({ start: [0, 0], shape: [512, 9000] }, rows); // and so on
 * await sink.finish();
 */
export async function writeOmeZarr(
  files: WritableFiles,
  folder: string,
  info: ImageInfo,
  { labels = info.labelKind !== undefined, levels: count }: WriteOmeZarrOptions = {},
): Promise<ImageSink> {
  const { dtype } = info;
  const group = /(^|[\\/])labels$/.test(folderName(folder)) ? folderName(folder) : undefined;
  const isLabel = labels || group !== undefined;
  if (isLabel && dtype.startsWith('float')) {
    throw new UsageError(`labels are integers, but these values are ${dtype}.`, {
      file: folder,
      remedy: 'Write them as an image, or convert them first.',
    });
  }
  if (group !== undefined) await requireImage(files, folderName(group));
  const store = planStore(folder, info, { labels: isLabel, levels: count });
  const { levels, arrays, by } = store;
  await files.write(metadataOf(folder), json(groupOf(UNFINISHED)));
  const pack = await packer(files);
  const writers = arrays.map((array) => new ShardWriter(array, files, pack));
  const pyramid = new PyramidWriter(levels, dtype, by, {
    units: arrays.map(({ chunk }) => chunk),
    write: (level, region, data) => writers[level].write(region, data),
  });
  const range = new ValueRange(dtype);
  const sink = { info, unit: arrays[0].chunk, inOrder: false };
  const written = new WrittenUnits(sink);
  return {
    ...sink,
    async write(region, data) {
      written.add(region, data);
      range.add(data);
      await pyramid.write(region, data);
    },
    async finish() {
      written.requireAll(folder);
      for (const writer of writers) await writer.finish();
      await describeStore(files, folder, info, { ...store, range });
      if (group !== undefined) await listLabels(files, group, baseName(folder));
    },
    async abort() {
      for (const writer of writers) await writer.abort();
      await files.remove?.(folder).catch(() => {});
    },
  };
}

const json = (value: object): string => JSON.stringify(value, undefined, 2);

const groupOf = (attributes: object): object => ({ zarr_format: 3, node_type: 'group', attributes });

const nameOf = (folder: string): string => baseName(folder).replace(/(\.ome)?\.zarr$/i, '');

/** Zstandard of the platform, else of zarrita. */
export async function packer({ zstd }: WritableFiles): Promise<Pack> {
  if (zstd !== undefined) return (bytes) => zstd.pack(bytes);
  const { registry } = await loadZarrita();
  const Codec = await registry.get('zstd')?.();
  const codec = Codec?.fromConfig({ level: ZSTD_LEVEL }, {
    shape: [],
    dataType: 'uint8',
    codecs: [],
    fillValue: 0,
  } as never);
  const encode = codec?.encode as (bytes: Uint8Array) => Promise<Uint8Array>;
  return async (bytes) => encode(bytes);
}

/** @throws UsageError if the store has no image in Zarr 3 */
async function requireImage(files: WritableFiles, folder: string): Promise<void> {
  const node = await readNode(folderStore(files, folder), '');
  if (node?.format === 3 && omeOf(node).multiscales !== undefined) return;
  throw new UsageError('labels are written into the store of their image (OME-Zarr 0.5), which is not there.', {
    file: folder,
    remedy: 'Convert the image first.',
  });
}

/** Adds labels to the list of a store, by which others find them. */
async function listLabels(files: WritableFiles, group: string, name: string): Promise<void> {
  const node = await readNode(folderStore(files, group), '');
  const ome = node === undefined ? {} : omeOf(node);
  const before: readonly unknown[] = Array.isArray(ome.labels) ? ome.labels : [];
  const labels = [...before.filter((one) => one !== name), name];
  await files.write(
    joinPath(group, 'zarr.json'),
    json(groupOf({ ...node?.attributes, ome: { ...ome, version: '0.5', labels } })),
  );
}
