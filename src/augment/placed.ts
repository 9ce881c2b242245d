/**
 * Samples of images that are read by region: where each patch lies is drawn first, as for images in memory, then what it
 * shows is read, and then it is made of that (`makeSample`), to the last bit as of the whole.
 *
 *     const placed = placeSamples(set, options, read); // read(page, box): the pixels of a box of a page
 *     makeBatch(await placed(step), step, options);
 */

import { mirroredReach } from '../array/gaussian.ts';
import { stream } from '../array/random.ts';
import type { Rectangle } from '../array/window-sums.ts';
import { type PlacedPatch, patchPosition, type TrainingPage, type TrainingSet } from '../dataset/patch-position.ts';
import { coordinates, drawGeometry, INTERPOLATION_PX } from './field.ts';
import type { SampleOptions } from './sample.ts';

/** Reads a box of a page: image float32 [channels, height, width], label [height, width]. */
export type ReadBox = (page: TrainingPage, box: Rectangle) => Promise<Pick<TrainingPage, 'image' | 'label'>>;

/** The samples of each step of a set whose pages have no pixels of their own. */
export function placeSamples(
  set: TrainingSet,
  options: SampleOptions,
  read: ReadBox,
): (step: number) => Promise<TrainingSet> {
  const { seed, patch, batch, augment } = options;
  const place = async (step: number, index: number): Promise<PlacedPatch> => {
    const { page, centre } = patchPosition(set, step, index, options);
    const field = coordinates(drawGeometry(stream(seed, 'augment', step, index), patch, augment), patch, centre);
    const [y, height] = shownAlong(field.y, page.height);
    const [x, width] = shownAlong(field.x, page.width);
    const pixels = await read(page, { y, x, height, width });
    return { page: { name: page.name, height, width, ...pixels }, centre, from: [y, x] };
  };
  return async (step) => ({
    ...set,
    pages: [],
    focus: { rare: [] },
    placed: await Promise.all(Array.from({ length: batch }, (_, index) => place(step, index))),
  });
}

/** What interpolation at these coordinates reads of an axis: with the ends at which it is mirrored. */
function shownAlong(coordinates: Float32Array, length: number): readonly [first: number, count: number] {
  let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of coordinates) {
    if (value < least) least = value;
    if (value > most) most = value;
  }
  const start = Math.floor(least) - INTERPOLATION_PX;
  const end = Math.floor(most) + INTERPOLATION_PX + 1;
  const [first, count] = mirroredReach(start, end - start, length);
  const from = start < 0 ? 0 : first;
  return [from, (end > length ? length : first + count) - from];
}
