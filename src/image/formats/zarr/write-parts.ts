/**
 * A store that several processes write: each whole shards of the full resolution, in any order and as often as it likes,
 * since a shard is one file that is renamed to its place, and one of them at the end what remains.
 */

import { placesIn } from '../../../array/boxes.ts';
import { elementCount } from '../../../array/ndarray.ts';
import { LamellaError } from '../../../errors.ts';
import { joinPath, type WritableFiles } from '../../../files.ts';
import { PyramidWriter } from '../../pyramid.ts';
import { type ImageSink, regionsOf } from '../../sink.ts';
import { type ImageInfo, type ImageSource, type Region, regionImage, wholeRegion } from '../../source.ts';
import { crc32c } from './crc32c.ts';
import { ZarrLevel } from './level.ts';
import { ownAttributes, parseArray, readNode } from './metadata.ts';
import { arrayMetadata, ValueRange } from './metadata-out.ts';
import { NOT_STORED, type ShardedArray, ShardWriter, shardKey } from './shards.ts';
import { folderStore } from './store.ts';
import { beginStore, describeStore, packer, planStore } from './write.ts';

/** The array of the full resolution, as it is stored. */
export const fullArray = (folder: string, info: ImageInfo): ShardedArray => planStore(folder, info).arrays[0];

/** The places of the shards that hold a box made of whole shards. */
function shardsOf({ shard }: ShardedArray, { start, shape }: Region): readonly (readonly number[])[] {
  const first = start.map((at, i) => at / shard[i]);
  const end = start.map((at, i) => Math.ceil((at + shape[i]) / shard[i]));
  return [...placesIn(first, end)];
}

/**
 * Begins a box of a store, made of whole shards, which are in their places when it is finished.
 * @param info of the whole image, as `writeOmeZarr`
 * @throws LamellaError without permission
 */
export async function writeShards(
  files: WritableFiles,
  folder: string,
  info: ImageInfo,
  part: Region,
): Promise<ImageSink> {
  const array = fullArray(folder, info);
  await beginStore(files, folder);
  const writer = new ShardWriter(array, files, await packer(files));
  let missing = elementCount(part.shape);
  return {
    info,
    unit: array.chunk,
    inOrder: false,
    async write(region, data) {
      missing -= elementCount(region.shape);
      await writer.write(region, data);
    },
    async finish() {
      await writer.finish();
      if (missing === 0) return;
      throw new LamellaError(`${missing} pixels of a part of the image were not written.`, {
        file: folder,
        remedy: 'Write the part again.',
      });
    },
    abort: () => writer.abort(),
  };
}

/** What is wrong with a shard. */
export interface BadShard {
  readonly file: string;
  readonly why: 'missing' | 'broken';
}

/** The shards of a box that are missing, or are not what was written: by their sizes and the checksums of their indices. */
export async function badShards(
  files: WritableFiles,
  folder: string,
  info: ImageInfo,
  part: Region,
): Promise<readonly BadShard[]> {
  const array = fullArray(folder, info);
  const bad: BadShard[] = [];
  for (const place of shardsOf(array, part)) {
    const file = shardKey(array, place);
    if ((await files.kind(file)) !== 'file') bad.push({ file, why: 'missing' });
    else if (!(await isSound(files, file, array))) bad.push({ file, why: 'broken' });
  }
  return bad;
}

/** Whether a shard ends with an index whose checksum is right, and whose chunks are all there is before it. */
async function isSound(files: WritableFiles, file: string, { shard, chunk }: ShardedArray): Promise<boolean> {
  const source = await files.open(file);
  try {
    const chunks = elementCount(shard) / elementCount(chunk);
    const length = 16 * chunks + 4;
    if (source.size < length) return false;
    const bytes = (await source.read(source.size - length, length)).slice();
    const index = bytes.subarray(0, -4);
    if (new DataView(bytes.buffer).getUint32(length - 4, true) !== crc32c(index)) return false;
    const entries = new BigUint64Array(index.buffer, 0, 2 * chunks);
    let stored = 0n;
    for (let i = 0; i < chunks; i++) if (entries[2 * i] !== NOT_STORED) stored += entries[2 * i + 1];
    return BigInt(source.size - length) === stored;
  } finally {
    await source.close();
  }
}

/**
 * The full resolution of a store whose shards are in their places, before the store is finished.
 * @throws from `read`: FormatError for a shard that is missing or damaged
 */
export function openShards(files: WritableFiles, folder: string, info: ImageInfo): ImageSource {
  const array = fullArray(folder, info);
  const node = { path: '0', format: 3, attributes: { lamella: { all_shards: true } } } as const;
  const parts = folderStore(files, folder);
  const described = parseArray({ ...node, array: arrayMetadata(array, info.axes) as Record<string, unknown> }, parts);
  const level = new ZarrLevel(
    described,
    parts,
    info.shape.map((_, axis) => axis),
  );
  const levels = [{ shape: info.shape, spacing: info.spacing }];
  return {
    info,
    levels,
    chunk: array.chunk,
    async read(_, region = wholeRegion(info)) {
      const { data } = await level.read(region);
      return regionImage({ info, levels }, 0, region, data);
    },
    close: () => parts.close(),
  };
}

/** Whether a store is there and was written to its end. */
export async function isFinished(files: WritableFiles, folder: string): Promise<boolean> {
  const store = folderStore(files, folder);
  try {
    const node = await readNode(store, '');
    return node !== undefined && ownAttributes(node.attributes).unfinished !== true;
  } finally {
    await store.close();
  }
}

/** Pixels that are read at once for the lower resolutions, in bytes. */
const AT_ONCE = 2 ** 25;

/**
 * Writes what remains when all shards of the full resolution are there: the lower resolutions, and what describes the
 * image. Repeated, it writes the same again.
 * @throws FormatError for a shard that is missing or damaged; LamellaError if there is no space
 */
export async function finishShards(files: WritableFiles, folder: string, info: ImageInfo): Promise<void> {
  const store = planStore(folder, info);
  const { levels, arrays, by } = store;
  const [full] = arrays;
  const { dtype } = info;
  const source = openShards(files, folder, info);
  const pack = await packer(files);
  const writers = arrays.map((array) => new ShardWriter(array, files, pack));
  const pyramid = new PyramidWriter(levels, dtype, by, {
    units: arrays.map(({ chunk }) => chunk),
    write: async (n, region, data) => (n === 0 ? undefined : writers[n].write(region, data)),
  });
  const range = new ValueRange(dtype);
  try {
    const regions = regionsOf({ info, unit: full.chunk, inOrder: false }, { maxBytes: AT_ONCE });
    for (const region of regions) {
      const { data } = await source.read(0, region);
      range.add(data);
      await pyramid.write(region, data);
    }
    for (const writer of writers) await writer.finish();
  } catch (cause) {
    for (const writer of writers) await writer.abort();
    throw cause;
  } finally {
    await source.close();
  }
  await describeStore(files, folder, info, { ...store, range });
}

/**
 * Removes what processes that were killed left of shards; of one that still writes, the shard is there already, and it
 * fails. Files of lower resolutions stay, which another process may be finishing.
 */
export async function removeLeftovers(files: WritableFiles, folder: string, info: ImageInfo): Promise<void> {
  const { path } = fullArray(folder, info);
  for (const name of await files.list(path)) {
    if (/(^|\/)\.[^/]*\.tmp$/.test(name)) await files.remove?.(joinPath(path, name));
  }
}
