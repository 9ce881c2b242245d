/** Kinds of label maps and images that people have, measured as a folder; statistics themselves: test/measure. */

import { describe, expect, test } from 'vitest';
import { type DType, ndarray, type Storage } from '../../src/array/ndarray.ts';
import { findMapping, labelPages } from '../../src/dataset/labels/labels.ts';
import { writeTiff } from '../../src/image/formats/tiff/write.ts';
import type { Image, Spacings } from '../../src/image/image.ts';
import { tableColumn } from '../../src/measure/table.ts';
import { evaluate } from '../../src/workflows/evaluate.ts';
import type { MeasureFolderOptions } from '../../src/workflows/measure/inputs.ts';
import { measureFolder } from '../../src/workflows/measure/measure.ts';
import { type MemoryFiles, memoryFiles } from '../../src/workflows/memory-files.ts';

const SIDE = 24;

/** Squares of 4 x 4 pixels in a row of five, one per number; a further piece of the number `split` in the last row. */
function squares(numbers: readonly number[], split?: number): number[] {
  const data = new Array<number>(SIDE * SIDE).fill(0);
  numbers.forEach((number, k) => {
    const [top, left] = [5 * Math.floor(k / 4), 5 * (k % 4)];
    for (let y = top; y < top + 4; y++) data.fill(number, y * SIDE + left, y * SIDE + left + 4);
  });
  if (split !== undefined) data[SIDE * SIDE - 1] = split;
  return data;
}

function image<D extends DType>(
  dtype: D,
  values: Storage[D],
  { axes = 'yx', shape = [SIDE, SIDE], ...rest }: Partial<Image> = {},
): Image {
  return { ...ndarray(dtype, shape, values), axes, spacing: {}, ...rest };
}

async function measured(files: MemoryFiles, options: MeasureFolderOptions = {}) {
  const result = await measureFolder({ files }, 'maps', { out: 'out', report: false, ...options });
  if (result.task !== 'objects') throw new Error('not objects');
  const column = (header: string) => [...tableColumn(result.report.table, header).values];
  return { ...result, column };
}

const text = async (files: MemoryFiles, path: string) => new TextDecoder().decode(await files.read(path));

test('what was predicted of an image and of its mask is both measured, each by its own name', async () => {
  const objects = (count: number) => writeTiff(image('uint16', Uint16Array.from(squares([1, 2, 3].slice(0, count)))));
  const prediction = { models: ['m.onnx'], images: 'gone', classes: ['background', 'cell'] };
  const { column } = await measured(
    memoryFiles({
      'maps/prediction.json': new TextEncoder().encode(JSON.stringify(prediction)),
      'maps/objects/cell.tif': objects(1),
      'maps/objects/cell_mask.tif': objects(2),
    }),
  );
  expect(column('image')).toEqual(['cell', 'cell_mask', 'cell_mask']);
});

test('of several classes the share of each is told per image, by the names that were predicted', async () => {
  const maps = {
    'maps/label/a.tif': writeTiff(image('uint8', Uint8Array.from(squares([5, 2, 2, 5, 5])))),
    // The second class alone.
    'maps/label/b.tif': writeTiff(image('uint8', Uint8Array.from(squares([5])))),
  };
  const counted = async (files: Record<string, Uint8Array>) => {
    const written = memoryFiles(files);
    await measured(written, { as: 'classes' });
    return text(written, 'out/images.csv');
  };
  // Squares of 16 pixels in 24 x 24.
  const percent = (count: number): number => 100 * ((16 * count) / SIDE ** 2);
  expect(await counted(maps)).toBe(
    `image,objects,covered_percent,covered_by_class_2_percent,covered_by_class_5_percent
a,5,${percent(5)},${percent(2)},${percent(3)}
b,1,${percent(1)},0,${percent(1)}
`,
  );
  const prediction = { models: [], images: 'x', classes: ['background', 'vessel', 'lumen'], values: [0, 2, 5] };
  const named = await counted({
    ...maps,
    'maps/prediction.json': new TextEncoder().encode(JSON.stringify(prediction)),
  });
  expect(named.split('\n')[0]).toBe('image,objects,covered_percent,covered_by_vessel_percent,covered_by_lumen_percent');
  // Of one class `covered` is its share.
  const alone = await counted({ 'maps/label/b.tif': maps['maps/label/b.tif'] });
  expect(alone.split('\n')[0]).toBe('image,objects,covered_percent');
});

describe('numbers of objects (scikit-image 0.26, regionprops: one row per value)', () => {
  const numbers = [7, 3, 300, 40, 41];
  test.each([
    ['uint16', Uint16Array.from(squares(numbers, 7))],
    ['uint32', Uint32Array.from(squares(numbers, 7))],
    ['int32', Int32Array.from(squares(numbers, 7))],
    ['float32', Float32Array.from(squares(numbers, 7))],
    ['float64', Float64Array.from(squares(numbers, 7))],
  ] as const)('%s, as Cellpose, StarDist and others write them, an object in two pieces', async (dtype, values) => {
    const { column, kinds } = await measured(memoryFiles({ 'maps/a.tif': writeTiff(image(dtype, values)) }));
    expect(kinds.labels.kind).toBe('objects');
    expect(column('label')).toEqual([3, 7, 40, 41, 300]);
    expect(column('pixels_px')).toEqual([16, 17, 16, 16, 16]);
  });

  test.each(['objects', 'classes', undefined] as const)('negative ones are refused, as %s', async (as) => {
    const values = Int32Array.from(squares([1, 1, -1]));
    const maps = memoryFiles({ 'maps/a.tif': writeTiff(image('int32', values)) });
    await expect(measured(maps, { as })).rejects.toThrow(/a.tif: the labels hold the negative value -1. Save pixels/);
  });

  test('from 2^31 to 2^32 - 1', async () => {
    const values = Uint32Array.from(squares([2 ** 31, 2 ** 32 - 1, 5]));
    const { column } = await measured(memoryFiles({ 'maps/a.tif': writeTiff(image('uint32', values)) }), {
      minSize: 2,
    });
    expect(column('label')).toEqual([5, 2 ** 31, 2 ** 32 - 1]);
  });

  test('all label maps decide together, not the first ones', async () => {
    const files = memoryFiles(
      Object.fromEntries(
        Array.from({ length: 7 }, (_, i) => {
          const own = Array.from({ length: i < 6 ? 3 : 16 }, (_, k) => 10 * (k + 1));
          return [`maps/f${i}.tif`, writeTiff(image('uint16', Uint16Array.from(squares(own, 20))))];
        }),
      ),
    );
    const { column, report } = await measured(files);
    expect(column('label').slice(0, 6)).toEqual([10, 20, 30, 10, 20, 30]);
    expect(report.table.rows).toBe(6 * 3 + 16);
    expect(report.notes).toContainEqual(expect.stringMatching(/^Each value of the label maps is one object \(.+\)\.$/));
  });

  test('as asked for: classes are taken apart by connected pixels', async () => {
    const files = memoryFiles({ 'maps/a.tif': writeTiff(image('uint8', Uint8Array.from(squares([2, 1, 2, 3], 3)))) });
    const { report, kinds } = await measured(files, { as: 'classes' });
    expect(report.table.rows).toBe(5);
    expect(kinds.labels).toMatchObject({ kind: 'classes', reason: 'as asked for' });
    expect((await measured(files, { as: 'objects' })).report.table.rows).toBe(3);
  });
});

describe('pixel sizes of a label map and its image', () => {
  const um = (value: number, unit = 'µm'): Spacings => ({ x: { value, unit }, y: { value, unit } });
  const noted = async (ofMap: Spacings, ofImage: Spacings, options: MeasureFolderOptions = {}) => {
    const values = Uint16Array.from(squares([1, 2]));
    const files = memoryFiles({
      'maps/a.tif': writeTiff(image('uint16', values, { spacing: ofMap })),
      'images/a.tif': writeTiff(image('uint16', values, { spacing: ofImage })),
    });
    const { report, column } = await measured(files, { images: 'images', as: 'objects', ...options });
    return [report.notes.filter((note) => note.includes('Its pixel size')), column('area_um2')[0]];
  };
  test('that differ are told, and the label map has its way', async () => {
    const text = 'a.tif: Its pixel size along x is 1 µm, that of its image 0.5 µm: its own is used.';
    expect(await noted(um(1), um(0.5))).toEqual([[text], 16]);
  });
  test('that are equal, stated by one of them, or set, are not', async () => {
    expect(await noted(um(0.5), um(500, 'nm'))).toEqual([[], 4]);
    expect(await noted({}, um(0.5))).toEqual([[], 4]);
    expect(await noted(um(1), um(0.5), { spacing: [undefined, 2, 2], unit: 'µm' })).toEqual([[], 64]);
  });
});

describe('masks with soft edges are cut at 128, as for training', () => {
  /** White squares of 10 x 10 and 8 x 8 pixels; beside the first ten levels 40..130 on its left, 140..230 on its right. */
  const soft = new Uint8Array(SIDE * SIDE);
  for (let y = 2; y < 12; y++) {
    soft.fill(255, y * SIDE + 2, y * SIDE + 12);
    soft[y * SIDE + 1] = 20 + 10 * y;
    soft[y * SIDE + 12] = 120 + 10 * y;
  }
  for (let y = 14; y < 22; y++) soft.fill(255, y * SIDE + 14, y * SIDE + 22);
  const file = writeTiff(image('uint8', soft));

  // By hand: 130 of the left levels and all right ones are white.
  test.each([undefined, 'classes'] as const)('measured as %s', async (as) => {
    const { column, kinds, scores } = await measured(memoryFiles({ 'maps/a.tif': file, 'truth/a.tif': file }), {
      truth: 'truth',
      as,
    });
    expect(kinds.labels).toMatchObject({ kind: 'classes', soft: true });
    expect(column('pixels_px')).toEqual([111, 64]);
    expect(scores?.perThreshold[0]).toMatchObject({ truePositives: 2, falsePositives: 0, falseNegatives: 0 });
  });

  test('numbers as asked for are kept', async () => {
    const { report } = await measured(memoryFiles({ 'maps/a.tif': file }), { as: 'objects' });
    expect(report.table.rows).toBe(21);
  });

  test('scored', async () => {
    const hard = soft.map((level) => (level === 255 ? 1 : 0));
    const files = memoryFiles({ 'y/a.tif': file, 'p/a.tif': writeTiff(image('uint8', hard)) });
    const all = await evaluate({ files }, 'p', 'y', { metrics: ['overlap', 'instances'] });
    // By hand: 164 pixels are found of 175.
    expect(all.overlap?.perClass[1]?.dice).toBe((2 * 164) / (164 + 175));
    expect(all.instances?.perThreshold[0]).toMatchObject({ truePositives: 2, falsePositives: 0, falseNegatives: 0 });
  });

  test('numbers 1, 2, ... beside a large part that is not annotated are none', async () => {
    const values = squares(Array.from({ length: 16 }, (_, i) => i + 1));
    values.fill(255, 20 * SIDE);
    for (let y = 0; y < 20; y++) values.fill(255, y * SIDE + 20, (y + 1) * SIDE);
    const wide = [...values, ...new Array<number>(SIDE * SIDE).fill(255)];
    const shape = [2 * SIDE, SIDE];
    const map = writeTiff(image('uint8', Uint8Array.from(wide), { shape }));
    const { kinds, column } = await measured(memoryFiles({ 'maps/a.tif': map }), { ignore: [255] });
    expect(kinds.labels.kind).toBe('objects');
    expect(column('pixels_px')).toEqual(new Array(16).fill(16));
    expect(findMapping(labelPages(image('uint8', Uint8Array.from(wide), { shape }))).kind).toBe('instances');
  });
});

describe('intensities', () => {
  const labels = writeTiff(image('uint16', Uint16Array.from(squares([1, 2]))));

  test('NaN takes no part, in table and report (numpy 2.4, nanmean)', async () => {
    const values = Float32Array.from({ length: SIDE * SIDE }, (_, i) => i);
    values[0] = Number.NaN;
    for (let y = 0; y < 4; y++) values.fill(Number.NaN, y * SIDE + 5, y * SIDE + 9);
    const files = memoryFiles({ 'maps/a.tif': labels, 'images/a.tif': writeTiff(image('float32', values)) });
    const { column } = await measured(files, { as: 'objects', images: 'images', report: true });
    // Rows of 0..3, 24..27, 48..51 and 72..75 without the 0: 600 / 15.
    expect(column('intensity_mean')).toEqual([40, Number.NaN]);
    expect((await text(files, 'out/objects.csv')).split('\n')[2]).toMatch(/,,,,,,,,,$/);
    expect(await text(files, 'out/report.html')).toContain('intensity mean');
  });

  test('each channel of three is measured', async () => {
    const values = Uint8Array.from({ length: 3 * SIDE * SIDE }, (_, i) => 10 * (1 + Math.floor(i / SIDE ** 2)));
    const stack = image('uint8', values, { axes: 'cyx', shape: [3, SIDE, SIDE], channels: ['DAPI', 'GFP', 'RFP'] });
    const files = memoryFiles({ 'maps/a.tif': labels, 'images/a.tif': writeTiff(stack) });
    const { report } = await measured(files, { as: 'objects', images: 'images' });
    const means = report.table.columns.filter(({ name }) => name.startsWith('intensity_mean'));
    expect(means.map(({ values: [first] }) => first)).toEqual([10, 20, 30]);
  });
});

describe('volumes and series', () => {
  const volume = (dims: Partial<Image>) =>
    writeTiff(image('uint16', Uint16Array.from([...squares([1, 2]), ...squares([1, 2])]), dims));
  const nm = (value: number) => ({ value, unit: 'nm' });

  test('x in nm and z in µm: volumes in one unit', async () => {
    const spacing: Spacings = { x: nm(100), y: nm(200), z: { value: 0.3, unit: 'µm' } };
    const files = memoryFiles({ 'maps/a.tif': volume({ axes: 'zyx', shape: [2, SIDE, SIDE], spacing }) });
    const { column, report } = await measured(files, { as: 'objects' });
    expect(column('volume_nm3')).toEqual([32 * 100 * 200 * 300, 32 * 100 * 200 * 300]);
    expect(report.notes).toContain('Pixel size 100 x 200 x 300 nm.');
    expect(report.notes).toContain('Volumes are measured in 3D, not slice by slice.');
  });

  test('a time series: each time by itself, with its frame in table and COCO', async () => {
    const series = volume({ axes: 'tyx', shape: [2, SIDE, SIDE] });
    const files = memoryFiles({ 'maps/day/a.tif': series, 'images/day/a.tif': series });
    const { column } = await measured(files, { as: 'objects', images: 'images', format: ['csv', 'coco'] });
    expect(column('image')).toEqual(['a[0]', 'a[0]', 'a[1]', 'a[1]']);
    expect(column('frame')).toEqual([1, 1, 2, 2]);
    const { images } = JSON.parse(await text(files, 'out/coco.json'));
    expect(images).toMatchObject([
      { file_name: 'day/a.tif', frame: 1 },
      { file_name: 'day/a.tif', frame: 2 },
    ]);
  });
});

test('COCO names the files of the images, in their folders, or those of the label maps', async () => {
  const map = writeTiff(image('uint16', Uint16Array.from(squares([1, 2]))));
  const contents = { 'maps/x/a.tif': map, 'maps/y/b.tif': map, 'pictures/x/a.tiff': map, 'pictures/y/b.tiff': map };
  const names = async (options: MeasureFolderOptions) => {
    const files = memoryFiles(contents);
    await measured(files, { as: 'objects', format: ['coco'], ...options });
    return JSON.parse(await text(files, 'out/coco.json')).images.map((one: { file_name: string }) => one.file_name);
  };
  expect(await names({ images: 'pictures' })).toEqual(['x/a.tiff', 'y/b.tiff']);
  expect(await names({})).toEqual(['x/a.tif', 'y/b.tif']);
});

test('the report gives the median of an even count (numpy 2.4, median)', async () => {
  const data = squares([]);
  data.fill(1, 0, 10);
  for (let y = 5; y < 15; y++) data.fill(2, y * SIDE, y * SIDE + 10);
  const files = memoryFiles({ 'maps/a.tif': writeTiff(image('uint8', Uint8Array.from(data))) });
  const { report } = await measured(files, { as: 'objects' });
  expect(report.headline).toContainEqual({ label: 'Median area', value: '55 px²' });
});

describe('ignored values are no objects, and what is found there is not counted', () => {
  test.each([
    ['uint16', Uint16Array.from(squares([7, 3, 300, 65535], 65535))],
    ['int32', Int32Array.from(squares([7, 3, 300, 0x7fffffff], 0x7fffffff))],
    ['uint32', Uint32Array.from(squares([7, 3, 300, 0xffffffff], 0xffffffff))],
  ] as const)('%s: its largest value beside object numbers means not annotated', async (dtype, values) => {
    for (const as of [undefined, 'objects'] as const) {
      const { column, kinds } = await measured(memoryFiles({ 'maps/a.tif': writeTiff(image(dtype, values)) }), { as });
      expect(kinds.ignored.labels).toEqual([Math.max(...values)]);
      expect(column('label')).toEqual([3, 7, 300]);
    }
  });

  test('255 beside object numbers is an object', async () => {
    const values = Uint8Array.from(squares([1, 2, 255]));
    const maps = memoryFiles({ 'maps/a.tif': writeTiff(image('uint8', values)) });
    expect((await measured(maps, { as: 'objects' })).column('label')).toEqual([1, 2, 255]);
  });

  const truth = squares([1, 2, 2, 255], 1);
  const found = squares([1, 2, 0, 1], 0);
  const json = { labels: { background: 0, a: 1, b: 2, ignore: 3 } };
  const declared = truth.map((v) => (v === 255 ? 3 : v));
  test.each([
    ['255 beside class numbers', {}, truth],
    ['declared in dataset.json', { 'truth/dataset.json': new TextEncoder().encode(JSON.stringify(json)) }, declared],
  ])('%s', async (_, beside, values) => {
    const files = memoryFiles({
      'maps/a.tif': writeTiff(image('uint8', Uint8Array.from(found))),
      'truth/a.tif': writeTiff(image('uint8', Uint8Array.from(values))),
      ...beside,
    });
    const { scores, kinds, report } = await measured(files, { truth: 'truth', as: 'classes' });
    expect(kinds.ignored).toEqual(values === truth ? { labels: [], truth: [255] } : { labels: [3], truth: [3] });
    // By hand: squares 1 and 2 are found, the second 2 and the lone pixel are not; the fourth square is ignored.
    expect(scores?.perThreshold[0]).toMatchObject({ truePositives: 2, falsePositives: 0, falseNegatives: 2 });
    expect(report.images[0]?.match).toMatchObject({ truth: 4, predicted: 2, matched: 2, missed: 2, spurious: 0 });
    expect(report.notes).toContain(`${values === truth ? 255 : 3} is ignored in the ground truth.`);
  });
  test.each([
    ['declared for the ground truth', { 'truth/dataset.json': new TextEncoder().encode(JSON.stringify(json)) }, {}],
    ['given', {}, { ignore: [3] }],
  ])('a value that only the prediction has, %s', async (_, beside, options) => {
    const map = (data: readonly number[]) => writeTiff(image('uint8', Uint8Array.from(data)));
    const score = async (prediction: readonly number[], own: MeasureFolderOptions = options) => {
      const files = memoryFiles({ 'maps/a.tif': map(prediction), 'truth/a.tif': map(squares([1, 2, 2])), ...beside });
      const { scores, report } = await measured(files, { truth: 'truth', as: 'classes', ...own });
      return [scores?.perThreshold[0]?.truePositives, scores?.perThreshold[0]?.falsePositives, report.table.rows];
    };
    // The fourth square, of the ignored value, is no object; nor is the second, which is then missed.
    expect(await score(squares([1, 3, 2, 3]))).toEqual([2, 0, 2]);
    // A mask of that value alone is its foreground, as in `evaluate`.
    expect(await score(squares([3, 3, 3]))).toEqual([3, 0, 3]);
  });

  test('declared for a ground truth of classes, it may be the number of a measured object', async () => {
    const files = memoryFiles({
      'maps/a.tif': writeTiff({ ...image('uint16', Uint16Array.from(squares([2, 3, 4, 5]))), labelKind: 'objects' }),
      'truth/a.tif': writeTiff(image('uint8', Uint8Array.from(squares([1, 2, 2, 3])))),
      'truth/dataset.json': new TextEncoder().encode(JSON.stringify(json)),
    });
    const { kinds, column, scores } = await measured(files, { truth: 'truth' });
    expect(kinds.labels.kind).toBe('objects');
    expect(kinds.ignored).toEqual({ labels: [], truth: [3] });
    expect(column('label')).toEqual([2, 3, 4, 5]);
    expect(scores?.perThreshold[0]).toMatchObject({ truePositives: 3, falsePositives: 0, falseNegatives: 0 });
    expect((await measured(files, { truth: 'truth', ignore: [4] })).column('label')).toEqual([2, 3, 5]);
  });

  test('of lungs, in the ground truth and in the label map', async () => {
    const lung = (data: readonly number[]) => writeTiff(image('uint8', Uint8Array.from(data)));
    const hu = writeTiff(image('int16', new Int16Array(SIDE * SIDE).fill(-800)));
    const dice = async (found: readonly number[], truth: readonly number[], options: MeasureFolderOptions = {}) => {
      const files = memoryFiles({ 'maps/a.tif': lung(found), 'truth/a.tif': lung(truth), 'images/a.tif': hu });
      const result = await measureFolder({ files }, 'maps', {
        ...{ task: 'lungs', out: 'out', report: false, images: 'images', truth: 'truth' },
        ...options,
      } as MeasureFolderOptions);
      if (result.task !== 'lungs') throw new Error('not lungs');
      const area = tableColumn(result.report.perPatient, 'lung_area_px').values[0];
      return [result.scores[0]?.dice, area];
    };
    // By hand: two squares found of which the truth has one, and does not say what the other is.
    const found = squares([1, 1]);
    expect(await dice(found, squares([1, 0]))).toEqual([2 / 3, 32]);
    expect(await dice(found, squares([1, 3]), { ignore: [3] })).toEqual([1, 32]);
    expect(await dice(found, squares([1, 255]))).toEqual([1, 32]);
    // Not lung where the label map has it: the other square is missed.
    expect(await dice(squares([1, 3]), squares([1, 1]), { ignore: [3] })).toEqual([2 / 3, 16]);
  });

  test('of the label maps themselves', async () => {
    const files = memoryFiles({ 'maps/a.tif': writeTiff(image('uint8', Uint8Array.from(truth))) });
    const { report } = await measured(files, { as: 'classes' });
    expect(report.table.rows).toBe(4);
  });
});

test('images are refused, not measured: many values, each in many pieces', async () => {
  const noise = Uint8Array.from({ length: SIDE * SIDE }, (_, i) => 1 + ((i * 7919) % 101));
  const files = memoryFiles({ 'maps/a.tif': writeTiff(image('uint8', noise)) });
  await expect(measured(files)).rejects.toThrow(/101 values lie in \d+ pieces: this looks like an image.*as: classes/s);
  expect((await measured(files, { as: 'classes' })).report.table.rows).toBeGreaterThan(101);
});
