import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { phantom } from '../../packages/phantom/phantom.ts';
import { page } from '../../src/image/convert.ts';
import { writePng } from '../../src/image/formats/png/write.ts';

/** Writes a small data set: `image/0.png` and on, and `label/`. */
export async function phantomFolder(
  folder: string,
  {
    side = 64,
    slices = 4,
    seed = 3,
  }: { readonly side?: number; readonly slices?: number; readonly seed?: number } = {},
): Promise<void> {
  const { image, label } = phantom({ width: side, height: side, depth: slices, cellPx: 20, seed });
  for (const [part, stack] of [
    ['image', image],
    ['label', label],
  ] as const) {
    await mkdir(join(folder, part), { recursive: true });
    for (let z = 0; z < slices; z++) await writeFile(join(folder, part, `${z}.png`), writePng(page(stack, z)));
  }
}
