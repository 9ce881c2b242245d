import { describe, expect, it, test } from 'vitest';
import { FormatError } from '../../src/errors.ts';
import { crc32c } from '../../src/image/formats/zarr/crc32c.ts';
import type { Image } from '../../src/image/image.ts';
import { openOmeZarr, readOmeZarr } from '../../src/image/read.ts';
import { memoryFiles } from '../../src/workflows/memory-files.ts';
import { below, type StoredLevel, type StoreOptions, zarrStore } from '../support/zarr.ts';

type Files = Record<string, Uint8Array>;

const read = (files: Files, level = 0, maxBytes?: number): Promise<Image> =>
  readOmeZarr(memoryFiles(below('a.zarr', files)), 'a.zarr', 'a.zarr', { level, maxBytes });
const opened = (files: Files) => openOmeZarr(memoryFiles(below('a.zarr', files)), 'a.zarr');

/** 5 x 7 pixels in chunks of 2 x 4, each of its number. */
const small: StoredLevel = { shape: [5, 7], chunks: [2, 4] };
const numbers = Array.from({ length: 35 }, (_, i) => i);

describe('an image of OME-Zarr', () => {
  it.each<[string, StoredLevel, StoreOptions]>([
    ['0.5', small, {}],
    ['0.4', small, { version: '0.4' }],
    ['0.5 in shards', { ...small, shards: [4, 8] }, {}],
  ])('%s is read across its chunks, the last of which are not full', async (_, level, options) => {
    const image = await read(zarrStore([level], options));
    expect(image).toMatchObject({ axes: 'yx', shape: [5, 7], dtype: 'uint8', source: 'a.zarr' });
    expect([...image.data]).toEqual(numbers);
    expect(image.notes).toBeUndefined();
  });

  it('has the step and the unit of each axis, and the names of its channels', async () => {
    const level: StoredLevel = { shape: [2, 3, 4, 5, 6], chunks: [1, 1, 4, 5, 6], scale: [30, 1, 2, 0.5, 0.25] };
    const omero = { channels: [{ label: 'DAPI' }, { label: 'GFP' }, { label: 'RFP' }] };
    const image = await read(zarrStore([level], { attributes: { omero } }));
    expect(image.axes).toBe('tczyx');
    expect(image.spacing).toEqual({
      t: { value: 30, unit: 's' },
      z: { value: 2, unit: 'µm' },
      y: { value: 0.5, unit: 'µm' },
      x: { value: 0.25, unit: 'µm' },
    });
    expect(image.channels).toEqual(['DAPI', 'GFP', 'RFP']);
  });

  it('has its axes in the order of the product, whatever that of the store, without those of length one', async () => {
    const axes = [{ name: 'X', type: 'space' }, { name: 'colour', type: 'channel' }, 'Y', 'z'];
    const level: StoredLevel = { shape: [3, 2, 4, 1], chunks: [2, 2, 3, 1] };
    const image = await read(zarrStore([level], { axes }));
    expect(image).toMatchObject({ axes: 'cyx', shape: [2, 4, 3] });
    // Element [c][y][x] is the one at [x][c][y] of the store: 8 x + 4 c + y.
    expect([...image.data]).toEqual(
      [0, 1].flatMap((c) => [0, 1, 2, 3].flatMap((y) => [0, 1, 2].map((x) => 8 * x + 4 * c + y))),
    );
  });

  it('without units has no pixel size; a note says so where one is stated', async () => {
    const axes = [
      { name: 'y', type: 'space' },
      { name: 'x', type: 'space' },
    ];
    expect((await read(zarrStore([small], { axes }))).notes).toBeUndefined();
    const image = await read(zarrStore([{ ...small, scale: [0.5, 0.5] }], { axes }));
    expect(image.spacing).toEqual({});
    expect(image.notes).toEqual(['Its pixel size along y, x has no unit, and is ignored.']);
  });

  it('of a later version, or none at all, is refused by name', async () => {
    const store = zarrStore([small]);
    const changed = (text: string, by: string): Files => ({
      ...store,
      'zarr.json': new TextEncoder().encode(new TextDecoder().decode(store['zarr.json']).replace(text, by)),
    });
    await expect(read(changed('"0.5"', '"0.6"'))).rejects.toThrow('this is OME-Zarr 0.6, which is not supported');
    await expect(read(changed('multiscales', 'other'))).rejects.toThrow('its metadata are not those of OME-Zarr');
    await expect(read(below('none', store))).rejects.toThrow('there is no Zarr store here');
  });
});

describe('levels', () => {
  const levels: StoredLevel[] = [
    { shape: [8, 12], chunks: [4, 4], scale: [0.5, 0.5], value: ([y = 0, x = 0]) => 10 * y + x },
    {
      shape: [4, 6],
      chunks: [4, 4],
      scale: [1, 1],
      translation: [0.25, 0.25],
      value: ([y = 0, x = 0]) => 100 + 10 * y + x,
    },
  ];

  it('are read by their number, the full one by default, and listed', async () => {
    const store = zarrStore(levels);
    const full = await read(store);
    expect(full).toMatchObject({ shape: [8, 12], spacing: { x: { value: 0.5, unit: 'µm' } } });
    expect(full.level).toBeUndefined();
    const half = await read(store, 1);
    expect(half).toMatchObject({ shape: [4, 6], level: 1, spacing: { x: { value: 1, unit: 'µm' } } });
    expect(half.data[7]).toBe(111);
    expect(half.levels?.map(({ shape }) => shape)).toEqual([
      [8, 12],
      [4, 6],
    ]);
  });

  it('that do not exist are named', async () => {
    await expect(read(zarrStore(levels), 2)).rejects.toThrow('level 2 does not exist: the image has 2, counted from 0');
    await expect(read(zarrStore([small]), 1)).rejects.toThrow('level 1 does not exist: the image has one resolution');
  });

  it('beyond the memory name the one that fits', async () => {
    await expect(read(zarrStore(levels), 0, 50)).rejects.toThrow(
      /a\.zarr: the image \(8 x 12, uint8\) would take 96 bytes, more than the limit of 50 bytes\. Use a lower resolution of it: `level: 1`\./,
    );
  });

  it('whose pixel size contradicts their number of pixels have a note', async () => {
    const [full, half] = levels as [StoredLevel, StoredLevel];
    const { notes } = await read(zarrStore([full, { ...half, scale: [1, 4] }]));
    expect(notes).toEqual(['Level 1 states a step of 4 along x, but its 6 pixels cover 6: one of them is wrong.']);
    // Writers round down, level after level: 127, 63, 31, 15, 7, 3 pixels.
    const rounded = [127, 63, 31, 15, 7, 3].map((n, i) => ({
      shape: [n, n],
      chunks: [64, 64],
      scale: [2 ** i, 2 ** i],
    }));
    expect((await read(zarrStore(rounded))).notes).toBeUndefined();
  });
});

describe('a region', () => {
  it.each([undefined, [4, 8]])(
    'is that of the whole image, and reads the files that it lies in only',
    async (shards) => {
      const files = zarrStore([{ ...small, shards }]);
      const asked: string[] = [];
      const memory = memoryFiles(below('a.zarr', files));
      const noted =
        <T>(access: (folder: string, name?: string) => Promise<T>) =>
        (folder: string, name = '') => {
          asked.push(name);
          return access(folder, name);
        };
      const recorded = { ...memory, read: noted(memory.read), open: noted(memory.open) };
      const source = await openOmeZarr(recorded, 'a.zarr');
      asked.length = 0;
      const region = await source.read(0, { start: [1, 4], shape: [2, 3] });
      expect(region).toMatchObject({ axes: 'yx', shape: [2, 3] });
      expect([...region.data]).toEqual([11, 12, 13, 18, 19, 20]);
      expect(new Set(asked)).toEqual(new Set(shards === undefined ? ['0/c/0/1', '0/c/1/1'] : ['0/c/0/0']));
    },
  );

  it('of one slice has no axis along which there is one pixel', async () => {
    const source = await opened(zarrStore([{ shape: [3, 4, 5], chunks: [1, 4, 5] }]));
    const slice = await source.read(0, { start: [1, 0, 0], shape: [1, 4, 5] });
    expect(slice).toMatchObject({ axes: 'yx', shape: [4, 5] });
    expect(slice.data[0]).toBe(20);
  });
});

describe('metadata that lie', () => {
  const wrong = (change: object, level: StoredLevel = small) =>
    read(zarrStore([level], { metadata: (meta) => ({ ...meta, ...change }) }));

  it.each<[object, RegExp]>([
    [{ shape: [5, 7, 1] }, /a\.zarr\/0: .*the array has 3 axes, but chunks of \[2,4\]/],
    [{ shape: [5, -7] }, /has the shape \[5,-7\]/],
    [{ shape: 'large' }, /has the shape "large"/],
    [{ shape: [5, 0] }, /has the shape \[5,0\]/],
    [{ chunk_grid: { name: 'regular', configuration: { chunk_shape: [2] } } }, /has 2 axes, but chunks of \[2\]/],
    [{ chunk_grid: { name: 'rectilinear' } }, /the chunk grid "rectilinear" in a Zarr store: this is not supported/],
    // Chunks that are larger or smaller than they are said to be.
    [
      { chunk_grid: { name: 'regular', configuration: { chunk_shape: [4, 4] } } },
      /a\.zarr\/0\/c\/0\/\d: this chunk holds 8 of 16 values/,
    ],
    [{ chunk_grid: { name: 'regular', configuration: { chunk_shape: [2, 2] } } }, /this chunk holds 8 of 4 values/],
    [{ data_type: 'uint16' }, /this chunk holds 4 of 8 values/],
    [{ data_type: 'complex64' }, /values of the type "complex64"/],
    [{ data_type: { name: 'numpy.datetime64' } }, /values of the type \{"name":"numpy.datetime64"\}/],
    [{ fill_value: 'white' }, /the fill value is "white", which is not of type uint8/],
    [
      { codecs: [{ name: 'bytes' }, { name: 'jpeg2k' }] },
      /the compression "jpeg2k" in a Zarr store: this is not supported/,
    ],
    [{ codecs: [{ name: 'bytes' }, { name: 'zstd', configuration: { level: 0 } }] }, /this chunk is damaged \(zstd: /],
    [{ codecs: [{ name: 'bytes' }, { name: 'gzip', configuration: {} }] }, /this chunk is damaged \(gzip: /],
    [
      { codecs: [{ name: 'bytes' }, { name: 'blosc', configuration: { cname: 'lz4', clevel: 5, shuffle: 1 } }] },
      /this chunk is damaged \(blosc: 8 of 16 bytes are there\)/,
    ],
    [
      { codecs: [{ name: 'transpose', configuration: { order: [0, 0] } }, { name: 'bytes' }] },
      /the axes are permuted as \[0,0\]/,
    ],
    [{ storage_transformers: [{ name: 'indirect' }] }, /a storage transformer/],
    [{ colour_space: { must_understand: true } }, /the extension "colour_space"/],
    [{ chunk_key_encoding: { name: 'hash' } }, /the chunk keys "hash"/],
  ])('%j', async (change, message) => {
    await expect(wrong(change)).rejects.toThrow(message);
    await expect(wrong(change)).rejects.toThrow(FormatError);
  });

  it('are accepted where what is unknown need not be understood', async () => {
    expect((await wrong({ colour_space: { must_understand: false } })).shape).toEqual([5, 7]);
  });

  it('that are not JSON, and an array that is listed and not there', async () => {
    const store = zarrStore([small]);
    await expect(read({ ...store, '0/zarr.json': Uint8Array.of(123) })).rejects.toThrow(
      'a.zarr/0/zarr.json: the metadata of the Zarr store are not JSON',
    );
    const { '0/zarr.json': _, ...without } = store;
    await expect(read(without)).rejects.toThrow('a.zarr/0: the image lists this array, but it is not there');
  });

  it.each<[object[], RegExp]>([
    [[{ name: 'y' }], /the axes are "y", where y and x are expected/],
    [[{ name: 'y' }, { name: 'angle' }], /the axis "angle" is not t, c, z, y or x/],
    [[{ name: 'x' }, { name: 'x' }], /and no axis twice/],
    [[{ name: 'z' }, { name: 'y' }, { name: 'x' }], /does not fit to 3 axes/],
  ])('axes %j', async (axes, message) => {
    await expect(read(zarrStore([small], { axes }))).rejects.toThrow(message);
  });

  it.each([[[0, 1]], [[-1, 1]], [[1]], [['1', 1]]])('a scale of %j', async (scale) => {
    await expect(read(zarrStore([{ ...small, scale: scale as number[] }]))).rejects.toThrow(
      /the (scale|transformation) /,
    );
  });
});

describe('a store that was cut off', () => {
  const wide: StoredLevel = { shape: [64, 64], chunks: [16, 16], value: () => 7 };
  const pyramid: StoredLevel[] = [wide, { shape: [32, 32], chunks: [32, 32], value: () => 7, scale: [2, 2] }];

  const without = (files: Files, ...keys: string[]): Files =>
    Object.fromEntries(Object.entries(files).filter(([key]) => !keys.includes(key)));

  it('within a chunk names it', async () => {
    const files = zarrStore([small]);
    const cut = { ...files, '0/c/1/1': (files['0/c/1/1'] as Uint8Array).slice(0, 5) };
    await expect(read(cut)).rejects.toThrow('a.zarr/0/c/1/1: this chunk holds 5 of 8 values');
    await expect(read({ ...files, '0/c/1/1': new Uint8Array(0) })).rejects.toThrow('this chunk holds 0 of 8 values');
  });

  it('within a shard names it, wherever it ends', async () => {
    const files = zarrStore([{ ...small, shards: [4, 8] }]);
    const shard = files['0/c/0/0'] as Uint8Array;
    for (let length = 0; length < shard.length; length++) {
      await expect(read({ ...files, '0/c/0/0': shard.slice(0, length) }), `${length} bytes`).rejects.toThrow(
        /a\.zarr\/0\/c\/0\/0: (this shard has|chunk .* in this shard is damaged \(crc32c: the checksum is wrong\))/,
      );
    }
  });

  it('whose index of a shard is changed in any byte is refused', async () => {
    const files = zarrStore([{ ...small, shards: [4, 8] }]);
    const shard = files['0/c/0/0'] as Uint8Array;
    for (let at = 32; at < shard.length; at++) {
      const changed = shard.slice();
      changed[at] = (changed[at] as number) ^ 0x40;
      await expect(read({ ...files, '0/c/0/0': changed }), `byte ${at}`).rejects.toThrow('the checksum is wrong');
    }
  });

  it('without a file has a note that counts, and names the first', async () => {
    const image = await read(without(zarrStore([wide]), '0/c/1/2', '0/c/3/3'));
    expect(image.notes).toEqual([
      '2 of 16 files of its array "0" are missing (the first: c/1/2) and read as 0: Zarr leaves out what is empty, but a store that was not copied to its end looks the same.',
    ]);
    expect([image.data[16 * 64 + 32], image.data[0]]).toEqual([0, 7]);
  });

  it('without a file is refused where a coarser level shows something there', async () => {
    await expect(read(without(zarrStore(pyramid), '0/c/1/2'))).rejects.toThrow(
      'a.zarr/0/c/1/2: this file of the Zarr store is missing, but level 1 shows something in its place: the store is incomplete.',
    );
  });

  it('is read where a coarser level agrees that there is nothing', async () => {
    const isEmpty = (y: number, x: number) => y >= 16 && y < 32 && x >= 32 && x < 48;
    const files = zarrStore([
      { ...wide, value: ([y = 0, x = 0]) => (isEmpty(y, x) ? 0 : 7) },
      // A filter spreads what is beside it by a pixel.
      {
        ...(pyramid[1] as StoredLevel),
        value: ([y = 0, x = 0]) => (isEmpty(2 * y - 2, 2 * x - 2) && isEmpty(2 * y + 2, 2 * x + 2) ? 0 : 7),
      },
    ]);
    expect((await read(without(files, '0/c/1/2'))).notes?.[0]).toMatch(/^1 of 16 files of its array "0" is missing/);
  });

  it('without any file is refused, unless it is labels of nothing', async () => {
    const none = (options?: StoreOptions): Files =>
      Object.fromEntries(Object.entries(zarrStore([wide], options)).filter(([key]) => !key.includes('/c/')));
    await expect(read(none())).rejects.toThrow(
      'a.zarr/0: none of the 16 files of this array is there: nothing of the image is stored',
    );
    const labels = await read(none({ attributes: { 'image-label': {} } }));
    expect(labels.data.every((value) => value === 0)).toBe(true);
    expect(labels.notes).toHaveLength(1);
  });

  it('without a file is refused where the store names no fill value', async () => {
    const files = zarrStore([small], { version: '0.4', metadata: (meta) => ({ ...meta, fill_value: null }) });
    await expect(read(without(files, '0/0/1'))).rejects.toThrow(
      'a.zarr/0/0/1: this chunk is missing, and the store names no fill value',
    );
  });

  it('never reads as something else: every file, cut at every length', async () => {
    for (const options of [{}, { version: '0.4' as const }]) {
      const files = zarrStore([small], options);
      for (const [key, bytes] of Object.entries(files)) {
        for (let length = 0; length < bytes.length; length += Math.max(1, Math.floor(bytes.length / 9))) {
          // Attributes without a whole object, or a group without its mark: nothing of the image is lost.
          if (key === '.zgroup') continue;
          await expect(read({ ...files, [key]: bytes.slice(0, length) }), `${key}, ${length}`).rejects.toThrow(
            FormatError,
          );
        }
      }
    }
  });
});

test('CRC-32C of the digits is that of RFC 3720', () => {
  expect(crc32c(new TextEncoder().encode('123456789'))).toBe(0xe3069283);
  expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
});
