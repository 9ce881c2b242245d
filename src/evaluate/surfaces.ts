/** Distances of the outlines of each class, per image. */

import { ndarray } from '../array/ndarray.ts';
import { IGNORE } from '../dataset/labels/labels.ts';
import { averageSymmetricSurfaceDistance, edgeDistances, hausdorffMonai } from '../metrics/surface-distance.ts';
import { maskOf } from './ignore-mask.ts';

export interface ClassDistances {
  readonly name: string;
  /** 95th percentile of the distances, and their mean in both directions: averaged over `images`; NaN without any. */
  readonly hd95: number;
  readonly assd: number;
  /** Number of images with the class in both ground truth and prediction. */
  readonly images: number;
  /** Number of images with it on one side only, where the distance is infinite; they are excluded from the means. */
  readonly oneSided: number;
}

const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

export class SurfaceScorer {
  readonly #names: readonly string[];
  readonly #hd95: number[][];
  readonly #assd: number[][];
  readonly #oneSided: number[];
  #unit: 'mm' | 'px' = 'mm';

  /** @param names of the classes; the first is the background, which is not measured */
  constructor(names: readonly string[]) {
    this.#names = names;
    this.#hd95 = names.map(() => []);
    this.#assd = names.map(() => []);
    this.#oneSided = names.map(() => 0);
  }

  /**
   * Adds one image [height, width], or one volume [depth, height, width].
   * @param truth class of each pixel, `IGNORE` if it is ignored: both sides count as equal there
   * @param spacingMm [z, y, x]; if unknown for one image, all distances are in pixels
   */
  add(
    truth: Uint8Array,
    predicted: Uint8Array,
    shape: readonly number[],
    spacingMm?: readonly [number, number, number],
  ): void {
    if (spacingMm === undefined) this.#unit = 'px';
    const spacing = spacingMm?.slice(3 - shape.length);
    const found = predicted.map((value, p) => (truth[p] === IGNORE ? 0 : value));
    for (let c = 1; c < this.#names.length; c++) {
      const mask = (of: Uint8Array) => ndarray('uint8', shape, maskOf(of, c));
      const surfaces = edgeDistances(mask(truth), mask(found), { spacing });
      const hd95 = hausdorffMonai(surfaces);
      if (hd95 === Number.POSITIVE_INFINITY) this.#oneSided[c] = (this.#oneSided[c] as number) + 1;
      else if (!Number.isNaN(hd95)) {
        (this.#hd95[c] as number[]).push(hd95);
        (this.#assd[c] as number[]).push(averageSymmetricSurfaceDistance(surfaces));
      }
    }
  }

  result(): { readonly unit: 'mm' | 'px'; readonly perClass: readonly ClassDistances[] } {
    const perClass = this.#names.map((name, c) => ({
      name,
      hd95: mean(this.#hd95[c] as number[]),
      assd: mean(this.#assd[c] as number[]),
      images: (this.#hd95[c] as number[]).length,
      oneSided: this.#oneSided[c] as number,
    }));
    return { unit: this.#unit, perClass: perClass.slice(1) };
  }
}
