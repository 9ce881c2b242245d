/** Zstandard in Node: on threads of Node's own where it has it, else on ours. */
import { describe, expect, test } from 'vitest';
import { concatenate } from '../../src/array/bytes.ts';
import type { Zstd } from '../../src/files.ts';
import { unpackZstd } from '../../src/image/formats/tiff/zstd.ts';
import { crc32c } from '../../src/image/formats/zarr/crc32c.ts';
import { nodeZstd } from '../../src/platform/node/zlib.ts';
import { zstdThreads } from '../../src/platform/node/zstd-threads.ts';

const waves = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => 120 + 100 * Math.sin(i / 50));

/** Byte by byte, which takes seconds by `toEqual`. */
const equal = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

const WAYS: Readonly<Record<string, Zstd>> = {
  'of the platform': nodeZstd,
  'compiled, on this thread': zstdThreads({ threads: 0 }),
  'compiled, on two threads': zstdThreads({ threads: 2, startBytes: 0 }),
};

describe.each(Object.entries(WAYS))('Zstandard %s', (_, zstd) => {
  test.each([0, 1, 7, 4096, 300_000])('gives %i bytes back, and leaves what it was given', async (length) => {
    const bytes = waves(length);
    const packed = await zstd.pack(bytes);
    expect(equal(bytes, waves(length))).toBe(true);
    expect(equal(unpackZstd(packed, length), bytes)).toBe(true);
    const kept = packed.slice();
    expect(equal(await zstd.unpack(packed, length), bytes)).toBe(true);
    expect(equal(packed, kept)).toBe(true);
    // Room for more is not filled.
    expect((await zstd.unpack(packed, length + 100)).length).toBe(length);
    // Of which the compiled one does not take that much.
    expect(equal(await zstd.unpack(packed, 2 ** 28 + 1), bytes)).toBe(true);
  });

  test('compares a checksum, takes memory and gives results in what was given back', async () => {
    for (let round = 0; round < 3; round++) {
      const own = Array.from({ length: 6 }, (_, i) => waves(50_000 + 100 * i + round));
      const packed = await Promise.all(own.map((part) => zstd.pack(part)));
      const checked = packed.map((part) => concatenate([part, new Uint8Array(Uint32Array.of(crc32c(part)).buffer)]));
      const damaged = checked[0].slice();
      damaged[20] ^= 1;
      const options = { checked: true, taken: true };
      const results = await Promise.all(checked.map((part, i) => zstd.unpack(part, own[i].length + 64, options)));
      await expect(zstd.unpack(damaged, 60_000, options)).rejects.toThrow('the checksum is wrong');
      results.forEach((result, i) => {
        expect(equal(result, own[i])).toBe(true);
        zstd.release?.(result);
      });
      // Of another size than what was given back.
      expect(equal(await zstd.unpack(packed[0], 200_000), own[0])).toBe(true);
    }
  });

  test('answers each of many questions at once with its own answer', async () => {
    const parts = Array.from({ length: 40 }, (_, i) => waves(1000 + 997 * i));
    const packed = await Promise.all(parts.map((part) => zstd.pack(part)));
    const back = await Promise.all(packed.map((part, i) => zstd.unpack(part, parts[i].length)));
    back.forEach((part, i) => {
      expect(equal(part, parts[i])).toBe(true);
    });
  });

  test('refuses what is damaged, cut off, or more than expected', async () => {
    const packed = await zstd.pack(waves(300_000));
    await expect(zstd.unpack(packed.subarray(0, packed.length / 2), 300_000)).rejects.toThrow();
    await expect(zstd.unpack(packed, 299_999)).rejects.toThrow();
    await expect(zstd.unpack(Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8), 300_000)).rejects.toThrow();
    // And goes on.
    expect(equal(await zstd.unpack(packed, 300_000), waves(300_000))).toBe(true);
  });
});
