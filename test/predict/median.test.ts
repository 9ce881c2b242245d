import fc from 'fast-check';
import { expect, it } from 'vitest';
import { mirrorIndex } from '../../src/array/gaussian.ts';
import { float32 } from '../../src/array/ndarray.ts';
import { medianFilter, smoothed } from '../../src/predict/median.ts';

it('a lone pixel vanishes, an edge stays', () => {
  const lone = new Float32Array(49);
  lone[24] = 1;
  expect(Array.from(medianFilter(lone, [7, 7], 1))).toEqual(Array.from({ length: 49 }, () => 0));
  const edge = Float32Array.from({ length: 49 }, (_, p) => (p % 7 < 3 ? 0.2 : 0.9));
  expect(medianFilter(edge, [7, 7], 2)).toEqual(edge);
});

it('is the median of the 13 pixels nearer than 2, mirrored at the borders', () => {
  const size = fc.tuple(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 6 }));
  fc.assert(
    fc.property(size, fc.array(fc.float({ noNaN: true }), { minLength: 36, maxLength: 36 }), ([h, w], values) => {
      const plane = Float32Array.from(values.slice(0, h * w));
      const out = medianFilter(plane, [h, w], 2);
      for (let y = 0; y < h; y++) {
        for (let x = 0; x < w; x++) {
          const seen: number[] = [];
          for (let dy = -2; dy <= 2; dy++) {
            for (let dx = -2; dx <= 2; dx++) {
              if (Math.hypot(dy, dx) <= 2)
                seen.push(plane[mirrorIndex(y + dy, h) * w + mirrorIndex(x + dx, w)] as number);
            }
          }
          expect(seen).toHaveLength(13);
          expect(out[y * w + x]).toBe(seen.sort((a, b) => a - b)[6]);
        }
      }
    }),
  );
});

it('of two classes the first is the rest, of three they sum to one', () => {
  const prediction = (classes: number) => {
    const image = float32(
      [classes, 3, 3],
      Array.from({ length: classes * 9 }, (_, i) => ((i * 7) % 11) / 11),
    );
    return { ...image, axes: 'cyx', spacing: {} };
  };
  const two = smoothed(prediction(2), 1);
  for (let p = 0; p < 9; p++) expect((two.data[p] as number) + (two.data[9 + p] as number)).toBeCloseTo(1, 6);
  const three = smoothed(prediction(3), 1);
  for (let p = 0; p < 9; p++) {
    expect([0, 9, 18].reduce((sum, c) => sum + (three.data[c + p] as number), 0)).toBeCloseTo(1, 6);
  }
  expect(smoothed(prediction(2), 0).data[10]).toBe(prediction(2).data[10]);
});
