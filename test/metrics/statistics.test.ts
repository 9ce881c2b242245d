import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { stream } from '../../src/array/random.ts';
import { bootstrapMeans, meanInterval } from '../../src/metrics/bootstrap.ts';
import { normalCdf, normalQuantile } from '../../src/metrics/normal-distribution.ts';
import { holm, leastSignFlipP, signFlipTest, wilcoxonTest } from '../../src/metrics/paired-tests.ts';

interface Golden {
  readonly tests: {
    readonly [name: string]: {
      readonly differences: readonly number[];
      readonly signFlip?: number;
      readonly wilcoxon: number;
      readonly exact: boolean;
    };
  };
  readonly intervals: {
    readonly [name: string]: { readonly values: readonly number[]; readonly low: number; readonly high: number };
  };
  readonly normal: { readonly x: readonly number[]; readonly cdf: readonly number[] };
  readonly mcnemar: { readonly more: number; readonly fewer: number; readonly same: number; readonly p: number };
}

const golden = JSON.parse(readFileSync(new URL('../golden/statistics.json', import.meta.url), 'utf8')) as Golden;
const random = () => stream(0, 'test');

describe('by hand', () => {
  test('three differences of one sign: 2 of 8 sign patterns are as extreme', () => {
    expect(signFlipTest([0.1, 0.3, 0.2], random())).toEqual({ p: 0.25, exact: true });
    expect(wilcoxonTest([0.1, 0.3, 0.2])).toEqual({ p: 0.25, exact: true });
  });
  test('1, 2, -3: the sum is 0, so every pattern is as extreme', () => {
    expect(signFlipTest([1, 2, -3], random()).p).toBe(1);
    // Ranks 1 + 2 against 3: all sums of ranks up to 3 on either side.
    expect(wilcoxonTest([1, 2, -3]).p).toBe(1);
  });
  test('1, 2, 4, -3: |sum| 4 or more in 10 of 16 patterns', () => {
    // Sums of signs: 10, 8, 6, 4, 4, 2, 2, 0 and the same below 0: 5 of 8 reach 4.
    expect(signFlipTest([1, 2, 4, -3], random()).p).toBe(10 / 16);
  });
  test('equal sizes are coins: 8 heads of 10 have p = 2 (45 + 10 + 1) / 1024', () => {
    const differences = [...new Array<number>(8).fill(1), -1, -1, 0, 0, 0];
    expect(signFlipTest(differences, random()).p).toBeCloseTo(112 / 1024, 12);
  });
  test('no images, and images that are all equal', () => {
    expect(signFlipTest([], random()).p).toBeNaN();
    expect(wilcoxonTest([]).p).toBeNaN();
    expect(signFlipTest([0, 0], random()).p).toBe(1);
    expect(wilcoxonTest([0, 0]).p).toBe(1);
  });
  test('five images cannot give p below 1/16', () => {
    expect(leastSignFlipP(5)).toBe(1 / 16);
    expect(signFlipTest([1, 2, 3, 4, 5], random()).p).toBe(1 / 16);
  });
  test('Holm: the smallest p times the number of tests, the next times one fewer, never falling', () => {
    expect(holm([0.04, 0.01, 0.03])).toEqual([0.06, 0.03, 0.06]);
    expect(holm([0.5, Number.NaN, 0.9])).toEqual([1, Number.NaN, 1]);
  });
  test('resampled means of two columns are of the same images', () => {
    const [a, b] = bootstrapMeans(
      [
        [1, 2, 3],
        [11, 12, 13],
      ],
      random(),
      { resamples: 50 },
    ) as [Float64Array, Float64Array];
    for (let r = 0; r < 50; r++) expect((b[r] as number) - (a[r] as number)).toBeCloseTo(10, 12);
    expect(new Set(a).size).toBeGreaterThan(3);
  });
  test('equal values have an interval without width', () => {
    const values = [0.7, 0.7, 0.7];
    const [means] = bootstrapMeans([values], random(), { resamples: 20 }) as [Float64Array];
    const { value, low, high } = meanInterval(values, means);
    expect([low, high]).toEqual([value, value]);
    expect(value).toBeCloseTo(0.7, 12);
  });
});

describe('as SciPy', () => {
  test.each(Object.entries(golden.tests))(
    '%s: permutation of signs and Wilcoxon',
    (_, { differences, signFlip, wilcoxon, exact }) => {
      if (signFlip !== undefined)
        expect(signFlipTest(differences, random())).toEqual({ p: expect.closeTo(signFlip, 10), exact: true });
      expect(wilcoxonTest(differences)).toEqual({ p: expect.closeTo(wilcoxon, 9), exact });
    },
  );
  test('McNemar: images that one network knows and the other does not', () => {
    const { more, fewer, same, p } = golden.mcnemar;
    const differences = [
      ...new Array<number>(more).fill(1),
      ...new Array<number>(fewer).fill(-1),
      ...new Array<number>(same).fill(0),
    ];
    expect(signFlipTest(differences, random())).toEqual({ p: expect.closeTo(p, 9), exact: true });
  });
  test.each(Object.entries(golden.intervals))('BCa interval of %s', (_, { values, low, high }) => {
    const [means] = bootstrapMeans([values], random(), { resamples: 200_000 }) as [Float64Array];
    const interval = meanInterval(values, means);
    // Both ends are quantiles of draws: their own scatter is about half a percent of the width.
    const scatter = 0.015 * (high - low);
    expect(Math.abs(interval.low - low)).toBeLessThan(scatter);
    expect(Math.abs(interval.high - high)).toBeLessThan(scatter);
  });
  test('the normal distribution and its inverse', () => {
    golden.normal.x.forEach((x, i) => {
      const cdf = golden.normal.cdf[i] as number;
      expect(Math.abs(normalCdf(x) / cdf - 1)).toBeLessThan(1e-11);
      if (x > -8 && x < 6) expect(normalQuantile(cdf)).toBeCloseTo(x, 8);
    });
    expect([normalQuantile(0), normalQuantile(1)]).toEqual([Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY]);
  });
});

describe('always', () => {
  test('drawn signs come near to the counted ones', () => {
    const draw = stream(3, 'differences');
    const differences = Array.from({ length: 20 }, () => draw.normal() + 0.4);
    const counted = signFlipTest(differences, random());
    // A 21st that hardly counts makes it draw.
    const drawn = signFlipTest([...differences, 1e-12], random(), { draws: 20_000 });
    expect([counted.exact, drawn.exact]).toEqual([true, false]);
    // Standard error sqrt(p / draws) of about 0.002.
    expect(Math.abs(drawn.p - counted.p)).toBeLessThan(0.01);
  });
  test('p is the same for a less b and b less a, and lies in 0..1', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 1, maxLength: 12 }), (d) => {
        const other = d.map((value) => -value);
        for (const test of [(x: number[]) => signFlipTest(x, random()), wilcoxonTest]) {
          const { p } = test(d);
          expect(p).toBeGreaterThan(0);
          expect(p).toBeLessThanOrEqual(1);
          expect(test(other).p).toBeCloseTo(p, 12);
        }
      }),
    );
  });
  test('95 % of intervals hold the true mean, about', () => {
    let held = 0;
    const draw = stream(8, 'population');
    for (let trial = 0; trial < 300; trial++) {
      const values = Array.from({ length: 20 }, () => draw.normal());
      const [means] = bootstrapMeans([values], draw, { resamples: 500 }) as [Float64Array];
      const { low, high } = meanInterval(values, means);
      if (low <= 0 && high >= 0) held++;
    }
    // Of 20 values the bootstrap holds some 93 %; 300 trials scatter by 1.5 %.
    expect(held / 300).toBeGreaterThan(0.88);
    expect(held / 300).toBeLessThan(0.98);
  });
});
