/** Scales of charts: values to pixels, and the values that are named on an axis. */

export interface Scale {
  /** Pixels of a value. */
  at(value: number): number;
  /** About as many values as wished for, at 1, 2 or 5 times a power of ten. */
  ticks(wished: number): readonly number[];
}

type Interval = readonly [from: number, to: number];

/** Of steps, with the square of the least ratio that each is for. */
const FACTORS = [
  [10, 50],
  [5, 10],
  [2, 2],
  [1, 0],
] as const;

/** A step of 1, 2 or 5 times a power of ten that divides an interval into about so many parts. */
function niceStep([low, high]: Interval, parts: number): number {
  const raw = (high - low) / Math.max(1, parts);
  const power = 10 ** Math.floor(Math.log10(raw));
  // To the nearest by ratio: between 2 and 5, at the root of 10.
  const [factor] = FACTORS.find(([, square]) => (raw / power) ** 2 >= square) as readonly [number, number];
  return factor * power;
}

/** The multiples of a step in an interval. Each is rounded once, so that 3 * 0.1 is 0.3. */
function multiples(step: number, [low, high]: Interval): readonly number[] {
  const digits = Math.max(0, -Math.floor(Math.log10(step)));
  const [first, last] = [Math.ceil(low / step - 1e-9), Math.floor(high / step + 1e-9)];
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => Number(((first + i) * step).toFixed(digits)));
}

/** An interval that ends at ticks. */
export function niceInterval(interval: Interval, parts: number): Interval {
  const [low, high] = interval;
  if (!(high > low)) return interval;
  const step = niceStep(interval, parts);
  return [Math.floor(low / step + 1e-9) * step, Math.ceil(high / step - 1e-9) * step];
}

/** @param range the pixels of the ends; one value alone is in the middle */
export function linearScale([low, high]: Interval, [from, to]: Interval): Scale {
  return {
    at: (value) => (high > low ? from + ((value - low) / (high - low)) * (to - from) : (from + to) / 2),
    ticks: (wished) => (high > low ? multiples(niceStep([low, high], wished), [low, high]) : [low]),
  };
}

/** As `linearScale`, of the logarithm. @param interval above 0 */
export function logScale([low, high]: Interval, range: Interval): Scale {
  const linear = linearScale([Math.log10(low), Math.log10(high)], range);
  return {
    at: (value) => linear.at(Math.log10(value)),
    ticks(wished) {
      const exponents = multiples(1, [Math.floor(Math.log10(low)), Math.ceil(Math.log10(high))]);
      const within = (factors: readonly number[]): readonly number[] =>
        exponents
          .flatMap((exponent) => factors.map((factor) => Number((factor * 10 ** exponent).toPrecision(1))))
          .filter((value) => value >= low && value <= high);
      const each = within([1, 2, 5]);
      if (each.length < 2) return linearScale([low, high], range).ticks(wished);
      if (each.length <= 1.5 * wished) return each;
      const powers = within([1]);
      const every = Math.ceil(powers.length / wished);
      return powers.filter((_, i) => i % every === 0);
    },
  };
}

export interface NameScale {
  /** Pixels of the middle of a row. */
  at(name: string): number;
  /** Height of a row. */
  readonly row: number;
}

/** One row per name. */
export function nameScale(names: readonly string[], [from, to]: Interval): NameScale {
  const row = (to - from) / Math.max(1, names.length);
  const order = new Map(names.map((name, i) => [name, i]));
  return { row, at: (name) => from + ((order.get(name) ?? 0) + 0.5) * row };
}
