import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { DType, Storage } from '../../src/array/ndarray.ts';
import { allocate, elementCount } from '../../src/array/ndarray.ts';
import { UsageError } from '../../src/errors.ts';
import { writePng } from '../../src/image/formats/png/write.ts';
import { writeTiff } from '../../src/image/formats/tiff/write.ts';
import type { Image } from '../../src/image/image.ts';
import { readImage } from '../../src/image/read.ts';

/** An image of differing values over the whole range of its dtype, a NaN and an infinity among floats. */
function sample(dtype: DType, axes: string, shape: readonly number[], rest: Partial<Image> = {}): Image {
  const data = allocate(dtype, elementCount(shape));
  const bytes = new Uint8Array(data.buffer);
  // Small multiplicative generator: any bits will do, but not all-equal ones.
  let state = 12345;
  for (let i = 0; i < bytes.length; i++) {
    state = (state * 48271) % 2147483647;
    bytes[i] = state & 0xff;
  }
  if (data instanceof Float32Array || data instanceof Float64Array) {
    for (let i = 0; i < data.length; i++) data[i] = (data[i] as number) * 0 === 0 ? (data[i] as number) : 0.5;
    data[1] = Number.NaN;
    data[2] = Number.NEGATIVE_INFINITY;
  }
  return { dtype, axes, shape, data, spacing: {}, source: 'sample', ...rest };
}

const RGB = ['red', 'green', 'blue'];
const MICRON = { x: { value: 0.1625, unit: 'µm' }, y: { value: 0.1, unit: 'µm' } };

const TIFFS: Readonly<Record<string, Image>> = {
  'one pixel': sample('uint8', 'yx', [1, 1]),
  uint8: sample('uint8', 'yx', [5, 7]),
  'uint16 stack': sample('uint16', 'zyx', [3, 5, 7], { spacing: { ...MICRON, z: { value: 0.3, unit: 'µm' } } }),
  'uint32 labels': sample('uint32', 'yx', [40, 31]),
  int16: sample('int16', 'yx', [5, 7], {
    spacing: { x: { value: 0.9765625, unit: 'mm' }, y: { value: 0.9765625, unit: 'mm' } },
  }),
  float32: sample('float32', 'yx', [5, 7]),
  'float64 time': sample('float64', 'tyx', [2, 5, 7], { spacing: { t: { value: 1.25, unit: 's' } } }),
  'probabilities of classes': sample('float32', 'czyx', [3, 2, 5, 7], { channels: ['back ground', 'cell', 'größe'] }),
  everything: sample('uint16', 'tczyx', [2, 3, 4, 5, 7], {
    spacing: {
      x: { value: 4, unit: 'nm' },
      y: { value: 4, unit: 'nm' },
      z: { value: 50, unit: 'nm' },
      t: { value: 2, unit: 's' },
    },
  }),
  RGB: sample('uint8', 'cyx', [3, 5, 7], { channels: RGB, spacing: MICRON }),
  'RGBA stack 16 bit': sample('uint16', 'czyx', [4, 2, 5, 7], { channels: [...RGB, 'alpha'] }),
  'several strips': sample('uint8', 'yx', [300, 1000]),
};

const PNGS: Readonly<Record<string, Image>> = {
  'one pixel': sample('uint8', 'yx', [1, 1], { channels: ['grey'] }),
  'grey 8 bit': sample('uint8', 'yx', [5, 7], { channels: ['grey'] }),
  'grey 16 bit': sample('uint16', 'yx', [5, 7], { channels: ['grey'] }),
  'grey and alpha': sample('uint8', 'cyx', [2, 5, 7], { channels: ['grey', 'alpha'] }),
  'RGB 8 bit': sample('uint8', 'cyx', [3, 5, 7], { channels: RGB }),
  'RGBA 16 bit': sample('uint16', 'cyx', [4, 5, 7], { channels: [...RGB, 'alpha'] }),
  'one channel': sample('uint8', 'yx', [30, 50], {
    channels: ['grey'],
    spacing: { x: { value: 0.5, unit: 'µm' }, y: { value: 0.25, unit: 'µm' } },
  }),
};

/** Set to a folder, the files go there too, for scripts/golden/check_written.py. */
const folder = process.env.LAMELLA_WRITTEN;

function keep(kind: 'tif' | 'png', name: string, image: Image, bytes: Uint8Array): void {
  if (folder === undefined) return;
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${kind} ${name}`);
  const { dtype, axes, shape, spacing, data } = image;
  const values = Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64');
  writeFileSync(`${path}.${kind}`, bytes);
  writeFileSync(`${path}.json`, JSON.stringify({ dtype, axes, shape, spacing, values }));
}

describe('TIFF written and read', () => {
  for (const [name, image] of Object.entries(TIFFS)) {
    it(name, async () => {
      const bytes = writeTiff(image);
      keep('tif', name, image, bytes);
      const read = await readImage(bytes, 'sample');
      const { channels: _, ...rest } = image;
      // One unnamed grey channel gets its name.
      expect(read).toEqual({
        ...rest,
        ...(image.axes.includes('c') ? (image.channels ? { channels: image.channels } : {}) : { channels: ['grey'] }),
      });
      expect(await readImage(writeTiff(image, { compression: 'none' }), 'sample')).toEqual(read);
    });
  }

  it('keeps any pixel size to nine digits', async () => {
    for (const value of [1 / 3, Math.PI * 1e-4, 123456.789, 2 ** -20, 0.14062341]) {
      const image = sample('uint8', 'yx', [2, 2], { spacing: { x: { value, unit: 'nm' }, y: { value, unit: 'nm' } } });
      const { spacing } = await readImage(writeTiff(image), 'sample');
      expect((spacing.x?.value as number) / value).toBeCloseTo(1, 9);
      expect(spacing.x?.unit).toBe('nm');
    }
  });

  it('refuses bool, no pixels and more than 4 GiB', () => {
    expect(() => writeTiff(sample('bool', 'yx', [2, 2]))).toThrow(UsageError);
    expect(() => writeTiff(sample('uint8', 'yx', [0, 2]))).toThrow('no pixels');
    // Only its length is looked at before it is refused, so a stand-in will do.
    const huge = { buffer: new ArrayBuffer(0), byteOffset: 0, byteLength: 2 ** 32, length: 2 ** 32 };
    expect(() => writeTiff({ ...sample('uint8', 'yx', [1, 1]), data: huge as unknown as Storage['uint8'] })).toThrow(
      /4 GiB/,
    );
  });
});

describe('PNG written and read', () => {
  for (const [name, image] of Object.entries(PNGS)) {
    it(name, async () => {
      const bytes = writePng(image);
      keep('png', name, image, bytes);
      expect(await readImage(bytes, 'sample')).toEqual(image);
    });
  }

  it('keeps a palette', async () => {
    const palette = [
      [0, 0, 0],
      [255, 0, 0],
      [0, 0, 255],
    ];
    const image: Image = {
      ...sample('uint8', 'yx', [1, 3]),
      channels: ['grey'],
      data: Uint8Array.of(2, 0, 1),
      palette,
    };
    expect(await readImage(writePng(image), 'sample', { palette: 'index' })).toEqual(image);
    const colours = await readImage(writePng(image), 'sample');
    expect(colours).toMatchObject({ axes: 'cyx', shape: [3, 1, 3], channels: RGB });
    expect([...colours.data]).toEqual([0, 0, 255, 0, 0, 0, 255, 0, 0]);
  });

  it('keeps transparent palette colours', async () => {
    const palette = [
      [0, 0, 0, 255],
      [255, 0, 0, 0],
    ];
    const image: Image = { ...sample('uint8', 'yx', [1, 2]), channels: ['grey'], data: Uint8Array.of(1, 0), palette };
    expect(await readImage(writePng(image), 'sample', { palette: 'index' })).toEqual(image);
    expect([...(await readImage(writePng(image), 'sample')).data]).toEqual([255, 0, 0, 0, 0, 0, 0, 255]);
  });

  it('refuses what PNG cannot hold, with the way out', () => {
    expect(() => writePng(sample('float32', 'yx', [2, 2]))).toThrow(/float32, which PNG cannot hold.*rescaleToUint8/);
    expect(() => writePng(sample('uint8', 'zyx', [2, 2, 2]))).toThrow(/axes zyx.*page\(\)/);
    expect(() => writePng(sample('uint8', 'cyx', [5, 2, 2]))).toThrow(/5 channels.*channel\(\)/);
    expect(() => writePng(sample('uint8', 'yx', [0, 2]))).toThrow(UsageError);
  });
});
