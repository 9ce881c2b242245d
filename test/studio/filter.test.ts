/** Objects and areas of a prediction are left out, and come back, without predicting again. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ndarray } from '../../src/array/ndarray.ts';
import { writePng } from '../../src/image/formats/png/write.ts';
import type { Image } from '../../src/image/image.ts';
import { readImage } from '../../src/image/read.ts';
import { nodeHost } from '../../src/platform/node/host.ts';
import { studioHost } from '../../src/platform/node/studio-host.ts';
import { createEngine } from '../../src/studio/create-engine.ts';
import type { Engine, ObjectFilters } from '../../src/studio/engine.ts';
import { measureFolder } from '../../src/workflows/measure/measure.ts';

const SIDE = 20;
/** Boxes [x, y, width, height] of the objects 1, 2, ...: of 4, 12, 30 and 16 pixels, the second at the border. */
const BOXES = [
  [2, 2, 2, 2],
  [16, 5, 4, 3],
  [5, 8, 6, 5],
  [2, 15, 4, 4],
] as const;

/** Those of these objects, with numbers from 1 on. */
function labels(of: readonly number[]): Image<'uint16'> {
  const data = new Uint16Array(SIDE * SIDE);
  of.forEach((object, i) => {
    const [x, y, width, height] = BOXES[object - 1] as (typeof BOXES)[number];
    for (let row = y; row < y + height; row++) data.fill(i + 1, row * SIDE + x, row * SIDE + x + width);
  });
  return { dtype: 'uint16', axes: 'yx', shape: [SIDE, SIDE], data, spacing: {} };
}

let root: string;
let engine: Engine;
let folder: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'lamella-filter-'));
  engine = createEngine(studioHost(root));
  folder = join(root, (await engine.create('boxes')).id);
  const image = { ...labels([]), dtype: 'uint8', data: new Uint8Array(SIDE * SIDE) } as const;
  expect((await engine.addFiles([{ path: 'images/0.png', content: writePng(image) }])).problems).toEqual([]);
  await mkdir(join(folder, 'predictions/1/objects'), { recursive: true });
  await writeFile(join(folder, 'predictions/1/objects/0.png'), writePng(labels([1, 2, 3, 4])));
});
afterEach(async () => {
  await engine.dispose();
  await rm(root, { recursive: true, force: true });
});

const shown = async (): Promise<Uint32Array> => (await engine.segmented('predictions/1', '0', 0)).data as Uint32Array;
const pixels = async (): Promise<readonly unknown[]> => {
  const { columns, rows } = await engine.table({ prediction: 'predictions/1', offset: 0, limit: 9 });
  const at = columns.findIndex(({ name }) => name === 'pixels');
  return rows.map((row) => row[at]);
};

it.each<[filters: ObjectFilters, left: readonly number[], pixels: readonly number[]]>([
  [{ minSizePx: 12 }, [2, 3, 4], [12, 30, 16]],
  [{ minSizePx: 13 }, [3, 4], [30, 16]],
  [{ excludeBorder: true }, [1, 3, 4], [4, 30, 16]],
  [{ minSizePx: 17, excludeBorder: true }, [3], [30]],
  [{ minSizePx: 31 }, [], []],
])('%j', async (filters, left, sizes) => {
  await engine.measure('predictions/1');
  expect(await pixels()).toEqual([4, 12, 30, 16]);
  await engine.filter('predictions/1', filters);
  expect(await shown()).toEqual(Uint32Array.from(labels(left).data));
  expect(await pixels()).toEqual(sizes);
  // From all that were found, not from what was left.
  await engine.filter('predictions/1', { minSizePx: 5 });
  expect(await pixels()).toEqual([12, 30, 16]);
  await engine.filter('predictions/1', {});
  expect(await pixels()).toEqual([4, 12, 30, 16]);
  expect(await shown()).toEqual(Uint32Array.from(labels([1, 2, 3, 4]).data));
});

const picture = (rows: readonly string[]): Image<'uint16'> => ({
  ...labels([]),
  data: Uint16Array.from({ length: SIDE ** 2 }, (_, p) => Number(rows[Math.floor(p / SIDE)]?.[p % SIDE] ?? 0)),
});

it('fills a hole whose speck is left out, and not one whose object stays', async () => {
  const found = picture(['11111011111', '10001010001', '10201010331', '10001010331', '11111011111']);
  await writeFile(join(folder, 'predictions/1/objects/0.png'), writePng(found));
  await engine.measure('predictions/1');
  expect(await pixels()).toEqual([32, 1, 4]);
  await engine.filter('predictions/1', { fillHoles: true, minSizePx: 2 });
  expect(await pixels()).toEqual([41, 4]);
});

it('fills holes and splits necks of what was found, and takes both back', async () => {
  const found = picture([
    '00000000000000000000',
    '00111000001110000000',
    '01111100011111002222',
    '01111111111111002002',
    '01111100011111002002',
    '00111000001110002222',
  ]);
  await writeFile(join(folder, 'predictions/1/objects/0.png'), writePng(found));
  await engine.change({
    task: 'objects',
    classes: [
      { name: 'background', value: 0 },
      { name: 'object', value: 'rest' },
    ],
  });
  expect((await engine.measure('predictions/1')).joined).toBe(1);
  expect(await pixels()).toEqual([45, 12]);
  await engine.filter('predictions/1', { fillHoles: true, splitNecks: true });
  expect([await pixels(), (await engine.measure('predictions/1')).joined]).toEqual([[23, 16, 22], undefined]);
  expect((await engine.open(folder.slice(root.length + 1))).filters).toEqual({ fillHoles: true, splitNecks: true });
  await engine.filter('predictions/1', { fillHoles: true });
  expect(await pixels()).toEqual([45, 16]);
  await engine.filter('predictions/1', {});
  expect(await shown()).toEqual(Uint32Array.from(found.data));
});

it.each([
  [1448, 0],
  [1449, undefined],
])('looks for necks in up to two million pixels: a square of %i', async (side, joined) => {
  const of = (dtype: 'uint8' | 'uint16', value: number) => {
    const array = ndarray(dtype, [side, side]);
    array.data.fill(value);
    return writePng({ ...array, axes: 'yx', spacing: {} });
  };
  const { id } = await engine.create('large');
  await engine.addFiles([{ path: 'images/0.png', content: of('uint8', 0) }]);
  await engine.change({
    task: 'objects',
    classes: [
      { name: 'background', value: 0 },
      { name: 'object', value: 'rest' },
    ],
  });
  await mkdir(join(root, id, 'predictions/1/objects'), { recursive: true });
  await writeFile(join(root, id, 'predictions/1/objects/0.png'), of('uint16', 1));
  expect(await engine.measure('predictions/1')).toMatchObject({ total: 1, joined });
});

it('says what is left out when the project is opened again', async () => {
  const id = folder.slice(root.length + 1);
  await engine.measure('predictions/1');
  expect((await engine.open(id)).filters).toEqual({});
  await engine.filter('predictions/1', { minSizePx: 13, excludeBorder: true });
  expect((await engine.open(id)).filters).toEqual({ minSizePx: 13, excludeBorder: true });
  await writeFile(join(folder, 'predictions/1/filters.json'), '{"minSizePx"');
  expect((await engine.open(id)).filters).toEqual({});
});

it('is measured before all files are filtered or after, and nothing of before remains', async () => {
  await engine.measure('predictions/1');
  const filtering = engine.filter('predictions/1', { minSizePx: 13 });
  const [during, again] = await Promise.all([pixels(), engine.measure('predictions/1'), filtering]);
  expect([
    [4, 12, 30, 16],
    [30, 16],
  ]).toContainEqual(during);
  expect([4, 2]).toContain(again.total);
  expect(await pixels()).toEqual([30, 16]);
});

it('never shows the table of a project that was left', async () => {
  const id = folder.slice(root.length + 1);
  const other = (await engine.create('other')).id;
  const image = { ...labels([]), dtype: 'uint8', data: new Uint8Array(SIDE * SIDE) } as const;
  await engine.addFiles([{ path: 'images/0.png', content: writePng(image) }]);
  await mkdir(join(root, other, 'predictions/1/objects'), { recursive: true });
  await writeFile(join(root, other, 'predictions/1/objects/0.png'), writePng(labels([3])));
  await engine.open(id);
  const late = engine.measure('predictions/1');
  await engine.open(other);
  expect((await late).total).toBe(4);
  expect(await pixels()).toEqual([30]);
});

it('refuses what is no prediction', async () => {
  await expect(engine.filter('predictions/9', {})).rejects.toThrow("no prediction 'predictions/9'");
  await expect(engine.filter('../predictions/1', {})).rejects.toThrow('no prediction');
});

describe('areas of several classes', () => {
  // A letter each; h: a hole of A; D is in that of C, B touches A, E and F are at the border.
  const ROWS = [
    '..................EE',
    '.AAA....CCC.......EE',
    '.AhAB...CDC.........',
    '.AAABB..CCC.........',
    '....BB..............',
    '....B...............',
    'F........G..........',
  ];
  const letters = Array.from({ length: SIDE ** 2 }, (_, p) => ROWS[Math.floor(p / SIDE)]?.[p % SIDE] ?? '.');
  /** @param values of letters, such as `A1 B2`; the others have 0 */
  const classes = (values: string): Image<'uint8'> => {
    const of = new Map(values.split(' ').map(([letter, value]) => [letter, Number(value)]));
    const data = Uint8Array.from(letters, (letter) => of.get(letter) ?? 0);
    return { ...labels([]), dtype: 'uint8', data, labelKind: 'classes' };
  };
  const ALL = 'A1 B2 C1 D2 E2 F1 G1';
  let file: string;
  let before: Uint8Array;
  beforeEach(async () => {
    await rm(join(folder, 'predictions/1/objects'), { recursive: true });
    await mkdir(join(folder, 'predictions/1/label'));
    file = join(folder, 'predictions/1/label/0.png');
    before = writePng(classes(ALL));
    await writeFile(file, before);
    const images = join(folder, 'images/0.png');
    const prediction = { models: ['m'], images, classes: ['background', 'a', 'b'], values: [0, 1, 2] };
    await writeFile(join(folder, 'predictions/1/prediction.json'), JSON.stringify(prediction));
  });
  const measured = async (out: string, minSize = 0): Promise<{ readonly [table: string]: string }> => {
    await measureFolder(nodeHost, join(folder, 'predictions/1'), { out: join(root, out), minSize });
    const read = (name: string) => readFile(join(root, out, name), 'utf8');
    return { objects: await read('objects.csv'), images: await read('images.csv') };
  };

  it.each<[filters: ObjectFilters, left: string, pixels: readonly number[]]>([
    [{ minSizePx: 1 }, ALL, [4, 8, 8, 6, 1, 1, 1]],
    [{ minSizePx: 4 }, 'A1 B2 C1 E2', [4, 8, 8, 6]],
    [{ minSizePx: 5 }, 'A1 B2 C1', [8, 8, 6]],
    [{ minSizePx: 100 }, '', []],
    [{ excludeBorder: true }, 'A1 B2 C1 D2 G1', [8, 8, 6, 1, 1]],
    [{ fillHoles: true }, `h1 ${ALL}`, [4, 9, 8, 6, 1, 1, 1]],
    [{ fillHoles: true, minSizePx: 2 }, 'A1 h1 B2 C1 D1 E2', [4, 9, 9, 6]],
    [{ fillHoles: true, excludeBorder: true, minSizePx: 9 }, 'A1 h1', [9]],
  ])('%j', async (filters, left, sizes) => {
    await engine.measure('predictions/1');
    expect(await pixels()).toEqual([4, 8, 8, 6, 1, 1, 1]);
    const { minSizePx = 0, excludeBorder, fillHoles } = filters;
    const unfiltered = await measured('by-size', minSizePx);
    await engine.filter('predictions/1', filters);
    expect((await engine.segmented('predictions/1', '0', 0)).data).toEqual(classes(left).data);
    expect(await pixels()).toEqual(sizes);
    // What the page has is what the command line makes of the same files.
    await engine.measure('predictions/1');
    const own = { objects: '', images: '' };
    for (const name of ['objects', 'images'] as const) {
      own[name] = await readFile(join(folder, `measures/1/${name}.csv`), 'utf8');
    }
    expect(await measured('filtered')).toEqual(own);
    // And so is the smallest size, which the command line knows too.
    if (!excludeBorder && !fillHoles) expect(own.images).toBe(unfiltered.images);
    expect((await engine.open(folder.slice(root.length + 1))).filters).toEqual(filters);
    await engine.filter('predictions/1', {});
    expect(await readImage(await readFile(file), file)).toEqual(await readImage(before, file));
  });

  it('are never split', async () => {
    await engine.measure('predictions/1');
    await engine.filter('predictions/1', { minSizePx: 4, splitNecks: true });
    expect((await engine.open(folder.slice(root.length + 1))).filters).toEqual({ minSizePx: 4 });
    expect(await pixels()).toEqual([4, 8, 8, 6]);
  });
});
