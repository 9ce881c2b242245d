import fc from 'fast-check';
import { expect, test } from 'vitest';
import { float16ToNumber, numberToFloat16 } from '../../src/array/float16.ts';
import { halve } from '../../src/image/halve.ts';

const YX = [true, true];

test('a pixel is the mean of 2 x 2, rounded half up; at an odd end of those that are there', () => {
  const rows = [
    [0, 1, 255, 255, 8],
    [0, 1, 255, 254, 9],
    [3, 4, 10, 10, 7],
  ];
  // 0.5 -> 1; 254.75 -> 255; 8.5 -> 9; 3.5 -> 4; 10; 7
  expect([...halve(Uint8Array.from(rows.flat()), 'uint8', [3, 5], YX, 'mean')]).toEqual([1, 255, 9, 4, 10, 7]);
  expect([...halve(Uint8Array.from(rows.flat()), 'uint8', [3, 5], YX, 'first')]).toEqual([0, 255, 8, 3, 10, 7]);
});

test('negative values are rounded half up, in every dtype', () => {
  const values = [-3, -2, -2, -3];
  expect([...halve(Int16Array.from(values), 'int16', [2, 2], YX, 'mean')]).toEqual([-2]);
  expect([...halve(BigInt64Array.from(values.map(BigInt)), 'int64', [2, 2], YX, 'mean')]).toEqual([-2n]);
  expect([...halve(Float32Array.from(values), 'float32', [2, 2], YX, 'mean')]).toEqual([-2.5]);
  const halves = Uint16Array.from(values, numberToFloat16);
  expect([...halve(halves, 'float16', [2, 2], YX, 'mean')].map(float16ToNumber)).toEqual([-2.5]);
});

test('the greatest integers do not overflow', () => {
  const most = 2 ** 32 - 1;
  expect([...halve(Uint32Array.of(most, most, most, most - 2), 'uint32', [2, 2], YX, 'mean')]).toEqual([most]);
  const large = 2n ** 64n - 1n;
  expect([...halve(BigUint64Array.of(large, large, large, large), 'uint64', [2, 2], YX, 'mean')]).toEqual([large]);
});

test('slices are averaged in pairs where z is halved, and each by itself where not', () => {
  const volume = Uint8Array.from([1, 1, 1, 1, 3, 3, 3, 3, 9, 9, 9, 9]);
  expect([...halve(volume, 'uint8', [3, 2, 2], [true, true, true], 'mean')]).toEqual([2, 9]);
  expect([...halve(volume, 'uint8', [3, 2, 2], [false, true, true], 'mean')]).toEqual([1, 3, 9]);
});

test('integers of 64 bits have the means of others', () => {
  const size = fc.integer({ min: 1, max: 7 });
  fc.assert(
    fc.property(size, size, size, fc.infiniteStream(fc.integer({ min: -1000, max: 1000 })), (z, y, x, stream) => {
      const values = Int32Array.from({ length: z * y * x }, () => stream.next().value as number);
      const halved = [true, true, true];
      const plain = halve(values, 'int32', [z, y, x], halved, 'mean');
      const big = halve(BigInt64Array.from(values, BigInt), 'int64', [z, y, x], halved, 'mean');
      expect([...big].map(Number)).toEqual([...plain]);
    }),
  );
});

test('every half-precision number has its own bits, and others the nearest', () => {
  for (let bits = 0; bits < 2 ** 16; bits++) {
    const value = float16ToNumber(bits);
    if (!Number.isNaN(value)) expect(numberToFloat16(value)).toBe(bits);
  }
  expect(numberToFloat16(Number.NaN)).toBe(0x7e00);
  // Halfway between neighbours: to the even one.
  expect(float16ToNumber(numberToFloat16(2049))).toBe(2048);
  expect(float16ToNumber(numberToFloat16(2051))).toBe(2052);
  expect(float16ToNumber(numberToFloat16(65_519))).toBe(65_504);
  expect(float16ToNumber(numberToFloat16(65_520))).toBe(Number.POSITIVE_INFINITY);
  expect(float16ToNumber(numberToFloat16(2 ** -25))).toBe(0);
  expect(float16ToNumber(numberToFloat16(1.5 * 2 ** -24))).toBe(2 ** -23);
});
