import { expect, it } from 'vitest';
import { ndarray } from '../../src/array/ndarray.ts';
import { splitAtNecks } from '../../src/objects/split-at-necks.ts';

/** A map of digits, a row each. */
const map = (rows: readonly string[]) =>
  ndarray('int32', [rows.length, rows[0]?.length ?? 0], Int32Array.from(rows.join(''), Number));

/** Two discs that touch, and an object without a neck beside them, the wrong way round. */
const TOUCHING = map([
  '00000000000000000',
  '00222000002220010',
  '02222200022222010',
  '02222222222222011',
  '02222200022222010',
  '00222000002220010',
  '00000000000000000',
]);
const PARTS = map([
  '00000000000000000',
  '00222000003330010',
  '02222200033333010',
  '02222222333333011',
  '02222200033333010',
  '00222000003330010',
  '00000000000000000',
]);

it('an object is split at its neck, and the new part has a number after all others', () => {
  expect(splitAtNecks(TOUCHING)).toEqual({ labels: PARTS, count: 3, split: 1 });
});

it('what is split already stays as it is, although the parts touch', () => {
  expect(splitAtNecks(PARTS)).toEqual({ labels: PARTS, count: 3, split: 0 });
});

it('no part is smaller than the smallest object', () => {
  expect(splitAtNecks(TOUCHING, { minSize: 22 }).split).toBe(1);
  expect(splitAtNecks(TOUCHING, { minSize: 23 })).toMatchObject({ labels: TOUCHING, count: 2, split: 0 });
});

it('the border of the image is no outline: half a disc is not split', () => {
  const half = map(['0111110', '0111110', '0011100', '0000000']);
  expect(splitAtNecks(half)).toEqual({ labels: half, count: 1, split: 0 });
});

it('volumes, and maps without objects', () => {
  const { data, shape } = TOUCHING;
  const slices = 5;
  const volume = ndarray(
    'int32',
    [slices, ...shape],
    Int32Array.from({ length: slices * data.length }, (_, p) => data[p % data.length] ?? 0),
  );
  const { labels, count, split } = splitAtNecks(volume);
  expect([count, split]).toEqual([3, 1]);
  expect(labels.data.subarray(2 * data.length, 3 * data.length)).toEqual(PARTS.data);
  expect(splitAtNecks(ndarray('uint8', [2, 2], new Uint8Array(4)))).toMatchObject({ count: 0, split: 0 });
});
