import { extensionOf } from '../dataset/discover/names.ts';
import { UsageError } from '../errors.ts';
import type { Zlib } from '../files.ts';
import { writeNifti } from '../image/formats/nifti/write.ts';
import { writePng } from '../image/formats/png/write.ts';
import { extensionsOf } from '../image/formats/registry.ts';
import { writeTiff } from '../image/formats/tiff/write.ts';
import { type Image, sizes } from '../image/image.ts';
import type { ResultFormat } from './choices.ts';

/** Formats whose patient position would be lost in a TIFF. */
const VOLUMES = extensionsOf('volumes', 'slices');

/** A file that is to be written. */
export interface Encoded {
  readonly bytes: Uint8Array;
  readonly extension: string;
}

/**
 * The bytes of a result, and the extension of its file.
 * @param source path of the image that it was made from
 * @throws UsageError if the requested format does not support it
 */
export function encodeResult(
  image: Image,
  format: Exclude<ResultFormat, 'hdf5'>,
  source: string,
  zlib?: Zlib,
): Encoded {
  const isVolume = image.geometry !== undefined || VOLUMES.has(extensionOf(source));
  if (format === 'nifti' || (format === 'same' && isVolume)) return { bytes: writeNifti(image), extension: 'nii.gz' };
  const fits =
    (image.dtype === 'uint8' || image.dtype === 'uint16') &&
    (image.axes === 'yx' || (image.axes === 'cyx' && [1, 3].includes(sizes(image).channels)));
  const wanted = format === 'png' || (format === 'same' && extensionOf(source) === 'png');
  if (format === 'png' && !fits) {
    throw new UsageError(`PNG cannot hold ${image.dtype} ${image.axes}.`, {
      file: source,
      remedy: 'Choose another format.',
    });
  }
  return fits && wanted
    ? { bytes: writePng(image, { zlib }), extension: 'png' }
    : { bytes: writeTiff(image), extension: 'tif' };
}
