/** Projects whose labels are files of other programs, which may be of many images, with the project's own values. */

import { describe, expect, it } from 'vitest';
import { labelFinder } from '../../src/dataset/discover/labels-of-image.ts';
import { applyMapping, findMapping } from '../../src/dataset/labels/labels.ts';
import { readDataset } from '../../src/dataset/prepare.ts';
import { labelOptions } from '../../src/dataset/raw.ts';
import { readSourceSeries } from '../../src/image/formats/dicom/source-series.ts';
import { writeSegmentation } from '../../src/image/formats/dicom/write-segmentation.ts';
import { writePng } from '../../src/image/formats/png/write.ts';
import type { Image } from '../../src/image/image.ts';
import { listLabels, readListedImage } from '../../src/workflows/image-list.ts';
import { memoryFiles } from '../../src/workflows/memory-files.ts';
import { ctSlice } from '../support/dicom.ts';

const [HEIGHT, WIDTH] = [6, 8];
const picture = (seed: number): Uint8Array =>
  writePng({
    dtype: 'uint8',
    data: Uint8Array.from({ length: HEIGHT * WIDTH }, (_, p) => (p * seed) % 251),
    axes: 'yx',
    shape: [HEIGHT, WIDTH],
    spacing: {},
  });

/** A rectangle in COCO. */
const box = (image_id: number, category_id: number, [x, y, w, h]: readonly [number, number, number, number]) => ({
  ...{ id: image_id * 10 + category_id, image_id, category_id, iscrowd: 0, bbox: [x, y, w, h], area: w * h },
  segmentation: [[x, y, x + w, y, x + w, y + h, x, y + h]],
});
const COCO = {
  images: ['a.png', 'b.png'].map((file_name, i) => ({ id: i + 1, file_name, width: WIDTH, height: HEIGHT })),
  categories: [
    { id: 1, name: 'lung' },
    { id: 2, name: 'tumour' },
  ],
  annotations: [box(1, 1, [0, 0, 4, 3]), box(1, 2, [5, 2, 2, 4]), box(2, 2, [1, 1, 6, 2])],
};
const CVAT = `<?xml version="1.0"?><annotations><image id="0" name="c.png" width="${WIDTH}" height="${HEIGHT}">
<polygon label="lung" points="2,1;6,1;6,5;2,5" z_order="0"/></image></annotations>`;

/** 1 at the pixels of a rectangle. */
const at = ([x, y, w, h]: readonly number[], value: number, page = new Array<number>(HEIGHT * WIDTH).fill(0)) =>
  page.map((old, p) => {
    const [row, column] = [Math.floor(p / WIDTH), p % WIDTH];
    const isIn = column >= (x as number) && column < (x as number) + (w as number);
    return isIn && row >= (y as number) && row < (y as number) + (h as number) ? value : old;
  });

const CLASSES = [
  { name: 'rest', value: 0 },
  // In another order than the alphabet's, which is that of data sets without a project.
  { name: 'tumour', value: 3 },
  { name: 'lung', value: 7 },
];

const project = (images: readonly object[], more: object = {}) =>
  JSON.stringify({ version: 1, task: 'classes', classes: CLASSES, notAnnotated: 255, images, ...more });

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('a project', () => {
  const files = memoryFiles({
    'p/a.png': picture(7),
    'p/b.png': picture(11),
    'p/c.png': picture(13),
    'p/labels/instances.json': bytes(JSON.stringify(COCO)),
    'p/labels/cvat.xml': bytes(CVAT),
    'p/lamella.json': bytes(
      project([
        { file: 'a.png', labels: 'labels/instances.json' },
        { file: 'b.png', labels: 'labels/instances.json' },
        { file: 'c.png', labels: 'labels/cvat.xml' },
      ]),
    ),
  });
  const expected = [at([5, 2, 2, 4], 3, at([0, 0, 4, 3], 7)), at([1, 1, 6, 2], 3), at([2, 1, 4, 4], 7)];

  it('lists files of COCO and CVAT, whose classes have the values that it names', async () => {
    const data = await readDataset(files, 'p');
    expect(data.pages.map(({ label }) => [...label.values])).toEqual(expected);
    const mapping = findMapping(
      data.pages.map(({ label }) => label),
      labelOptions(data),
    );
    expect(mapping.classes.map(({ name }) => name)).toEqual(['rest', 'tumour', 'lung']);
    const index = new Map(CLASSES.map(({ value }, i) => [value, i]));
    expect(data.pages.map(({ label }) => [...applyMapping(label, mapping)])).toEqual(
      expected.map((page) => page.map((value) => index.get(value))),
    );
  });

  it('has the same labels for evaluate', async () => {
    const labels = await listLabels(files, 'p');
    const read = await Promise.all(labels.map((label) => readListedImage(files, label)));
    expect(read.map(({ data }) => [...data])).toEqual(expected);
  });

  it('of objects takes each shape as one, whatever its class', async () => {
    const objects = memoryFiles({
      'p/a.png': picture(7),
      'p/i.json': bytes(JSON.stringify(COCO)),
      'p/lamella.json': bytes(
        project([{ file: 'a.png', labels: 'i.json' }], {
          ...{ task: 'objects', notAnnotated: 65535 },
          classes: [
            { name: 'background', value: 0 },
            { name: 'cell', value: 'rest' },
          ],
        }),
      ),
    });
    const data = await readDataset(objects, 'p');
    expect(data.pages.map(({ label }) => [...label.values])).toEqual([at([5, 2, 2, 4], 2, at([0, 0, 4, 3], 1))]);
    expect(data.declared).toMatchObject({ kind: 'objects' });
  });

  const refused = (json: string, more: Record<string, Uint8Array> = {}): Promise<string> =>
    readDataset(
      memoryFiles({
        ...{ 'p/a.png': picture(7), 'p/z.png': picture(3), 'p/i.json': bytes(JSON.stringify(COCO)) },
        ...{ 'p/lamella.json': bytes(json), ...more },
      }),
      'p',
    ).then(
      () => 'read',
      (cause: Error) => cause.message,
    );

  it('refuses an image that the file has not, and a class that the project has not', async () => {
    expect(await refused(project([{ file: 'z.png', labels: 'i.json' }]))).toContain(
      'i.json: it has no labels of "z.png"',
    );
    const some = CLASSES.filter(({ name }) => name !== 'lung');
    expect(await refused(project([{ file: 'a.png', labels: 'i.json' }], { classes: some }))).toContain(
      'the class "lung", of which lamella.json names no value of 1 to 254',
    );
  });

  it('lists a DICOM segmentation of a series', async () => {
    const [rows, columns] = [3, 4];
    const slices = [0, 2, 4].map((z) => ({
      name: `s${z}.dcm`,
      bytes: ctSlice({ z, value: Array.from({ length: 12 }, (_, p) => p * z), extra: { '0020,0052 UI': '1.2.9' } }),
    }));
    const source = await readSourceSeries(
      slices.map(({ name, bytes: own }) => ({ name, read: async () => own })),
      2 ** 20,
      { patient: false },
    );
    const labels: Image = {
      dtype: 'uint8',
      data: Uint8Array.from({ length: 3 * rows * columns }, (_, p) => (p % 5 === 0 ? 1 : p % 7 === 0 ? 2 : 0)),
      axes: 'zyx',
      shape: [3, rows, columns],
      spacing: { x: { value: 0.5, unit: 'mm' }, y: { value: 0.8, unit: 'mm' }, z: { value: 2, unit: 'mm' } },
      geometry: {
        originMm: [-10, -20, 0],
        direction: [
          [1, 0, 0],
          [0, 1, 0],
          [0, 0, 1],
        ],
      },
    };
    const segments = ['lung', 'tumour'].map((name, i) => ({ value: i + 1, name, colour: [0, 0, 0] as const }));
    const segmentation = writeSegmentation(labels, {
      ...{ source, segments, type: 'binary', by: 'person', date: new Date(0) },
    });
    const dicom = memoryFiles({
      ...Object.fromEntries(slices.map(({ name, bytes: own }) => [`p/ct/${name}`, own])),
      'p/seg/labels.dcm': segmentation,
      'p/lamella.json': bytes(project([{ file: 'ct', labels: 'seg/labels.dcm' }])),
    });
    const data = await readDataset(dicom, 'p');
    const value = (index: number | bigint): number => [0, 7, 3][Number(index)] as number;
    expect(data.pages.flatMap(({ label }) => [...label.values])).toEqual([...labels.data].map(value));
  });
});

describe('an image in a file of labels of many', () => {
  const named = (names: readonly string[]): Uint8Array =>
    bytes(JSON.stringify({ ...COCO, images: names.map((file_name, id) => ({ ...COCO.images[0], id, file_name })) }));
  const find = (names: readonly string[], image: string, file = 'inst.json') =>
    labelFinder(memoryFiles({ [`d/${file}`]: named(names) }), 'd')(file, image).then(
      (found) => found.slice(file.length + 1),
      (cause: Error) => cause.message,
    );

  it('is the one in its folder, wherever it stands in the list', async () => {
    const both = ['train/0001.png', 'val/0001.png'];
    for (const names of [both, both.toReversed()]) {
      expect(await find(names, 'val/0001.png')).toBe('val/0001.png');
      expect(await find(names, 'train/0001.png')).toBe('train/0001.png');
      expect(await find(names, 'data/val/0001.png')).toBe('val/0001.png');
      expect(await find(names, 'a/val/0001.png', 'a/inst.json')).toBe('val/0001.png');
    }
    for (const names of [
      ['0001.png', 'val/0001.png'],
      ['val/0001.png', '0001.png'],
    ]) {
      expect(await find(names, 'val/0001.png')).toBe('val/0001.png');
      expect(await find(names, '0001.png')).toBe('0001.png');
    }
    expect(await find(['data/train/0001.png', 'data/val/0001.png'], 'val/0001.png')).toBe('data/val/0001.png');
  });

  it('is the only one of its name, in whatever folder; several are named', async () => {
    expect(await find(['train/0001.png', 'val/0002.png'], 'images/0002.png')).toBe('val/0002.png');
    const said = await find(['train/0001.png', 'val/0001.png'], 'images/0001.png');
    expect(said).toContain('inst.json: "images/0001.png" may be "train/0001.png" or "val/0001.png"');
    expect(await find(['train/0001.png', 'val/0001.png'], 'x1.png')).toContain('it has no labels of "x1.png"');
  });
});
