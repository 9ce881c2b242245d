/** Medical images and label maps that are wrong in one way, as a user meets them: each by a command. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { ndarray } from '../../src/array/ndarray.ts';
import { writeNifti } from '../../src/image/formats/nifti/write.ts';
import { writePng } from '../../src/image/formats/png/write.ts';
import { writeTiff } from '../../src/image/formats/tiff/write.ts';
import type { Geometry, Image, Spacings } from '../../src/image/image.ts';
import { dataFolder, describeWithData } from '../support/data.ts';
import { compressedPixels, ctSlice, type SliceOptions } from '../support/dicom.ts';
import { lamella, type Outcome } from './command.ts';

const root = mkdtempSync(join(tmpdir(), 'lamella-bad-volumes-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

function write(name: string, bytes: Uint8Array | string): string {
  const path = join(root, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, bytes);
  return path;
}

/** A folder of DICOM slices. */
function series(name: string, slices: readonly SliceOptions[]): string {
  for (const [i, slice] of slices.entries()) write(`${name}/${i}.dcm`, ctSlice(slice));
  return join(root, name);
}

const mm = (value: number) => ({ value, unit: 'mm' });
const AXIAL: Geometry = {
  originMm: [0, 0, 0],
  direction: [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
};

/** 3 slices of 16 x 20 with two boxes of lung in them, as HU or as a mask. */
function volume(
  kind: 'hu' | 'mask',
  {
    spacing = { z: mm(5), y: mm(0.8), x: mm(0.8) },
    geometry = AXIAL,
  }: { readonly spacing?: Spacings; readonly geometry?: Geometry | null } = {},
): Image {
  const data = Int16Array.from({ length: 3 * 16 * 20 }, (_, i) => {
    const [x, y] = [i % 20, Math.floor(i / 20) % 16];
    const lung = y > 3 && y < 12 && ((x > 2 && x < 8) || (x > 11 && x < 17));
    return kind === 'mask' ? Number(lung) : lung ? -850 : 40;
  });
  const place = geometry === null ? {} : { geometry };
  return { ...ndarray('int16', [3, 16, 20], data), axes: 'zyx', spacing, ...place };
}

const measureLungs = (mask: string, image: string, ...more: readonly string[]): Promise<Outcome> =>
  lamella(['measure', mask, '--images', image, '--task', 'lungs', '--no-report', ...more]);

/** One sentence that names the file, and no stack. */
function refused({ code, stderr }: Outcome, ...parts: readonly RegExp[]): void {
  expect(stderr).toMatch(/^lamella: /);
  expect(stderr).not.toMatch(/\n\s+at |should not/);
  for (const part of parts) expect(stderr).toMatch(part);
  expect(stderr.trim().split('\n')).toHaveLength(1);
  expect(code).toBe(1);
}

describe('DICOM series', () => {
  test('missing slices are told', async () => {
    const { stdout, code } = await lamella([
      'inspect',
      series(
        'missing',
        [0, 2, 4, 10].map((z) => ({ z })),
      ),
    ]);
    expect(stdout).toMatch(/note +2 slices are missing: slices are 2 mm apart, but slice 3 and the next are 6 mm/);
    expect(code).toBe(0);
  });
  test('doubled slices: the same one is left out, another one at its place is refused', async () => {
    const same = series('same', [{ z: 0 }, { z: 2 }, { z: 2 }, { z: 4 }]);
    expect((await lamella(['inspect', same])).stdout).toMatch(/zyx 3 x 3 x 4[\s\S]*1 slice is duplicated/);
    const other = series('other', [{ z: 0 }, { z: 2 }, { z: 2, value: 7 }, { z: 4 }]);
    refused(
      await lamella(['inspect', other]),
      /1\.dcm: this slice lies where "2\.dcm" lies/,
      /one acquisition per folder/,
    );
  });
  test('mixed orientations are images of their own', async () => {
    const sagittal = (x: number): SliceOptions => ({
      extra: { '0020,0037 DS': '0\\1\\0\\0\\0\\-1', '0020,0032 DS': `${x}\\0\\0` },
    });
    const mixed = series('mixed', [{ z: 0 }, sagittal(0), { z: 2 }, sagittal(3), { z: 4 }]);
    const { stdout } = await lamella(['inspect', mixed]);
    expect(stdout).toMatch(/2 DICOM series:\n.*3 slices of 4 x 3.*axial\n.*2 slices of 4 x 3.*sagittal/);
  });
  test('a compression that is lacking is named', async () => {
    for (const [syntax, name] of [
      ['1.2.840.10008.1.2.4.201', /High-Throughput JPEG 2000/],
      ['1.2.840.10008.1.2.4.102', /MPEG|video|H\.264/],
      ['1.2.840.10008.1.2.4.110', /JPEG XL/],
    ] as const) {
      const bare = ctSlice({ transferSyntax: syntax, without: ['7fe0,0010'] });
      const path = write(`packed/${syntax}.dcm`, Buffer.concat([bare, compressedPixels(new Uint8Array(64))]));
      refused(await lamella(['inspect', path]), name, /Save |Export /);
    }
  });
  test('pixels that are cut off, and lengths in the header that are wrong', async () => {
    const cut = write('cut.dcm', ctSlice({ size: [40, 40] }).slice(0, -500));
    refused(await lamella(['inspect', cut]), /cut\.dcm: the DICOM file ends early, within its pixels/);
    const long = write('long.dcm', ctSlice({ extra: { '0028,0010 US': 3000 } }));
    refused(await lamella(['inspect', long]), /long\.dcm: .* takes 24000 bytes, but only 24 are there/);
  });
});

describe('NIfTI and NRRD', () => {
  test('data that are cut off, and lengths in the header that are wrong', async () => {
    const whole = writeNifti(volume('hu'), { gzip: false });
    refused(
      await lamella(['inspect', write('cut.nii', whole.slice(0, 1000))]),
      /cut\.nii: .*takes 1920 bytes, but only 648 are there/,
    );
    const header = new DataView(whole.slice().buffer);
    header.setInt16(42, -3, true);
    refused(await lamella(['inspect', write('length.nii', new Uint8Array(header.buffer))]), /impossible lengths/);
    const nrrd = 'NRRD0004\ntype: uchar\ndimension: 2\nsizes: 9 9\nencoding: ascii\n\n1 2 3';
    refused(await lamella(['inspect', write('short.nrrd', nrrd)]), /has 81 values, but only 3 are there/);
  });
});

describeWithData('the sample folders', () => {
  /** Files of the sample folders, by path in the data. */
  const below = (folder: string): string[] =>
    readdirSync(join(dataFolder(), folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => relative(dataFolder(), join(entry.parentPath, entry.name)).replaceAll('\\', '/'));
  const golden = (name: string) =>
    JSON.parse(readFileSync(join('test/golden', name), 'utf8')) as Record<string, object>;

  test('every file is compared with independent readers, belongs to one that is, or is part of a Zarr store', () => {
    const compared = new Set([
      ...Object.keys(golden('volumes.json').files as object),
      ...Object.keys(golden('images.json').images as object).map((name) => `formats/${name}`),
    ]);
    const others = below('formats').filter(
      (path) => !compared.has(path) && !/^formats\/ome-zarr\/.*\.zarr\//.test(path),
    );
    expect(others.filter((path) => !/\/(LICENSE(\.md)?|COPYING|README\.md)$/.test(path))).toEqual([
      // The voxels of BallBinary30x30x30.nhdr.
      'formats/pynrrd/nrrd/tests/data/BallBinary30x30x30.raw',
    ]);
  });
});

describe('measure --task lungs', () => {
  const image = write('lungs/image.nii.gz', writeNifti(volume('hu')));
  const mask = write('lungs/mask.nii.gz', writeNifti(volume('mask')));

  test('the good case', async () => {
    const { stdout, code } = await measureLungs(mask, image, '--out', join(root, 'good'));
    expect(code).toBe(0);
    // 2 x 5 x 8 pixels of 0.64 mm² in three slices of 5 mm.
    expect(stdout).toMatch(/mask: 0\.001 L, mean -850 HU/);
    expect(readFileSync(join(root, 'good/patients.csv'), 'utf8')).toMatch(/,0\.000768/);
  });
  test('a spacing that is missing or zero is asked for; millimetres that are assumed are told', async () => {
    const bare = write('bare/image.nii.gz', writeNifti(volume('hu', { spacing: {}, geometry: null })));
    const bareMask = write('bare/mask.nii.gz', writeNifti(volume('mask', { spacing: {}, geometry: null })));
    const asked = await measureLungs(bareMask, bare, '--out', join(root, 'bare-out'));
    expect(asked.stdout).toMatch(/mask: 240 px.*\nnote: The pixel size is unknown.*set --spacing in mm/);
    const given = await measureLungs(bareMask, bare, '--out', join(root, 'bare-out'), '--spacing', '5,0.8,0.8');
    expect(given.stdout).toMatch(/mask: 0\.001 L/);
    const zero = new DataView(writeNifti(volume('mask', { geometry: null }), { gzip: false }).buffer);
    zero.setFloat32(80, 0, true);
    const zeroMask = write('zero/mask.nii', new Uint8Array(zero.buffer));
    const told = await measureLungs(zeroMask, bare, '--out', join(root, 'zero-out'));
    expect(told.stdout).toMatch(/240 px[\s\S]*mask\.nii: The voxel size is not stated \(0 x 0\.8 x 5\)/);
    const unknown = new DataView(writeNifti(volume('mask'), { gzip: false }).buffer);
    unknown.setUint8(123, 0);
    const noUnit = write('unit/mask.nii', new Uint8Array(unknown.buffer));
    const assumed = await measureLungs(noUnit, image, '--out', join(root, 'unit-out'));
    expect(assumed.stdout).toMatch(
      /note: .*mask\.nii: The file does not state its unit of length; millimetres are assumed/,
    );
  });
  test('a mask that lies elsewhere is refused', async () => {
    const beside = { ...AXIAL, originMm: [0, 0, 12] } as const;
    const other = write('beside/mask.nii.gz', writeNifti(volume('mask', { geometry: beside })));
    refused(
      await measureLungs(other, image, '--out', join(root, 'beside-out')),
      /mask\.nii\.gz: the labels lie on other voxels than the image .*: they lie 12 mm beside it/,
    );
    const smaller = write('small.png', writePng({ ...ndarray('uint8', [16, 10]), axes: 'yx', spacing: {} }));
    refused(
      await measureLungs(smaller, image, '--out', join(root, 'small-out')),
      /the label map is 10 x 16, .* is 20 x 16 x 3/,
    );
    expect(existsSync(join(root, 'beside-out'))).toBe(false);
  });
  test('colour and vectors are no CT', async () => {
    const colour = ndarray(
      'uint8',
      [3, 16, 20],
      Uint8Array.from({ length: 960 }, (_, i) => (i * 7919) & 255),
    );
    const rgb = write(
      'rgb/image.png',
      writePng({ ...colour, axes: 'cyx', spacing: {}, channels: ['red', 'green', 'blue'] }),
    );
    const flat = write('rgb/mask.png', writePng({ ...ndarray('uint8', [16, 20]), axes: 'yx', spacing: {} }));
    refused(await measureLungs(flat, rgb, '--out', join(root, 'rgb-out')), /has 3 channels; CT has one/);
  });
  test('a mask without lung is a row of zeros', async () => {
    const none = { ...volume('mask'), data: new Int16Array(960) };
    const empty = write('empty/mask.nii.gz', writeNifti(none));
    const { stdout, code } = await measureLungs(empty, image, '--out', join(root, 'empty-out'));
    expect([code, stdout]).toEqual([0, expect.stringMatching(/mask: 0\.000 L, mean - HU/)]);
    expect(readFileSync(join(root, 'empty-out/patients.csv'), 'utf8')).toMatch(/\nmask,3,0,0,0,0,,,,/);
  });
});

describe('measure', () => {
  test('an empty label map makes tables without rows in every format, and a page', async () => {
    const empty = write('none/a.tif', writeTiff({ ...ndarray('uint16', [8, 9]), axes: 'yx', spacing: {} }));
    const out = join(root, 'none-out');
    const formats = 'csv,parquet,tiff,nifti,roi,geojson,coco,coco-rle';
    const { code, stdout, stderr } = await lamella(['measure', empty, '--out', out, '--format', formats]);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/0 objects in 1 image/);
    const lines = readFileSync(join(out, 'objects.csv'), 'utf8').trimEnd().split('\n');
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/^image,label,pixels_px,area_px2/);
    expect(existsSync(join(out, 'report.html'))).toBe(true);
  });
  test('labels with gaps and beyond 65,535 keep their numbers', async () => {
    const labels = ndarray('uint32', [4, 40]);
    for (const [k, label] of [3, 70_000, 65_536, 2_000_000_000].entries()) {
      for (let y = 1; y < 3; y++) labels.data.fill(label, y * 40 + 10 * k + 1, y * 40 + 10 * k + 4);
    }
    const path = write('large/a.tif', writeTiff({ ...labels, axes: 'yx', spacing: {} }));
    const out = join(root, 'large-out');
    const asked = ['measure', path, '--out', out, '--labels', 'objects', '--format', 'csv,tiff,geojson,coco-rle'];
    const { code, stderr } = await lamella(asked);
    expect([code, stderr]).toEqual([0, '']);
    const [head, ...rows] = readFileSync(join(out, 'objects.csv'), 'utf8').trimEnd().split('\n');
    const at = (head as string).split(',').indexOf('label');
    expect(rows.map((row) => Number(row.split(',')[at]))).toEqual([3, 65_536, 70_000, 2_000_000_000]);
    const told = await lamella(['inspect', join(out, 'labels/a.tif')]);
    expect(told.stdout).toMatch(/uint32[\s\S]*0 to 2000000000/);
  });
});
