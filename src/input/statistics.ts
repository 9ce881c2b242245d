/**
 * Minimum, mean, standard deviation and percentiles of values that come part by part, so that an image need not be in
 * memory: each part twice, in the same order.
 */

const BINS = 16384;

export interface Statistics {
  readonly least: number;
  readonly low: number;
  readonly high: number;
  readonly mean: number;
  readonly std: number;
}

/**
 * Statistics of the values of one or several planes. Sums are kept by plane, so that they do not depend on how planes
 * are cut into parts, as long as each plane's come in order.
 */
export class StatisticsScan {
  readonly #sums: number[];
  readonly #squares: number[];
  /** Exact up to 2^53 values in a bin. */
  readonly #counts = new Float64Array(BINS);
  #count = 0;
  #least = Number.POSITIVE_INFINITY;
  #most = Number.NEGATIVE_INFINITY;

  constructor(planes: number) {
    this.#sums = new Array<number>(planes).fill(0);
    this.#squares = new Array<number>(planes).fill(0);
  }

  /** First for all parts. */
  addFirst(plane: number, values: Float32Array): void {
    let sum = this.#sums[plane];
    let least = this.#least;
    let most = this.#most;
    for (let i = 0; i < values.length; i++) {
      const value = values[i];
      sum += value;
      if (value < least) least = value;
      if (value > most) most = value;
    }
    this.#sums[plane] = sum;
    this.#least = least;
    this.#most = most;
    this.#count += values.length;
  }

  /** Then for all parts again. */
  addSecond(plane: number, values: Float32Array): void {
    const counts = this.#counts;
    const least = this.#least;
    const mean = this.#mean;
    const scale = this.#scale;
    let square = this.#squares[plane];
    for (let i = 0; i < values.length; i++) {
      const value = values[i];
      square += (value - mean) * (value - mean);
      const bin = ((value - least) * scale + 0.5) | 0;
      counts[bin] = counts[bin] + 1;
    }
    this.#squares[plane] = square;
  }

  /** After both; percentiles to 1/32768 of the range. */
  result(percentiles: readonly [number, number]): Statistics {
    const count = this.#count;
    const at = (percent: number): number => {
      const rank = (percent / 100) * (count - 1);
      let seen = 0;
      for (let bin = 0; bin < BINS; bin++) {
        seen += this.#counts[bin];
        if (seen > rank) return this.#scale === 0 ? this.#least : this.#least + bin / this.#scale;
      }
      return this.#most;
    };
    const [low, high] = [at(percentiles[0]), at(percentiles[1])];
    return { least: this.#least, low, high, mean: this.#mean, std: Math.sqrt(total(this.#squares) / count) };
  }

  get #mean(): number {
    return total(this.#sums) / this.#count;
  }

  get #scale(): number {
    return this.#most > this.#least ? (BINS - 1) / (this.#most - this.#least) : 0;
  }
}

const total = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
