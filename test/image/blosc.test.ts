/** Blosc in JavaScript against the compiled codec, over its compressors, filters, lengths and kinds of data. */

import { describe, expect, it } from 'vitest';
import { registry } from 'zarrita';
import { unpackBlosc } from '../../src/image/formats/zarr/blosc.ts';

const Blosc = await registry.get('blosc')?.();
const codec = (cname: string, shuffle: number) =>
  Blosc?.fromConfig({ cname, clevel: 5, shuffle, blocksize: 0 }, {} as never) as unknown as {
    encode(bytes: Uint8Array): Promise<Uint8Array>;
  };
const DATA = {
  'a ramp': (i: number) => (i >> 6) & 255,
  'a pattern': (i: number) => ((i * 7919) >> 3) % 251,
  'few values': (i: number) => (Math.imul(i, 0x9e3779b1) >>> 28) & 3,
};

describe.each(['lz4', 'lz4hc', 'blosclz', 'zlib', 'zstd'])('%s', (cname) => {
  it.each([0, 1, 2])('is unpacked, with the filter %i', async (shuffle) => {
    for (const length of [100, 1000, 65_536, 300_000]) {
      for (const [name, value] of Object.entries(DATA)) {
        const bytes = Uint8Array.from({ length }, (_, i) => value(i));
        const packed = await codec(cname, shuffle).encode(bytes);
        expect(Buffer.compare(unpackBlosc(packed, length), bytes), `${name}, ${length} bytes`).toBe(0);
      }
    }
  });
});

it('what is changed never ends in anything but an error or as many bytes', async () => {
  const bytes = Uint8Array.from({ length: 5000 }, (_, i) => DATA['a pattern'](i));
  for (const cname of ['lz4', 'blosclz']) {
    const packed = await codec(cname, 1).encode(bytes);
    for (let at = 0; at < packed.length; at++) {
      const changed = packed.slice();
      changed[at] = (changed[at] as number) ^ 0x55;
      let length: number | undefined;
      try {
        length = unpackBlosc(changed, 5000).length;
      } catch (cause) {
        expect(cause).toBeInstanceOf(Error);
      }
      expect(length ?? 0, `byte ${at}`).toBeLessThanOrEqual(5000);
    }
  }
});
