import { readFileSync } from 'node:fs';
import { mkdtemp, open, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unzlibSync } from 'fflate';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cropped } from '../../src/array/boxes.ts';
import { stream } from '../../src/array/random.ts';
import { FormatError } from '../../src/errors.ts';
import { type ByteSource, bytesSource } from '../../src/files.ts';
import { writeTiff } from '../../src/image/formats/tiff/write.ts';
import type { Image } from '../../src/image/image.ts';
import { openImage, readImage } from '../../src/image/read.ts';
import type { Region } from '../../src/image/source.ts';
import { nodeFiles } from '../../src/platform/node/files.ts';
import { readImageFile } from '../../src/workflows/image-files.ts';

interface Case {
  readonly file: string;
  readonly axes: string;
  readonly dtype: Image['dtype'];
  readonly levels: readonly { readonly shape: readonly number[]; readonly values: string }[];
  /** Of each level along x and y, in µm. */
  readonly spacing?: readonly number[];
  readonly notes?: readonly string[];
}

/** Made by scripts/golden/tiff_pyramids.py with tifffile. */
const golden: { readonly files: Readonly<Record<string, Case>> } = JSON.parse(
  readFileSync(new URL('../golden/tiff_pyramids.json', import.meta.url), 'utf8'),
);

const decoded = (base64: string) => new Uint8Array(Buffer.from(base64, 'base64'));
const bytesOf = ({ data }: Pick<Image, 'data'>) => Buffer.from(data.buffer, data.byteOffset, data.byteLength);
const fileOf = (name: string) => decoded((golden.files[name] as Case).file);

/** A file that counts the bytes read of it. */
function counted(source: ByteSource): ByteSource & { bytesRead: number } {
  return {
    bytesRead: 0,
    size: source.size,
    read(offset, length) {
      this.bytesRead += length;
      return source.read(offset, length);
    },
    close: () => source.close(),
  };
}

/** What reading a region is refused with. */
async function refusal(read: () => Promise<unknown>): Promise<FormatError> {
  const error = await read().then(
    () => undefined,
    (cause: unknown) => cause,
  );
  expect(error).toBeInstanceOf(FormatError);
  return error as FormatError;
}

describe('resolutions of a TIFF, against tifffile', () => {
  for (const [name, expected] of Object.entries(golden.files)) {
    it(`${name}: every level`, async () => {
      for (const [level, { shape, values }] of expected.levels.entries()) {
        const image = await readImage(decoded(expected.file), 'a.tif', { level });
        expect([image.axes, image.dtype, image.shape, image.level ?? 0]).toEqual([
          expected.axes,
          expected.dtype,
          shape,
          level,
        ]);
        expect(bytesOf(image).equals(unzlibSync(decoded(values)))).toBe(true);
        expect(image.levels?.map((one) => one.shape)).toEqual(expected.levels.map((one) => one.shape));
        const um = expected.spacing?.[level];
        const { x, y } = image.spacing;
        if (um === undefined) expect([x, y]).toEqual([undefined, undefined]);
        else for (const along of [x, y]) expect(along).toEqual({ value: expect.closeTo(um, 9), unit: 'µm' });
        expect(image.notes ?? []).toEqual((expected.notes ?? []).map((note) => expect.stringContaining(note)));
      }
      const count = expected.levels.length;
      const error = await refusal(() => readImage(decoded(expected.file), 'a.tif', { level: count }));
      expect(error.message).toContain(`level ${count} does not exist: the image has ${count}, counted from 0`);
    });

    it(`${name}: regions are those of the whole`, async () => {
      const random = stream(7, name);
      const source = await openImage(bytesSource(decoded(expected.file), 'a.tif'), 'a.tif');
      for (const level of expected.levels.keys()) {
        const whole = await source.read(level);
        for (let round = 0; round < 20; round++) {
          const start = whole.shape.map((length) => Math.floor(random.uniform() * length));
          const shape = whole.shape.map(
            (length, i) => 1 + Math.floor(random.uniform() * (length - (start[i] as number))),
          );
          const part = await source.read(level, { start, shape });
          expect(bytesOf(part).equals(bytesOf(cropped(whole, start, shape)))).toBe(true);
          const kept = [...whole.axes].filter((axis, i) => 'yx'.includes(axis) || (shape[i] as number) > 1);
          expect(part.axes).toBe(kept.join(''));
          const c = whole.axes.indexOf('c');
          if (c >= 0 && whole.channels !== undefined) {
            const from = start[c] as number;
            expect(part.channels).toEqual(whole.channels.slice(from, from + (shape[c] as number)));
          }
        }
      }
      await source.close();
    });
  }

  it('chooses a level by what it is given', async () => {
    const image = await readImage(fileOf('Aperio SVS'), 'a.svs', { level: (levels) => levels.length - 1 });
    expect([image.shape, image.level]).toEqual([[3, 20, 30], 2]);
  });

  it('names the level that would fit', async () => {
    const error = await refusal(() => readImage(fileOf('Aperio SVS'), 'a.svs', { maxBytes: 8000 }));
    expect(error.message).toMatch(/3 x 160 x 240, uint8\) would take 113 KiB.*`level: 1`/);
  });

  it('refuses a region that is not within the image', async () => {
    const source = await openImage(bytesSource(fileOf('bits'), 'a.tif'), 'a.tif');
    for (const region of [
      { start: [0, 0], shape: [62, 1] },
      { start: [0, -1], shape: [1, 1] },
      { start: [0, 0], shape: [0, 1] },
      { start: [0], shape: [1] },
    ]) {
      await expect(source.read(0, region)).rejects.toThrow(/is not within the image of 61 x 83/);
    }
  });
});

describe('regions of other TIFF images', () => {
  const random = stream(3, 'pixels');
  const image = (axes: string, shape: readonly number[], more: Partial<Image> = {}): Image => ({
    dtype: 'uint8',
    axes,
    shape,
    data: Uint8Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => Math.floor(random.uniform() * 4)),
    spacing: {},
    ...more,
  });
  const region: Region = { start: [1, 2, 3, 4], shape: [1, 2, 5, 6] };

  it('of palette indices', async () => {
    const source = await openImage(bytesSource(fileOf('palette'), 'a.tif'), 'a.tif', { palette: 'index' });
    const part = await source.read(1, { start: [2, 3], shape: [4, 5] });
    expect([part.axes, part.palette?.length]).toEqual(['yx', 256]);
    expect(part.data).toEqual(cropped(await source.read(1), [2, 3], [4, 5]).data);
  });

  it('of stacks over time and channels', async () => {
    for (const compression of ['none', 'deflate'] as const) {
      const bytes = writeTiff(image('tczyx', [3, 2, 4, 12, 15]), { compression });
      const source = await openImage(bytesSource(bytes, 'a.tif'), 'a.tif');
      const box = { start: [1, ...region.start], shape: [2, ...region.shape] };
      const part = await source.read(0, box);
      expect([part.axes, part.shape]).toEqual(['tzyx', [2, 2, 5, 6]]);
      expect(part.data).toEqual(cropped(await source.read(), box.start, box.shape).data);
    }
  });

  it('says what is read together: tiles, compressed strips, and rows of uncompressed ones', async () => {
    const chunkOf = async (file: Uint8Array) => (await openImage(bytesSource(file, 'a.tif'), 'a.tif')).chunk;
    const stack = image('zyx', [3, 40, 30]);
    expect(await chunkOf(writeTiff(stack, { compression: 'none' }))).toEqual([1, 1, 30]);
    const [, ofStrips = 0, width] = (await chunkOf(writeTiff(stack, { compression: 'deflate' }))) ?? [];
    expect([ofStrips > 1, width]).toEqual([true, 30]);
    expect(await chunkOf(fileOf('OME-TIFF'))).toEqual([1, 1, 32, 48]);
    expect(await chunkOf(fileOf('palette'))).toEqual([3, 16, 16]);
  });

  it('reads as much of the file as the region needs', async () => {
    const big = image('zyx', [40, 256, 512]);
    for (const [compression, most] of [
      ['none', 300_000],
      ['deflate', 500_000],
    ] as const) {
      const file = writeTiff(big, { compression });
      const bytes = counted(bytesSource(file, 'a.tif'));
      const source = await openImage(bytes, 'a.tif');
      await source.read(0, { start: [20, 100, 100], shape: [1, 64, 64] });
      expect(file.length).toBeGreaterThan(1_200_000);
      expect(bytes.bytesRead).toBeLessThan(most);
    }
  });
});

describe('a BigTIFF above 2 GiB', () => {
  const WIDTH = 65_536;
  const TILE = 512;
  const ACROSS = WIDTH / TILE;
  /** The tiles that are written; the others are holes in the file. */
  const TILES = [0, 1, ACROSS * 64 + 64, ACROSS * ACROSS - 1];
  let folder: string;
  let path: string;

  const pixel = (tile: number, at: number): number => (at * 31 + tile * 7 + (at >> 9)) & 255;

  /** Uncompressed tiles in their order, then the directory: 4 GiB, of which a few MB are stored. */
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lamella-big-'));
    path = join(folder, 'big.tif');
    const file = await open(path, 'w');
    const count = ACROSS * ACROSS;
    const header = new DataView(new ArrayBuffer(16));
    const tables = 16 + count * TILE * TILE;
    const directory = tables + 16 * count;
    header.setUint16(0, 0x4949);
    header.setUint16(2, 43, true);
    header.setUint16(4, 8, true);
    header.setBigUint64(8, BigInt(directory), true);
    await file.write(new Uint8Array(header.buffer), 0, 16, 0);
    const offsets = BigUint64Array.from({ length: count }, (_, i) => BigInt(16 + i * TILE * TILE));
    const lengths = new BigUint64Array(count).fill(BigInt(TILE * TILE));
    for (const tile of TILES) {
      const data = Uint8Array.from({ length: TILE * TILE }, (_, at) => pixel(tile, at));
      await file.write(data, 0, data.length, Number(offsets[tile]));
    }
    await file.write(new Uint8Array(offsets.buffer), 0, 8 * count, tables);
    await file.write(new Uint8Array(lengths.buffer), 0, 8 * count, tables + 8 * count);
    const tags = [
      [256, 4, 1, WIDTH],
      [257, 4, 1, WIDTH],
      [258, 3, 1, 8],
      [259, 3, 1, 1],
      [262, 3, 1, 1],
      [277, 3, 1, 1],
      [322, 3, 1, TILE],
      [323, 3, 1, TILE],
      [324, 16, count, tables],
      [325, 16, count, tables + 8 * count],
    ];
    const entries = new DataView(new ArrayBuffer(8 + 20 * tags.length + 8));
    entries.setBigUint64(0, BigInt(tags.length), true);
    for (const [i, [tag, type, number, value]] of tags.entries()) {
      entries.setUint16(8 + 20 * i, tag as number, true);
      entries.setUint16(10 + 20 * i, type as number, true);
      entries.setBigUint64(12 + 20 * i, BigInt(number as number), true);
      entries.setBigUint64(20 + 20 * i, BigInt(value as number), true);
    }
    await file.write(new Uint8Array(entries.buffer), 0, entries.byteLength, directory);
    await file.close();
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('is read by region, and no more of it than the tiles of the region', async () => {
    expect((await stat(path)).size).toBeGreaterThan(2 ** 32);
    const bytes = counted(await nodeFiles.open(path));
    const source = await openImage(bytes, path);
    expect(source.info.shape).toEqual([WIDTH, WIDTH]);
    const opened = bytes.bytesRead;
    // The two tables of tiles, and some directory.
    expect(opened).toBeLessThan(16 * ACROSS * ACROSS + 100_000);
    for (const tile of TILES) {
      const [y, x] = [Math.floor(tile / ACROSS) * TILE, (tile % ACROSS) * TILE];
      const { data } = await source.read(0, { start: [y + 10, x + 20], shape: [30, 40] });
      const expected = Array.from({ length: 30 * 40 }, (_, i) =>
        pixel(tile, (10 + Math.floor(i / 40)) * TILE + 20 + (i % 40)),
      );
      expect(data).toEqual(Uint8Array.from(expected));
    }
    expect(bytes.bytesRead - opened).toBeLessThanOrEqual(TILES.length * 30 * TILE);
    await source.close();
  });

  it('is refused as a whole where it does not fit into memory', async () => {
    const error = await refusal(() => readImageFile(nodeFiles, path, { maxBytes: 2 ** 30 }));
    expect(error.message).toMatch(/big\.tif: the image \(65536 x 65536, uint8\) would take 4 GiB, more than the limit/);
  });

  it('is refused where it was cut off', async () => {
    const whole = await nodeFiles.open(path);
    const cut = { ...whole, size: whole.size - 100 };
    expect((await refusal(() => openImage(cut, path))).message).toMatch(
      /ends at byte \d+, but its directory points to/,
    );
  });
});

describe('damaged pyramids', () => {
  /** The file with the value of a tag replaced in every directory that has it. */
  function changed(bytes: Uint8Array, tag: number, value: number): Uint8Array {
    const out = bytes.slice();
    const view = new DataView(out.buffer);
    for (let directory = view.getUint32(4, true); directory !== 0; ) {
      const entries = view.getUint16(directory, true);
      for (let at = directory + 2; at < directory + 2 + 12 * entries; at += 12) {
        if (view.getUint16(at, true) !== tag) continue;
        const [type, count] = [view.getUint16(at + 2, true), view.getUint32(at + 4, true)];
        const size = type === 3 ? 2 : 4;
        const values = size * count <= 4 ? at + 8 : view.getUint32(at + 8, true);
        // The last of the values.
        if (size === 2) view.setUint16(values + 2 * (count - 1), value, true);
        else view.setUint32(values + 4 * (count - 1), value, true);
      }
      directory = view.getUint32(directory + 2 + 12 * entries, true);
    }
    return out;
  }

  it('refuses tiles beyond the end, of any level', async () => {
    const bytes = changed(fileOf('Aperio SVS'), 324, 2 ** 31);
    for (const level of [0, 1, 2]) {
      const error = await refusal(() => readImage(bytes, 'a.svs', { level }));
      expect(error.message).toMatch(/its image extends to byte 21474\d+: it is truncated/);
    }
  });

  it('refuses resolutions that lie outside the file', async () => {
    const bytes = fileOf('OME-TIFF');
    const view = new DataView(bytes.buffer);
    // The last of the offsets in SubIFDs (tag 330) of the first directory.
    const directory = Number(view.getBigUint64(8, true));
    const entries = Number(view.getBigUint64(directory, true));
    const at = Array.from({ length: entries }, (_, i) => directory + 8 + 20 * i).find(
      (entry) => view.getUint16(entry, true) === 330,
    ) as number;
    view.setBigUint64(Number(view.getBigUint64(at + 12, true)) + 8, 2n ** 40n, true);
    const error = await refusal(() => readImage(bytes, 'a.ome.tif'));
    expect(error.message).toMatch(/but its directory points to byte/);
  });

  it('cut files are refused, or give the whole image', async () => {
    for (const name of Object.keys(golden.files)) {
      const bytes = fileOf(name);
      const whole = await readImage(bytes, 'a.tif', { level: 1 });
      for (const share of [0.05, 0.3, 0.5, 0.8, 0.95, 0.999]) {
        const cut = bytes.slice(0, Math.floor(share * bytes.length));
        const image = await readImage(cut, 'a.tif', { level: 1 }).catch((cause: unknown) => cause);
        if (image instanceof FormatError) continue;
        expect(bytesOf(image as Image).equals(bytesOf(whole))).toBe(true);
      }
    }
  });
});
