import { join } from 'node:path';
import { writePng } from '../image/formats/png/write.ts';
import { extent, type Image } from '../image/image.ts';
import type { Phantom } from '../phantom/phantom.ts';
import { atomicWrite } from '../platform/node/atomic-write.ts';

/** One slice of a stack as an image of its own. */
function slice(stack: Image<'uint8'>, z: number): Image<'uint8'> {
  const height = extent(stack, 'y');
  const width = extent(stack, 'x');
  const { x, y } = stack.spacing;
  return {
    dtype: 'uint8',
    shape: [height, width],
    axes: 'yx',
    data: stack.data.subarray(z * height * width, (z + 1) * height * width),
    spacing: { y, x },
  };
}

/** Writes slices of a stack as `image/00.png`.. and `label/00.png`.., named by their place in it. */
export async function writeSlices(folder: string, { image, label }: Phantom, slices: readonly number[]): Promise<void> {
  const digits = Math.max(2, String(extent(image, 'z') - 1).length);
  for (const z of slices) {
    const name = `${String(z).padStart(digits, '0')}.png`;
    await atomicWrite(join(folder, 'image', name), writePng(slice(image, z)));
    await atomicWrite(join(folder, 'label', name), writePng(slice(label, z)));
  }
}
