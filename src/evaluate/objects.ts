/** Compares objects with objects: AP and its counts, per image and over all objects. */

import { type NdArray, ndarray } from '../array/ndarray.ts';
import { type Contingency, contingency, type IgnoreOption } from '../metrics/contingency.ts';
import { type InstanceMatching, type InstanceScores, instanceScores, matchInstances } from '../metrics/instances.ts';
import { connectedComponents } from '../objects/connected-components.ts';
import type { IntegerArray } from '../objects/grid.ts';

/** AP at IoU 0.5; 1 if there are neither true nor predicted objects. */
export const averagePrecisionOf = ({ perThreshold }: InstanceScores): number => perThreshold[0]?.averagePrecision ?? 1;

export class ObjectScorer {
  readonly #matchings: InstanceMatching[] = [];

  /**
   * Adds one image [height, width], or one volume [depth, height, width].
   * @param truth label of the object at each pixel, 0 = none
   * @returns its AP at IoU 0.5
   */
  add(truth: IntegerArray, predicted: IntegerArray, mask: IgnoreOption = {}): number {
    return this.addTable(contingency(truth, predicted, mask));
  }

  /** Adds one image or volume by its table. @returns its AP at IoU 0.5 */
  addTable(table: Contingency): number {
    const matching = matchInstances(table);
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

/** Objects of the classes 1, 2, ...: connected components per class. */
export function classComponents(labels: Uint8Array, classes: number, shape: readonly number[]): NdArray<'int32'> {
  return connectedComponents(ndarray('uint8', shape, knownClasses(labels, classes)), { by: 'value' }).labels;
}

/** Classes of which connected pixels are an object; 0 for pixels without one. */
export const knownClasses = (labels: Uint8Array, classes: number): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(labels, (value) => (value < classes ? value : 0));
