/** Labels written with their names, and what highdicom, pydicom, slicerio, pynrrd and SimpleITK read. */

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LabelMapping } from '../../src/dataset/labels/labels.ts';
import { shapesOfSegments } from '../../src/dataset/shapes/segments.ts';
import { cielab } from '../../src/image/formats/dicom/cielab.ts';
import { readSourceSeries } from '../../src/image/formats/dicom/source-series.ts';
import { decimal } from '../../src/image/formats/dicom/write-elements.ts';
import { writeSegmentation } from '../../src/image/formats/dicom/write-segmentation.ts';
import type { Image } from '../../src/image/image.ts';
import type { InputSpec } from '../../src/input/normalise.ts';
import { nodeHost } from '../../src/platform/node/host.ts';
import { classInfos } from '../../src/train/model-file.ts';
import type { PredictFolderOptions } from '../../src/workflows/begin-prediction.ts';
import { convertImage } from '../../src/workflows/convert.ts';
import { convertLabels } from '../../src/workflows/convert-labels.ts';
import { readImageFile, writeImageFile } from '../../src/workflows/image-files.ts';
import { inspect } from '../../src/workflows/inspect.ts';
import { labelValues, type PredictedFile, predictFolder } from '../../src/workflows/predict.ts';
import { ctSlice, type DicomItem, PERSON } from '../support/dicom.ts';
import { askPeerOf, describeWithPeers } from '../support/peers.ts';
import { randomModel } from '../support/random-model.ts';

const { files } = nodeHost;
const [SLICES, ROWS, COLUMNS] = [5, 7, 9];
const PLACED: DicomItem = { '0020,0052 UI': `${PERSON.uid}.9` };

const folder = mkdtempSync(join(tmpdir(), 'lamella-convert-labels-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const at = (...names: readonly string[]): string => join(folder, ...names);

/** A series in a folder; slices lie along the normal of their rows and columns. */
function writeSeries(name: string, orientation = [1, 0, 0, 0, 1, 0], extra: DicomItem = {}): void {
  mkdirSync(at(name));
  const [x, y] = [orientation.slice(0, 3), orientation.slice(3)] as [number[], number[]];
  const normal = [0, 1, 2].map((i) => {
    const [j, k] = [(i + 1) % 3, (i + 2) % 3];
    return (x[j] as number) * (y[k] as number) - (x[k] as number) * (y[j] as number);
  });
  for (let z = 0; z < SLICES; z++) {
    const position = normal.map((part, i) => ([-10, -20, 5][i] as number) + 2.5 * z * part);
    const bytes = ctSlice({
      z,
      size: [ROWS, COLUMNS],
      value: Array.from({ length: ROWS * COLUMNS }, (_, p) => (p * p * 31 + z * 777 + p * 13) % 2000),
      extra: {
        ...PLACED,
        '0020,0032 DS': position.map(decimal).join('\\'),
        '0020,0037 DS': orientation.map(decimal).join('\\'),
        ...extra,
      },
    });
    // Names say nothing of the order.
    writeFileSync(at(name, `${(z * 3) % SLICES}.dcm`), bytes);
  }
}

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

describe('predicted classes as segments', () => {
  const spec = { name: 'unet', channels: 1, numClasses: 2, baseChannels: 4, depth: 2, norm: 'instance' } as const;

  it.each<readonly [string, LabelMapping, readonly string[]]>([
    [
      'a background of several values',
      {
        kind: 'integer',
        classes: [
          { name: 'rest', values: [0, 3] },
          { name: 'whole tumour', values: [1, 2] },
        ],
        ignore: [],
      },
      ['whole tumour'],
    ],
    [
      'colours without a background',
      {
        kind: 'colour',
        classes: [
          { name: 'stroma', values: [0xff0000] },
          { name: 'tumour', values: [0x00ff00] },
        ],
        ignore: [],
      },
      ['stroma', 'tumour'],
    ],
    [
      'a last class of 0',
      {
        kind: 'integer',
        classes: [
          { name: 'cell', values: [1] },
          { name: 'medium', values: [0] },
        ],
        ignore: [],
      },
      ['cell', 'medium'],
    ],
  ])('%s', async (title, labels, names) => {
    const model = at(`${title}.onnx`);
    writeFileSync(model, randomModel(spec, { input: INPUT, labels, classes: names }));
    const data = Uint8Array.from({ length: 32 * 32 }, (_, p) => (p * p * 31) % 251);
    const image: Image = { dtype: 'uint8', data, axes: 'yx', shape: [32, 32], spacing: {} };
    await writeImageFile(files, at(`${title}.tif`), image);
    const predict = async (format: 'same' | 'seg-nrrd', threshold: number) => {
      const options = { format, threshold, device: 'cpu', overlay: false, probability: 'float' } as const;
      const out = at(`${title}-${format}-${threshold}`);
      return (await predictFolder(nodeHost, [model], at(`${title}.tif`), { ...options, out }))
        .images[0] as PredictedFile;
    };
    const { probability = '' } = await predict('same', 0.5);
    const sorted = [...(await readImageFile(files, probability)).data].map(Number).sort((a, b) => a - b);
    const threshold = sorted[sorted.length >> 1] as number;
    const { label: plain = '' } = await predict('same', threshold);
    const { label = '' } = await predict('seg-nrrd', threshold);
    const out = at(`${title}.nii.gz`);
    const converted = await convertLabels(files, label, out);
    expect(converted.names).toEqual(names);
    const second = labelValues({ classes: names, metadata: { classes: classInfos(labels) } } as never)?.[1] ?? 1;
    const isSecond = [...(await readImageFile(files, plain)).data].map((value) => Number(value) === second);
    expect(new Set(isSecond).size).toBe(2);
    const segments = [...(await readImageFile(files, out)).data].map(Number);
    // A map with names numbers its segments from 1.
    expect(segments).toEqual(isSecond.map((is) => (is ? names.length : names.length - 1)));
  });
});

describe('labels without a place, and what their values become', () => {
  const [height, width] = [4, 6];
  const write = async (name: string, data: Image['data'], more: Partial<Image> = {}): Promise<string> => {
    const dtype = data instanceof Int16Array ? 'int16' : 'uint8';
    await writeImageFile(files, at(name), {
      ...{ dtype, data, axes: 'yx', shape: [height, width], spacing: {}, ...more },
    } as Image);
    return at(name);
  };
  const pixels = (valueAt: (p: number) => number): Uint8Array =>
    Uint8Array.from({ length: height * width }, (_, p) => valueAt(p));
  const read = async (path: string): Promise<readonly number[]> =>
    [...(await readImageFile(files, path, { palette: 'index' })).data].map(Number);

  it('have that of their image, with a note; those of another size are refused', async () => {
    writeSeries('scan');
    const image = await readImageFile(files, at('scan'));
    const placeless = (shape: readonly number[]): Partial<Image> => ({ axes: 'zyx', shape });
    const count = SLICES * ROWS * COLUMNS;
    const data = Uint8Array.from({ length: count }, (_, p) => Number(p % 3 === 0));
    const labels = await write('placeless.tif', data, placeless([SLICES, ROWS, COLUMNS]));
    for (const name of ['placeless.seg.nrrd', 'placeless.nii.gz']) {
      const { notes } = await convertLabels(files, labels, at(name), { of: at('scan') });
      expect(notes.join()).toContain('do not say where they lie');
      const { geometry, spacing } = await readImageFile(files, at(name));
      expect(geometry?.originMm).toEqual(image.geometry?.originMm);
      expect(spacing.z?.value).toBeCloseTo(image.spacing.z?.value as number, 6);
    }
    await convertLabels(files, labels, at('placeless.dcm'), { of: at('scan') });
    const small = await write(
      'small.tif',
      pixels((p) => p % 2),
    );
    for (const name of ['small.seg.nrrd', 'small.out.tif', 'small.dcm']) {
      await expect(convertLabels(files, small, at(name), { of: at('scan') })).rejects.toThrow(
        `the labels are ${width} x ${height} pixels, their image is ${COLUMNS} x ${ROWS} pixels, ${SLICES} slices`,
      );
    }
  });

  const CELL_REST = [
    { name: 'background', values: [0] },
    { name: 'cell', values: 'rest' },
  ] as const;

  it('a class of all other values is one segment, of masks and of colours', async () => {
    const mask = await write(
      'mask.tif',
      pixels((p) => (p % 2) * 255),
    );
    const rgb = new Uint8Array(3 * height * width);
    for (let p = 0; p < height * width; p++) rgb[(p % 3) * height * width + p] = p % 2 === 0 ? 0 : 10 * p;
    const colours = await write('colours.png', rgb, {
      ...{ axes: 'cyx', shape: [3, height, width], channels: ['red', 'green', 'blue'] },
    });
    for (const path of [mask, colours]) {
      const { names } = await convertLabels(files, path, `${path}.seg.nrrd`, { classes: CELL_REST });
      expect(names).toEqual(['cell']);
      await convertLabels(files, `${path}.seg.nrrd`, `${path}.nii.gz`);
      expect(await read(`${path}.nii.gz`)).toEqual([...pixels((p) => p % 2)]);
    }
  });

  it('negative numbers of objects are refused, or ignored', async () => {
    const data = Int16Array.from({ length: height * width }, (_, p) => (p === 5 ? -1 : p % 2 === 0 ? 0 : (p + 1) / 2));
    const path = await write('negative.tif', data);
    const convert = (out: string, ignore?: readonly number[]) => convertLabels(files, path, at(out), { ignore });
    await expect(convert('negative.seg.nrrd')).rejects.toThrow('the negative value -1');
    const { names, kind, notes } = await convert('negative.seg.nrrd', [-1]);
    expect([kind, names.length]).toEqual(['objects', 11]);
    expect(names).not.toContain('object -1');
    expect(notes).toEqual(['1 pixel not annotated: no segment has them, as if they were background.']);
  });

  it('colours are no numbers of objects', async () => {
    const data = new Uint8Array(3 * height * width).map((_, p) => (p * 7) % 251);
    const path = await write('objects.tif', data, {
      ...{ axes: 'cyx', shape: [3, height, width], channels: ['red', 'green', 'blue'], labelKind: 'objects' },
    });
    await expect(convertLabels(files, path, at('objects.seg.nrrd'))).rejects.toThrow('these objects have colours');
  });

  it('a label image has the numbers of the classes that are given, and says them', async () => {
    const path = await write(
      'four.tif',
      pixels((p) => p % 5),
    );
    const classes = [
      { name: 'rest', values: [0, 3] },
      { name: 'tumour', values: [1, 2] },
    ];
    const { notes } = await convertLabels(files, path, at('mapped.tif'), { classes, ignore: [4] });
    expect(await read(at('mapped.tif'))).toEqual([...pixels((p) => [0, 1, 1, 0, 255][p % 5] as number)]);
    expect(notes).toEqual([
      'Class numbers are written: 0 is rest, 1 is tumour.',
      '4 pixels not annotated: they have the value 255.',
    ]);
    await convertLabels(files, path, at('unmapped.tif'), { of: path });
    expect(await read(at('unmapped.tif'))).toEqual(await read(path));
  });
});

describe('numbers and colours of DICOM', () => {
  it('decimal strings have at most 16 characters and keep what fits', () => {
    for (const value of [0, -1, 0.1, 1 / 3, -2 / 3, 1e-12 / 3, -123456.789012345, 1e20 / 3, Math.PI * 1e5]) {
      const text = decimal(value);
      expect(text.length).toBeLessThanOrEqual(16);
      expect(Math.abs(Number(text) - value)).toBeLessThanOrEqual(Math.abs(value) * 1e-8);
    }
    expect([decimal(0.5), decimal(-10), decimal(2.5)]).toEqual(['0.5', '-10', '2.5']);
  });

  it('colours in Lab of D50 are those of tables', () => {
    const stretched = ([l, a, b]: readonly [number, number, number]) => [
      Math.round((l / 100) * 65_535),
      Math.round(((a + 128) / 255) * 65_535),
      Math.round(((b + 128) / 255) * 65_535),
    ];
    // Lab of D50 for sRGB red, green, blue and white, as tables of sRGB have them.
    for (const [rgb, lab] of [
      [
        [255, 0, 0],
        [54.29, 80.8, 69.89],
      ],
      [
        [0, 255, 0],
        [87.82, -79.27, 80.99],
      ],
      [
        [0, 0, 255],
        [29.57, 68.3, -112.03],
      ],
      [
        [255, 255, 255],
        [100, 0, 0],
      ],
    ] as const) {
      const [found, expected] = [cielab(rgb), stretched(lab)];
      // Two digits of the table.
      for (const i of [0, 1, 2]) expect(Math.abs((found[i] as number) - (expected[i] as number))).toBeLessThan(8);
    }
  });
});
