/** Objects against objects: AP and the counts behind it, image by image and of all objects together. */

import { contingency, type IgnoreOption } from '../metrics/contingency.ts';
import { type InstanceMatching, type InstanceScores, instanceScores, matchInstances } from '../metrics/instances.ts';
import type { IntegerArray } from '../objects/grid.ts';

/** AP at IoU 0.5; 1 where no object is there nor predicted. */
export const averagePrecisionOf = ({ perThreshold }: InstanceScores): number => perThreshold[0]?.averagePrecision ?? 1;

export class ObjectScorer {
  readonly #matchings: InstanceMatching[] = [];

  /**
   * Adds one image [height, width], or one volume [depth, height, width].
   * @param truth number of the object at each pixel, 0 = none
   * @returns its AP at IoU 0.5
   */
  add(truth: IntegerArray, predicted: IntegerArray, mask: IgnoreOption = {}): number {
    const matching = matchInstances(contingency(truth, predicted, mask));
    this.#matchings.push(matching);
    return averagePrecisionOf(instanceScores([matching]));
  }

  get count(): number {
    return this.#matchings.length;
  }

  result(): InstanceScores {
    return instanceScores(this.#matchings);
  }

  perImage(): readonly number[] {
    return this.#matchings.map((matching) => averagePrecisionOf(instanceScores([matching])));
  }
}
