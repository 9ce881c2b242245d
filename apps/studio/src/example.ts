/** Images for those who have none at hand, made here by generators: there at once, without a network. */

import { type Image, page, writePng } from 'lamella';
import { type Nuclei, nuclei, phantom } from 'lamella/phantom';
import type { GivenFile } from 'lamella/studio';
import type { Thumbnail } from './state/project.ts';

/** An image of the first example with its labels, which Studio is not given; from 0 on. */
export const exampleNuclei = (index: number, sizePx: number): Nuclei =>
  nuclei({ seed: index + 1, width: sizePx, height: sizePx, density: 0.9 + 0.15 * (index % 4) });

/** Fluorescence: objects that touch. */
function* nucleiImages(sizePx: number, count = 12): Generator<Image<'uint8'>> {
  for (let i = 0; i < count; i++) yield exampleNuclei(i, sizePx).image;
}

/** Sections in an electron microscope: areas. */
function* tissueImages(sizePx: number, count = 4): Generator<Image<'uint8'>> {
  const { image } = phantom({ seed: 7, width: sizePx, height: sizePx, depth: count });
  for (let z = 0; z < count; z++) yield page(image, z) as Image<'uint8'>;
}

const EXAMPLES = { nuclei: nucleiImages, tissue: tissueImages };

export type ExampleName = keyof typeof EXAMPLES;

const SIZE_PX = 512;
const PICTURE_PX = 160;
/** In a small picture, what is brighter than this share of the brightest pixel is white. */
const WHITE = { nuclei: 0.6, tissue: 1 };

/** The images of an example, one after the other, so that the first is there before the last is made. */
export function* exampleFiles(name: ExampleName): Generator<GivenFile> {
  let number = 0;
  for (const image of EXAMPLES[name](SIZE_PX)) {
    number++;
    yield { path: `${name}-${String(number).padStart(2, '0')}.png`, content: writePng(image) };
  }
}

/** What an example looks like: a small part of the first image. */
export function examplePicture(name: ExampleName): Thumbnail {
  const [{ data }] = EXAMPLES[name](PICTURE_PX, 1);
  let brightest = 1;
  for (const value of data) brightest = Math.max(brightest, value);
  const rgba = new Uint8Array(4 * data.length).fill(255);
  for (let p = 0; p < data.length; p++)
    rgba.fill(Math.min(255, (255 * data[p]) / (WHITE[name] * brightest)), 4 * p, 4 * p + 3);
  return { width: PICTURE_PX, height: PICTURE_PX, rgba };
}
