/** `lamella measure` as a user meets it; what stands in the tables is tested in test/measure, the files in test/export. */

import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ndarray } from '../../src/array/ndarray.ts';
import { writeNifti } from '../../src/image/formats/nifti/write.ts';
import { writePng } from '../../src/image/formats/png/write.ts';
import { writeTiff } from '../../src/image/formats/tiff/write.ts';
import { dataFolder, describeWithData } from '../support/data.ts';
import { phantomFolder } from '../support/phantom-folder.ts';
import { lamella } from './command.ts';

const root = mkdtempSync(join(tmpdir(), 'lamella-measure-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** Rows of a CSV without quoted cells, by header. */
function csv(file: string): readonly Readonly<Record<string, string>>[] {
  const [head, ...lines] = readFileSync(file, 'utf8').trimEnd().split(/\r?\n/);
  const names = (head as string).split(',');
  return lines.map((line) => Object.fromEntries(line.split(',').map((cell, i) => [names[i], cell])));
}

function write(file: string, bytes: Uint8Array): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, bytes);
}

/** Squares of 4 x 4 pixels with the values of a pattern, and grey 10 times the value in the image. */
function plate(values: readonly number[]) {
  const [height, width] = [8, 8 * values.length];
  const labels = new Uint16Array(height * width);
  values.forEach((value, k) => {
    for (let y = 2; y < 6; y++) labels.fill(value, y * width + 8 * k + 2, y * width + 8 * k + 6);
  });
  const shape = [height, width];
  return {
    labels: { ...ndarray('uint16', shape, labels), axes: 'yx', spacing: {} },
    image: {
      ...ndarray(
        'uint16',
        shape,
        labels.map((value) => 10 * value),
      ),
      axes: 'yx',
      spacing: {},
    },
  };
}

describe('label maps of others', () => {
  const labels = join(root, 'plates/labels');
  const images = join(root, 'plates/images');
  beforeAll(() => {
    for (const [name, values] of [
      ['control/a', [1, 2, 7]],
      ['control/b', [3, 4]],
      ['treated/a', [5]],
      ['treated/none', [0, 0]],
    ] as const) {
      const made = plate(values);
      write(join(labels, `${name}.png`), writePng(made.labels));
      write(join(images, `${name}.png`), writePng(made.image));
    }
    write(join(labels, 'treated/broken.png'), Uint8Array.of(1, 2, 3));
  });

  test('every object of every image, with groups; a bad file is named and the others go on', async () => {
    const out = join(root, 'measured');
    const asked = ['--images', images, '--labels', 'objects', '--out', out];
    const { code, stdout, stderr } = await lamella(['measure', labels, ...asked]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/broken\.png: this is not an image/);
    expect(stderr).toMatch(/1 of 5 label maps could not be measured/);
    expect(stdout).toMatch(/control\/a: 3 objects/);
    expect(stdout).toMatch(/6 objects in 4 images/);
    expect(stdout).toMatch(/note: The pixel size is unknown, so lengths are in pixels; set --spacing/);
    const rows = csv(join(out, 'objects.csv'));
    expect(rows.map((row) => [row.group, row.image, row.label, row.area_px2, row.intensity_mean])).toEqual([
      ['control', 'control/a', '1', '16', '10'],
      ['control', 'control/a', '2', '16', '20'],
      ['control', 'control/a', '7', '16', '70'],
      ['control', 'control/b', '3', '16', '30'],
      ['control', 'control/b', '4', '16', '40'],
      ['treated', 'treated/a', '5', '16', '50'],
    ]);
    expect(csv(join(out, 'images.csv')).map((row) => [row.image, row.objects, row.covered_percent])).toEqual([
      ['control/a', '3', '25'],
      ['control/b', '2', '25'],
      ['treated/a', '1', '25'],
      ['treated/none', '0', '0'],
    ]);
    const page = readFileSync(join(out, 'report.html'), 'utf8');
    expect(page).toContain('Counts per group');
    expect(page).toContain('broken.png');
  });

  test('pixel size by hand, all formats, JSON; written once more into the same folder', async () => {
    const out = join(root, 'formats');
    const args = ['measure', join(labels, 'control'), '--images', images, '--spacing', '0.25,0.5', '--unit', 'mm'];
    const formats = ['--format', 'csv,parquet,tiff,nifti,roi,geojson,coco,coco-rle', '--json'];
    for (let turn = 0; turn < 2; turn++) {
      const { code, stdout, stderr } = await lamella([...args, ...formats, '--out', out]);
      expect([code, stderr]).toEqual([0, '']);
      const said = JSON.parse(stdout) as { objects: number; written: string[]; notes: string[] };
      expect(said.objects).toBe(5);
      expect(said.notes[0]).toBe('Pixel size 0.5 x 0.25 mm.');
    }
    expect(csv(join(out, 'objects.csv'))[0]?.area_mm2).toBe('2');
    expect(readdirSync(out).sort()).toEqual(
      ['coco-rle.json', 'coco.json', 'geojson', 'images.csv', 'images.parquet', 'labels', 'nifti', 'objects.csv']
        .concat(['objects.parquet', 'report.html', 'roi'])
        .sort(),
    );
    for (const file of ['geojson/a.geojson', 'labels/b.tif', 'nifti/b.nii.gz', 'roi/a.zip']) {
      expect(existsSync(join(out, file)), file).toBe(true);
    }
  });

  test('against a truth: merged, missed and spurious are counted', async () => {
    const truth = join(root, 'truth');
    const other = plate([1, 2, 0]);
    // The two first squares are one object here, and the third is missed.
    other.labels.data.fill(1, 4 * 24 + 2, 4 * 24 + 14);
    const joined = other.labels.data.map((value) => (value === 2 ? 1 : value));
    write(join(truth, 'a.png'), writePng(plate([1, 2, 7]).labels));
    write(join(root, 'found/a.png'), writePng({ ...other.labels, data: joined }));
    const { stdout, code } = await lamella(['measure', join(root, 'found'), '--truth', truth, '--as', 'objects']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/against the ground truth: 0 of 3 matched, 1 missed, 1 merged, 0 split, 0 spurious/);
    expect(existsSync(join(root, 'found-measures/objects.csv'))).toBe(true);
  });

  test('masks: connected pixels of one value are an object; small ones may be left out', async () => {
    const made = plate([255, 255, 255]);
    made.labels.data[0] = 255;
    write(
      join(root, 'masks/m.tif'),
      writeTiff({ ...made.labels, spacing: { x: { value: 2, unit: 'µm' }, y: { value: 3, unit: 'µm' } } }),
    );
    const all = await lamella(['measure', join(root, 'masks/m.tif'), '--out', join(root, 'm1'), '--no-report']);
    expect(all.stdout).toMatch(
      /m: 4 objects[\s\S]*note: Pixel size 2 x 3 µm[\s\S]*255 is the only value: a mask, in which connected pixels are one object/,
    );
    expect(readdirSync(join(root, 'm1')).sort()).toEqual(['images.csv', 'objects.csv']);
    await lamella(['measure', join(root, 'masks/m.tif'), '--out', join(root, 'm2'), '--min-size', '2']);
    expect(csv(join(root, 'm2/objects.csv')).map(({ label, area_um2 }) => [label, area_um2])).toEqual([
      ['2', '96'],
      ['3', '96'],
      ['4', '96'],
    ]);
  });

  test('volumes are measured in space, and ask for the distance of their slices', async () => {
    const data = new Uint16Array(4 * 8 * 8);
    for (let z = 1; z < 3; z++) for (let y = 2; y < 5; y++) data.fill(9, (z * 8 + y) * 8 + 2, (z * 8 + y) * 8 + 6);
    data[0] = 4;
    data[255] = 6;
    const volume = { ...ndarray('uint16', [4, 8, 8], data), axes: 'zyx' };
    const mm = (value: number) => ({ value, unit: 'mm' });
    write(join(root, 'v/whole.nii.gz'), writeNifti({ ...volume, spacing: { z: mm(3), y: mm(0.5), x: mm(0.5) } }));
    write(join(root, 'v/flat.tif'), writeTiff({ ...volume, spacing: { y: mm(0.5), x: mm(0.5) } }));
    const { stderr, code } = await lamella(['measure', join(root, 'v'), '--as', 'objects', '--out', join(root, 'vm')]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/flat\.tif: the pixel size is 0\.5 mm along x and unknown along z\. Set --spacing/);
    const rows = csv(join(root, 'vm/objects.csv'));
    expect(rows.map((row) => [row.label, row.volume_mm3])).toEqual([
      ['4', '0.75'],
      ['6', '0.75'],
      ['9', '18'],
    ]);
  });

  test.each([
    ['a unit alone', ['--unit', 'mm'], /--unit needs --spacing/],
    ['a spacing', ['--spacing', '1,0'], /Sizes above 0 are expected, for z, y and x/],
    ['a spacing alone', ['--spacing', '1'], /--spacing has no unit/],
    ['a format', ['--format', 'csv,roy'], /Use one of csv, parquet.*Did you mean roi\?/],
    ['images of other names', ['--images', join(root, 'masks')], /no file here matches the name of a label map/],
    ['nothing there', ['--truth', join(root, 'nowhere')], /no such file or folder/],
  ])('wrong: %s', async (_, args, message) => {
    const { code, stderr } = await lamella(['measure', join(labels, 'control'), '--out', join(root, 'no'), ...args]);
    expect(stderr).toMatch(message);
    expect(code).toBeGreaterThan(0);
    expect(existsSync(join(root, 'no'))).toBe(false);
  });
});

describe('what predict wrote', () => {
  test('train, predict --objects, measure: the images are found again and objects have their numbers', async () => {
    const data = join(root, 'phantom');
    await phantomFolder(data);
    const run = join(root, 'run');
    const pred = join(root, 'pred');
    const small = ['--steps', '4', '--workers', '0', '--base', '8', '--patch', '64', '--batch', '1'];
    const trained = await lamella(['train', data, '--out', run, ...small]);
    expect(trained.stderr).toBe('');
    const predicted = await lamella(['predict', run, join(data, 'image'), '--out', pred, '--objects']);
    expect(predicted.stderr).toBe('');
    expect(predicted.stdout).toMatch(/\d+ objects/);
    const { code, stdout, stderr } = await lamella(['measure', pred, '--json']);
    expect([code, stderr]).toEqual([0, '']);
    const said = JSON.parse(stdout) as { labels: string; out: string; objects: number; images: { objects: number }[] };
    expect(said.labels).toBe(join(pred, 'objects'));
    expect(said.out).toBe(join(pred, 'measures'));
    expect(said.objects).toBe(said.images.reduce((sum, { objects }) => sum + objects, 0));
    expect(readFileSync(join(pred, 'measures/objects.csv'), 'utf8')).toContain('intensity_mean');
    // Both may be done again.
    const again = await lamella(['predict', run, join(data, 'image'), '--out', pred, '--objects', '--quiet']);
    expect([again.code, again.stderr]).toEqual([0, '']);
    const scored = await lamella(['evaluate', pred, join(data, 'label'), '--metrics', 'instances', '--json']);
    expect(scored.stderr).toBe('');
    expect((JSON.parse(scored.stdout) as { instances: { predictionCount: number } }).instances.predictionCount).toBe(
      said.objects,
    );
  });
});

describeWithData('lungs of the reference masks', () => {
  const lungs = join(dataFolder(), 'lungs');

  test('each slice as lung_stats.csv has it, to its digits', async () => {
    const out = join(root, 'lungs');
    const masks = join(lungs, '2d_masks');
    const { code, stdout } = await lamella(
      [
        'measure',
        masks,
        '--images',
        join(lungs, '2d_images'),
        '--task',
        'lungs',
        '--out',
        out,
        '--truth',
        masks,
      ].concat(
        // Of all patients: area_mm2 / area_px of the reference.
        ['--spacing', '0.9765625,0.9765625', '--no-report'],
      ),
    );
    expect(code).toBe(0);
    expect(stdout).toMatch(/ID_0000: Dice 1\.0000, mean surface distance 0\.00 mm/);
    expect(stdout).toMatch(/lungs of 9 patients in 36 slices\. For research only\./);
    const found = new Map(csv(join(out, 'slices.csv')).map((row) => [`${row.image}.tif`, row]));
    const reference = csv(join(lungs, 'lung_stats.csv'));
    expect(reference).toHaveLength(36);
    for (const row of reference) {
      const own = found.get(row.img_id as string);
      for (const name of Object.keys(row).filter((key) => !['img_id', 'case', 'source_dicom'].includes(key))) {
        const digits = Math.min(6, (row[name] as string).split('.')[1]?.length ?? 0);
        expect(Number(own?.[name]), `${row.img_id} ${name}`).toBeCloseTo(Number(row[name]), digits);
      }
    }
  });

  test('the volume in litres, and its page', async () => {
    const out = join(root, 'volume');
    const mask = join(lungs, '3d/MASK_0009_sub4.nii.gz');
    const image = join(lungs, '3d/IMG_0009_sub4.nii.gz');
    const { code } = await lamella(['measure', mask, '--images', image, '--task', 'lungs', '--out', out]);
    expect(code).toBe(0);
    const [row] = csv(join(out, 'patients.csv'));
    expect(Number(row?.lung_volume_l)).toBeCloseTo(2.516, 3);
    expect(Number(row?.left_lung_volume_l) + Number(row?.right_lung_volume_l)).toBeCloseTo(2.516, 3);
    expect(readFileSync(join(out, 'report.html'), 'utf8')).toMatch(/For research only[\s\S]*Frontal projection/);
  });

  test('without a pixel size there are no mm² and no litres, and it is said', async () => {
    const out = join(root, 'unknown');
    const name = 'ID_0000_Z_0059.tif';
    const { stdout } = await lamella([
      'measure',
      join(lungs, '2d_masks', name),
      '--images',
      join(lungs, '2d_images', name),
      '--task',
      'lungs',
      '--out',
      out,
    ]);
    expect(stdout).toMatch(/The pixel size is unknown, so there are no mm² and no litres; set --spacing/);
    expect(Object.keys(csv(join(out, 'slices.csv'))[0] ?? {})).not.toContain('lung_area_mm2');
  });
});
