import { extname } from 'node:path';
import { extensionOf } from '../dataset/discover/names.ts';
import { UsageError } from '../errors.ts';
import { writeNifti } from '../image/formats/nifti/write.ts';
import { writePng } from '../image/formats/png/write.ts';
import { writeTiff } from '../image/formats/tiff/write.ts';
import { extent, type Image } from '../image/image.ts';
import { nodeZlib } from '../platform/node/zlib.ts';
import type { ResultFormat } from './choices.ts';

/** Files whose place in the patient would be lost in a TIFF. */
const VOLUMES = new Set(['nii', 'nii.gz', 'hdr', 'hdr.gz', 'nrrd', 'nhdr', 'dcm', 'dicom', 'ima']);

/**
 * The bytes of a result, and the extension that they go by.
 * @param source path of the image that it was made from
 * @throws UsageError when a format that was asked for cannot hold it
 */
export function encodeResult(
  image: Image,
  format: ResultFormat,
  source: string,
): { readonly bytes: Uint8Array; readonly extension: string } {
  const isVolume = image.geometry !== undefined || VOLUMES.has(extensionOf(source));
  if (format === 'nifti' || (format === 'same' && isVolume)) return { bytes: writeNifti(image), extension: 'nii.gz' };
  const fits =
    (image.dtype === 'uint8' || image.dtype === 'uint16') &&
    (image.axes === 'yx' || (image.axes === 'cyx' && [1, 3].includes(extent(image, 'c'))));
  const wanted = format === 'png' || (format === 'same' && extname(source).toLowerCase() === '.png');
  if (format === 'png' && !fits) {
    throw new UsageError(`PNG cannot hold ${image.dtype} ${image.axes}.`, {
      file: source,
      remedy: 'Leave out --format png.',
    });
  }
  return fits && wanted
    ? { bytes: writePng(image, { zlib: nodeZlib }), extension: 'png' }
    : { bytes: writeTiff(image), extension: 'tif' };
}
