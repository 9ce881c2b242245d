/** Volumes and DICOM series as a user meets them: inspected, trained on, predicted, and no person in what comes out. */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeNifti } from '../../src/image/formats/nifti/write.ts';
import { sliceExtentsMm, voxelSteps } from '../../src/image/geometry.ts';
import type { Image } from '../../src/image/image.ts';
import { reorient } from '../../src/image/orient.ts';
import { readImage } from '../../src/image/read.ts';
import { readImageFile } from '../../src/platform/node/image-files.ts';
import { ctSlice, type DicomItem, PERSON } from '../support/dicom.ts';
import { expectAllClose } from '../support/expect-all-close.ts';
import { askPeer, describeWithPeers } from '../support/peers.ts';
import { lamella } from './command.ts';

let root: string;
const SIZE = 32;
const DEPTH = 5;
const secrets = [...Object.values(PERSON), 'ROENTGEN', 'WILHELM', 'Wurzburg', '20240102'];

/** A dark disk ("lung") in tissue, off the middle, wandering from slice to slice. */
const inside = (x: number, y: number, z: number): boolean => Math.hypot(x - 11 - z, y - 9) < 6;

async function writeSeries(folder: string, places: readonly number[], extra: DicomItem = {}): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const [i, z] of places.entries()) {
    const value = Array.from(
      { length: SIZE * SIZE },
      (_, p) => (inside(p % SIZE, Math.floor(p / SIZE), i) ? 200 : 1060) + ((p * 7 + i) % 23),
    );
    // The names are not in the order of the places.
    await writeFile(join(folder, `IM${(i * 3) % 7}.dcm`), ctSlice({ z, size: [SIZE, SIZE], value, extra }));
  }
}

function mask(depth = DEPTH): Image {
  const mm = (value: number) => ({ value, unit: 'mm' });
  const plane = SIZE * SIZE;
  return {
    dtype: 'uint8',
    axes: 'zyx',
    shape: [depth, SIZE, SIZE],
    data: Uint8Array.from({ length: depth * plane }, (_, i) =>
      inside(i % SIZE, Math.floor((i % plane) / SIZE), Math.floor(i / plane)) ? 1 : 0,
    ),
    spacing: { z: mm(2), y: mm(0.8), x: mm(0.5) },
    geometry: {
      originMm: [-10, -20, 0],
      direction: [
        [1, 0, 0],
        [0, 1, 0],
        [0, 0, 1],
      ],
    },
  };
}
const EVEN = [0, 2, 4, 6, 8];

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'lamella-volumes-'));
  for (const name of ['p1', 'p2', 'p3']) {
    await writeSeries(join(root, 'data/images', name), EVEN);
    await mkdir(join(root, 'data/labels'), { recursive: true });
    // As other programs write masks: rows from the back.
    const turned = reorient(mask(), [
      { from: 0, reversed: true },
      { from: 1, reversed: true },
      { from: 2, reversed: false },
    ]);
    await writeFile(join(root, 'data/labels', `${name}.nii.gz`), writeNifti(turned));
  }
  const { stderr, code } = await lamella([
    ...['train', join(root, 'data'), '--out', join(root, 'run'), '--workers', '0', '--steps', '60', '--batch', '4'],
    ...['--base', '8', '--depth', '2', '--patch', '32', '--val', 'p3.dcm'],
  ]);
  expect(stderr).toBe('');
  expect(code).toBe(0);
});
afterAll(() => rm(root, { recursive: true, force: true }));

const predict = async (images: string, out: string, ...more: readonly string[]) => {
  const outcome = await lamella(['predict', join(root, 'run'), images, '--out', join(root, out), ...more]);
  return { ...outcome, label: (name: string) => readImageFile(join(root, out, 'label', `${name}.nii.gz`)) };
};

function dice(a: Image, b: Image): number {
  let [both, sum] = [0, 0];
  for (let i = 0; i < a.data.length; i++) {
    const [p, q] = [Number(a.data[i]) > 0, Number(b.data[i]) > 0];
    if (p && q) both += 2;
    sum += Number(p) + Number(q);
  }
  return both / sum;
}

describe('predict', () => {
  test('a series becomes a label map that lies over it', async () => {
    const { code, stderr, label } = await predict(join(root, 'data/images/p3'), 'series');
    expect(stderr).toBe('');
    expect(code).toBe(0);
    const [found, series] = [await label('p3'), await readImageFile(join(root, 'data/images/p3'))];
    expect(found.shape).toEqual(series.shape);
    expectAllClose(voxelSteps(found)?.flat() ?? [], voxelSteps(series)?.flat() ?? [], { rtol: 1e-6, atol: 1e-6 });
    expectAllClose(found.geometry?.originMm ?? [], [-10, -20, 0], { rtol: 1e-6, atol: 1e-6 });
    // The disk is far darker than the rest: a network that learnt on labels lying beside it would not find it.
    expect(dice(found, mask())).toBeGreaterThan(0.9);
  });
  test('the same volume stored another way gives the same labels at the same places', async () => {
    const series = await readImageFile(join(root, 'data/images/p3'));
    const map = [
      { from: 1, reversed: true },
      { from: 0, reversed: false },
      { from: 2, reversed: true },
    ] as const;
    const path = join(root, 'turned.nii.gz');
    await writeFile(path, writeNifti(reorient(series, map)));
    const { label } = await predict(path, 'turned');
    const straight = await predict(join(root, 'data/images/p3'), 'straight');
    expect((await label('turned')).data).toEqual(reorient(await straight.label('p3'), map).data);
  });
  test('missing slices: said, and what each slice stands for goes into the label map', async () => {
    await writeSeries(join(root, 'gap'), [0, 2, 4, 10, 12]);
    const { label } = await predict(join(root, 'gap'), 'gap-out');
    expect(sliceExtentsMm(await label('gap'))).toEqual([2, 2, 4, 4, 2]);
    const { stdout } = await lamella(['inspect', join(root, 'gap')]);
    expect(stdout).toMatch(/2 slices are missing: slices are 2 mm apart, but slice 3 and the next are 6 mm/);
    const measured = await lamella(['measure', join(root, 'gap-out'), '--task', 'lungs', '--json']);
    expect([measured.code, measured.stderr]).toEqual([0, '']);
    const { patients, slices, notes } = JSON.parse(measured.stdout) as {
      patients: Record<string, number>[];
      slices: Record<string, number>[];
      notes: string[];
    };
    const litres = slices.reduce(
      (sum, { lung_area_mm2 = 0 }, z) => sum + (lung_area_mm2 * ([2, 2, 4, 4, 2][z] as number)) / 1e6,
      0,
    );
    expect(litres).toBeGreaterThan(0);
    expect(patients[0]?.lung_volume_l).toBeCloseTo(litres, 9);
    expect(notes.join('\n')).toMatch(/2 slices are missing/);
    const objects = await lamella(['measure', join(root, 'gap-out'), '--out', join(root, 'gap-objects')]);
    expect(objects.stdout).toMatch(/Slices are unevenly spaced; objects are measured with the mean distance/);
  });
  test('one bad file among many is named, the others go on', async () => {
    const folder = join(root, 'mixed');
    await writeSeries(folder, EVEN);
    await writeFile(join(folder, 'IM9.dcm'), ctSlice({ z: 30 }).slice(0, 400));
    const { code, stderr, label } = await predict(folder, 'mixed-out');
    expect(code).toBe(1);
    expect(stderr).toMatch(/IM9\.dcm: the DICOM header is damaged or ends early/);
    expect((await label('mixed')).shape).toEqual([5, SIZE, SIZE]);
  });
  test('--spacing takes the place of one that is missing', async () => {
    const { spacing: _, geometry: __, ...bare } = mask();
    const path = join(root, 'bare.nii.gz');
    await writeFile(
      path,
      writeNifti({
        ...bare,
        dtype: 'int16',
        data: Int16Array.from(bare.data as Uint8Array, (v) => (v > 0 ? -824 : 36)),
        spacing: {},
      }),
    );
    const { label } = await predict(path, 'bare-out', '--spacing', '3,0.7,0.6');
    const mm = (value: number) => expect.objectContaining({ unit: 'mm', value: expect.closeTo(value, 6) });
    expect((await label('bare')).spacing).toEqual({ z: mm(3), y: mm(0.7), x: mm(0.6) });
    expect((await (await predict(path, 'bare-out-2')).label('bare')).spacing).toEqual({});
  });
  test('labels on other voxels than the image are refused in training', async () => {
    const folder = join(root, 'beside');
    await writeSeries(join(folder, 'images/p1'), EVEN);
    await mkdir(join(folder, 'labels'));
    const { geometry, ...rest } = mask();
    await writeFile(
      join(folder, 'labels/p1.nii.gz'),
      writeNifti({ ...rest, geometry: { ...(geometry as NonNullable<typeof geometry>), originMm: [-10, -20, 7] } }),
    );
    const { code, stderr } = await lamella(['train', folder, '--out', join(root, 'never'), '--steps', '2']);
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /labels\/p1\.nii\.gz: the labels lie on other voxels than the image .*: they lie 7 mm beside it/,
    );
  });
});

describeWithPeers('label maps lie over their input as nibabel reads both', () => {
  interface Read {
    readonly shape: readonly number[];
    readonly affine: readonly (readonly number[])[];
    readonly units: readonly string[];
    readonly values: readonly number[];
  }
  /** The voxel axes turned and the grid oblique in the patient. */
  const oblique = (image: Image): Image => ({
    ...reorient(image, [
      { from: 1, reversed: true },
      { from: 2, reversed: false },
      { from: 0, reversed: true },
    ]),
    geometry: {
      originMm: [12, -3, 44],
      direction: [
        [Math.sqrt(0.75), 0.5, 0],
        [-0.5, Math.sqrt(0.75), 0],
        [0, 0, -1],
      ],
    },
  });
  const overlie = (mine: string, original: string): void => {
    const [label, image] = askPeer<readonly [Read, Read]>('read_nifti.py', mine, original);
    expect([label.shape, label.units]).toEqual([image.shape, image.units]);
    // The same float32 numbers.
    expectAllClose(label.affine.flat(), image.affine.flat(), { rtol: 1.2e-7, atol: 1e-9 });
  };

  test('of predict, and of measure', async () => {
    const path = join(root, 'oblique.nii.gz');
    await writeFile(path, writeNifti(oblique(await readImageFile(join(root, 'data/images/p3')))));
    expect((await predict(path, 'oblique-out', '--objects')).stderr).toBe('');
    for (const part of ['label', 'probability', 'objects'])
      overlie(join(root, 'oblique-out', part, 'oblique.nii.gz'), path);
    const out = join(root, 'oblique-measures');
    const measured = await lamella(['measure', join(root, 'oblique-out'), '--format', 'nifti', '--out', out]);
    expect(measured.stderr).toBe('');
    overlie(join(out, 'nifti/oblique.nii.gz'), path);
    const [again, objects] = askPeer<readonly [Read, Read]>(
      'read_nifti.py',
      join(out, 'nifti/oblique.nii.gz'),
      join(root, 'oblique-out/objects/oblique.nii.gz'),
    );
    expect(again.values).toEqual(objects.values);
  });
});

describe('inspect', () => {
  test('a series: geometry, unit, window, and a picture', async () => {
    const { stdout, code } = await lamella([
      'inspect',
      join(root, 'data/images/p1'),
      '--picture',
      join(root, 'p1.png'),
    ]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/axes +zyx 5 x 32 x 32/);
    expect(stdout).toMatch(/lies +axial, x to the left, y to the back, z to the head, slices 2\.5 mm thick/);
    expect(stdout).toMatch(/spacing +z 2 mm, y 0\.8 mm, x 0\.5 mm/);
    expect(stdout).toMatch(/grey +-824 to 58 HU/);
    expect(stdout).toMatch(/window +-1350 to 150, lung window/);
    const picture = await readImage(await readFile(join(root, 'p1.png')), 'p1.png');
    expect(picture.dtype).toBe('uint8');
  });
  test('mixed series are listed, and one can be chosen', async () => {
    const folder = join(root, 'two');
    await writeSeries(folder, EVEN);
    await writeFile(join(folder, 'b0.dcm'), ctSlice({ z: 0, extra: { '0020,000e UI': '9.9', '0020,0011 IS': '12' } }));
    await writeFile(join(folder, 'b1.dcm'), ctSlice({ z: 3, extra: { '0020,000e UI': '9.9', '0020,0011 IS': '12' } }));
    const listed = await lamella(['inspect', folder]);
    expect(listed.stdout).toMatch(
      /2 DICOM series:\n {2}series-7: CT, 5 slices of 32 x 32, .*\n {2}series-12: CT, 2 slices of 4 x 3/,
    );
    const chosen = await lamella(['inspect', folder, '--series', 'series-12']);
    expect(chosen.stdout).toMatch(/axes +zyx 2 x 3 x 4/);
    const wrong = await lamella(['inspect', folder, '--series', 'series-1']);
    expect(wrong.code).toBe(1);
    expect(wrong.stderr).toMatch(/there is no "series-1"; found series-7 \(CT/);
  });
  test('where grey was learnt, colour is read as grey and vectors are refused', async () => {
    const path = join(root, 'colour.dcm');
    await writeFile(
      path,
      ctSlice({
        size: [SIZE, SIZE],
        value: Array.from({ length: (3 * SIZE * SIZE) / 2 }, (_, i) => (i * 7919) & 0xffff),
        extra: {
          '0028,0002 US': 3,
          '0028,0004 CS': 'RGB',
          '0028,0006 US': 0,
          '0028,0100 US': 8,
          '0028,0101 US': 8,
          '0028,0102 US': 7,
        },
      }),
    );
    const { code, stderr } = await predict(path, 'colour-out');
    // By its luma, as every colour picture.
    expect([code, stderr]).toEqual([0, '']);
    const vectors = join(root, 'vectors.nii.gz');
    await writeFile(
      vectors,
      writeNifti({ dtype: 'float32', axes: 'cyx', shape: [5, 8, 8], data: new Float32Array(320), spacing: {} }),
    );
    const refused = await predict(vectors, 'vectors-out');
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/vectors\.nii\.gz: .*5 channels/);
  });
});

test('personal data are shown to who asks for them, of a file and of a series', async () => {
  const series = await lamella(['inspect', join(root, 'data/images/p1'), '--personal']);
  expect(series.stdout).toMatch(
    /personal data:\n {4}Patient's name +ROENTGEN\^WILHELM\n {4}Patient ID +PID-1845-03-27\n/,
  );
  const file = join(root, 'data/images/p1/IM0.dcm');
  const { personal } = JSON.parse((await lamella(['inspect', file, '--personal', '--json'])).stdout) as {
    personal: Record<string, string>;
  };
  expect(personal).toMatchObject({ 'Birth date': PERSON.birth, Institution: 'Hospital of Wurzburg' });
  const refused = await lamella(['inspect', join(root, 'data/labels/p1.nii.gz'), '--personal']);
  expect([refused.code, refused.stderr]).toEqual([1, expect.stringMatching(/this is not DICOM/)]);
});

test('no person in anything that was printed or written', async () => {
  const outputs = [
    await lamella(['inspect', join(root, 'data')]),
    await lamella(['inspect', join(root, 'data/images/p1'), '--json']),
    await lamella(['inspect', join(root, 'data/images')]),
    await predict(join(root, 'data/images'), 'all', '--json', '--objects'),
    await lamella(['report', join(root, 'run')]),
    await lamella(['measure', join(root, 'all'), '--task', 'lungs', '--truth', join(root, 'data/labels'), '--json']),
    await lamella([
      ...['measure', join(root, 'all'), '--out', join(root, 'all-objects'), '--truth', join(root, 'data/labels')],
      ...['--format', 'csv,parquet,tiff,nifti,roi,geojson,coco,coco-rle'],
    ]),
    await lamella(['evaluate', join(root, 'all'), join(root, 'data/labels')]),
    await lamella([
      'explain',
      join(root, 'run'),
      join(root, 'data/images/p3/IM0.dcm'),
      '--out',
      join(root, 'explained.html'),
    ]),
  ];
  expect(outputs.map(({ code, stderr }) => [code, stderr])).toEqual(outputs.map(() => [0, '']));
  for (const { stdout, stderr } of outputs) for (const secret of secrets) expect(stdout + stderr).not.toContain(secret);
  let files = 0;
  for (const folder of ['run', 'all', 'series', 'all-objects']) {
    for (const entry of await readdir(join(root, folder), { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const path = join(entry.parentPath, entry.name);
      const bytes = await readFile(path);
      const plain = entry.name.endsWith('.gz') ? Buffer.from((await import('node:zlib')).gunzipSync(bytes)) : bytes;
      for (const secret of secrets) expect(plain.includes(secret), `${secret} in ${path}`).toBe(false);
      files++;
    }
  }
  expect(files).toBeGreaterThan(30);
  const page = await readFile(join(root, 'explained.html'));
  for (const secret of secrets) expect(page.includes(secret)).toBe(false);
});
