import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { crc32 } from '../../src/array/crc32.ts';
import { FormatError } from '../../src/errors.ts';
import { bytesSource } from '../../src/files.ts';
import { groupSeries, readDicomHead } from '../../src/image/formats/dicom/series.ts';
import { sliceExtentsMm, voxelSteps } from '../../src/image/geometry.ts';
import { readDicomSeries, readImage } from '../../src/image/read.ts';
import { ctSlice, type DicomItem, PERSON, type SliceOptions } from '../support/dicom.ts';
import { expectAllClose } from '../support/expect-all-close.ts';

const series = (slices: readonly SliceOptions[]) =>
  readDicomSeries(
    slices.map((slice, i) => ({ name: `s/${i}.dcm`, read: async () => ctSlice(slice) })),
    's',
  );
const one = (options: SliceOptions = {}) => readImage(ctSlice(options), 'a.dcm');

async function errorOf(read: Promise<unknown>): Promise<FormatError> {
  const error = await read.then(
    () => undefined,
    (cause: unknown) => cause,
  );
  expect(error).toBeInstanceOf(FormatError);
  return error as FormatError;
}

describe('a single DICOM slice', () => {
  it('has Hounsfield units, geometry, window and modality', async () => {
    const image = await one({ z: 30, value: [0, 24, 1024, 2024, 0, 0, 0, 0, 0, 0, 0, 3071] });
    expect([...image.data].slice(0, 4)).toEqual([-1024, -1000, 0, 1000]);
    expect(image).toMatchObject({
      dtype: 'int16',
      axes: 'yx',
      shape: [3, 4],
      spacing: { y: { value: 0.8, unit: 'mm' }, x: { value: 0.5, unit: 'mm' } },
      geometry: {
        originMm: [-10, -20, 30],
        direction: [
          [1, 0, 0],
          [0, 1, 0],
          [0, 0, 1],
        ],
        thicknessMm: 2.5,
      },
      valueUnit: 'HU',
      modality: 'CT',
      window: [-160, 240],
    });
    expect(image.notes).toBeUndefined();
  });
  it('keeps fractions of a slope as float32, and the dtype without one', async () => {
    expect(await one({ value: 3, extra: { '0028,1053 DS': '0.5', '0028,1052 DS': '0' } })).toMatchObject({
      dtype: 'float32',
      data: new Float32Array(12).fill(1.5),
    });
    const plain = await one({ value: 65_535, without: ['0028,1052', '0028,1053'] });
    expect([plain.dtype, plain.data[0], plain.valueUnit]).toEqual(['uint16', 65_535, undefined]);
  });
  it('signed values with few bits are sign-extended, graphics in unused bits are cut off', async () => {
    const extra: DicomItem = { '0028,0101 US': 12, '0028,0102 US': 11, '0028,0103 US': 1 };
    const image = await one({ value: [0x0fff, 0xf7ff, 0x1800, 1, 0, 0, 0, 0, 0, 0, 0, 0], extra });
    expect([...image.data].slice(0, 4)).toEqual([-1025, 1023, -3072, -1023]);
  });
  it('padding is rescaled with the values, and keeps its high bits', async () => {
    const extra: DicomItem = { '0028,0101 US': 12, '0028,0102 US': 11, '0028,0120 US': 63_536 };
    const image = await one({ value: [63_536, ...Array<number>(11).fill(1024)], extra });
    expect([image.padding, image.data[0], image.data[1], image.dtype]).toEqual([62_512, 62_512, 0, 'uint16']);
  });
  it('a pixel size that is zero or missing is said, not made up', async () => {
    const zero = await one({ extra: { '0028,0030 DS': '0\\0' } });
    expect(zero.spacing).toEqual({});
    expect(zero.notes).toEqual(['The pixel size is not usable (0 x 0).']);
    expect((await one({ without: ['0028,0030'] })).notes).toEqual(['The pixel size is not stated.']);
    expect((await one({ without: ['0028,0030'], extra: { '0018,1164 DS': '0.2\\0.1' } })).spacing).toEqual({
      y: { value: 0.2, unit: 'mm' },
      x: { value: 0.1, unit: 'mm' },
    });
  });
  it('pixels that are cut off are refused', async () => {
    const bytes = ctSlice();
    const error = await errorOf(readImage(bytes.slice(0, -4), 'a.dcm'));
    expect(error.message).toMatch(/^a\.dcm: .*(cut off|ends early)/);
    const short = await errorOf(one({ size: [30, 40], value: [1, 2, 3, 4] }));
    expect(short.message).toMatch(/takes 2400 bytes, but only 8 are there/);
  });
  it('names what it does not read', async () => {
    const read = (extra: DicomItem) => errorOf(one({ extra }));
    expect((await read({ '0008,0016 UI': '1.2.840.10008.5.1.4.1.1.481.3' })).message).toMatch(/RTSTRUCT/);
    expect((await read({ '0008,0016 UI': '1.2.840.10008.5.1.4.1.1.66.4' })).message).toMatch(/segmentation object/);
    expect((await read({ '0028,0100 US': 1 })).message).toMatch(/pixels of 1 bit are not supported/);
    expect((await errorOf(one({ without: ['7fe0,0010'] }))).message).toMatch(
      /an object without an image|without an image/,
    );
  });
  it('colour is red, green, blue', async () => {
    const image = await one({
      size: [1, 2],
      value: [0x0201, 0x0403, 0x0605],
      extra: {
        '0028,0002 US': 3,
        '0028,0004 CS': 'RGB',
        '0028,0006 US': 0,
        '0028,0100 US': 8,
        '0028,0101 US': 8,
        '0028,0102 US': 7,
      },
    });
    expect(image).toMatchObject({
      axes: 'cyx',
      shape: [3, 1, 2],
      channels: ['red', 'green', 'blue'],
      data: Uint8Array.of(1, 4, 2, 5, 3, 6),
    });
  });
});

describe('a DICOM series', () => {
  it('is ordered by position, not by name or number', async () => {
    const image = await series([
      { z: 10, value: 3 },
      { z: 0, value: 1 },
      { z: 5, value: 2 },
    ]);
    expect(image).toMatchObject({ axes: 'zyx', shape: [3, 3, 4], source: 's' });
    expect([0, 12, 24].map((i) => image.data[i])).toEqual([-1023, -1022, -1021]);
    expect(image.spacing.z).toEqual({ value: 5, unit: 'mm' });
    expect(image.geometry?.originMm).toEqual([-10, -20, 0]);
    expect(image.notes).toBeUndefined();
  });
  it('one dtype holds all slices, each with its own slope', async () => {
    const image = await series([
      { z: 0, value: 1 },
      { z: 1, value: 1, extra: { '0028,1053 DS': '40000' } },
    ]);
    expect([image.dtype, image.data[0], image.data[12]]).toEqual(['int32', -1023, 38_976]);
  });
  it('missing slices are told, and volumes stay right', async () => {
    const image = await series([0, 2, 4, 10, 12].map((z) => ({ z })));
    expect(image.notes?.[0]).toMatch(/2 slices are missing: slices are 2 mm apart, but slice 3 and the next are 6 mm/);
    expect(image.geometry?.slicePositionsMm).toEqual([0, 2, 4, 10, 12]);
    expect(sliceExtentsMm(image)).toEqual([2, 2, 4, 4, 2]);
  });
  it('the usual distance of an even number of gaps is the lower one, in the list of series too', async () => {
    const slices = [0, 2, 6].map((z) => ({ z }));
    const image = await series(slices);
    expect(image.notes?.[0]).toMatch(/1 slice is missing: slices are 2 mm apart, but slice 2 and the next are 4 mm/);
    const heads = await Promise.all(
      slices.map((slice, i) => readDicomHead(bytesSource(ctSlice(slice), `${i}`), `${i}`, { maxBytes: 2 ** 20 })),
    );
    expect(groupSeries(heads.map(({ header }) => header))[0]?.description).toMatch(/3 slices of 4 x 3, .* x 2 mm/);
  });
  it('uneven distances are told', async () => {
    const image = await series([0, 2, 5, 7].map((z) => ({ z })));
    expect(image.notes).toEqual(['The slices lie at uneven distances, 2 to 3 mm.']);
    expect(sliceExtentsMm(image)).toEqual([2, 2.5, 2.5, 2]);
  });
  it('a doubled slice is left out when it is the same, and refused when it is not', async () => {
    const image = await series([{ z: 0 }, { z: 1, value: 5 }, { z: 1, value: 5 }, { z: 2 }]);
    expect(image.shape).toEqual([3, 3, 4]);
    expect(image.notes).toEqual(['1 slice is duplicated with the same pixels: ignored.']);
    const error = await errorOf(series([{ z: 0 }, { z: 1, value: 5 }, { z: 1, value: 6 }, { z: 2 }]));
    expect(error.message).toMatch(/^s\/1\.dcm: this slice lies where "s\/2\.dcm" lies/);
  });
  it('places that all come back make the time axis', async () => {
    const at = (z: number, value: number, phase: number): SliceOptions => ({
      z,
      value,
      extra: { '0020,0100 IS': String(phase) },
    });
    const image = await series([at(0, 1, 1), at(3, 2, 1), at(0, 3, 2), at(3, 4, 2)]);
    expect([image.axes, image.shape]).toEqual(['tzyx', [2, 2, 3, 4]]);
    expect([0, 12, 24, 36].map((i) => image.data[i])).toEqual([-1023, -1022, -1021, -1020]);
  });
  it('a tilted gantry is told, and the product of spacings stays the volume of a voxel', async () => {
    const tilted = [0, 1, 2].map((i) => ({ z: 0, extra: { '0020,0032 DS': `-10\\${-20 + i}\\${3 * i}` } }));
    const image = await series(tilted);
    expect(image.notes?.[0]).toMatch(/tilted by 18\.4 degrees/);
    expect(image.spacing.z?.value).toBeCloseTo(3, 12);
    expectAllClose((voxelSteps(image) as NonNullable<ReturnType<typeof voxelSteps>>)[2], [0, 1, 3], {
      rtol: 1e-12,
      atol: 1e-12,
    });
  });
  it('slices of another orientation or size do not fit', async () => {
    const turned = { z: 1, extra: { '0020,0037 DS': '0\\1\\0\\0\\0\\-1' } };
    expect((await errorOf(series([{ z: 0 }, turned]))).message).toMatch(/^s\/1\.dcm: this slice does not fit/);
    expect((await errorOf(series([{ z: 0 }, { z: 1, size: [2, 2] }]))).message).toMatch(/does not fit/);
  });
  it('slices without a place are ordered by number, and said so', async () => {
    const image = await series(
      [2, 1].map((n) => ({ value: n, without: ['0020,0032'], extra: { '0020,0013 IS': String(n) } })),
    );
    expect([image.data[0], image.data[12]]).toEqual([-1023, -1022]);
    expect(image.notes).toEqual(['The slices have no positions; they are ordered by their number.']);
    expect(image.spacing.z).toBeUndefined();
  });
  it('an enhanced file has a place for each frame', async () => {
    const frame = (z: number): DicomItem => ({ '0020,9113 SQ': [{ '0020,0032 DS': `1\\2\\${z}` }] });
    const image = await one({
      size: [1, 2],
      value: [5, 5, 6, 6, 7, 7],
      without: ['0020,0032', '0020,0037', '0028,0030', '0028,1052', '0028,1053'],
      extra: {
        '0028,0008 IS': '3',
        '5200,9229 SQ': [
          {
            '0020,9116 SQ': [{ '0020,0037 DS': '1\\0\\0\\0\\1\\0' }],
            '0028,9110 SQ': [{ '0028,0030 DS': '0.7\\0.6', '0018,0050 DS': '4' }],
            '0028,9145 SQ': [{ '0028,1052 DS': '-5', '0028,1053 DS': '1' }],
          },
        ],
        '5200,9230 SQ': [frame(8), frame(0), frame(4)],
      },
    });
    expect(image).toMatchObject({
      axes: 'zyx',
      data: Int16Array.of(1, 1, 2, 2, 0, 0),
      spacing: { z: { value: 4, unit: 'mm' }, y: { value: 0.7, unit: 'mm' }, x: { value: 0.6, unit: 'mm' } },
      geometry: { originMm: [1, 2, 0] },
    });
  });
  it('nothing in the image leads to the person', async () => {
    const texts = [
      JSON.stringify(await series([{ z: 0 }, { z: 1 }, { z: 4 }]), (key, value) => (key === 'data' ? [] : value)),
      (await errorOf(series([{ z: 0 }, { z: 0, value: 2 }, { z: 3 }]))).message,
      (await errorOf(series([{ z: 0 }, { z: 1, size: [2, 2] }]))).message,
      (await errorOf(one({ extra: { '0028,0004 CS': PERSON.name } }).then(() => Promise.reject(new FormatError('')))))
        .message,
      JSON.stringify(await one({ extra: { '0018,0015 CS': 'ROENTGEN', '0008,0060 CS': 'ROENTGEN^W' } })),
    ];
    for (const text of texts) {
      for (const secret of [...Object.values(PERSON), 'Wurzburg', '20240102', 'ROENTGEN'])
        expect(text).not.toContain(secret);
    }
  });
});

describe('JPEG lossless', () => {
  // Values by pydicom with pylibjpeg: the same picture with each of the seven predictors.
  const folder = new URL('../../node_modules/jpeg-lossless-decoder-js/tests/data/', import.meta.url);
  for (const name of readdirSync(folder).filter((file) => /sel\d\.dcm$/.test(file))) {
    it(`${name} decodes to the last bit`, async () => {
      const image = await readImage(new Uint8Array(readFileSync(join(folder.pathname, name))), name);
      expect(image.shape).toEqual([256, 256]);
      expect(crc32(new Uint8Array(Int32Array.from(image.data as ArrayLike<number>).buffer))).toBe(3_027_643_620);
    });
  }
});
