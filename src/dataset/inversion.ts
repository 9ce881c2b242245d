/** Whether to invert bright images, judged by the labels. */

import { isBright } from '../input/background.ts';
import { IGNORE } from './labels/labels.ts';

/** Both kinds must each make up this fraction of the images that show objects; fewer may be label errors. */
const LEAST_SHARE = 0.01;

/** In this fraction of them `isBright` must predict the kind correctly. */
const SURE = 0.98;

/**
 * Whether to invert images that are bright overall: the labels show both kinds, and brightness distinguishes them.
 * Returns the reason as a printed line, or undefined.
 * @param pages normalised images [channels, height, width]; class 0 of the labels is the background
 */
export function chooseInversion(
  pages: readonly { readonly image: Float32Array; readonly label: Uint8Array }[],
): string | undefined {
  let seen = 0;
  let inverted = 0;
  let right = 0;
  for (const { image, label } of pages) {
    const darker = objectsAreDarker(image, label);
    if (darker === undefined) continue;
    seen++;
    if (darker) inverted++;
    if (darker === isBright(image)) right++;
  }
  const rarer = Math.min(inverted, seen - inverted);
  if (rarer < Math.max(1, LEAST_SHARE * seen) || right < SURE * seen) return undefined;
  return `inverted: bright images, since objects are darker than their ground in ${inverted} of ${seen} images, and brighter in the others`;
}

/** Undefined if the image shows only objects, or none. */
function objectsAreDarker(image: Float32Array, label: Uint8Array): boolean | undefined {
  const sums = [0, 0];
  const counts = [0, 0];
  const channels = image.length / label.length;
  for (let p = 0; p < label.length; p++) {
    const side = label[p] === 0 ? 0 : label[p] === IGNORE ? undefined : 1;
    if (side === undefined) continue;
    for (let c = 0; c < channels; c++) sums[side] = sums[side] + image[c * label.length + p];
    counts[side] = counts[side] + channels;
  }
  const [ground, objects] = counts as [number, number];
  if (ground === 0 || objects === 0) return undefined;
  return sums[1] / objects < sums[0] / ground;
}
