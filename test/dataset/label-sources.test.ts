/** Labels from other programs, and projects, as data sets: which file belongs to which image, and what it means. */
import { readFileSync } from 'node:fs';
import { zipSync } from 'fflate';
import { describe, expect, it, test } from 'vitest';
import { ndarray } from '../../src/array/ndarray.ts';
import { findMapping } from '../../src/dataset/labels/labels.ts';
import { prepareDataset, readDataset } from '../../src/dataset/prepare.ts';
import { labelOptions } from '../../src/dataset/raw.ts';
import { openStreamed } from '../../src/dataset/streamed/open.ts';
import { writeGeoJson } from '../../src/export/geojson.ts';
import { encodeRoi, writeRoiZip } from '../../src/export/imagej-roi.ts';
import { outlineSlices } from '../../src/export/outlined-slices.ts';
import { writePng } from '../../src/image/formats/png/write.ts';
import { writeTiff } from '../../src/image/formats/tiff/write.ts';
import type { IntegerArray } from '../../src/objects/grid.ts';
import { toPolygons } from '../../src/objects/polygons.ts';
import { declaredOf, listImages, listLabels, readListedImage, unlabelledOf } from '../../src/workflows/image-list.ts';
import { memoryFiles } from '../../src/workflows/memory-files.ts';
import { withProjectSettings } from '../../src/workflows/project-settings.ts';

const [HEIGHT, WIDTH] = [6, 8];
const image = writePng({
  ...ndarray(
    'uint8',
    [HEIGHT, WIDTH],
    Uint8Array.from({ length: HEIGHT * WIDTH }, (_, p) => (p * 7) % 251),
  ),
  axes: 'yx',
  spacing: {},
});
const labels: IntegerArray = ndarray(
  'uint16',
  [HEIGHT, WIDTH],
  Uint16Array.from({ length: HEIGHT * WIDTH }, (_, p) =>
    p % WIDTH < 3 && p < 24 ? 5 : p % WIDTH > 4 && p > 15 ? 9 : 0,
  ),
);
const values = Array.from(labels.data);
const zip = writeRoiZip(outlineSlices(labels));
const geojson = (classification?: string) =>
  new TextEncoder().encode(writeGeoJson(outlineSlices(labels), { classification }));
const cellpose = Buffer.from(JSON.parse(readFileSync('test/golden/shapes.json', 'utf8')).cellpose.int32, 'base64');
const masks: readonly number[] = JSON.parse(readFileSync('test/golden/shapes.json', 'utf8')).masks;
const folder = (contents: Readonly<Record<string, Uint8Array | string>>) =>
  memoryFiles(
    Object.fromEntries(
      Object.entries(contents).map(([name, content]) => [
        `data/${name}`,
        typeof content === 'string' ? new TextEncoder().encode(content) : content,
      ]),
    ),
  );
const read = (contents: Readonly<Record<string, Uint8Array | string>>, as?: 'objects' | 'classes') =>
  readDataset(folder(contents), 'data', { as });
const meaning = (data: Awaited<ReturnType<typeof read>>) =>
  findMapping(
    data.pages.map(({ label }) => label),
    labelOptions(data),
  );

describe('shape files are labels', () => {
  test.each<[string, Readonly<Record<string, Uint8Array>>, string]>([
    ['in a folder beside that of images', { 'images/a.png': image, 'labels/a.zip': zip }, 'labels/a.zip'],
    ['beside the image', { 'a.png': image, 'a.zip': zip }, 'a.zip'],
    ['as Cellpose names them', { 'a.png': image, 'a_rois.zip': zip }, 'a_rois.zip'],
    ['beside images in their folder', { 'images/a.png': image, 'images/a.geojson': geojson() }, 'images/a.geojson'],
    ['as ImageJ proposes, beside the only image', { 'a/scan.png': image, 'a/RoiSet.zip': zip }, 'a/RoiSet.zip'],
    ['of QuPath', { 'images/a.png': image, 'annotations/a.geojson': geojson() }, 'annotations/a.geojson'],
  ])('%s', async (_, contents, label) => {
    const data = await read(contents);
    expect(data.pairing.pairs.map((pair) => pair.label)).toEqual([label]);
    expect(Array.from(data.pages[0]?.label.values ?? [])).toEqual(values);
    expect(data.declared?.kind).toBe('objects');
    expect(meaning(data).classes.map(({ name }) => name)).toEqual(['background', 'foreground']);
  });

  it('one region alone, and masks of Cellpose', async () => {
    const [first] = toPolygons(labels);
    const roi = encodeRoi(first as NonNullable<typeof first>, { name: 'cell' });
    const one = await read({ 'a.png': image, 'a.roi': roi });
    expect(Array.from(one.pages[0]?.label.values ?? [])).toEqual(values.map((value) => (value === 5 ? 1 : 0)));
    const masked = await read({ 'a.png': image, 'a_seg.npy': cellpose });
    expect([Array.from(masked.pages[0]?.label.values ?? []), meaning(masked).kind]).toEqual([masks, 'instances']);
  });

  it('some images have them, others none', async () => {
    const { pairing } = await read({ 'images/a.png': image, 'images/b.png': image, 'labels/b.zip': zip });
    expect([pairing.pairs, pairing.unlabelled]).toEqual([
      [{ image: 'images/b.png', label: 'labels/b.zip' }],
      ['images/a.png'],
    ]);
  });

  it('but not beside a label image, without an image of their name, or as an archive of anything else', async () => {
    const mask = writePng({ ...labels, dtype: 'uint16', axes: 'yx', spacing: {} } as never);
    const { pairing } = await read({
      'images/a.png': image,
      'masks/a.png': mask,
      'images/a_seg.npy': cellpose,
      'measures/roi/b.zip': zip,
      'all.zip': zipSync({ 'a.png': image }),
      'images/c.npy': cellpose,
    });
    expect(pairing.pairs).toEqual([{ image: 'images/a.png', label: 'masks/a.png' }]);
    expect(pairing.leftOut).toEqual(
      expect.arrayContaining([
        { file: 'images/a_seg.npy', reason: 'its label image is used' },
        { file: 'measures/roi/b.zip', reason: 'shapes without an image of their name' },
        { file: 'all.zip', reason: '.zip without regions of ImageJ is not read' },
        { file: 'images/c.npy', reason: '.npy is not read' },
      ]),
    );
  });

  const square = [2, 1, 6, 1, 6, 4, 2, 4];
  const coco = {
    images: [{ id: 1, file_name: 'a.tif', width: WIDTH, height: HEIGHT }],
    categories: [{ id: 1, name: 'cell' }],
    annotations: [
      { id: 1, image_id: 1, category_id: 1, iscrowd: 0, bbox: [2, 1, 4, 3], area: 12, segmentation: [square] },
    ],
  };
  const cvat = `<?xml version="1.0"?><annotations><image id="0" name="a.tif" width="${WIDTH}" height="${HEIGHT}">
<polygon label="cell" points="2,1;6,1;6,4;2,4" z_order="0"/></image></annotations>`;
  const corners = ['1,2', '1,5', '3,5', '3,2'].map((corner, i) => `0,rectangle,${i},${corner}`);
  const napari = ['index,shape-type,vertex-index,axis-0,axis-1', ...corners].join('\n');
  test.each<[string, string, Uint8Array | string]>([
    ['COCO', 'c.json', JSON.stringify(coco)],
    ['CVAT', 'annotations.xml', cvat],
    ['napari', 'a.csv', napari],
    ['ImageJ', 'a.zip', zip],
    ['QuPath', 'a.geojson', geojson()],
    ['Cellpose', 'a_seg.npy', cellpose],
  ])('of %s, on images that could be read by region: the pair is held in memory', async (_, name, content) => {
    const image = writeTiff({ ...ndarray('uint8', [HEIGHT, WIDTH]), axes: 'yx', spacing: {} });
    const files = folder({ 'a.tif': image, [name]: content });
    expect((await readDataset(files, 'data')).pages).toHaveLength(1);
    expect(await openStreamed(files, 'data', { bytes: 0 })).toBeUndefined();
  });

  it('and two for one image are refused', async () => {
    await expect(read({ 'a.png': image, 'a.zip': zip, 'a.geojson': geojson() })).rejects.toThrow('has 2 labels');
  });
});

describe('classes of shapes', () => {
  const two = {
    'images/a.png': image,
    'images/b.png': image,
    'labels/a.geojson': geojson('Tumor'),
    'labels/b.geojson': geojson('Stroma'),
  };

  it('are those of all files together, by name', async () => {
    const data = await read(two);
    const { kind, classes } = meaning(data);
    expect([kind, classes]).toEqual([
      'integer',
      [
        { name: 'background', values: [0] },
        { name: 'Stroma', values: [1] },
        { name: 'Tumor', values: [2] },
      ],
    ]);
    expect(data.pages.map(({ label }) => Math.max(...label.values))).toEqual([2, 1]);
    expect(data.notes).toContain(
      'shapes: 2 of Tumor, 2 of Stroma in 2 files, as classes; what none covers is background',
    );
  });

  it('are left aside if objects are asked for, and one class names its objects', async () => {
    const data = await read(two, 'objects');
    expect([Array.from(data.pages[1]?.label.values ?? []), meaning(data).kind]).toEqual([values, 'instances']);
    const one = await read({ 'a.png': image, 'a.geojson': geojson('nucleus') });
    expect(meaning(one).classes).toEqual([
      { name: 'background', values: [0] },
      { name: 'nucleus', values: 'rest' },
    ]);
    const asClasses = await read({ 'a.png': image, 'a.geojson': geojson('nucleus') }, 'classes');
    expect([meaning(asClasses).kind, Math.max(...(asClasses.pages[0]?.label.values ?? []))]).toEqual(['integer', 1]);
  });

  it('are known to evaluate and measure', async () => {
    const files = folder(two);
    const listed = await listLabels(files, 'data');
    expect(listed.map(({ name }) => name)).toEqual(['a', 'b']);
    expect(declaredOf(listed)).toMatchObject({
      kind: 'classes',
      classes: [{ name: 'background' }, {}, { values: [2] }],
    });
    const map = await readListedImage(files, listed[0] as NonNullable<(typeof listed)[0]>);
    expect(Array.from(map.data, Number)).toEqual(values.map((value) => (value > 0 ? 2 : 0)));
  });
});

it('labels of Labkit and ilastik, where 0 is not annotated, need to be told so', async () => {
  const scribbles = ndarray(
    'uint8',
    [HEIGHT, WIDTH],
    Uint8Array.from(values, (value) => (value === 5 ? 1 : value === 9 ? 2 : 0)),
  );
  const data = await read({
    'a.png': image,
    'a_labels.tif': writeTiff({ ...scribbles, axes: 'yx', spacing: {} }),
  });
  const { mapping, shares, notes } = prepareDataset(data, {
    ignore: [0],
    classes: ['sky', 'cell'],
    split: { fraction: 0 },
  });
  expect([mapping.ignore, mapping.classes]).toEqual([
    [0],
    [
      { name: 'sky', values: [1] },
      { name: 'cell', values: [2] },
    ],
  ]);
  expect([shares, notes.some((line) => line.startsWith('annotated: 21 pixels'))]).toEqual([[9 / 21, 12 / 21], true]);
});

describe('a project', () => {
  const painted = (fill: (p: number) => number) =>
    writePng({
      ...ndarray(
        'uint16',
        [HEIGHT, WIDTH],
        Uint16Array.from({ length: HEIGHT * WIDTH }, (_, p) => fill(p)),
      ),
      axes: 'yx',
      spacing: {},
    });
  const strokes = painted((p) => (values[p] ? (values[p] as number) : 65535));
  const regions = [
    { id: 1, box: [0, 0, 4, 6], slice: 0, complete: true, held: false },
    {
      id: 2,
      polygon: [
        [
          [4, 0],
          [8, 0],
          [8, 6],
          [4, 6],
        ],
      ],
      complete: true,
      held: true,
    },
  ];
  const project = {
    version: 1,
    name: 'nuclei',
    task: 'objects',
    classes: [
      { name: 'background', value: 0 },
      { name: 'nucleus', value: 'rest' },
    ],
    notAnnotated: 65535,
    images: [
      { id: 's01', file: 'images/s01.png', labels: 'labels/s01.png', use: 'train', regions },
      { id: 's02', file: 'images/s02.png', labels: 'labels/s01.png', use: 'predict' },
      { id: 's03', file: 'images/s03.png' },
    ],
    spacing: { x: 0.5, y: 0.25, unit: 'µm' },
    settings: { minutes: 5, network: 'n1', colour: 'red' },
  };
  const contents = (json: object) => ({
    'lamella.json': JSON.stringify(json),
    'images/s01.png': image,
    'images/s02.png': image,
    'images/s03.png': image,
    'images/other.png': image,
    'labels/s01.png': strokes,
    'runs/1/log.npz': strokes,
  });
  const change = (more: object) => contents({ ...project, ...more });

  it('says which images, classes, regions and pixel size', async () => {
    const data = await read(contents(project));
    expect(data.pairing).toMatchObject({
      pairs: [{ image: 'images/s01.png', label: 'labels/s01.png' }],
      unlabelled: ['images/s02.png', 'images/s03.png'],
    });
    expect(data.notes.slice(0, 2)).toEqual([
      'project: nuclei (lamella.json)',
      '  objects, 65535 is not annotated; 3 images, 2 with labels; 2 regions, 2 complete, 1 held out; pixel 0.5 x 0.25 µm; minutes 5; network "n1"; colour "red"',
    ]);
    expect(data.pages[0]?.pixelMm?.map((mm) => Math.round(mm * 1e6))).toEqual([250, 500]);
    const { train, validation, split, mapping } = prepareDataset(data, {});
    expect(mapping).toMatchObject({
      kind: 'instances',
      classes: [{ name: 'background' }, { name: 'nucleus' }],
      ignore: [65535],
    });
    const inColumns = (from: number, to: number) =>
      values.map((value, p) => (p % WIDTH >= from && p % WIDTH < to ? Math.min(1, value) : 255));
    expect(Array.from(train.pages[0]?.label ?? [])).toEqual(inColumns(0, 4));
    expect(Array.from(validation[0]?.label ?? [])).toEqual(inColumns(4, 8));
    expect(split.reason).toBe('validation: 1 held-out region (2 of images/s01.png)');
  });

  it('gives predict its images, with its pixel size, and evaluate its labels', async () => {
    const files = folder(contents(project));
    const listed = await listImages(files, 'data');
    expect(listed.map(({ name }) => name)).toEqual(['s02', 's03']);
    expect((await readListedImage(files, listed[0] as NonNullable<(typeof listed)[0]>)).spacing.x).toEqual({
      value: 0.5,
      unit: 'µm',
    });
    const truths = await listLabels(files, 'data');
    expect([truths.map(({ name }) => name), declaredOf(truths)?.ignore]).toEqual([['s01'], [65535]]);
    expect(truths[0]?.annotated).toMatchObject({ notAnnotated: 65535, regions: [{ id: 1 }, { id: 2, held: true }] });
    expect(unlabelledOf(truths)).toEqual(['s02', 's03']);
  });

  it('brings settings, which those of the user override', async () => {
    const data = await read(contents(project));
    const said: string[] = [];
    const classes = [
      { name: 'background', values: [0] },
      { name: 'nucleus', values: 'rest' },
      { name: 'border', values: 'rim' },
    ] as const;
    const objects = { task: 'instances', classes };
    expect(withProjectSettings(data, { seed: 3, network: undefined }, (line) => said.push(line))).toEqual({
      ...objects,
      minutes: 5,
      network: 'n1',
      seed: 3,
    });
    expect(said).toEqual(['lamella.json: the setting "colour" is not taken from a project']);
    expect(withProjectSettings(data, { steps: 7, network: 'unet' as const, task: 'semantic' as const })).toEqual({
      steps: 7,
      network: 'unet',
      task: 'semantic',
    });
    const wrong = await read(change({ settings: { minutes: '5' } }));
    expect(() => withProjectSettings(wrong, {})).toThrow(
      'data/lamella.json: "settings.minutes" is "5", which is no value of this setting.',
    );
    expect(withProjectSettings(wrong, { minutes: 1 })).toEqual({ ...objects, minutes: 1 });
  });

  test.each<[string, object, string]>([
    [
      'a file that is not there',
      { images: [{ file: 'images/s09.png' }] },
      'there is no file "images/s09.png", which the project lists',
    ],
    ['an absolute path', { images: [{ file: '/images/s01.png' }] }, 'there is no file "/images/s01.png"'],
    [
      'no labels',
      { images: [{ file: 'images/s01.png' }] },
      'the project lists 1 image, but none to train on with labels',
    ],
    [
      'a region outside of its image',
      { images: [{ ...project.images[0], regions: [{ ...regions[0], box: [4, 0, 5, 2] }] }] },
      'region 1 is outside its image: x 4 to 9, y 0 to 2; the image is 8 x 6',
    ],
    [
      'a region of a slice that it does not have',
      { images: [{ ...project.images[0], regions: [{ ...regions[0], slice: 1 }] }] },
      'region 1 is outside its image: slice 1',
    ],
    [
      'overlapping regions that disagree',
      { images: [{ ...project.images[0], regions: [regions[0], { ...regions[0], id: 3, held: true }] }] },
      'region 3 is held out and overlaps one that is not',
    ],
    [
      'regions of an image without labels',
      { images: [project.images[0], { file: 'images/s03.png', regions }] },
      'there are regions of "images/s03.png", which is no labelled image here',
    ],
    ['a newer version', { version: 7 }, 'the project has version 7'],
  ])('with %s is refused', async (_, more, said) => {
    await expect(read(change(more))).rejects.toThrow(said);
  });

  it('may take labels from other programs and images from outside', async () => {
    const images = [{ file: '../far/x.png', labels: 'labels/x.zip', use: 'all' }];
    const files = memoryFiles({
      'data/lamella.json': new TextEncoder().encode(
        JSON.stringify({ version: 1, task: 'objects', notAnnotated: 65535, images }),
      ),
      'data/../far/x.png': image,
      'data/labels/x.zip': zip,
    });
    const data = await readDataset(files, 'data');
    expect(Array.from(data.pages[0]?.label.values ?? [])).toEqual(values);
    expect((await listImages(files, 'data')).map(({ name }) => name)).toEqual(['x']);
  });
});
