/** Data sets written for nnU-Net, and read back as one. */

import { describe, expect, it } from 'vitest';
import { applyMapping, findMapping } from '../../src/dataset/labels/labels.ts';
import { readDataset } from '../../src/dataset/prepare.ts';
import { labelOptions } from '../../src/dataset/raw.ts';
import { writeNifti } from '../../src/image/formats/nifti/write.ts';
import { writePng } from '../../src/image/formats/png/write.ts';
import { writeTiff } from '../../src/image/formats/tiff/write.ts';
import type { Image } from '../../src/image/image.ts';
import { readImage } from '../../src/image/read.ts';
import { convertToNnunet } from '../../src/workflows/convert-nnunet.ts';
import { memoryFiles } from '../../src/workflows/memory-files.ts';

const MM = { value: 1.5, unit: 'mm' };
const image = (
  axes: string,
  shape: readonly number[],
  values: (i: number) => number,
  more: Partial<Image> = {},
): Image => ({
  dtype: 'uint8',
  axes,
  shape,
  data: Uint8Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => values(i)),
  spacing: {},
  ...more,
});

/** The classes of every page of a data set, with their names. */
async function classesOf(files: ReturnType<typeof memoryFiles>, folder: string) {
  const data = await readDataset(files, folder);
  const mapping = findMapping(
    data.pages.map(({ label }) => label),
    labelOptions(data),
  );
  return {
    names: mapping.classes.map(({ name }) => name),
    pages: data.pages.map(({ label }) => [...applyMapping(label, mapping)]),
    images: data.pages.map(({ data: pixels, channels }) => [channels, ...pixels]),
  };
}

const json = (content: object) => new TextEncoder().encode(JSON.stringify(content));

describe('pictures', () => {
  const colour = image('cyx', [3, 2, 4], (i) => (i * 37) % 250, { channels: ['red', 'green', 'blue'] });
  const files = memoryFiles({
    'd/x/a.png': writePng(colour),
    'd/y/a.png': writePng({ ...colour, data: (colour.data as Uint8Array).map((v) => v + 1) }),
    'd/y/b.png': writePng(colour),
    'd/c.json': json({
      images: ['x/a.png', 'y/a.png'].map((file_name, id) => ({ id, file_name, width: 4, height: 2 })),
      categories: ['nucleus', 'fibre'].map((name, id) => ({ id, name })),
      annotations: [
        { image_id: 0, category_id: 0, segmentation: [[0, 0, 2, 0, 2, 2, 0, 2]] },
        { image_id: 0, category_id: 1, segmentation: [[2, 0, 3, 0, 3, 2, 2, 2]] },
        { image_id: 1, category_id: 1, segmentation: [[0, 0, 4, 0, 4, 1, 0, 1]] },
      ],
    }),
  });

  it('have a PNG per channel, classes of any labels by name, and a case of its own each', async () => {
    const { notes, ...result } = await convertToNnunet(files, 'd', 'out');
    expect(result).toEqual({
      out: 'out',
      trainingImages: 2,
      testImages: 1,
      labels: { background: 0, fibre: 1, nucleus: 2 },
      channels: ['red', 'green', 'blue'],
      fileEnding: '.png',
    });
    expect(notes.join('\n')).toContain('as classes');
    expect((await files.list('out')).filter((path) => !path.includes('_0001') && !path.includes('_0002'))).toEqual([
      'dataset.json',
      'imagesTr/x_a_0000.png',
      'imagesTr/y_a_0000.png',
      'imagesTs/b_0000.png',
      'labelsTr/x_a.png',
      'labelsTr/y_a.png',
    ]);
    expect(JSON.parse(new TextDecoder().decode(await files.read('out/dataset.json')))).toEqual({
      channel_names: { 0: 'red', 1: 'green', 2: 'blue' },
      labels: { background: 0, fibre: 1, nucleus: 2 },
      numTraining: 2,
      file_ending: '.png',
    });
    expect(await classesOf(files, 'out')).toEqual(await classesOf(files, 'd'));
  });

  it('are not written where something is', async () => {
    await expect(convertToNnunet(files, 'd', 'd')).rejects.toThrow('d: this exists already.');
  });
});

describe('a data set of nnU-Net with regions', () => {
  const labels = { background: 0, 'whole tumour': [1, 2, 3], core: [2, 3], enhancing: 3, ignore: 4 };
  const order = [1, 2, 3];
  const values = [0, 1, 2, 3, 4, 1];
  const files = () =>
    memoryFiles({
      'd/imagesTr/a_0000.png': writePng(image('yx', [2, 3], (i) => 20 * i)),
      'd/labelsTr/a.png': writePng(image('yx', [2, 3], (i) => values[i] as number)),
      'd/dataset.json': json({
        ...{ channel_names: { 0: 'T2' }, labels, regions_class_order: order, numTraining: 1, file_ending: '.png' },
      }),
    });
  it('keeps them: names, values, their order and every pixel', async () => {
    const own = files();
    const { labels: written } = await convertToNnunet(own, 'd', 'out');
    expect(written).toEqual(labels);
    expect(JSON.parse(new TextDecoder().decode(await own.read('out/dataset.json')))).toEqual(
      JSON.parse(new TextDecoder().decode(await own.read('d/dataset.json'))),
    );
    expect([...(await readImage(await own.read('out/labelsTr/a.png'), 'a.png')).data]).toEqual(values);
    expect(await classesOf(own, 'out')).toEqual(await classesOf(own, 'd'));
  });
  it('has the classes that are given instead, of one region by itself', async () => {
    const own = files();
    const classes = [
      { name: 'rest', values: [0, 1] },
      { name: 'core', values: [2, 3] },
    ];
    const { labels: written, notes } = await convertToNnunet(own, 'd', 'out', { classes });
    expect(written).toEqual({ background: 0, core: 1, ignore: 2 });
    expect(notes).toContain('nnU-Net calls 0 "background": "rest" has that name there');
    expect(new TextDecoder().decode(await own.read('out/dataset.json'))).not.toContain('regions_class_order');
    expect([...(await readImage(await own.read('out/labelsTr/a.png'), 'a.png')).data]).toEqual([0, 0, 1, 1, 2, 0]);
  });
});

describe('0, which nnU-Net calls the background and nothing else', () => {
  const drawn = [1, 2, 3, 3, 2, 0];
  const files = (values: readonly number[]) =>
    memoryFiles({
      'd/images/a.png': writePng(image('yx', [2, 3], (i) => 20 * i)),
      'd/labels/a.png': writePng(image('yx', [2, 3], (i) => values[i] as number)),
    });
  const converted = async (values: readonly number[], names: readonly string[], ignore?: readonly number[]) => {
    const own = files(values);
    const classes = names.map((name, i) => ({ name, values: [i + (ignore ? 1 : 0)] }));
    const { labels, notes } = await convertToNnunet(own, 'd', 'out', { classes, ignore });
    const { data } = await readImage(await own.read('out/labelsTr/a.png'), 'a.png');
    return { labels, pixels: [...data], said: notes.filter((note) => note.startsWith('nnU-Net calls')) };
  };

  it('is no pixel of strokes, where nothing is the background', async () => {
    expect(await converted(drawn, ['wall', 'cell', 'rim'], [0])).toEqual({
      labels: { background: 0, wall: 1, cell: 2, rim: 3, ignore: 4 },
      pixels: [1, 2, 3, 3, 2, 4],
      said: ['nnU-Net calls 0 "background": no pixel has it'],
    });
  });

  it('is the class of that name, whatever its value', async () => {
    expect(await converted(drawn, ['cell', 'background', 'rim'], [0])).toEqual({
      labels: { background: 0, cell: 1, rim: 2, ignore: 3 },
      pixels: [1, 0, 2, 2, 0, 3],
      said: [],
    });
  });

  it('is the background by another name, which is lost', async () => {
    expect(await converted(drawn, ['Background', 'a', 'b', 'c'])).toEqual({
      labels: { background: 0, a: 1, b: 2, c: 3 },
      pixels: drawn,
      said: ['nnU-Net calls 0 "background": "Background" has that name there'],
    });
  });
});

describe('volumes', () => {
  const geometry: Image['geometry'] = {
    originMm: [10, -20, 30],
    direction: [
      [1, 0, 0],
      [0, 1, 0],
      [0, 0, 1],
    ],
  };
  const spacing = { x: MM, y: MM, z: { value: 3, unit: 'mm' } };
  const volume = image('zyx', [3, 4, 5], (i) => i, { spacing, geometry });
  const labels = image('zyx', [3, 4, 5], (i) => [0, 1, 2, 255][i % 4] as number, { spacing, geometry });
  const contents = { 'd/images/a.nii.gz': writeNifti(volume), 'd/labels/a.nii.gz': writeNifti(labels) };

  it('are NIfTI in their place, with what is ignored above the classes', async () => {
    const files = memoryFiles(contents);
    const { labels: values, fileEnding } = await convertToNnunet(files, 'd', 'out');
    expect([values, fileEnding]).toEqual([{ background: 0, 'class 1': 1, 'class 2': 2, ignore: 3 }, '.nii.gz']);
    const [written, label] = await Promise.all(
      ['imagesTr/a_0000.nii.gz', 'labelsTr/a.nii.gz'].map(async (name) =>
        readImage(await files.read('out', name), name),
      ),
    );
    expect(written).toMatchObject({ shape: [3, 4, 5], spacing, geometry });
    expect(Array.from(written?.data as Uint8Array)).toEqual(Array.from(volume.data as Uint8Array));
    expect(label).toMatchObject({ spacing, geometry });
    expect(Array.from(label?.data as Uint8Array)).toEqual(Array.from(labels.data as Uint8Array, (v) => Math.min(v, 3)));
    expect((await classesOf(files, 'out')).pages).toEqual((await classesOf(files, 'd')).pages);
  });

  it('of several times, or with other channels, are refused', async () => {
    const times = image('tyx', [3, 4, 5], (i) => i);
    const both = memoryFiles({ 'd/images/a.tif': writeTiff(times), 'd/labels/a.tif': writeTiff(labels) });
    await expect(convertToNnunet(both, 'd', 'out')).rejects.toThrow(
      'the image has several times, which nnU-Net has not',
    );
    const stains = image('czyx', [2, 3, 4, 5], (i) => i % 200, { channels: ['DAPI', 'GFP'] });
    const mixed = memoryFiles({
      'd/images/a.tif': writeTiff(volume),
      'd/labels/a.tif': writeTiff(labels),
      'd/images/b.tif': writeTiff(stains),
      'd/labels/b.tif': writeTiff(labels),
    });
    await expect(convertToNnunet(mixed, 'd', 'out')).rejects.toThrow('the image has the channels DAPI, GFP, others');
  });
});
