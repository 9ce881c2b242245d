/** Sums of whole numbers that stay exact beyond 2^53. */

const LIMIT = 2 ** 52;

export interface ExactSumsRecord {
  readonly low: Float64Array;
  /** What exceeds 2^52, by index, in decimal digits. */
  readonly high: readonly (readonly [index: number, sum: string])[];
}

/** One sum per object. Numbers to add have at most 2^52. */
export class ExactSums {
  /** The sum, or what was added since it last exceeded 2^52. */
  readonly #low: Float64Array;
  readonly #high: Map<number, bigint>;

  /** @param from sums to begin with, of at most as many objects */
  constructor(length: number, from?: ExactSums) {
    this.#low = new Float64Array(length);
    if (from !== undefined) this.#low.set(from.#low);
    this.#high = new Map(from === undefined ? [] : from.#high);
  }

  /** As plain data. */
  get record(): ExactSumsRecord {
    return { low: this.#low, high: [...this.#high].map(([index, sum]) => [index, String(sum)]) };
  }

  static from({ low, high }: ExactSumsRecord): ExactSums {
    const sums = new ExactSums(low.length);
    sums.#low.set(low);
    for (const [index, sum] of high) sums.#high.set(index, BigInt(sum));
    return sums;
  }

  add(index: number, value: number): void {
    const sum = this.#low[index] + value;
    this.#low[index] = sum;
    if (sum > LIMIT || sum < -LIMIT) this.set(index, this.exactly(index));
  }

  set(index: number, sum: bigint): void {
    const isLarge = sum > LIMIT || sum < -LIMIT;
    if (isLarge) this.#high.set(index, sum);
    else this.#high.delete(index);
    this.#low[index] = isLarge ? 0 : Number(sum);
  }

  /** Takes the sum of another object. */
  copy(index: number, from: ExactSums, other: number): void {
    if (from.#high.has(other)) this.set(index, from.exactly(other));
    else this.#low[index] = from.#low[other];
  }

  exactly(index: number): bigint {
    return (this.#high.get(index) ?? 0n) + BigInt(this.#low[index]);
  }

  /** Rounded to the nearest number. */
  at(index: number): number {
    return this.#high.has(index) ? Number(this.exactly(index)) : this.#low[index];
  }
}
