/**
 * Varieties of NIfTI and NRRD that people's files have. References: nibabel 5.4.2, SimpleITK 2.5.7, pynrrd 1.1.3, whose
 * values were read once from the same bytes; where they differ, the test says so.
 */
import { gzipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import type { DType } from '../../src/array/ndarray.ts';
import { rawPages } from '../../src/dataset/raw.ts';
import { writeNifti } from '../../src/image/formats/nifti/write.ts';
import { voxelSteps } from '../../src/image/geometry.ts';
import { gunzip } from '../../src/image/gunzip.ts';
import type { Image } from '../../src/image/image.ts';
import { readImage } from '../../src/image/read.ts';

const CODES: Partial<Record<DType, number>> = {
  uint8: 2,
  int16: 4,
  int32: 8,
  float32: 16,
  uint32: 768,
  int64: 1024,
  uint64: 1280,
};

/** A NIfTI-1 file of 2 x 2 x 2 voxels, 2 x 3 x 4 mm; `edit` changes its header. */
function nifti(
  data: ArrayLike<number | bigint> & ArrayBufferView,
  dtype: DType,
  edit: (h: DataView) => void = () => {},
): Uint8Array {
  const bytes = new Uint8Array(352 + data.byteLength);
  const h = new DataView(bytes.buffer);
  h.setInt32(0, 348, true);
  for (const [i, n] of [3, 2, 2, 2, 1, 1, 1, 1].entries()) h.setInt16(40 + 2 * i, n, true);
  h.setInt16(70, CODES[dtype] as number, true);
  h.setInt16(72, (8 * data.byteLength) / data.length, true);
  for (const [i, size] of [1, 2, 3, 4].entries()) h.setFloat32(76 + 4 * i, size, true);
  h.setFloat32(108, 352, true);
  h.setFloat32(112, 1, true);
  h.setUint8(123, 2);
  bytes.set([0x6e, 0x2b, 0x31, 0], 344);
  bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), 352);
  edit(h);
  return bytes;
}
const scaled = (slope: number, intercept: number) => (h: DataView) => {
  h.setFloat32(112, slope, true);
  h.setFloat32(116, intercept, true);
};
const EIGHT = Int16Array.of(0, 1, 2, 3, 4, 5, 6, 7);

describe('gzip', () => {
  const packed = gzipSync(nifti(EIGHT, 'int16'));
  const join = (...parts: readonly Uint8Array[]) => Uint8Array.from(parts.flatMap((part) => [...part]));
  it('zeros behind it fill blocks, however many', async () => {
    for (const count of [1, 3, 4, 7, 8, 512, 70_000]) {
      const image = await readImage(join(packed, new Uint8Array(count)), 'a.nii.gz');
      expect([image.data, image.notes]).toEqual([EIGHT, undefined]);
    }
  });
  it('anything else behind it is ignored, as by nibabel and SimpleITK, and said', async () => {
    for (const count of [1, 9, 70_000]) {
      const image = await readImage(join(packed, new Uint8Array(count).fill(88)), 'a.nii.gz');
      expect(image.data).toEqual(EIGHT);
      expect(image.notes).toEqual([`${count} bytes that are not gzip follow the gzip data; they are ignored.`]);
    }
  });
  it('members follow each other, and each is tested', () => {
    const parts = [new Uint8Array(5).fill(1), new Uint8Array(0), new Uint8Array(90_000).fill(2)];
    const members = parts.map((part) => gzipSync(part, { level: 0 }));
    const all = join(...members, new Uint8Array(100));
    expect(gunzip(all, 2 ** 20).bytes).toEqual(join(...parts));
    // A byte of the first, which is stored as it is.
    all[16] ^= 1;
    expect(() => gunzip(all, 2 ** 20)).toThrow(/checksum/);
  });
  it('data that end early are refused, padded or not', () => {
    const cut = packed.subarray(0, packed.length - 12);
    expect(() => gunzip(cut, 2 ** 20)).toThrow();
    expect(() => gunzip(packed.subarray(0, packed.length - 3), 2 ** 20)).toThrow();
    expect(() => gunzip(join(packed.subarray(0, packed.length - 3), new Uint8Array(9)), 2 ** 20)).toThrow(/checksum/);
  });
});

describe('slope and intercept of integers', () => {
  const read = (data: ArrayLike<number | bigint> & ArrayBufferView, dtype: DType, slope: number, intercept: number) =>
    readImage(nifti(data, dtype, scaled(slope, intercept)), 'a.nii');
  it('64 bits stay exact: nibabel gives float64, which has 53', async () => {
    const big = 2n ** 60n + 1n;
    const image = await read(BigInt64Array.of(big, 0n, 1n, 2n, 3n, 4n, 5n, -7n), 'int64', 1, -1000);
    expect([image.dtype, image.data[0], image.data[7]]).toEqual(['int64', big - 1000n, -1007n]);
    const unsigned = await read(new BigUint64Array(8).fill(2n ** 64n - 1n), 'uint64', 1, -1000);
    expect([unsigned.dtype, unsigned.data[0]]).toEqual(['uint64', 2n ** 64n - 1001n]);
    const small = await read(new BigInt64Array(8).fill(2n ** 27n + 5n), 'int64', 1, -1000);
    expect([small.dtype, small.data[0]]).toEqual(['int32', 2 ** 27 - 995]);
  });
  it('32 bits stay exact', async () => {
    const unsigned = await read(new Uint32Array(8).fill(2 ** 32 - 1), 'uint32', 1, -1000);
    expect([unsigned.dtype, unsigned.data[0]]).toEqual(['uint32', 4_294_966_295]);
    const signed = await read(Int32Array.of(2 ** 31 - 1, -(2 ** 31), 0, 0, 0, 0, 0, 0), 'int32', 3, 1);
    expect([signed.dtype, signed.data[0], signed.data[1]]).toEqual(['int64', 6_442_450_942n, -6_442_450_943n]);
    const half = await read(new Int32Array(8).fill(2 ** 31 - 1), 'int32', 0.5, 0);
    expect([half.dtype, half.data[0]]).toEqual(['float64', 1_073_741_823.5]);
  });
  it('what no dtype holds is refused', async () => {
    await expect(read(new BigUint64Array(8).fill(2n ** 64n - 1n), 'uint64', 1, 1000)).rejects.toThrow(
      /exceed 64 bits\. Save/,
    );
    await expect(read(new BigInt64Array(8).fill(2n ** 60n + 1n), 'int64', 0.5, 0)).rejects.toThrow(/would lose digits/);
  });
  it('a slope of 0 or NaN leaves the intercept out, as in nibabel; SimpleITK reads 5', async () => {
    for (const slope of [0, Number.NaN]) {
      const image = await read(EIGHT, 'int16', slope, 5);
      expect(image.data).toEqual(EIGHT);
      expect(image.notes?.[0]).toMatch(/slope is (0|NaN), so its intercept of 5 is not applied, as in nibabel; ITK/);
    }
    expect((await read(EIGHT, 'int16', 0, 0)).notes).toBeUndefined();
  });
  it('a slope with an intercept that is no number is refused, as by nibabel', async () => {
    await expect(read(EIGHT, 'int16', 2, Number.NaN)).rejects.toThrow(/slope of 2 with an intercept that is no number/);
  });
  it('labels that the slope makes fractional: it is the slope that is named', async () => {
    // What nibabel writes of the float labels 0, 1, 2 under a uint8 header; it reads 0, 0.99607849, 2.00000012.
    const label = await read(Uint8Array.of(0, 127, 255, 0, 0, 0, 0, 0), 'uint8', 0.007843137718737125, 0);
    const image = await read(EIGHT, 'int16', 1, 0);
    expect(() => rawPages(image, label, 'a')).toThrow(
      /the slope of 0\.00784\d* in the file's header turns its whole numbers into fractions, such as 0\.996.*np\.rint/,
    );
  });
});

describe('where NIfTI voxels lie', () => {
  const qform = (h: DataView) => {
    h.setInt16(252, 1, true);
    for (const [i, v] of [0, 0, 0, 5, 6, 7].entries()) h.setFloat32(256 + 4 * i, v, true);
  };
  it('an sform of zeros gives way to the qform (SimpleITK; nibabel takes the zeros)', async () => {
    const bytes = nifti(EIGHT, 'int16', (h) => {
      qform(h);
      h.setInt16(254, 1, true);
    });
    const image = await readImage(bytes, 'a.nii');
    expect(voxelSteps(image)).toEqual([
      [-2, -0, 0],
      [-0, -3, 0],
      [-0, -0, 4],
    ]);
    expect(image.geometry?.originMm).toEqual([-5, -6, 7]);
    expect(image.notes).toEqual(['The sform is no matrix that could place voxels; the qform is used.']);
  });
  it('neither usable: sizes stay, the place is left out', async () => {
    const image = await readImage(
      nifti(EIGHT, 'int16', (h) => h.setInt16(254, 1, true)),
      'a.nii',
    );
    expect([image.spacing.x, image.geometry]).toEqual([{ value: 2, unit: 'mm' }, undefined]);
    expect(image.notes).toEqual(['The sform is no matrix that could place voxels; it is left out.']);
  });
  it('negative voxel sizes count by their absolute value, as in nibabel, with a qform and without', async () => {
    const negative = (h: DataView) => h.setFloat32(80, -2, true);
    const placed = await readImage(
      nifti(EIGHT, 'int16', (h) => [qform(h), negative(h)]),
      'a.nii',
    );
    expect(voxelSteps(placed)?.[0]).toEqual([-2, -0, 0]);
    expect(placed.notes).toEqual(['A voxel size is negative; its absolute value is used.']);
    const plain = await readImage(nifti(EIGHT, 'int16', negative), 'a.nii');
    expect(plain.spacing.x).toEqual({ value: 2, unit: 'mm' });
  });
});

it('volumes along the fourth axis with one volume of labels: said, with what to do', () => {
  const volume = (axes: string, shape: readonly number[]): Image => ({
    dtype: 'uint8',
    axes,
    shape,
    spacing: {},
    data: new Uint8Array(shape.reduce((a, b) => a * b)),
  });
  expect(() => rawPages(volume('tzyx', [4, 5, 24, 24]), volume('zyx', [5, 24, 24]), 'a.nii')).toThrow(
    /the image has 4 volumes along its fourth axis, its labels one volume\. If these are modalities, save each as a file/,
  );
  expect(() => rawPages(volume('zyx', [6, 24, 24]), volume('zyx', [5, 24, 24]), 'a.nii')).toThrow(
    /6 pages, its labels 5/,
  );
});

describe('NRRD', () => {
  /** Values 0, 1, 2, ... of 16 bits. */
  function nrrd(header: string, count = 24): Uint8Array {
    const text = new TextEncoder().encode(`NRRD0005\ntype: short\nendian: little\nencoding: raw\n${header}\n\n`);
    const out = new Uint8Array(text.length + 2 * count);
    out.set(text);
    out.set(new Uint8Array(Int16Array.from({ length: count }, (_, i) => i).buffer), text.length);
    return out;
  }
  it('space with time has four axes; time is the one that moves along it alone, wherever it stands', async () => {
    const last = await readImage(
      nrrd(
        'dimension: 4\nspace: RAST\nsizes: 2 3 2 2\nspace directions: (0.5,0,0,0) (0,0.5,0,0) (0,0,2,0) (0,0,0,1.5)\nspace units: "mm" "mm" "mm" "s"\nspace origin: (1,2,3,0)',
      ),
      'a.nrrd',
    );
    expect(last).toMatchObject({
      axes: 'tzyx',
      shape: [2, 2, 3, 2],
      spacing: { t: { value: 1.5, unit: 's' }, z: { value: 2, unit: 'mm' }, x: { value: 0.5, unit: 'mm' } },
    });
    expect(last.geometry?.originMm).toEqual([-1, -2, 3]);
    const first = await readImage(
      nrrd(
        'dimension: 4\nspace: left-posterior-superior-time\nsizes: 2 2 3 2\nspace directions: (0,0,0,1.5) (0.5,0,0,0) (0,0.5,0,0) (0,0,2,0)\nkinds: domain domain domain domain\nspace origin: (1,2,3,0)',
      ),
      'a.nrrd',
    );
    expect([first.axes, first.shape, [...first.data].slice(0, 3)]).toEqual(['tzyx', [2, 2, 3, 2], [0, 2, 4]]);
    // No unit of time is stated.
    expect(first.spacing.t).toBeUndefined();
  });
  it('an axis without direction (none) holds components, wherever it stands', async () => {
    const directions = (rows: string, sizes: string) =>
      readImage(nrrd(`dimension: 3\nspace: LPS\nsizes: ${sizes}\nspace directions: ${rows}`, 12), 'a.nrrd');
    expect(await directions('none (1,0,0) (0,1,0)', '3 2 2')).toMatchObject({ axes: 'cyx', shape: [3, 2, 2] });
    expect(await directions('(1,0,0) (0,1,0) (nan,nan,nan)', '2 2 3')).toMatchObject({ axes: 'cyx', shape: [3, 2, 2] });
  });
  const SEGMENTS = ['lung', 'tumour'].flatMap((name, i) => [
    `Segment${i}_Name:=${name}`,
    `Segment${i}_LabelValue:=${i + 1}`,
    `Segment${i}_Layer:=${i}`,
  ]);
  it('segments of 3D Slicer in layers are refused with their names', async () => {
    const bytes = nrrd(
      `dimension: 4\nspace: LPS\nsizes: 2 2 3 2\nkinds: list domain domain domain\nspace directions: none (1,0,0) (0,1,0) (0,0,1)\n${SEGMENTS.join('\n')}`,
    );
    await expect(readImage(bytes, 'a.seg.nrrd')).rejects.toThrow(
      /segmentation in layers.*lung \(layer 0, value 1\), tumour \(layer 1, value 2\)\. Convert it onto its image \(`of`\)/,
    );
  });
  it('segments of 3D Slicer in one layer are its label map, with their names as a note', async () => {
    const bytes = nrrd(
      `dimension: 3\nspace: LPS\nsizes: 2 3 2\nspace directions: (1,0,0) (0,1,0) (0,0,1)\n${SEGMENTS.join('\n')}`,
      12,
    );
    expect((await readImage(bytes, 'a.seg.nrrd')).notes).toContain(
      'A segmentation of 3D Slicer: 1 is lung, 2 is tumour.',
    );
  });
  it('a detached header finds its data beside it, in a folder below, and behind lines and bytes that are skipped', async () => {
    const header = (fields: string) =>
      new TextEncoder().encode(`NRRD0005\ntype: uchar\ndimension: 2\nsizes: 2 2\nencoding: raw\n${fields}\n`);
    const files: Record<string, Uint8Array> = {
      's/data/a.raw': Uint8Array.of(1, 2, 3, 4),
      's/b.raw': Uint8Array.of(65, 10, 9, 1, 2, 3, 4),
    };
    const read = (fields: string) => readImage(header(fields), 's/a.nhdr', { sibling: async (path) => files[path] });
    for (const fields of [
      'data file: data/a.raw',
      'datafile: b.raw\nline skip: 1\nbyte skip: 1',
      'data file: b.raw\nbyteskip: -1',
    ]) {
      expect([...(await read(fields)).data]).toEqual([1, 2, 3, 4]);
    }
    await expect(read('data file: c.raw')).rejects.toThrow(/its data should be in "c\.raw", which is not there/);
    await expect(read('data file: LIST')).rejects.toThrow(/data in several files/);
  });
});

it('what writeNifti wrote has no notes of scale', async () => {
  const image: Image = { dtype: 'uint8', axes: 'yx', shape: [2, 2], spacing: {}, data: Uint8Array.of(0, 1, 2, 3) };
  const back = await readImage(writeNifti(image), 'a.nii.gz');
  expect([back.fractionBy, [...back.data]]).toEqual([undefined, [0, 1, 2, 3]]);
});
