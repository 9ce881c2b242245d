import { expect, test } from 'vitest';
import { crc32, joinedCrc32 } from '../../src/array/crc32.ts';

const bytes = new TextEncoder().encode('123456789');

test('the checksum of ISO 3309', () => {
  expect(crc32(bytes)).toBe(0xcbf43926);
  expect(crc32(new Uint8Array())).toBe(0);
});

test('of parts, one after the other or joined, it is that of the whole', () => {
  const many = Uint8Array.from({ length: 1000 }, (_, i) => (i * 37) % 251);
  for (const cut of [0, 1, 3, 4, 500, 1000]) {
    const [first, second] = [many.subarray(0, cut), many.subarray(cut)];
    expect(crc32(second, crc32(first))).toBe(crc32(many));
    expect(joinedCrc32(crc32(first), crc32(second), second.length)).toBe(crc32(many));
  }
});
