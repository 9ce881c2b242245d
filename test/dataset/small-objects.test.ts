import { describe, expect, it } from 'vitest';
import { addSmallObjects, medianObjectSize } from '../../src/dataset/weights/small-objects.ts';

describe('weights of small objects', () => {
  // Object 7 has four pixels, 3 has one, 5 has two.
  const objects = Int32Array.of(7, 7, 7, 7, 0, 3, 5, 5);

  it('takes the median size over all maps', () => {
    expect(medianObjectSize([objects])).toBe(2);
    expect(medianObjectSize([objects, Int32Array.of(1, 1, 1, 1, 1), Int32Array.of(2, 2, 2, 2)])).toBe(4);
    expect(medianObjectSize([new Int32Array(3)])).toBe(0);
  });
  it('grows with the root of what is missing, up to four times, and leaves the rest', () => {
    const term = new Float32Array(8).fill(0.5);
    addSmallObjects(term, objects, 4);
    expect([...term]).toEqual([0.5, 0.5, 0.5, 0.5, 0.5, 1.5, ...Array(2).fill(Math.fround(0.5 + Math.SQRT2 - 1))]);
    const tiny = new Float32Array(8);
    addSmallObjects(tiny, objects, 100);
    expect([...tiny]).toEqual([3, 3, 3, 3, 0, 3, 3, 3]);
  });
});
