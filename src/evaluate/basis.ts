/** What scores rest on: how much of the images is annotated and not trained on. */

import { IGNORE } from '../dataset/labels/labels.ts';
import { counted } from '../errors.ts';

export interface ScoreBasis {
  readonly images: number;
  /** Number of pixels that are scored. */
  readonly pixels: number;
  /** Number of pixels of the images. */
  readonly ofPixels: number;
  /** Number of objects with a scored pixel; absent if objects are not numbered. */
  readonly objects?: number;
}

/** Counts the basis image by image. */
export class BasisCounter {
  #images = 0;
  #pixels = 0;
  #ofPixels = 0;
  #objects: number | undefined;
  /** Objects of the image that is added in parts. */
  readonly #seen = new Set<number>();

  /**
   * @param truth class of each pixel of an image or volume, `IGNORE` where it is not scored
   * @param objects number of the object at each pixel, 0 and below for none
   */
  add(truth: Uint8Array, objects?: ArrayLike<number>): void {
    this.addPart(truth, objects);
    this.endImage();
  }

  /** Adds a part of an image, as `add`. */
  addPart(truth: Uint8Array, objects?: ArrayLike<number>): void {
    const seen = this.#seen;
    let last = 0;
    this.#ofPixels += truth.length;
    for (let p = 0; p < truth.length; p++) {
      if (truth[p] === IGNORE) continue;
      this.#pixels++;
      const object = objects?.[p] ?? 0;
      if (object <= 0 || object === last) continue;
      seen.add(object);
      last = object;
    }
    if (objects !== undefined) this.#objects ??= 0;
  }

  /** All parts of an image were added. */
  endImage(): void {
    this.#images++;
    if (this.#objects !== undefined) this.#objects += this.#seen.size;
    this.#seen.clear();
  }

  result(): ScoreBasis {
    return {
      images: this.#images,
      pixels: this.#pixels,
      ofPixels: this.#ofPixels,
      ...(this.#objects === undefined ? {} : { objects: this.#objects }),
    };
  }
}

/** `4,096 pixels (25 % of 1 image), 12 objects, 2 regions`. @param regions number of regions that are scored alone */
export function describeBasis({ images, pixels, ofPixels, objects }: ScoreBasis, regions = 0): string {
  const share = Number(((100 * pixels) / ofPixels).toPrecision(2));
  const parts = [
    `${counted(pixels, 'pixel', 'en')} (${pixels === ofPixels ? 'all' : `${share} %`} of ${counted(images, 'image', 'en')})`,
    ...(objects === undefined ? [] : [counted(objects, 'object', 'en')]),
    ...(regions === 0 ? [] : [counted(regions, 'region', 'en')]),
  ];
  return parts.join(', ');
}
