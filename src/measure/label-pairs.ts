/** Pairs of objects, each once. */

import { LamellaError } from '../errors.ts';

/** Both numbers of a pair fit into one that is exact. */
const MOST = 2 ** 26;
const LEAST_ROOM = 2 ** 12;

export class LabelPairs {
  /** Distinct ones in ascending order, then those that were added since. */
  #keys = new Float64Array(LEAST_ROOM);
  #count = 0;
  #last = 0;

  /** @throws LamellaError beyond 2^26 objects */
  add(a: number, b: number): void {
    const key = a < b ? a * MOST + b : b * MOST + a;
    if (key === this.#last) return;
    if (a >= MOST || b >= MOST) {
      throw new LamellaError(`neighbours of more than ${MOST.toLocaleString('en')} objects are not counted.`, {
        remedy: 'Measure parts of the image, or choose other measurements.',
      });
    }
    this.#last = key;
    if (this.#count === this.#keys.length) {
      this.#tidy();
      if (2 * this.#count > this.#keys.length) {
        const keys = new Float64Array(2 * this.#keys.length);
        keys.set(this.#keys.subarray(0, this.#count));
        this.#keys = keys;
      }
    }
    this.#keys[this.#count++] = key;
  }

  *[Symbol.iterator](): Generator<readonly [a: number, b: number]> {
    this.#tidy();
    for (const key of this.#keys.subarray(0, this.#count)) yield [Math.floor(key / MOST), key % MOST];
  }

  #tidy(): void {
    const keys = this.#keys.subarray(0, this.#count).sort();
    let distinct = 0;
    for (let k = 0; k < keys.length; k++) if (k === 0 || keys[k] !== keys[k - 1]) keys[distinct++] = keys[k];
    this.#count = distinct;
  }
}
