/** `lamella.json`: what it may hold, and what is kept of it. */
import { readFileSync } from 'node:fs';
import { describe, expect, it, test } from 'vitest';
import { parseProject, writeProject } from '../../src/project/project.ts';
import { projectRegionOf, regionOf } from '../../src/project/regions.ts';
import { mismatch, PROJECT_SCHEMA, type Schema } from '../../src/project/schema.ts';

const region = { id: 1, box: [0, 0, 4, 4], slice: 0, complete: true, origin: 'painted', held: false };
const project = {
  version: 1,
  writtenBy: 'lamella 0.2.0',
  name: 'nuclei',
  task: 'objects',
  classes: [
    { name: 'background', value: 0 },
    { name: 'nucleus', value: 'rest', colour: '#E69F00' },
  ],
  notAnnotated: 65535,
  images: [
    {
      id: 's01',
      file: 'images/s01.tif',
      size: 1048998,
      crc32: 'a1b2c3d4',
      labels: 'labels/s01.tif',
      use: 'train',
      regions: [region],
    },
    { id: 's02', file: '../microscope/s02.tif', use: 'predict' },
  ],
  spacing: { x: 0.325, y: 0.325, unit: 'µm', from: 'user' },
  settings: { minutes: 5 },
  runs: [{ folder: 'runs/1', from: null, labels: 12 }],
  revision: 12,
};
const parse = (value: unknown) => parseProject(JSON.stringify(value), 'nuclei/lamella.json');
const withImage = (image: object) => ({ ...project, images: [{ file: 'a.tif', ...image }] });

it('has regions that are worked with in another form, and come back', () => {
  const polygon = [
    [
      [0, 0],
      [4, 0],
      [2, 3.5],
    ],
    [
      [1, 1],
      [2, 1],
      [2, 2],
    ],
  ] as const;
  const listed = { ...region, box: undefined, polygon, slice: null, origin: 'proofread', held: true } as const;
  expect(regionOf(listed)).toEqual({
    id: 1,
    shape: {
      polygon: [
        [0, 0, 4, 0, 2, 3.5],
        [1, 1, 2, 1, 2, 2],
      ],
    },
    complete: true,
    origin: 'proofread',
    held: true,
  });
  expect(projectRegionOf(regionOf(listed))).toEqual({
    id: 1,
    polygon,
    complete: true,
    origin: 'proofread',
    held: true,
  });
  const box = regionOf({ id: 7, box: [1, 2, 3, 4], slice: 5, complete: false });
  expect(box).toMatchObject({ slice: 5, origin: 'painted', held: false });
  expect(projectRegionOf(box)).toEqual({ ...box, shape: undefined, box: [1, 2, 3, 4] });
  expect(
    parse(withImage({ regions: [projectRegionOf(box), projectRegionOf(regionOf({ ...listed, id: 8 }))] })),
  ).toBeDefined();
});

it('comes back as it was, with keys that this version does not know', () => {
  const unknown = {
    ...project,
    palette: { a: [1] },
    images: [{ ...project.images[0], stain: 'DAPI', regions: [{ ...region, by: 'me' }] }],
  };
  expect(JSON.parse(writeProject(parse(unknown)))).toEqual(unknown);
  expect(parseProject(`\uFEFF${JSON.stringify(project)}`, 'x')).toEqual(project);
});

it('the published schema is the one that is checked', () => {
  expect(JSON.parse(readFileSync('docs/project.schema.json', 'utf8'))).toEqual(PROJECT_SCHEMA);
});

it('a newer version is refused before anything else', () => {
  expect(() => parse({ version: 2, images: 'all' })).toThrow(
    'nuclei/lamella.json: the project has version 2; this version of Lamella reads up to 1. Update Lamella.',
  );
});

test.each<[string, unknown, string]>([
  ['no object', [], 'the content is []; expected an object'],
  ['nothing', null, 'the content is null; expected an object'],
  ['no version', { ...project, version: undefined }, '"version" is missing; expected a value'],
  ['another version', { ...project, version: '1' }, '"version" is "1"; expected 1'],
  ['another task', { ...project, task: 'instances' }, '"task" is "instances"; expected one of "classes", "objects"'],
  ['no number', { ...project, notAnnotated: '255' }, '"notAnnotated" is "255"; expected a whole number'],
  ['a fraction', { ...project, notAnnotated: 0.5 }, '"notAnnotated" is 0.5; expected a whole number'],
  [
    'a class of text',
    {
      ...project,
      classes: [
        { name: 'a', value: 1 },
        { name: 'b', value: 'x' },
      ],
    },
    '"classes[1].value" is "x"; expected a whole number, or "rest"',
  ],
  [
    'one class',
    { ...project, classes: [{ name: 'a', value: 1 }] },
    '"classes" is [{"name":"a","value":1}]; expected 2 items or more',
  ],
  ['no file', withImage({ file: '' }), '"images[0].file" is ""; expected a text that is not empty'],
  ['another use', withImage({ use: 'test' }), '"images[0].use" is "test"; expected one of "train", "predict", "all"'],
  [
    'a short box',
    withImage({ regions: [{ ...region, box: [0, 0, 4] }] }),
    '"images[0].regions[0].box" is [0,0,4]; expected 4 items or more',
  ],
  [
    'a negative box',
    withImage({ regions: [{ ...region, box: [-1, 0, 4, 4] }] }),
    '"images[0].regions[0].box[0]" is -1; expected 0 or more',
  ],
  [
    'no complete',
    withImage({ regions: [{ ...region, complete: undefined }] }),
    '"images[0].regions[0].complete" is missing',
  ],
  [
    'no shape',
    withImage({ regions: [{ ...region, box: undefined }] }),
    'region 1 of "a.tif" has neither box nor polygon',
  ],
  [
    'two shapes',
    withImage({
      regions: [
        {
          ...region,
          polygon: [
            [
              [0, 0],
              [1, 0],
              [1, 1],
            ],
          ],
        },
      ],
    }),
    'region 1 of "a.tif" has a box and a polygon',
  ],
  ['two regions', withImage({ regions: [region, region] }), 'there are two regions 1 of "a.tif"'],
  ['no size of a pixel', { ...project, spacing: { x: 0, y: 1, unit: 'µm' } }, '"spacing.x" is 0; expected more than 0'],
  [
    'another unit',
    { ...project, spacing: { x: 1, y: 1, unit: 'inch' } },
    '"spacing.unit" is "inch"; expected one of "nm", "µm"',
  ],
  ['one file twice', { ...project, images: [{ file: 'a' }, { file: 'a' }] }, 'there are two images of the file "a"'],
  [
    'one id twice',
    {
      ...project,
      images: [
        { id: '1', file: 'a' },
        { id: '1', file: 'b' },
      ],
    },
    'there are two images with the id "1"',
  ],
  [
    'one value twice',
    {
      ...project,
      classes: [
        { name: 'a', value: 1 },
        { name: 'b', value: 1 },
      ],
    },
    'two classes have the value 1',
  ],
  [
    'one name twice',
    {
      ...project,
      classes: [
        { name: 'a', value: 1 },
        { name: 'a', value: 2 },
      ],
    },
    'there are two classes "a"',
  ],
  [
    'a class that nobody sees',
    { ...project, notAnnotated: 0 },
    'the class "background" has the value 0 of "notAnnotated"',
  ],
  [
    'objects of several classes',
    {
      ...project,
      classes: [
        { name: 'a', value: 0 },
        { name: 'b', value: 1 },
      ],
    },
    '"task" is "objects", whose classes are a background and "rest"',
  ],
  [
    'background that nobody sees',
    { ...withImage({ regions: [region] }), classes: undefined, notAnnotated: 0 },
    'region 1 of "a.tif" is complete, but 0',
  ],
])('%s', (_, value, said) => {
  expect(() => parse(value)).toThrow(said);
});

it('no JSON', () => {
  expect(() => parseProject('{"version": 1,', 'a')).toThrow('a: this is not JSON, or it is truncated.');
});

describe('the schema', () => {
  it('uses only words that the check knows', () => {
    const known = new Set([
      ...['$schema', 'title', 'description', 'type', 'const', 'enum', 'anyOf', 'required', 'properties', 'items'],
      ...['minItems', 'maxItems', 'minLength', 'minimum', 'maximum', 'exclusiveMinimum', 'pattern'],
    ]);
    const walk = (schema: Schema): void => {
      expect(Object.keys(schema).filter((word) => !known.has(word))).toEqual([]);
      const { items, anyOf = [], properties = {} } = schema;
      for (const inner of [...(items === undefined ? [] : [items]), ...anyOf, ...Object.values(properties)])
        walk(inner);
    };
    walk(PROJECT_SCHEMA);
  });

  it('is checked as JSON Schema means it', () => {
    expect(mismatch({ a: 1 }, { type: 'object', properties: { a: { type: 'string' } } })?.path).toBe('a');
    expect(mismatch(3, { type: 'integer', maximum: 2 })?.expected).toBe('2 or less');
    expect(mismatch('', { anyOf: [{ type: 'null' }, { type: 'string' }] })).toBeUndefined();
    expect(mismatch({ toString: 1 }, { type: 'object', required: ['valueOf'] })?.path).toBe('valueOf');
  });
});
