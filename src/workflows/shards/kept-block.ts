/** Blocks of objects in files, by which the processes of a prediction tell each other what they found. */

import { ndarray } from '../../array/ndarray.ts';
import { decodeRecord, encodeRecord } from '../../array/record.ts';
import { LamellaError, option } from '../../errors.ts';
import type { WritableFiles } from '../../files.ts';
import type { BlockRecord, DescribedBlock } from '../../objects/blocks/block-record.ts';
import { labelsOf, runsOf } from '../block-files.ts';

interface StoredBlock {
  readonly shape: readonly number[];
  readonly runs: Int32Array;
  readonly record: BlockRecord;
}

/** Keeps a block in a file, with what the others need of it. */
export async function writeBlock(
  files: WritableFiles,
  path: string,
  { labels: { shape, data }, record }: DescribedBlock,
): Promise<void> {
  const stored: StoredBlock = { shape, runs: runsOf(data), record };
  await files.write(path, encodeRecord(stored));
}

/** Whether a file holds a block that is whole. @throws as `Files.read` */
export async function isBlock(files: WritableFiles, path: string): Promise<boolean> {
  return decodeRecord(await files.read(path)) !== undefined;
}

/** @throws LamellaError for a file that is damaged; as `Files.read` */
export async function readBlock(files: WritableFiles, path: string): Promise<DescribedBlock> {
  const stored = decodeRecord(await files.read(path)) as StoredBlock | undefined;
  if (stored === undefined) {
    throw new LamellaError('this block of objects is cut off or damaged.', {
      file: path,
      remedy: `Remove it, and find the objects again with ${option('resume')}.`,
    });
  }
  const { shape, runs, record } = stored;
  return { labels: ndarray('int32', shape, labelsOf(runs)), record };
}
