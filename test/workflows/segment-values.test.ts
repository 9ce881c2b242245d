/** Which class or object a segment is, and where labels lie that do not say so. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { LabelMapping } from '../../src/dataset/labels/labels.ts';
import type { Image } from '../../src/image/image.ts';
import { nodeHost } from '../../src/platform/node/host.ts';
import { classInfos } from '../../src/train/model-file.ts';
import { convertLabels } from '../../src/workflows/convert-labels.ts';
import { readImageFile, writeImageFile } from '../../src/workflows/image-files.ts';
import { labelValues, type PredictedFile, predictFolder } from '../../src/workflows/predict.ts';
import { randomModel } from '../support/random-model.ts';
import { COLUMNS, ROWS, SLICES, writeScan } from '../support/scan.ts';

const { files } = nodeHost;
const folder = mkdtempSync(join(tmpdir(), 'lamella-segment-values-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const at = (...names: readonly string[]): string => join(folder, ...names);

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
    writeFileSync(model, randomModel(spec, { labels, classes: names }));
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
    writeScan(at('scan'));
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
