import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { zlibSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { writeChunks } from '../../src/image/formats/png/chunks.ts';
import { writePng } from '../../src/image/formats/png/write.ts';
import { writeTiff } from '../../src/image/formats/tiff/write.ts';
import type { Image } from '../../src/image/image.ts';
import { readImage } from '../../src/image/read.ts';
import { expectChangesRefused, expectCutsRefused, refusalOf } from '../support/damage.ts';
import { dataFolder, describeWithData } from '../support/data.ts';

const IMAGE: Image = {
  dtype: 'uint8',
  axes: 'yx',
  shape: [40, 30],
  data: Uint8Array.from({ length: 1200 }, (_, i) => (i * 7) & 255),
  spacing: {},
  channels: ['grey'],
};

const errorOf = (bytes: Uint8Array, name = 'cells.tif', options = {}) => refusalOf(bytes, name, options);

/** A TIFF of one page: tags of type LONG with one value each, and nothing else. */
function tiff(tags: Readonly<Record<number, number>>, length = 0): Uint8Array {
  const entries = Object.entries(tags);
  const out = new DataView(new ArrayBuffer(Math.max(length, 8 + 2 + 12 * entries.length + 4)));
  out.setUint32(0, 0x49492a00);
  out.setUint32(4, 8, true);
  out.setUint16(8, entries.length, true);
  for (const [i, [tag, value]] of entries.entries()) {
    out.setUint16(10 + 12 * i, Number(tag), true);
    out.setUint16(12 + 12 * i, 4, true);
    out.setUint32(14 + 12 * i, 1, true);
    out.setUint32(18 + 12 * i, value, true);
  }
  return new Uint8Array(out.buffer);
}

function png(width: number, height: number, idat: Uint8Array): Uint8Array {
  const ihdr = new DataView(new ArrayBuffer(13));
  ihdr.setUint32(0, width);
  ihdr.setUint32(4, height);
  ihdr.setUint8(8, 8);
  return writeChunks([
    { type: 'IHDR', data: new Uint8Array(ihdr.buffer) },
    { type: 'IDAT', data: idat },
    { type: 'IEND', data: new Uint8Array(0) },
  ]);
}

describe('files that are not images', () => {
  it('names an empty file', async () => {
    expect((await errorOf(new Uint8Array(0), 'a.png')).message).toBe(
      'a.png: the file is empty (0 bytes). Copy or save it again.',
    );
  });

  it('names text, and formats that it knows and does not read', async () => {
    const text = new TextEncoder().encode('x,y\n1,2\n');
    expect((await errorOf(text, 'a.tif')).message).toMatch(
      /^a\.tif: this is a text file, not an image\. Export the image itself, as PNG or TIFF/,
    );
    const letters = new TextEncoder().encode(`µm ${'ä'.repeat(2000)}`);
    expect((await errorOf(letters, 'a.tif')).message).toMatch(/a text file/);
    expect((await errorOf(Uint8Array.of(120, 0, 120, 10), 'a.tif')).message).toMatch(/this is not an image/);
    expect((await errorOf(Uint8Array.of(0xff, 0xd8, 0xff, 0xf7))).message).toMatch(
      /this is a JPEG-LS picture, which is not supported/,
    );
    expect((await errorOf(Uint8Array.of(7))).message).toMatch(/not an image/);
  });

  it('reads a mislabelled file by its content and says so', async () => {
    const image = await readImage(writePng(IMAGE), 'cells.tif');
    expect(image.data).toEqual(IMAGE.data);
    expect(image.notes).toEqual(['The file extension suggests TIFF, but the content is PNG.']);
  });
});

describe('truncated files', () => {
  for (const [kind, bytes] of [
    ['PNG', writePng(IMAGE)],
    ['TIFF', writeTiff(IMAGE)],
  ] as const) {
    it(`${kind} cut anywhere is refused`, async () => {
      // The last four bytes of our TIFF say that there is no further page, and may be missing.
      for (let length = 0; length < bytes.length - (kind === 'TIFF' ? 4 : 0); length++) {
        const error = await errorOf(bytes.slice(0, length), 'cut');
        expect(error.file).toBe('cut');
        expect(error.remedy).toBeDefined();
      }
    });
  }

  it('says where a TIFF ends', async () => {
    const bytes = writeTiff(IMAGE, { compression: 'none' });
    // Directory at the end: its offset points behind the file.
    expect((await errorOf(bytes.slice(0, 600))).message).toMatch(/ends at byte 600, but its directory points to byte/);
    const strip = tiff({ 256: 10, 257: 10, 258: 8, 273: 8, 278: 10, 279: 1000 });
    expect((await errorOf(strip)).message).toMatch(/its image extends to byte 1008: it is truncated/);
  });

  it('notices PNG data that is too short under a right checksum', async () => {
    expect((await errorOf(png(4, 4, zlibSync(new Uint8Array(19))))).message).toMatch(/ends after 19 of 20 bytes/);
  });

  it('notices a changed byte in a PNG', async () => {
    const bytes = writePng(IMAGE);
    bytes[bytes.length - 30] = (bytes[bytes.length - 30] as number) ^ 1;
    expect((await errorOf(bytes)).message).toMatch(/checksum of PNG chunk "IDAT" does not match/);
  });
});

describe('picture bombs', () => {
  it('refuses more than the limit', async () => {
    expect((await errorOf(png(100_000, 100_000, zlibSync(new Uint8Array(10))))).message).toMatch(
      /the image \(100000 x 100000, 1 x 8 bits per pixel\) would take 9.31 GiB, more than the limit of 4 GiB/,
    );
    expect((await errorOf(writePng(IMAGE), 'a.png', { maxBytes: 1000 })).message).toMatch(
      /1.17 KiB, more than the limit of 1000 bytes/,
    );
    expect((await errorOf(writeTiff(IMAGE), 'a.tif', { maxBytes: 1000 })).message).toMatch(/more than the limit/);
  });

  it('refuses what its bytes cannot become, before there is room for it', async () => {
    // Deflate makes at most 1032 bytes of one.
    expect((await errorOf(png(30_000, 30_000, zlibSync(new Uint8Array(10))))).message).toMatch(
      /the PNG data ends after \d+ of 900030000 bytes/,
    );
    for (const [compression, ratio] of Object.entries({ 1: 1, 5: 2560, 8: 1032, 32773: 64, 50000: 32768 })) {
      const tags = { 256: 60_000, 257: 60_000, 258: 8, 259: Number(compression), 273: 8, 279: 100 };
      expect((await errorOf(tiff(tags, 200))).message).toContain(
        `the data of strip 0 ends after ${100 * ratio} of 3600000000 bytes`,
      );
    }
  });

  it('reads what is nearly empty, however well it is packed', async () => {
    const empty = await readImage(tiff({ 256: 9000, 257: 9000, 258: 8, 273: 8, 279: 0 }), 'left-out.tif');
    expect([empty.shape, empty.data.some((value) => value !== 0)]).toEqual([[9000, 9000], false]);
    expect(
      (await errorOf(tiff({ 256: 9000, 257: 9000, 258: 8, 273: 8, 279: 0 }), 'a.tif', { maxBytes: 8e7 })).message,
    ).toMatch(/77.2 MiB, more than the limit of 76.3 MiB/);
  });

  it('refuses a huge tile in a small picture', async () => {
    const tile = tiff({ 256: 10, 257: 10, 258: 8, 322: 2 ** 31, 323: 2 ** 31, 324: 8, 325: 1 });
    expect((await errorOf(tile)).message).toMatch(/one strip or tile would take 4 EiB/);
  });

  it('stops inflating at the declared size', async () => {
    // 300 MB of zeros in 300 kB, declared as 4 x 4.
    const zeros = zlibSync(new Uint8Array(3e8), { level: 9 });
    const image = await readImage(png(4, 4, zeros), 'a.png');
    expect(image.data).toEqual(new Uint8Array(16));
  });

  it('does not trust counts', async () => {
    const bytes = tiff({ 256: 10, 257: 10, 258: 8, 273: 8, 279: 100 });
    // The count of StripOffsets, the fourth entry.
    new DataView(bytes.buffer).setUint32(14 + 12 * 3, 2 ** 32 - 1, true);
    expect((await errorOf(bytes)).message).toMatch(/its directory points to byte/);
  });

  it('does not run in a circle of pages', async () => {
    const bytes = tiff({ 256: 10, 257: 10, 258: 8, 273: 8, 279: 100 }, 120);
    new DataView(bytes.buffer).setUint32(10 + 12 * 5, 8, true);
    expect((await errorOf(bytes)).message).toMatch(/runs in a circle/);
  });
});

describeWithData('damaged sample files', () => {
  const golden = JSON.parse(readFileSync(new URL('../golden/images.json', import.meta.url), 'utf8')) as {
    images: Record<string, unknown>;
  };
  const files = () =>
    Object.keys(golden.images).map((name) => ({
      name,
      bytes: new Uint8Array(readFileSync(join(dataFolder(), 'formats', name))),
    }));
  const upTo = (most: number) => files().filter(({ bytes }) => bytes.length <= most);

  it('cut at several places: refused, or the whole image', () =>
    expectCutsRefused(upTo(30_000), [0.05, 0.3, 0.5, 0.8, 0.95, 0.999]));

  it('with bytes changed: an image of the size that it says, or FormatError', () =>
    expectChangesRefused(upTo(10_000), {
      seed: 20_24,
      rounds: 12,
      // The first or last 300 bytes.
      place: (length, random) => {
        const near = Math.min(300, length);
        return Math.floor(random() * near) + (random() < 0.5 ? 0 : length - near);
      },
    }));
});
