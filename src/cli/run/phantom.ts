import { join } from 'node:path';
import { phantom } from '../../dataset/phantom.ts';
import { extent, type Image } from '../../image/image.ts';
import { writePng } from '../../image/write-png.ts';
import { atomicWrite } from '../../platform/node/atomic-write.ts';
import type { PhantomFlags } from '../commands/phantom.ts';
import { requireFreeFolder } from '../out-folder.ts';

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
    spacing: { ...(y === undefined ? {} : { y }), ...(x === undefined ? {} : { x }) },
  };
}

/** Writes `image/00.png`.. and `label/00.png`... */
export async function writePhantom(
  folder: string,
  { seed, size: [height, width], slices, cell, organelles, noise }: PhantomFlags,
): Promise<void> {
  const { image, label } = phantom({ seed, height, width, depth: slices, cellPx: cell, organelles, noise });
  const digits = Math.max(2, String(slices - 1).length);
  for (let z = 0; z < slices; z++) {
    const name = `${String(z).padStart(digits, '0')}.png`;
    await atomicWrite(join(folder, 'image', name), writePng(slice(image, z)));
    await atomicWrite(join(folder, 'label', name), writePng(slice(label, z)));
  }
}

export async function runPhantom(folder: string, flags: PhantomFlags): Promise<void> {
  await requireFreeFolder(folder);
  await writePhantom(folder, flags);
  const [height, width] = flags.size;
  process.stdout.write(
    `${flags.slices} slices of ${width} x ${height} in ${folder}: image/ and label/ (255 inside, 0 membrane), seed ${flags.seed}\n` +
      `Next: lamella train ${folder}\n`,
  );
}
