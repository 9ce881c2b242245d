import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { allocate, type DType } from '../../src/array/ndarray.ts';
import { page } from '../../src/image/convert.ts';
import { writeNifti } from '../../src/image/formats/nifti/write.ts';
import { voxelSteps } from '../../src/image/geometry.ts';
import { type Geometry, type Image, sizes, type Vector3 } from '../../src/image/image.ts';
import { readImage } from '../../src/image/read.ts';
import { dataFolder, describeWithData } from '../support/data.ts';
import { expectAllClose } from '../support/expect-all-close.ts';
import { askPeer, describeWithPeers } from '../support/peers.ts';

const mm = (value: number) => ({ value, unit: 'mm' });

/** Turned by 30 degrees about z, the slices mirrored. */
const OBLIQUE: Geometry = {
  originMm: [-12.5, 30.25, 100],
  direction: [
    [Math.sqrt(0.75), 0.5, 0],
    [-0.5, Math.sqrt(0.75), 0],
    [0, 0, -1],
  ],
};

function volume(
  dtype: DType,
  geometry: Geometry | undefined,
  shape: readonly number[] = [2, 3, 4],
  axes = 'zyx',
): Image {
  const data = allocate(
    dtype,
    shape.reduce((a, b) => a * b, 1),
  );
  for (let i = 0; i < data.length; i++) data[i] = dtype.endsWith('64') && dtype !== 'float64' ? BigInt(i) : i;
  return {
    dtype,
    shape,
    axes,
    data,
    spacing: { ...(axes.includes('z') ? { z: mm(2.5) } : {}), y: mm(0.75), x: mm(0.5) },
    geometry,
  };
}

/** The affine of NIfTI: columns to the right, to the front, to the head. */
function affineOf(image: Image): number[][] {
  const steps = voxelSteps(image) as readonly [Vector3, Vector3, Vector3];
  const columns = [...steps, image.geometry?.originMm as Vector3];
  return [0, 1, 2].map((row) => columns.map((column) => (row === 2 ? 1 : -1) * (column[row] as number)));
}

describe('writeNifti', () => {
  it('gives again what was written: values, axes, spacing and geometry', async () => {
    for (const dtype of [
      'uint8',
      'int8',
      'int16',
      'uint16',
      'int32',
      'uint32',
      'int64',
      'uint64',
      'float32',
      'float64',
    ] as const) {
      const image = volume(dtype, OBLIQUE);
      const read = await readImage(writeNifti(image), 'a.nii.gz');
      expect({ dtype: read.dtype, axes: read.axes, shape: read.shape, data: read.data }).toEqual({
        dtype,
        axes: 'zyx',
        shape: image.shape,
        data: image.data,
      });
      // The header has float32.
      expectAllClose(affineOf(read).flat(), affineOf(image).flat(), { rtol: 1e-6, atol: 1e-6 });
      expect(read.notes).toBeUndefined();
    }
  });
  it('keeps components, time and single slices', async () => {
    for (const [axes, shape] of [
      ['tzyx', [2, 2, 3, 4]],
      ['czyx', [3, 2, 3, 4]],
      ['tczyx', [2, 3, 2, 3, 4]],
      ['yx', [3, 4]],
      ['cyx', [2, 3, 4]],
    ] as const) {
      const image = volume('int16', { ...OBLIQUE, thicknessMm: 4 }, shape, axes);
      const read = await readImage(writeNifti(image, { gzip: false }), 'a.nii');
      expect([read.axes, read.shape, [...(read.data as Int16Array)]]).toEqual([
        axes,
        shape,
        [...(image.data as Int16Array)],
      ]);
      if (axes === 'yx') expect(read.geometry?.thicknessMm).toBe(4);
    }
  });
  it('an unknown voxel size stays unknown', async () => {
    const read = await readImage(writeNifti({ ...volume('uint8', undefined), spacing: {} }), 'a.nii.gz');
    expect([read.spacing, read.geometry, read.notes]).toEqual([{}, undefined, undefined]);
  });
  it('uneven places of slices come back', async () => {
    const geometry = { ...OBLIQUE, slicePositionsMm: [0, 2, 7.5] };
    const image = { ...volume('int16', geometry, [3, 3, 4]), source: 'a' };
    const read = await readImage(writeNifti(image), 'a.nii.gz');
    expect(read.geometry?.slicePositionsMm).toEqual([0, 2, 7.5]);
    expect(read.data).toEqual(image.data);
  });
  it('the same image gives the same bytes', () => {
    expect(writeNifti(volume('uint8', OBLIQUE))).toEqual(writeNifti(volume('uint8', OBLIQUE)));
  });
  it('refuses what it cannot hold', () => {
    expect(() => writeNifti(volume('float16', undefined))).toThrow(/not written from float16/);
    expect(() => writeNifti(volume('uint8', undefined, [1, 40_000], 'yx'))).toThrow(/axis of 40000 voxels/);
  });
  it('a page of a volume lies where it lay in the volume', async () => {
    const read = await readImage(writeNifti(page(volume('uint8', OBLIQUE), 1)), 'a.nii.gz');
    expectAllClose(read.geometry?.originMm ?? [], [-12.5, 30.25, 97.5], { rtol: 1e-6, atol: 0 });
  });
});

describeWithPeers('written NIfTI files as nibabel reads them', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'lamella-nifti-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  interface Read {
    readonly shape: readonly number[];
    readonly dtype: string;
    readonly affine: readonly (readonly number[])[];
    readonly qform: readonly (readonly number[])[];
    readonly codes: readonly number[];
    readonly units: readonly string[];
    readonly zooms: readonly number[];
    readonly values: readonly number[];
    readonly sum: number;
    readonly texts: readonly string[];
  }
  let files = 0;
  function nibabel(...images: readonly Image[]): readonly Read[] {
    const paths = images.map((image) => {
      const path = join(folder, `${files++}.nii.gz`);
      writeFileSync(path, writeNifti(image));
      return path;
    });
    return askPeer<readonly Read[]>('read_nifti.py', ...paths);
  }

  it('any turned, mirrored, tilted grid: the affine of sform, and of qform where it can say it', () => {
    const unit = (v: Vector3): Vector3 => v.map((value) => value / Math.hypot(...v)) as unknown as Vector3;
    const cross = (a: Vector3, b: Vector3): Vector3 => [
      a[1] * b[2] - a[2] * b[1],
      a[2] * b[0] - a[0] * b[2],
      a[0] * b[1] - a[1] * b[0],
    ];
    const component = fc.double({ min: -1, max: 1, noNaN: true });
    const vector = fc.tuple(component, component, component).filter((v) => Math.hypot(...v) > 0.1);
    const grids = fc.sample(
      fc
        .tuple(vector, vector, fc.boolean(), fc.boolean(), fc.double({ min: 0.1, max: 9, noNaN: true }))
        .filter(([a, b]) => Math.hypot(...cross(unit(a), unit(b))) > 0.1),
      { numRuns: 60, seed: 5 },
    );
    const images = grids.map(([a, b, mirrored, tilted, spacing]): Image => {
      const x = unit(a);
      const z = unit(cross(x, b));
      const y = cross(z, x);
      const step: Vector3 = tilted ? [z[0] + 0.2 * y[0], z[1] + 0.2 * y[1], z[2] + 0.2 * y[2]] : z;
      const image = volume('int16', {
        originMm: [100 * a[0], 55, -3],
        direction: [x, mirrored ? (y.map((v) => -v) as unknown as Vector3) : y, step],
      });
      return { ...image, spacing: { ...image.spacing, z: mm(spacing) } };
    });
    for (const [i, read] of nibabel(...images).entries()) {
      const image = images[i] as Image;
      const expected = affineOf(image).flat();
      // float32 in the header; the quaternion's rounding is a little more.
      expectAllClose(read.affine.slice(0, 3).flat(), expected, { rtol: 2e-7, atol: 1e-6 });
      const tilted = (grids[i] as (typeof grids)[number])[3];
      expect(read.codes).toEqual(tilted ? [0, 1] : [1, 1]);
      if (!tilted) expectAllClose(read.qform.slice(0, 3).flat(), expected, { rtol: 1e-5, atol: 2e-5 });
      expect([read.shape, read.units]).toEqual([
        [4, 3, 2],
        ['mm', 'unknown'],
      ]);
      expect(read.values).toEqual([...(image.data as Int16Array)]);
    }
  });
  it('components, colours, time, and nothing but the image', () => {
    const colour: Image = { ...volume('uint8', OBLIQUE, [3, 2, 3, 4], 'czyx'), channels: ['red', 'green', 'blue'] };
    const [rgb, vectors, times] = nibabel(colour, volume('float32', OBLIQUE, [2, 2, 3, 4], 'czyx'), {
      ...volume('uint8', undefined, [5, 1, 3, 4], 'tzyx'),
      spacing: { t: { value: 2, unit: 's' }, y: { value: 3, unit: 'µm' }, x: { value: 2, unit: 'µm' } },
    }) as [Read, Read, Read];
    expect([rgb.shape, rgb.dtype]).toEqual([[4, 3, 2], 'rgb']);
    expect(rgb.values.slice(0, 3)).toEqual([0, 24, 48]);
    expect([vectors.shape, vectors.values[24]]).toEqual([[4, 3, 2, 1, 2], 24]);
    expect([times.shape, times.units, times.zooms]).toEqual([
      [4, 3, 1, 5],
      ['micron', 'sec'],
      [2, 3, 1, 2],
    ]);
    const [uneven] = nibabel(volume('int16', { ...OBLIQUE, slicePositionsMm: [0, 2, 7.5] }, [3, 3, 4])) as [Read];
    expect(uneven.values.slice(0, 5)).toEqual([0, 1, 2, 3, 4]);
    for (const { texts } of [rgb, vectors, times]) expect(texts.join('')).toBe('');
  });

  describeWithData('real volumes written again', () => {
    it('lie exactly over the original', async () => {
      const originals = [
        'lungs/3d/IMG_0009_sub4.nii.gz',
        'lungs/3d/MASK_0009_sub4.nii.gz',
        'formats/nibabel/nibabel/tests/data/example4d.nii.gz',
        'formats/nibabel/nibabel/tests/data/example_nifti2.nii.gz',
        'formats/nifti-reader-js/data/5D_small.nii',
      ].map((name) => join(dataFolder(), name));
      const images = await Promise.all(originals.map((path) => readImage(new Uint8Array(readFileSync(path)), path)));
      const before = askPeer<readonly Read[]>('read_nifti.py', ...originals);
      for (const [i, read] of nibabel(...images).entries()) {
        const original = before[i] as Read;
        expect(read.shape).toEqual(original.shape);
        // Scaled values become float32.
        expectAllClose([read.sum], [original.sum], { rtol: 2 ** -23, atol: 0 });
        // The same float32 numbers, or beside them by one rounding (NIfTI-2 has doubles).
        expectAllClose(read.affine.flat(), original.affine.flat(), { rtol: 1.2e-7, atol: 1e-9 });
        expect(sizes(images[i] as Image).width).toBe(original.shape[0]);
      }
    });
  });
});
