import { expect, test } from 'vitest';
import { decodeRecord, encodeRecord } from '../../src/array/record.ts';

const record = {
  name: 'block 3, µm',
  shape: [3, 4],
  none: new Float64Array(),
  values: Float64Array.of(0.1, Number.NaN, Number.NEGATIVE_INFINITY, -0, 2 ** 53),
  faces: [[Int32Array.of(-1, 0, 0x7fffffff), Int32Array.of(5)]],
  // A part of a longer list, from an odd byte on.
  part: Uint8Array.of(1, 2, 3, 4).subarray(1, 3),
  nested: { labels: Uint32Array.of(4_000_000_000), isSeen: Uint8Array.of(1), more: [null, true] },
};

test('what is decoded is what was encoded, bit by bit, wherever the bytes lie', () => {
  const bytes = encodeRecord(record);
  expect(bytes.length % 8).toBe(0);
  const within = new Uint8Array(bytes.length + 3);
  within.set(bytes, 3);
  expect(decodeRecord(within.subarray(3))).toEqual(record);
  const { values } = decodeRecord(bytes) as typeof record;
  expect(Object.is(values[3], -0)).toBe(true);
  expect(encodeRecord(record)).toEqual(bytes);
});

test('bytes that are cut off, changed or none are not taken for a record', () => {
  const bytes = encodeRecord(record);
  for (let length = 0; length < bytes.length; length++) expect(decodeRecord(bytes.subarray(0, length))).toBeUndefined();
  for (let at = 0; at < bytes.length; at++) {
    const changed = bytes.slice();
    changed[at] = (changed[at] as number) ^ 4;
    expect(decodeRecord(changed), `byte ${at}`).toBeUndefined();
  }
});
