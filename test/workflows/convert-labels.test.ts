/** Labels written with their names, and what highdicom, pydicom, slicerio, pynrrd and SimpleITK read. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { shapesOfSegments } from '../../src/dataset/shapes/segments.ts';
import { readSourceSeries } from '../../src/image/formats/dicom/source-series.ts';
import { writeSegmentation } from '../../src/image/formats/dicom/write-segmentation.ts';
import type { Image } from '../../src/image/image.ts';
import type { InputSpec } from '../../src/input/normalise.ts';
import { nodeHost } from '../../src/platform/node/host.ts';
import type { PredictFolderOptions } from '../../src/workflows/begin-prediction.ts';
import { convertImage } from '../../src/workflows/convert.ts';
import { convertLabels } from '../../src/workflows/convert-labels.ts';
import { readImageFile, writeImageFile } from '../../src/workflows/image-files.ts';
import { inspect } from '../../src/workflows/inspect.ts';
import { type PredictedFile, predictFolder } from '../../src/workflows/predict.ts';
import { type DicomItem, PERSON } from '../support/dicom.ts';
import { askPeerOf, describeWithPeers } from '../support/peers.ts';
import { randomModel } from '../support/random-model.ts';
import { COLUMNS, ROWS, SLICES, writeScan } from '../support/scan.ts';

const { files } = nodeHost;

const folder = mkdtempSync(join(tmpdir(), 'lamella-convert-labels-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const at = (...names: readonly string[]): string => join(folder, ...names);

const writeSeries = (name: string, orientation?: readonly number[], extra?: DicomItem): void =>
  writeScan(at(name), orientation, extra);

/** Hounsfield units of about 1000 become about 1. */
const INPUT: InputSpec = {
  channels: { mode: 'grey', count: 1 },
  normalisation: {
    ...{ kind: 'zscore', scope: 'dataset', percentiles: [1, 99], perChannel: false },
    ...{ numbers: [[0, 600]], leastSpread: 0 },
  },
};

type Voxels = Readonly<Record<string, readonly number[]>>;

interface Found {
  readonly names: readonly string[];
  readonly voxels: Voxels;
  readonly [other: string]: unknown;
}

/** Labels on the grid of a series, written as NIfTI; and where each value is. */
async function drawLabels(
  series: string,
  valueAt: (z: number, y: number, x: number) => number,
): Promise<Readonly<Record<number, readonly number[]>>> {
  const image = await readImageFile(files, at(series));
  const data = new Uint16Array(SLICES * ROWS * COLUMNS);
  const where: Record<number, number[]> = {};
  for (let p = 0; p < data.length; p++) {
    const [z, y, x] = [Math.floor(p / (ROWS * COLUMNS)), Math.floor(p / COLUMNS) % ROWS, p % COLUMNS];
    const value = valueAt(z, y, x);
    data[p] = value;
    if (value === 0) continue;
    where[value] ??= [];
    where[value].push(z, y, x);
  }
  const { axes, shape, spacing, geometry } = image;
  const labels: Image = { dtype: 'uint16', data, axes, shape, spacing, geometry };
  await writeImageFile(files, at(`${series}-labels.nii.gz`), labels);
  return where;
}

const twoClasses = (z: number, y: number, x: number): number =>
  z === 0 ? 0 : Math.hypot(y - 3, x - 3) < 2.5 ? 1 : x > 5 + (z % 2) && z < 4 ? 4 : 0;
const CLASSES = [
  { name: 'background', values: [0] },
  { name: 'Left lung', values: [1] },
  { name: 'Tumor µ', values: [4] },
];

describeWithPeers(
  'what is read of segments that are written',
  () => {
    let where: Record<string, Readonly<Record<number, readonly number[]>>>;
    let found: Record<string, Found>;
    const tilted = [0.8, 0.6, 0, 0, 0, -1];

    beforeAll(async () => {
      writeSeries('axial');
      writeSeries('tilted', tilted);
      writeSeries('many');
      where = {
        axial: await drawLabels('axial', twoClasses),
        tilted: await drawLabels('tilted', twoClasses),
        // Every voxel an object of its own, but those of a slice: more than 8 bits hold.
        many: await drawLabels('many', (z, y, x) => (z === 2 ? 0 : (z * ROWS + y) * COLUMNS + x)),
      };
      for (const name of ['axial', 'tilted']) {
        const labels = at(`${name}-labels.nii.gz`);
        await convertLabels(files, labels, at(`${name}.dcm`), { of: at(name), classes: CLASSES });
        await convertLabels(files, labels, at(`${name}.seg.nrrd`), { classes: CLASSES });
      }
      const labels = at('axial-labels.nii.gz');
      await convertLabels(files, labels, at('axial.nobody.dcm'), { of: at('axial'), classes: CLASSES, patient: false });
      await convertLabels(files, at('many-labels.nii.gz'), at('many.dcm'), { of: at('many') });
      await convertLabels(files, at('many-labels.nii.gz'), at('many.seg.nrrd'));
      found = askPeerOf<Record<string, Found>>('labels', 'read_segments.py', folder);
    }, 60_000);

    it.each(['axial.dcm', 'tilted.dcm', 'axial.nobody.dcm', 'axial.seg.nrrd', 'tilted.seg.nrrd'])(
      '%s: every voxel of every class, by its name',
      (file) => {
        // pynrrd reads headers as ASCII.
        const tumor = file.endsWith('nrrd') ? 'Tumor' : 'Tumor µ';
        const own = where[file.replace(/\..*/, '')] as Readonly<Record<number, readonly number[]>>;
        expect(found[file]?.names).toEqual(['Left lung', tumor]);
        expect(found[file]?.voxels).toEqual({ 'Left lung': own[1], [tumor]: own[4] });
      },
    );

    it.each(['many.dcm', 'many.seg.nrrd'])('%s: every object, more than 255', (file) => {
      const own = where.many as Readonly<Record<number, readonly number[]>>;
      expect(Object.keys(own).length).toBeGreaterThan(250);
      expect(found[file]?.voxels).toEqual(
        Object.fromEntries(Object.entries(own).map(([value, voxels]) => [`object ${value}`, voxels])),
      );
    });

    it('is of the study, the space and the patient of its series; or names nobody', () => {
      const person = [PERSON.name, PERSON.id, PERSON.birth, '20240102'];
      expect(found['axial.dcm']).toMatchObject({ type: 'BINARY', patient: person, sameStudy: true, sameSpace: true });
      expect(found['many.dcm']).toMatchObject({ type: 'LABELMAP', patient: person });
      expect(found['axial.nobody.dcm']).toMatchObject({ patient: ['', '', '', ''], sameStudy: true, sameSpace: true });
      const bytes = readFileSync(at('axial.nobody.dcm'), 'latin1');
      for (const secret of [PERSON.name, PERSON.id, PERSON.birth, 'Hospital']) expect(bytes).not.toContain(secret);
    });

    it('lies where the series does, in volumes too', () => {
      const { axial } = where as { axial: Readonly<Record<number, readonly number[]>> };
      const count = ((axial[1] as readonly number[]).length + (axial[4] as readonly number[]).length) / 3;
      expect(found['axial.dcm']?.inVolume).toBe(count);
      expect(found['axial.seg.nrrd']).toMatchObject({ agree: true, origin: [-10, -20, 5] });
      // NIfTI, which the labels came from, has 32 bits.
      const spacing = found['axial.seg.nrrd']?.spacing as readonly number[];
      expect(spacing.map((value) => Number(value.toPrecision(7)))).toEqual([0.5, 0.8, 2.5]);
      const [x, y] = [tilted.slice(0, 3), tilted.slice(3)] as [number[], number[]];
      const direction = found['tilted.seg.nrrd']?.direction as readonly number[];
      for (const i of [0, 1, 2]) {
        expect(direction[3 * i]).toBeCloseTo(x[i] as number, 6);
        expect(direction[3 * i + 1]).toBeCloseTo(y[i] as number, 6);
      }
      expect(found['axial.seg.nrrd']?.extents).toEqual(['1 5 1 5 1 4', '6 8 0 6 1 3']);
    });
  },
  'labels',
);

describe('labels that are converted', () => {
  beforeAll(async () => {
    writeSeries('plain');
    await drawLabels('plain', twoClasses);
  });
  const plain = at('plain-labels.nii.gz');
  const plainSource = () => {
    const slices = Array.from({ length: SLICES }, (_, i) => at('plain', `${i}.dcm`));
    return readSourceSeries(
      slices.map((name) => ({ name, read: () => files.read(name) })),
      2 ** 20,
      { patient: true },
    );
  };

  it('the same labels at the same time have the same bytes, others other UIDs', async () => {
    const source = await plainSource();
    const labels = await readImageFile(files, plain);
    const write = (date: Date, name = 'a') =>
      writeSegmentation(labels, {
        ...{ source, type: 'binary', by: 'program', date },
        segments: [{ value: 1, name, colour: [255, 0, 0] }],
      });
    const first = write(new Date(2026, 1, 3, 4, 5, 6));
    expect(write(new Date(2026, 1, 3, 4, 5, 6))).toEqual(first);
    const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1');
    const uids = (bytes: Uint8Array) => new Set(text(bytes).match(/2\.25\.\d{20,}/g));
    expect(uids(first).size).toBe(4);
    const other = uids(write(new Date(2026, 1, 3, 4, 5, 7), 'a'));
    const renamed = uids(write(new Date(2026, 1, 3, 4, 5, 6), 'b'));
    for (const uid of uids(first)) {
      // The program's own stays.
      if (uid.startsWith('2.25.31522853')) continue;
      expect(other.has(uid) || renamed.has(uid)).toBe(false);
    }
    expect(text(first)).toContain('20260203');
    expect(text(first)).toContain('040506');
  });

  /** The bytes of segments with these names, each on pixels of its own. */
  const segmentsNamed = async (names: readonly string[], characterSet = 'ISO_IR 192') => {
    const labels = await readImageFile(files, plain);
    const data = Uint8Array.from({ length: labels.data.length }, (_, p) => p % (names.length + 1));
    return writeSegmentation(
      { ...labels, dtype: 'uint8', data },
      {
        ...{ source: { ...(await plainSource()), characterSet }, type: 'binary', by: 'person', date: new Date(0) },
        segments: names.map((name, i) => ({ value: i + 1, name, colour: [0, 0, 0] })),
      },
    );
  };
  const namesIn = async (bytes: Uint8Array): Promise<readonly string[]> => {
    const { shapes } = await shapesOfSegments(bytes, 'a.dcm');
    return [...new Set(shapes.map(({ name }) => name))];
  };

  it.each(['ISO_IR 192', 'ISO_IR 100'])('segments without a name stay apart: %s', async (characterSet) => {
    const bytes = Buffer.from(await segmentsNamed(['', 'Q1', 'Q2', 'Q3'], characterSet));
    // Padding of other writers.
    for (const [name, label] of Object.entries({ Q1: '  ', Q2: '\0\0', Q3: 'q\0' }))
      bytes.write(label, bytes.indexOf(name));
    expect(await namesIn(bytes)).toEqual(['segment 1', 'segment 2', 'segment 3', 'q']);
  });

  it('names are cut to 64 characters, and are refused if they are then the same', async () => {
    const long = '\u{1FAC1}'.repeat(63);
    expect(await namesIn(await segmentsNamed([`${long}ab`, `${long}bb`]))).toEqual([`${long}a`, `${long}b`]);
    const same = [`${long}ab`, `${long}ac`] as const;
    await expect(segmentsNamed(same)).rejects.toThrow(`the names "${same[0]}" and "${same[1]}" are both "${long}a"`);
    await expect(segmentsNamed(['a\\b', 'a/b'])).rejects.toThrow('the names "a\\b" and "a/b" are both "a/b"');
  });

  it('become images of their own, on the pixels of their image', async () => {
    const before = await readImageFile(files, plain);
    for (const name of ['plain.dcm', 'plain.seg.nrrd']) {
      await convertLabels(files, plain, at(name), { of: at('plain'), classes: CLASSES });
      const out = at(`again-${name}.nii.gz`);
      const { names, kind } = await convertLabels(files, at(name), out, { of: at('plain') });
      expect([kind, names]).toEqual(['classes', ['Left lung', 'Tumor µ']]);
      const after = await readImageFile(files, out);
      expect([...after.data]).toEqual([...before.data].map((value) => (value === 4 ? 2 : Number(value))));
      expect(after.geometry).toEqual(before.geometry);
    }
  });

  it('predict writes the same classes as segments and as NIfTI, and says whose they are', async () => {
    const bytes = randomModel(
      { name: 'unet', channels: 1, numClasses: 2, baseChannels: 4, depth: 2, norm: 'instance' },
      { classes: ['rest', 'lung'], input: INPUT },
    );
    writeFileSync(at('model.onnx'), bytes);
    const options = { device: 'cpu', objects: true, overlay: false } as const;
    const predict = async (more: PredictFolderOptions) =>
      (await predictFolder(nodeHost, [at('model.onnx')], at('plain'), { ...options, ...more }))
        .images[0] as PredictedFile;
    const { probability = '' } = await predict({ out: at('pred'), probability: 'float' });
    const found = [...(await readImageFile(files, probability)).data].map(Number).sort((a, b) => a - b);
    // The network is a random one: half of its pixels.
    const threshold = found[found.length >> 1] as number;
    const predicted = (format: 'same' | 'dicom-seg' | 'seg-nrrd') =>
      predict({ out: at(`pred-${format}`), format, threshold, probability: 'none' });
    const expected = await readImageFile(files, (await predicted('same')).label as string);
    const isLung = [...expected.data].map((value) => (Number(value) === 0 ? 0 : 1));
    expect(new Set(isLung).size).toBe(2);
    for (const format of ['dicom-seg', 'seg-nrrd'] as const) {
      const { label, objects, notes = [] } = await predicted(format);
      expect(notes.some((note) => note.includes('names the patient'))).toBe(format === 'dicom-seg');
      const out = at(`${format}.nii.gz`);
      const { names } = await convertLabels(files, label as string, out, { of: at('plain') });
      expect(names).toEqual(['lung']);
      expect([...(await readImageFile(files, out)).data].map(Number)).toEqual(isLung);
      expect(objects).toMatch(format === 'dicom-seg' ? /objects.*\.dcm$/ : /objects.*\.seg\.nrrd$/);
    }
  });

  it('inspect --personal shows whose a segmentation is, and convert asks for its image', async () => {
    const labelled = { of: at('plain'), classes: CLASSES };
    await convertLabels(files, plain, at('theirs.dcm'), labelled);
    await convertLabels(files, plain, at('nobody.dcm'), { ...labelled, patient: false });
    const shown = async (name: string) => (await inspect({ files }, at(name), { personal: true })).text;
    expect(await shown('theirs.dcm')).toContain('a DICOM segmentation object');
    for (const value of [PERSON.name, PERSON.id, PERSON.birth]) {
      expect(await shown('theirs.dcm')).toContain(value);
      expect(await shown('nobody.dcm')).not.toContain(value);
    }
    await expect(inspect({ files }, at('theirs.dcm'))).rejects.toThrow('a DICOM segmentation object');
    await expect(convertImage(files, at('theirs.dcm'), at('x.tif'))).rejects.toThrow('Labels need their image: `of`.');
  });

  it('refuses what has no place, the wrong series, and what is there', async () => {
    writeSeries('elsewhere', [1, 0, 0, 0, 1, 0], { '0028,0030 DS': '0.5\\0.5' });
    writeSeries('without', [1, 0, 0, 0, 1, 0], { '0020,0052 UI': '' });
    const refused = async (out: string, of?: string) =>
      convertLabels(files, plain, at(out), { of: of && at(of), classes: CLASSES }).then(
        () => 'written',
        (cause: Error) => cause.message,
      );
    expect(await refused('x.dcm')).toContain('a DICOM segmentation is of a series');
    expect(await refused('x.dcm', 'elsewhere')).toContain('spacing along');
    expect(await refused('x.dcm', 'without')).toContain('it lacks a UID');
    expect(await refused('x.dcm', 'plain-labels.nii.gz')).toContain('a DICOM segmentation is of a DICOM series');
    expect(await refused('plain-labels.nii.gz', 'plain')).toContain('itself');
    writeFileSync(at('there.dcm'), '');
    expect(await refused('there.dcm', 'plain')).toContain('exists already');
  });
});
