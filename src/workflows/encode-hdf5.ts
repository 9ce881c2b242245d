/** Results as HDF5, as ilastik exports them. */

import { writeHdf5 } from '../image/formats/hdf5/write.ts';
import type { Image } from '../image/image.ts';
import type { Encoded } from './encode.ts';

/**
 * The bytes of a result, and the extension of its file.
 * @param source path of the image that it was made from
 * @throws UsageError as `writeHdf5`
 */
export async function encodeHdf5(image: Image, source: string): Promise<Encoded> {
  return { bytes: await writeHdf5({ ...image, source }), extension: 'h5' };
}
