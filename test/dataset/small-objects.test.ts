import { describe, expect, it } from 'vitest';
import { IGNORE } from '../../src/dataset/labels/labels.ts';
import { addSmallObjects, cutOffObjects, medianObjectSize } from '../../src/dataset/weights/small-objects.ts';

describe('weights of small objects', () => {
  // Object 7 has four pixels, 3 has one, 5 has two.
  const objects = Int32Array.of(7, 7, 7, 7, 0, 3, 5, 5);
  const page = (own: Int32Array, label = new Uint8Array(own.length)) => ({ objects: own, label, width: own.length });

  it('takes the median size over all maps', () => {
    expect(medianObjectSize([page(objects)])).toBe(2);
    const others = [Int32Array.of(1, 1, 1, 1, 1), Int32Array.of(2, 2, 2, 2)].map((own) => page(own));
    expect(medianObjectSize([page(objects), ...others])).toBe(4);
    // 1, 2, 4 and 5 pixels: numpy.median gives the mean of the middle two.
    expect(medianObjectSize([page(objects), page(Int32Array.of(1, 1, 1, 1, 1))])).toBe(3);
    expect(medianObjectSize([page(new Int32Array(3))])).toBe(0);
  });
  it('knows no size of an object that lies in or touches what is ignored', () => {
    const [i, numbers] = [IGNORE, Int32Array.of(9, 9, 1, 4, 0, 1, 2, 2, 0)];
    // 3 x 3: the corner below on the left is ignored; 9 does not touch it, 1 does at a corner, 2 is in it.
    const three = { objects: numbers, label: Uint8Array.of(0, 0, 0, 0, 0, 0, i, 1, 1), width: 3 };
    expect(cutOffObjects(three)).toEqual(new Set([2, 4]));
    expect(cutOffObjects({ ...three, label: Uint8Array.of(0, 0, 0, 0, i, 0, 0, 0, 0) })).toEqual(new Set([9, 1, 4, 2]));
    expect(medianObjectSize([{ ...three, objects: Int32Array.of(9, 9, 9, 2, 2, 5, 2, 2, 5) }])).toBe(2.5);
    const term = new Float32Array(9);
    addSmallObjects(term, three, 8);
    expect([...term]).toEqual([1, 1, 1, 0, 0, 1, 0, 0, 0]);
  });
  it('grows with the root of what is missing, up to four times, and leaves the rest', () => {
    const term = new Float32Array(8).fill(0.5);
    addSmallObjects(term, page(objects), 4);
    expect([...term]).toEqual([0.5, 0.5, 0.5, 0.5, 0.5, 1.5, ...Array(2).fill(Math.fround(0.5 + Math.SQRT2 - 1))]);
    const tiny = new Float32Array(8);
    addSmallObjects(tiny, page(objects), 100);
    expect([...tiny]).toEqual([3, 3, 3, 3, 0, 3, 3, 3]);
  });
});
