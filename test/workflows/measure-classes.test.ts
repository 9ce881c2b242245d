/** The class of each object in the tables and files of `measure`. */

import { expect, test } from 'vitest';
import { writeTiff } from '../../src/image/formats/tiff/write.ts';
import { tableColumn } from '../../src/measure/table.ts';
import type { MeasureFolderOptions } from '../../src/workflows/measure/inputs.ts';
import { measureFolder } from '../../src/workflows/measure/measure.ts';
import { memoryFiles } from '../../src/workflows/memory-files.ts';

/** A label map drawn in digits, a string per row. */
const drawn = (...rows: readonly string[]): Uint8Array =>
  writeTiff({
    dtype: 'uint8',
    axes: 'yx',
    shape: [rows.length, (rows[0] as string).length],
    spacing: {},
    data: Uint8Array.from([...rows.join('')], Number),
  });
const json = (value: object): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

async function measured(
  contents: Readonly<Record<string, Uint8Array>>,
  path: string,
  options: MeasureFolderOptions = {},
) {
  const files = memoryFiles(contents);
  const result = await measureFolder({ files }, path, { out: 'out', report: false, ...options });
  if (result.task !== 'objects') throw new Error('not objects');
  const { table } = result.report;
  const text = async (name: string) => new TextDecoder().decode(await files.read(`out/${name}`));
  const classes = table.columns.find(({ name }) => name === 'class')?.values;
  return { table, classes, text, labels: [...tableColumn(table, 'label').values] };
}

const OBJECTS = drawn('110022', '110022', '000000', '330044');
// Of the first most pixels are 5, of the second as many are 3 as 5 and 3 is first, the third is all border, the fourth background.
const CLASSES = drawn('550033', '350055', '000000', '990000');
const prediction = (classes: readonly string[], values: readonly number[]) => ({
  'pred/prediction.json': json({ models: ['m.onnx'], images: 'gone', classes, values }),
  'pred/objects/a.tif': OBJECTS,
  'pred/label/a.tif': CLASSES,
});
const SEVERAL = prediction(['background', 'T cell', 'B cell', 'border'], [0, 3, 5, 9]);

test('objects of a prediction have the class that most of their pixels have', async () => {
  const { labels, classes, text, table } = await measured(SEVERAL, 'pred', {
    format: ['csv', 'parquet', 'geojson', 'coco'],
  });
  expect(labels).toEqual([1, 2, 3, 4]);
  expect(classes).toEqual(['B cell', 'T cell', '', '']);
  expect(table.columns.map(({ name }) => name).slice(0, 3)).toEqual(['image', 'class', 'label']);
  expect(
    (await text('objects.csv'))
      .split('\n')
      .slice(0, 3)
      .map((line) => line.split(',').slice(0, 3).join()),
  ).toEqual(['image,class,label', 'a,B cell,1', 'a,T cell,2']);
  const { features } = JSON.parse(await text('geojson/a.geojson')) as {
    readonly features: readonly { readonly properties: { readonly classification?: { readonly name: string } } }[];
  };
  expect(features.map(({ properties }) => properties.classification?.name)).toEqual([
    'B cell',
    'T cell',
    undefined,
    undefined,
  ]);
  const { categories, annotations } = JSON.parse(await text('coco.json')) as {
    readonly categories: readonly { readonly id: number; readonly name: string }[];
    readonly annotations: readonly { readonly category_id: number }[];
  };
  expect(annotations.map(({ category_id }) => categories.find(({ id }) => id === category_id)?.name)).toEqual([
    ...['B cell', 'T cell', 'object', 'object'],
  ]);
});

test('objects of one class have no such column', async () => {
  expect((await measured(prediction(['background', 'cell', 'border'], [0, 3, 9]), 'pred')).classes).toBeUndefined();
  const { 'pred/label/a.tif': _, ...alone } = SEVERAL;
  expect((await measured(alone, 'pred')).classes).toBeUndefined();
  const mask = { 'maps/a.tif': drawn('1100', '0011'), 'maps/b.tif': drawn('0110', '0000') };
  expect((await measured(mask, 'maps')).classes).toBeUndefined();
});

test('objects of one class have its name in GeoJSON and COCO, if somebody named it', async () => {
  const format = ['geojson', 'coco'] as const;
  const namesIn = async (contents: Readonly<Record<string, Uint8Array>>, path: string) => {
    const { text } = await measured(contents, path, { format });
    const { features } = JSON.parse(await text('geojson/a.geojson')) as {
      readonly features: readonly { readonly properties: { readonly classification?: { readonly name: string } } }[];
    };
    const { categories } = JSON.parse(await text('coco.json')) as { readonly categories: readonly { name: string }[] };
    return [new Set(features.map(({ properties }) => properties.classification?.name)), categories[0]?.name];
  };
  const ofModel = (...classes: readonly string[]) =>
    namesIn(prediction(classes, [0, 3, 9].slice(0, classes.length)), 'pred');
  expect(await ofModel('background', 'T cell', 'border')).toEqual([new Set(['T cell']), 'T cell']);
  expect(await ofModel('background', 'T cell')).toEqual([new Set(['T cell']), 'T cell']);
  for (const unnamed of ['foreground', 'object']) {
    expect(await ofModel('background', unnamed)).toEqual([new Set([undefined]), 'object']);
  }
  const project = {
    ...{ version: 1, task: 'objects', notAnnotated: 65535, images: [{ file: 'a.tif', labels: 'a-labels.tif' }] },
    classes: [
      { name: 'background', value: 0 },
      { name: 'nucleus', value: 'rest' },
    ],
  };
  const labelled = { 'd/lamella.json': json(project), 'd/a.tif': CLASSES, 'd/a-labels.tif': OBJECTS };
  expect(await namesIn(labelled, 'd')).toEqual([new Set(['nucleus']), 'nucleus']);
});

test('connected pixels of a class are of that class, by the name that is stated, or by its value', async () => {
  const { 'pred/objects/a.tif': _, ...labels } = SEVERAL;
  const own = await measured(labels, 'pred', { as: 'classes' });
  // 3 and 5 lie side by side in both; the border is an object of its own there, without a class.
  expect(own.classes).toEqual(['B cell', 'T cell', 'T cell', 'B cell', '']);
  const plain = { 'maps/a.tif': drawn('1102', '0002', '1100') };
  expect((await measured(plain, 'maps', { as: 'classes' })).classes).toEqual(['class 1', 'class 2', 'class 1']);
  const stated = {
    'd/dataset.json': json({
      ...{ channel_names: { 0: 'x' }, labels: { background: 0, vessel: 1, tumour: 2 }, numTraining: 1 },
      file_ending: '.tif',
    }),
    'd/imagesTr/a_0000.tif': drawn('1234', '5678', '9012'),
    'd/labelsTr/a.tif': drawn('1102', '0002', '1100'),
  };
  expect((await measured(stated, 'd')).classes).toEqual(['vessel', 'tumour', 'vessel']);
});

test('an image that is left out does not shift the others', async () => {
  const more = {
    ...SEVERAL,
    'pred/objects/b.tif': drawn('11'),
    'pred/objects/c.tif': drawn('70'),
    'pred/label/c.tif': drawn('50'),
  };
  const { table, classes } = await measured(more, 'pred');
  expect([...tableColumn(table, 'image').values]).toEqual(['a', 'a', 'a', 'a', 'b', 'c']);
  expect(classes).toEqual(['B cell', 'T cell', '', '', '', 'B cell']);
});
