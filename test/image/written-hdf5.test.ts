/** Images in HDF5 as h5py and Lamella read them back. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { allocate, type DType, elementCount, type Storage } from '../../src/array/ndarray.ts';
import { writeHdf5 } from '../../src/image/formats/hdf5/write.ts';
import type { Image } from '../../src/image/image.ts';
import { readImage } from '../../src/image/read.ts';
import { askPeerOf, describeWithPeers } from '../support/peers.ts';

const folder = mkdtempSync(join(tmpdir(), 'lamella-written-hdf5-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const DTYPES = [
  ...(['uint8', 'uint16', 'uint32', 'int8', 'int16', 'int32', 'uint64', 'int64'] as const),
  ...(['float32', 'float64'] as const),
] as const;

const LENGTHS: Readonly<Record<string, number>> = { t: 2, c: 3, z: 5, y: 9, x: 70 };

/** Values that differ from place to place, of both signs where the type has two. */
function made(dtype: DType, axes: string, more: Partial<Image> = {}): Image {
  const shape = [...axes].map((axis) => LENGTHS[axis] as number);
  const data: Storage[DType] = allocate(dtype, elementCount(shape));
  const least = /^u|bool/.test(dtype) ? 0 : -60;
  for (let i = 0; i < data.length; i++) {
    const value = dtype === 'bool' ? i % 2 : ((i * i + 7 * i) % 113) + least;
    data[i] = data instanceof BigInt64Array || data instanceof BigUint64Array ? BigInt(value) : value;
  }
  if (dtype.startsWith('float')) (data as Float64Array).set([0.1, Number.NaN, Number.POSITIVE_INFINITY]);
  return { dtype, axes, shape, data, spacing: {}, ...more };
}

const µm = (value: number) => ({ value, unit: 'µm' });
const IMAGES: Readonly<Record<string, Image>> = {
  ...Object.fromEntries(DTYPES.map((dtype) => [`${dtype}.h5`, made(dtype, 'yx')])),
  ...Object.fromEntries(['cyx', 'zyx', 'czyx', 'tyx', 'tczyx'].map((axes) => [`${axes}.h5`, made('uint8', axes)])),
  'objects.h5': made('uint32', 'yx', { labelKind: 'objects', spacing: { y: µm(0.07), x: µm(0.07) } }),
  'classes.h5': made('uint8', 'zyx', {
    labelKind: 'classes',
    spacing: { z: { value: 0.0005, unit: 'mm' }, y: { value: 70, unit: 'nm' }, x: µm(0.3) },
  }),
  'half.h5': made('uint8', 'zyx', { spacing: { y: µm(1), x: µm(1) } }),
};

describeWithPeers(
  'HDF5 that is written',
  () => {
    interface Found {
      readonly dtype: string;
      readonly axes: string;
      readonly kinds: readonly number[];
      readonly shape: readonly number[];
      readonly values: readonly string[];
      readonly um: readonly number[] | null;
      readonly kind: string | null;
    }
    let found: Readonly<Record<string, Found>>;
    const bytes = new Map<string, Uint8Array>();
    beforeAll(async () => {
      for (const [name, image] of Object.entries(IMAGES)) {
        bytes.set(name, await writeHdf5(image));
        writeFileSync(join(folder, name), bytes.get(name) as Uint8Array);
      }
      found = askPeerOf('labels', 'read_hdf5.py', folder);
    }, 60_000);

    it.each(Object.keys(IMAGES))('%s: every value and axis, by h5py', (name) => {
      const { axes, shape, dtype, data } = IMAGES[name] as Image;
      const said = found[name] as Found;
      expect(said.dtype).toBe(dtype);
      // As ilastik exports: channels last.
      expect(said.axes).toBe(`${axes.replace('c', '')}${axes.includes('c') ? 'c' : ''}`);
      expect(said.kinds).toEqual([...said.axes].map((axis) => ({ t: 8, c: 1 })[axis] ?? 2));
      expect(said.shape).toEqual([...said.axes].map((axis) => LENGTHS[axis]));
      const strides = [...said.axes].map((axis) => elementCount(shape.slice(axes.indexOf(axis) + 1)));
      const values = said.values.map(Number);
      for (let at = 0; at < values.length; at++) {
        let [rest, from] = [at, 0];
        for (let axis = said.shape.length - 1; axis >= 0; axis--) {
          const length = said.shape[axis] as number;
          from += (rest % length) * (strides[axis] as number);
          rest = Math.floor(rest / length);
        }
        const expected = Number(data[from]);
        if (values[at] !== expected && !(Number.isNaN(expected) && said.values[at] === 'nan')) {
          if (said.values[at] === 'inf' && expected === Number.POSITIVE_INFINITY) continue;
          expect(said.values[at], `value ${at}`).toBe(expected);
        }
      }
      expect(values.length).toBe(data.length);
    });

    it.each(Object.keys(IMAGES))('%s: the same image again', async (name) => {
      const { data, axes, shape, dtype, labelKind } = IMAGES[name] as Image;
      const image = await readImage(bytes.get(name) as Uint8Array, name);
      expect({ ...image, channels: undefined }).toMatchObject({ axes, shape, dtype });
      expect(image.data).toEqual(data);
      expect(image.labelKind).toBe(labelKind);
      expect(image.notes).toBeUndefined();
    });

    it('keeps the size of a pixel in µm, and what labels are', async () => {
      expect(found['objects.h5']).toMatchObject({ um: [0.07, 0.07], kind: 'objects' });
      expect(found['classes.h5']).toMatchObject({ um: [0.5, 0.07, 0.3], kind: 'classes' });
      expect(found['uint8.h5']).toMatchObject({ um: null, kind: null });
      // One of z, y and x is not known.
      expect(found['half.h5']).toMatchObject({ um: null });
      const read = async (name: string) => (await readImage(bytes.get(name) as Uint8Array, name)).spacing;
      expect(await read('objects.h5')).toEqual({ y: µm(0.07), x: µm(0.07) });
      expect(await read('classes.h5')).toEqual({ z: µm(0.5), y: µm(0.07), x: µm(0.3) });
      expect(await read('half.h5')).toEqual({});
    });
  },
  'labels',
);

describe('HDF5', () => {
  it('holds bool as 0 and 1, and float16 as float32', async () => {
    const flags = made('bool', 'yx');
    const read = await readImage(await writeHdf5(flags), 'a.h5');
    expect([read.dtype, [...read.data]]).toEqual(['uint8', [...flags.data]]);
    const half: Image = {
      dtype: 'float16',
      data: Uint16Array.of(0x3c00, 0xb800),
      axes: 'yx',
      shape: [1, 2],
      spacing: {},
    };
    const floats = await readImage(await writeHdf5(half), 'a.h5');
    expect([floats.dtype, [...floats.data]]).toEqual(['float32', [1, -0.5]]);
  });

  it('refuses what its memory does not hold', async () => {
    // No array of this size is made: only its length is asked for.
    const data = { length: 3 * 2 ** 29 } as unknown as Uint8Array;
    const image: Image = { dtype: 'uint8', data, axes: 'yx', shape: [1, 3 * 2 ** 29], spacing: {}, source: 'big.tif' };
    await expect(writeHdf5(image)).rejects.toThrow(
      'big.tif: HDF5 is written up to 1 GiB, and this is 1.5 GiB. Write OME-Zarr or OME-TIFF.',
    );
  });
});
