import { expect, test } from 'vitest';
import { crc32c } from '../../src/image/formats/zarr/crc32c.ts';

/** Bit by bit, as the polynomial is defined. */
function byBits(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? 0x82f63b78 ^ (crc >>> 1) : crc >>> 1;
  }
  return (crc ^ 0xffffffff) >>> 0;
}

test('the check values of RFC 3720, B.4', () => {
  expect(crc32c(new TextEncoder().encode('123456789'))).toBe(0xe3069283);
  expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
  expect(crc32c(new Uint8Array(32).fill(0xff))).toBe(0x62a8ab43);
  expect(crc32c(Uint8Array.from({ length: 32 }, (_, i) => i))).toBe(0x46dd794e);
  expect(crc32c(new Uint8Array())).toBe(0);
});

const all = Uint8Array.from({ length: 60 }, (_, i) => (i * i * 7 + 13) & 0xff);

test.each([
  ['Uint8Array', (bytes: Uint8Array) => bytes],
  ['Buffer', (bytes: Uint8Array) => Buffer.from(bytes)],
])('any length, from any place of a %s', (_, made) => {
  const bytes = made(all);
  for (let start = 0; start < 9; start++) {
    for (let end = start; end <= bytes.length; end++) {
      expect(crc32c(bytes.subarray(start, end))).toBe(byBits(bytes.subarray(start, end)));
    }
  }
});
