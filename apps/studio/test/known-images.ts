/** Images whose truth is known: nuclei of the Data Science Bowl 2018, or phantoms where these are not at hand. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Image, readImage, writePng } from 'lamella';
import { type PhantomOptions, phantom } from 'lamella/phantom';
import { page as pageOf } from '../../../src/image/convert.ts';
import { dataFolder } from '../../../test/support/data.ts';
import type { KnownImage } from './oracle.ts';

/** The images of one kind and size, in the order of their names. */
export async function nuclei(
  kind: 'gray_dark' | 'color',
  [width, height]: readonly [number, number],
  [from, to]: readonly [number, number],
): Promise<readonly KnownImage[]> {
  const at = (...path: string[]): string => join(dataFolder(), 'nuclei', ...path);
  const rows = readFileSync(at('index.csv'), 'utf8').trim().split('\n').slice(1);
  const ids = rows
    .map((row) => row.split(','))
    .filter(([, own, w, h]) => own === kind && Number(w) === width && Number(h) === height)
    .map(([id]) => id as string);
  const read = (file: string): Promise<Image> => readImage(readFileSync(file), file, { palette: 'index' });
  return Promise.all(
    ids.slice(from, to).map(async (id): Promise<KnownImage> => {
      const image = await readImage(readFileSync(at('images', `${id}.png`)), `${id}.png`);
      const label = await read(at('labels', `${id}.png`));
      const truth = Uint8Array.from(label.data as Uint16Array, (value) => (value > 0 ? 1 : 0));
      const png = new Uint8Array(readFileSync(at('images', `${id}.png`)));
      return { name: id.slice(0, 8), image, png, width, height, truth };
    }),
  );
}

/**
 * Phantoms of as many seeds; their cells are class 1.
 * @param look what becomes of each grey value
 */
export function phantoms(
  name: string,
  count: number,
  options: PhantomOptions,
  look: (value: number) => number = (value) => value,
): readonly KnownImage[] {
  const { width = 256, height = 256, seed = 0 } = options;
  return Array.from({ length: count }, (_, i) => {
    const { image, label } = phantom({ ...options, width, height, depth: 1, seed: 100 * seed + i });
    const slice = pageOf(image, 0);
    const shown: Image = { ...slice, data: Uint8Array.from(slice.data as Uint8Array, look) };
    const truth = Uint8Array.from(label.data, (value) => (value > 0 ? 1 : 0));
    return { name: `${name}${i}`, image: shown, png: writePng(shown), width, height, truth };
  });
}
