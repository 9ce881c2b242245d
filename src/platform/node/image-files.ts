import { readFile } from 'node:fs/promises';
import { extname } from 'node:path';
import { UsageError } from '../../errors.ts';
import type { ReadOptions } from '../../image/codec.ts';
import type { Image } from '../../image/image.ts';
import { readImage } from '../../image/read.ts';
import { writePng } from '../../image/write-png.ts';
import { writeTiff } from '../../image/write-tiff.ts';
import { atomicWrite } from './atomic-write.ts';
import { explainRead } from './files.ts';

/**
 * Reads a PNG or TIFF file; the format is found by its first bytes. Values and dtype are the file's own.
 * @throws DatasetError when the file is not there or may not be read; FormatError when it is damaged or no image.
 */
export async function readImageFile(path: string, options: ReadOptions = {}): Promise<Image> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    throw explainRead(cause, path);
  }
  return readImage(bytes, path, options);
}

const WRITERS: { readonly [extension: string]: (image: Image) => Uint8Array } = {
  '.png': writePng,
  '.tif': writeTiff,
  '.tiff': writeTiff,
};

/**
 * Writes `.png` or `.tif`, whole or not at all; folders are made.
 * @throws UsageError for another extension, or an image that the format cannot hold (`writePng`, `writeTiff`);
 *   LamellaError when there is no room or permission.
 */
export async function writeImageFile(path: string, image: Image): Promise<void> {
  const write = WRITERS[extname(path).toLowerCase()];
  if (write === undefined) {
    throw new UsageError('an image cannot be written under this name.', {
      file: path,
      remedy: `End the name in ${Object.keys(WRITERS).join(', ')}.`,
    });
  }
  await atomicWrite(path, write(image));
}
