import { joinPath, page, sizes, type WritableFiles, writePng } from 'lamella';
import type { Phantom } from './phantom.ts';

/** Writes slices of a stack as `image/00.png`.. and `label/00.png`.., named by their index. */
export async function writeSlices(
  files: Pick<WritableFiles, 'write'>,
  folder: string,
  { image, label }: Phantom,
  slices: readonly number[],
): Promise<void> {
  const digits = Math.max(2, String(sizes(image).slices - 1).length);
  for (const z of slices) {
    const name = `${String(z).padStart(digits, '0')}.png`;
    await files.write(joinPath(folder, 'image', name), writePng(page(image, z)));
    await files.write(joinPath(folder, 'label', name), writePng(page(label, z)));
  }
}
