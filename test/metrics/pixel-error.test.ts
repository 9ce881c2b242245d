import { expect, it } from 'vitest';
import { ndarray } from '../../src/array/ndarray.ts';
import { stream } from '../../src/array/random.ts';
import { pixelCounts } from '../../src/metrics/pixel-error.ts';

it('counts a mask of four pixels', () => {
  const truth = ndarray('uint8', [1, 4], Uint8Array.of(1, 255, 0, 0));
  const prediction = ndarray('uint8', [1, 4], Uint8Array.of(128, 0, 7, 0));
  expect(pixelCounts(truth, prediction)).toEqual({
    truePositives: 1,
    falsePositives: 1,
    falseNegatives: 1,
    trueNegatives: 1,
  });
});

// 2044 pixels are one word more than two full sums of lanes; 1022 is no whole number of words.
for (const count of [0, 4, 1022, 1020, 2044, 65536]) {
  for (const share of [0.5, 0, 1]) {
    it(`counts words of bytes as single pixels: ${count} pixels, ${share} of them inside`, () => {
      const random = stream(1, 'pixels', count);
      const mask = () =>
        Uint8Array.from({ length: count }, () => (random.uniform() < share ? 1 + random.integer(255) : 0));
      const [a, b] = [mask(), mask()];
      const words = pixelCounts(ndarray('uint8', [count], a), ndarray('uint8', [count], b));
      const pixels = pixelCounts(
        ndarray('int32', [count], Int32Array.from(a)),
        ndarray('int32', [count], Int32Array.from(b)),
      );
      expect(words).toEqual(pixels);
    });
  }
}
