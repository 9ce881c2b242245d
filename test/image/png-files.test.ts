import { zlibSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { type Chunk, writeChunks } from '../../src/image/formats/png/chunks.ts';
import { readImage } from '../../src/image/read.ts';

const ADAM7 = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
] as const;
const CHANNELS: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };

interface Picture {
  readonly width: number;
  readonly height: number;
  readonly depth: number;
  readonly colourType: number;
  readonly interlaced?: boolean;
  readonly extra?: readonly Chunk[];
}

/** A PNG whose sample at (y, x, c) is `value(y, x, c)`, written bit by bit as the specification says, without filters. */
function picture(
  { width, height, depth, colourType, interlaced = false, extra = [] }: Picture,
  value: (y: number, x: number, c: number) => number,
) {
  const channels = CHANNELS[colourType] as number;
  const rows: number[] = [];
  for (const [x0, y0, dx, dy] of interlaced ? ADAM7 : [[0, 0, 1, 1] as const]) {
    if (x0 >= width) continue;
    for (let y = y0; y < height; y += dy) {
      let bits = '';
      for (let x = x0; x < width; x += dx) {
        for (let c = 0; c < channels; c++) bits += value(y, x, c).toString(2).padStart(depth, '0');
      }
      rows.push(0, ...(bits.match(/.{1,8}/g) ?? []).map((byte) => Number.parseInt(byte.padEnd(8, '0'), 2)));
    }
  }
  const ihdr = new DataView(new ArrayBuffer(13));
  ihdr.setUint32(0, width);
  ihdr.setUint32(4, height);
  ihdr.setUint8(8, depth);
  ihdr.setUint8(9, colourType);
  ihdr.setUint8(12, interlaced ? 1 : 0);
  const data = zlibSync(Uint8Array.from(rows));
  return writeChunks([
    { type: 'IHDR', data: new Uint8Array(ihdr.buffer) },
    ...extra,
    // Two pieces: a stream may be cut anywhere.
    { type: 'IDAT', data: data.subarray(0, 5) },
    { type: 'IDAT', data: data.subarray(5) },
    { type: 'IEND', data: new Uint8Array(0) },
  ]);
}

describe('PNG', () => {
  const kinds = [
    [0, 1],
    [0, 2],
    [0, 4],
    [0, 8],
    [0, 16],
    [2, 8],
    [2, 16],
    [4, 8],
    [4, 16],
    [6, 8],
    [6, 16],
  ] as const;
  for (const [colourType, depth] of kinds) {
    for (const interlaced of [false, true]) {
      it(`colour type ${colourType}, ${depth} bits${interlaced ? ', interlaced' : ''}`, async () => {
        // 11 x 9 has partial bytes in rows and every pass; 1 x 1 has one pass only.
        for (const [width, height] of [
          [11, 9],
          [1, 1],
          [3, 2],
        ] as const) {
          const value = (y: number, x: number, c: number) => (y * 12345 + x * 678 + c * 91 + 1) % 2 ** depth;
          const image = await readImage(picture({ width, height, depth, colourType, interlaced }, value), 'a.png');
          const channels = CHANNELS[colourType] as number;
          expect(image.axes).toBe(channels === 1 ? 'yx' : 'cyx');
          expect(image.shape).toEqual(channels === 1 ? [height, width] : [channels, height, width]);
          expect(image.dtype).toBe(depth === 16 ? 'uint16' : 'uint8');
          expect(image.bitDepth).toBe(depth < 8 ? depth : undefined);
          const expected: number[] = [];
          for (let c = 0; c < channels; c++) {
            for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) expected.push(value(y, x, c));
          }
          expect([...image.data]).toEqual(expected);
        }
      });
    }
  }

  const PLTE = { type: 'PLTE', data: Uint8Array.of(0, 0, 0, 255, 0, 0, 0, 255, 0) };
  for (const depth of [2, 4, 8]) {
    it(`palette of ${depth} bits, as colours and as indices`, async () => {
      const bytes = picture({ width: 3, height: 1, depth, colourType: 3, extra: [PLTE] }, (_, x) => 2 - x);
      const colours = await readImage(bytes, 'a.png');
      expect(colours).toMatchObject({
        axes: 'cyx',
        shape: [3, 1, 3],
        dtype: 'uint8',
        channels: ['red', 'green', 'blue'],
      });
      expect([...colours.data]).toEqual([0, 255, 0, 255, 0, 0, 0, 0, 0]);
      const indices = await readImage(bytes, 'a.png', { palette: 'index' });
      expect(indices).toMatchObject({
        axes: 'yx',
        palette: [
          [0, 0, 0],
          [255, 0, 0],
          [0, 255, 0],
        ],
      });
      expect([...indices.data]).toEqual([2, 1, 0]);
    });
  }

  it('refuses an index without a colour', async () => {
    const bytes = picture({ width: 2, height: 1, depth: 8, colourType: 3, extra: [PLTE] }, () => 3);
    await expect(readImage(bytes, 'a.png')).rejects.toThrow(/a.png: a pixel has colour 3, but the palette has 3/);
  });

  it('takes the pixel size from pHYs in metres, but not a density of print', async () => {
    const phys = (perMetre: number, unit: number): Chunk => {
      const data = new DataView(new ArrayBuffer(9));
      data.setUint32(0, perMetre);
      data.setUint32(4, 2 * perMetre);
      data.setUint8(8, unit);
      return { type: 'pHYs', data: new Uint8Array(data.buffer) };
    };
    const spacing = async (chunk: Chunk) =>
      (
        await readImage(
          picture({ width: 1, height: 1, depth: 8, colourType: 0, extra: [chunk] }, () => 0),
          'a.png',
        )
      ).spacing;
    expect(await spacing(phys(4_000_000, 1))).toEqual({
      x: { value: 0.25, unit: 'µm' },
      y: { value: 0.125, unit: 'µm' },
    });
    expect(await spacing(phys(4_000_000, 0))).toEqual({});
    expect(await spacing(phys(2835, 1))).toEqual({}); // 72 an inch
  });

  it('refuses a bit depth that the colour type cannot have', async () => {
    const bytes = picture({ width: 1, height: 1, depth: 4, colourType: 2 }, () => 0);
    await expect(readImage(bytes, 'a.png')).rejects.toThrow(/colour type 2 with 4 bits/);
  });
});
