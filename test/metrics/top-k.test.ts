import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { float32 } from '../../src/array/ndarray.ts';
import { topKAccuracy } from '../../src/metrics/top-k.ts';

const probabilities = float32([3, 4], [0.1, 0.6, 0.2, 0.1, 0.4, 0.3, 0.2, 0.1, 0.25, 0.25, 0.25, 0.25]);

describe('by hand', () => {
  test.each([
    [1, [1, 1, 0], 1 / 3],
    [2, [1, 1, 0], 2 / 3],
    // Equal probabilities count against the network until all classes are named.
    [3, [1, 1, 0], 2 / 3],
    [4, [1, 1, 0], 1],
    [1, [2, 0, 3], 1 / 3],
  ])('top-%i of %j is %f', (k, labels, expected) => {
    expect(topKAccuracy(probabilities, labels, k)).toBeCloseTo(expected, 12);
  });

  test('no images: NaN; NaN probabilities: wrong', () => {
    expect(topKAccuracy(float32([0, 3]), [], 1)).toBeNaN();
    expect(topKAccuracy(float32([1, 2], [Number.NaN, Number.NaN]), [0], 1)).toBe(0);
  });
});

test('grows with k to 1, and does not depend on the order of the classes', () => {
  fc.assert(
    fc.property(
      fc.array(fc.array(fc.nat(1000), { minLength: 5, maxLength: 5 }), { minLength: 1, maxLength: 8 }),
      (rows) => {
        const labels = rows.map((_, i) => i % 5);
        const at = (k: number) => topKAccuracy(float32([rows.length, 5], rows.flat()), labels, k);
        const accuracies = [1, 2, 3, 4, 5].map(at);
        expect(accuracies).toEqual(accuracies.toSorted((a, b) => a - b));
        expect(accuracies[4]).toBe(1);
        const reversed = float32(
          [rows.length, 5],
          rows.flatMap((row) => row.toReversed()),
        );
        expect(
          topKAccuracy(
            reversed,
            labels.map((label) => 4 - label),
            2,
          ),
        ).toBe(accuracies[1]);
      },
    ),
  );
});
