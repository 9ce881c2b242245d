/** Whether to invert bright images, judged by the labels. */

import { countAbove } from '../input/background.ts';
import { IGNORE } from './labels/labels.ts';

/** Both kinds must each make up this fraction of the images that show objects; fewer may be label errors. */
const LEAST_SHARE = 0.01;

/** In this fraction of them `isBright` must predict the kind correctly. */
const SURE = 0.98;

/** How bright an image, its objects and their ground are; the image comes in parts, row by row. */
export class BrightnessScan {
  readonly #sums: [number, number] = [0, 0];
  readonly #counts: [number, number] = [0, 0];
  #above = 0;
  #values = 0;

  /** @param image normalised values [channels, pixels]; label: classes of the pixels, 0 is the background */
  add(image: Float32Array, label: Uint8Array): void {
    const [sums, counts] = [this.#sums, this.#counts];
    const channels = image.length / label.length;
    for (let p = 0; p < label.length; p++) {
      const side = label[p] === 0 ? 0 : label[p] === IGNORE ? undefined : 1;
      if (side === undefined) continue;
      for (let c = 0; c < channels; c++) sums[side] = sums[side] + image[c * label.length + p];
      counts[side] = counts[side] + channels;
    }
    this.#above += countAbove(image);
    this.#values += image.length;
  }

  /** As `isBright` of the whole. */
  get isBright(): boolean {
    return 2 * this.#above > this.#values;
  }

  /** Undefined if the image shows only objects, or none. */
  get objectsAreDarker(): boolean | undefined {
    const [ground, objects] = this.#counts;
    if (ground === 0 || objects === 0) return undefined;
    return this.#sums[1] / objects < this.#sums[0] / ground;
  }
}

/**
 * Whether to invert images that are bright overall: the labels show both kinds, and brightness distinguishes them.
 * Returns the reason as a printed line, or undefined.
 * @param pages normalised images [channels, height, width]; class 0 of the labels is the background
 */
export function chooseInversion(
  pages: readonly { readonly image: Float32Array; readonly label: Uint8Array }[],
): string | undefined {
  return inversionOf(
    pages.map(({ image, label }) => {
      const scan = new BrightnessScan();
      scan.add(image, label);
      return scan;
    }),
  );
}

/** `chooseInversion` of images that were scanned. */
export function inversionOf(scans: readonly BrightnessScan[]): string | undefined {
  let seen = 0;
  let inverted = 0;
  let right = 0;
  for (const { objectsAreDarker: darker, isBright } of scans) {
    if (darker === undefined) continue;
    seen++;
    if (darker) inverted++;
    if (darker === isBright) right++;
  }
  const rarer = Math.min(inverted, seen - inverted);
  if (rarer < Math.max(1, LEAST_SHARE * seen) || right < SURE * seen) return undefined;
  return `inverted: bright images, since objects are darker than their ground in ${inverted} of ${seen} images, and brighter in the others`;
}
