/**
 * Samples of images that are read by region: where each patch lies is drawn first, as for images in memory, then what it
 * shows is read, and then it is made of that (`makeSample`), to the last bit as of the whole.
 *
 *     const placed = placeSamples(set, options, reader); // reader.read(page, box): the pixels of a box of a page
 *     makeBatch(await placed(step), step, options);
 */

import { mirroredReach } from '../array/gaussian.ts';
import { stream } from '../array/random.ts';
import type { Rectangle } from '../array/window-sums.ts';
import { type AnnotatedRows, annotatedRow } from '../dataset/annotated.ts';
import { IGNORE } from '../dataset/labels/labels.ts';
import { type PlacedPatch, patchPosition, type TrainingPage, type TrainingSet } from '../dataset/patch-position.ts';
import { DatasetError } from '../errors.ts';
import { coordinates, drawGeometry, INTERPOLATION_PX } from './field.ts';
import type { SampleOptions } from './sample.ts';

/** Reads boxes of pages: image float32 [channels, height, width], label [height, width], weights beside those of classes. */
export interface BoxReader {
  read(page: TrainingPage, box: Rectangle): Promise<Pick<TrainingPage, 'image' | 'label' | 'separation'>>;
  readLabel(page: TrainingPage, box: Rectangle): Promise<Uint8Array>;
}

/** The samples of each step of a set whose pages have no pixels of their own. */
export function placeSamples(
  set: TrainingSet,
  options: SampleOptions,
  reader: BoxReader,
): (step: number) => Promise<TrainingSet> {
  const { seed, patch, batch, augment } = options;
  const place = async (step: number, index: number): Promise<PlacedPatch> => {
    let pixel: Promise<number> | undefined;
    const position = patchPosition(set, step, index, options, (page, rows, nth) => {
      pixel = readPixel(page, rows, nth, reader);
      return 0;
    });
    // Drawn again around the pixel, once that is known.
    const found = await pixel;
    const { page, centre } = found === undefined ? position : patchPosition(set, step, index, options, () => found);
    const field = coordinates(drawGeometry(stream(seed, 'augment', step, index), patch, augment), patch, centre);
    const [y, height] = shownAlong(field.y, page.height);
    const [x, width] = shownAlong(field.x, page.width);
    const pixels = await reader.read(page, { y, x, height, width });
    return {
      page: { name: page.name, height, width, ...(page.origin && { origin: page.origin }), ...pixels },
      centre,
      from: [y, x],
    };
  };
  return async (step) => ({
    ...set,
    pages: [],
    focus: { rare: [] },
    placed: await Promise.all(Array.from({ length: batch }, (_, index) => place(step, index))),
  });
}

/** Labels of a row that are read at once to find a pixel. */
const PIXELS_AT_ONCE = 4096;

/** As `annotatedPixel`, of a page whose labels are read. */
async function readPixel(
  page: TrainingPage,
  rows: AnnotatedRows,
  nth: number,
  { readLabel }: Pick<BoxReader, 'readLabel'>,
): Promise<number> {
  const [y, before] = annotatedRow(rows, nth);
  let left = before;
  for (let x = 0; x < page.width; x += PIXELS_AT_ONCE) {
    const label = await readLabel(page, { y, x, height: 1, width: Math.min(PIXELS_AT_ONCE, page.width - x) });
    for (let p = 0; p < label.length; p++) {
      if (label[p] !== IGNORE && left-- === 0) return y * page.width + x + p;
    }
  }
  throw new DatasetError('its labels have changed since the run began.', {
    file: page.name,
    remedy: 'Put them back as they were, or start a new run.',
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
