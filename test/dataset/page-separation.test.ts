import { expect, it } from 'vitest';
import { borderWeights } from '../../src/dataset/weights/page-separation.ts';
import { separationTerm } from '../../src/dataset/weights/separation-weight.ts';

// Two pieces of class 1 with a gap of two columns between them.
const [height, width] = [3, 6];
const label = Uint8Array.from([1, 1, 0, 0, 1, 1, 1, 1, 0, 0, 1, 1, 1, 1, 0, 0, 1, 1]);
const pieces = Int32Array.from(label, (value, p) => (value === 0 ? 0 : p % width < 3 ? 1 : 2));
const pageWith = (own: { readonly numbers?: Int32Array; readonly typicalSize?: number }) => ({
  height,
  width,
  label,
  separation: {
    w0: 10,
    sigmaPx: 5,
    objectClass: 1,
    typicalSize: 0,
    term: new Float32Array(new SharedArrayBuffer(4 * label.length)),
    filled: new Int32Array(new SharedArrayBuffer(4)),
    ...own,
  },
});
const expected = separationTerm(pieces, [height, width], { w0: 10, sigmaPx: 5 });

it('lies between the pieces of a class, or between numbered objects', () => {
  expect(Math.max(...expected)).toBeGreaterThan(5);
  expect(borderWeights(pageWith({}))).toEqual(expected);
  expect(borderWeights(pageWith({ numbers: pieces }))).toEqual(expected);
  // One object in two pieces has nothing to be kept apart from.
  expect(borderWeights(pageWith({ numbers: pieces.map((piece) => (piece === 0 ? 0 : 7)) }))).toEqual(
    new Float32Array(label.length),
  );
});

it('weighs objects below the typical size more', () => {
  const weights = borderWeights(pageWith({ numbers: pieces, typicalSize: 24 })) as Float32Array;
  // 6 pixels where 24 are typical: twice the weight, one more than 1.
  expect(weights[0]).toBeCloseTo(1, 6);
  expect(weights[2]).toBe(expected[2]);
});

it('is made once, in memory that is shared, and not for a page without', () => {
  const page = pageWith({});
  const first = borderWeights(page);
  expect(first).toBe(page.separation.term);
  page.separation.term[2] = 42;
  // Another thread's copy of the page has the same memory.
  expect(borderWeights(structuredClone(page))?.[2]).toBe(42);
  expect(borderWeights({ height, width, label })).toBeUndefined();
});
