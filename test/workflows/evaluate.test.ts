import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ndarray } from '../../src/array/ndarray.ts';
import { applyMapping, findMapping } from '../../src/dataset/labels/labels.ts';
import { scorerFor } from '../../src/evaluate/scorer.ts';
import { writePng } from '../../src/image/formats/png/write.ts';
import { writeTiff } from '../../src/image/formats/tiff/write.ts';
import type { Image } from '../../src/image/image.ts';
import { Evaluator } from '../../src/report/run/evaluate.ts';
import { chooseMetric } from '../../src/train/validate.ts';
import { evaluate } from '../../src/workflows/evaluate.ts';
import type { EvaluateOptions } from '../../src/workflows/evaluate-items.ts';
import { memoryFiles } from '../../src/workflows/memory-files.ts';

type Stored = 'uint8' | 'uint16' | 'uint32' | 'float32' | 'float64';
const ARRAYS = {
  uint8: Uint8Array,
  uint16: Uint16Array,
  uint32: Uint32Array,
  float32: Float32Array,
  float64: Float64Array,
};

/** A picture drawn in digits and letters, a string per row; several pictures are the slices of a volume. */
function picture(slices: readonly (readonly string[])[], dtype: Stored = 'uint16', change = (v: number) => v): Image {
  const [first] = slices as readonly [readonly string[]];
  const values = slices.flatMap((rows) => Array.from(rows.join(''), (c) => change(Number.parseInt(c, 36))));
  const shape = [first.length, (first[0] as string).length];
  const stack = slices.length > 1;
  return {
    dtype,
    shape: stack ? [slices.length, ...shape] : shape,
    axes: stack ? 'zyx' : 'yx',
    spacing: {},
    data: ARRAYS[dtype].from(values),
  };
}

async function scored(
  prediction: Image | readonly Image[],
  truth: Image | readonly Image[],
  options?: EvaluateOptions,
) {
  const files = memoryFiles();
  for (const [folder, images] of Object.entries({ p: [prediction].flat(), y: [truth].flat() })) {
    for (const [i, image] of images.entries()) await files.write(`${folder}/${i}.tif`, writeTiff(image as Image));
  }
  return evaluate({ files }, 'p', 'y', options);
}
const counts = ({ instances }: Awaited<ReturnType<typeof scored>>) => {
  const at = instances?.perThreshold[0];
  return [at?.truePositives, at?.falsePositives, at?.falseNegatives];
};
const OBJECTS: EvaluateOptions = { metrics: ['instances'] };

const FOUR = ['001122', '001122', '334400', '334400'];
/** 2 is predicted as part of 1. */
const MERGED = ['001111', '001111', '334400', '334400'];

describe('classes of a prediction against numbered objects', () => {
  // Two objects of ten pixels, four rows of nothing; insides and rims are predicted, one rim pixel too few.
  const truth = picture([['1111122222', '1111122222', '0000000000', '0000000000']]);
  const inside = (values: string) =>
    picture([['a8aa88aa8a', 'a8aa88aa80', '0000000000', '0000000000']], 'uint8', (v) =>
      v === 10 ? Number(values.split(',')[1]) : v === 8 ? Number(values.split(',')[0]) : 0,
    );
  it.each(['128,255', '255,128', '1,2', '2,1', '7,9'])(
    'values %s: all but the background lies in objects',
    async (values) => {
      const prediction = { ...inside(values), labelKind: 'classes' as const };
      const { overlap } = await scored(prediction, { ...truth, labelKind: 'objects' }, { metrics: ['overlap'] });
      // 19 of 20 pixels found, none too many.
      expect(overlap?.meanDice).toBeCloseTo((2 * 19) / (19 + 20), 12);
    },
  );

  it.each(['128,255', '1,2'])('values %s do not tell objects apart, which is said', async (values) => {
    const prediction = { ...inside(values), labelKind: 'classes' as const };
    await expect(scored(prediction, { ...truth, labelKind: 'objects' })).rejects.toThrow(
      /several values inside of objects .*Predict with `objects`/s,
    );
  });
});

describe('objects, as their labels are matched by IoU', () => {
  it.each(['uint8', 'uint16', 'uint32', 'float32', 'float64'] as const)('few that touch, in %s', async (dtype) => {
    expect(counts(await scored(picture([MERGED], dtype), picture([FOUR]), OBJECTS))).toEqual([3, 0, 1]);
    expect(counts(await scored(picture([MERGED]), picture([FOUR], dtype), OBJECTS))).toEqual([3, 0, 1]);
  });
  it('with numbers permuted, with gaps, and beyond 2^31', async () => {
    for (const change of [(v: number) => v && 5 - v, (v: number) => 7 * v, (v: number) => v && 2 ** 31 + v]) {
      const all = await scored(picture([FOUR], 'uint32', change), picture([FOUR]), OBJECTS);
      expect(counts(all)).toEqual([4, 0, 0]);
    }
  });
  it('without a background', async () => {
    const full = picture([['1122', '3344']]);
    expect(counts(await scored(full, full, OBJECTS))).toEqual([4, 0, 0]);
  });
  it('an object in two pieces is one where labels number objects, two where they name classes', async () => {
    const broken = picture([['1012233', '1012233']]);
    expect(counts(await scored(broken, broken, OBJECTS))).toEqual([3, 0, 0]);
    expect(counts(await scored(broken, broken, { ...OBJECTS, as: 'classes' }))).toEqual([4, 0, 0]);
  });
  it('connected pixels of a binary mask are objects, and it is said', async () => {
    const mask = picture([['101101', '101101']], 'uint8', (v) => 255 * v);
    const all = await scored(mask, mask, OBJECTS);
    expect(counts(all)).toEqual([3, 0, 0]);
    expect(all.labelKinds.truth).toMatchObject({ kind: 'classes', evidence: 'mask' });
    // Against numbered objects too: the mask joins two that touch.
    expect(counts(await scored(picture([['1110', '1110']], 'uint8'), picture([['1120', '1120']]), OBJECTS))).toEqual([
      1, 0, 1,
    ]);
  });
  it('an image without objects is scored, alone and beside others', async () => {
    const none = picture([['000', '000']]);
    expect(counts(await scored(none, none, OBJECTS))).toEqual([0, 0, 0]);
    expect((await scored(none, none, OBJECTS)).instances?.perThreshold[0]?.averagePrecision).toBe(1);
    expect(counts(await scored([none, picture([FOUR])], [none, picture([FOUR])], OBJECTS))).toEqual([4, 0, 0]);
    expect((await scored(none, none)).overlap?.pixelAccuracy).toBe(1);
  });
  it('an ignored value is in no score', async () => {
    const truth = picture([['1199', '2299']]);
    const found = picture([['1133', '2244']]);
    const all = await scored(found, truth, { metrics: ['instances', 'overlap'], ignore: [9] });
    expect(counts(all)).toEqual([2, 0, 0]);
    expect(all.overlap?.pixelAccuracy).toBe(1);
  });
  it('the number of a predicted object may be one that the ground truth ignores', async () => {
    const truth = picture([['1122099', '1122099', '0000000', '3300440', '3300440']]);
    // By hand: object 9 is object 1 of the truth; what is found where the truth is 9 counts nowhere.
    const found = picture([['9922055', '9922055', '0000000', '3300400', '3300400']]);
    const options = { metrics: ['instances', 'overlap'], as: 'objects', ignore: [9] } as const;
    const all = await scored(found, truth, options);
    expect(counts(all)).toEqual([4, 0, 0]);
    expect(all.overlap?.perClass[1]?.dice).toBe((2 * 14) / (16 + 14));
    // What marks pixels in any map of objects is no object of the prediction either.
    const marked = ({ data, ...image }: Image): Image => ({
      ...image,
      data: Uint16Array.from(data as Uint16Array, (v) => (v === 9 ? 65_535 : v)),
    });
    const without = await scored(marked(found), marked(truth), { ...options, ignore: [] });
    expect(counts(without)).toEqual([3, 0, 1]);
    expect(without.instances?.predictionCount).toBe(3);
  });
  // numpy 2: 2 sum(t & f) / (sum(t) + sum(f)) of each class over the pixels whose truth is not ignored.
  it('a prediction with the ignored value misses there, and has no class of that name', async () => {
    const truth = picture([['01209', '10219', '20109']]);
    const found = picture([['01209', '90219', '20999']]);
    const all = await scored(found, truth, { metrics: ['overlap'], as: 'classes', ignore: [9] });
    expect(all.overlap?.perClass.map(({ dice }) => dice)).toEqual([8 / 9, 4 / 6, 1]);
    expect(all.overlap?.meanDice).toBeCloseTo((2 / 3 + 1) / 2, 12);
    expect(all.overlap?.pixelAccuracy).toBe(9 / 12);
  });
  it('255 is foreground of a mask, though the ground truth has it for ignored pixels', async () => {
    const truth = picture([['0110', '0110', '0009']], 'uint8', (v) => (v === 9 ? 255 : v));
    const found = picture([['0110', '0110', '0001']], 'uint8', (v) => 255 * v);
    const all = await scored(found, truth, { metrics: ['overlap'], as: 'classes' });
    expect(all.overlap?.perClass.map(({ dice }) => dice)).toEqual([1, 1]);
  });
});

describe("nnU-Net's dataset.json", () => {
  const said = { labels: { background: 0, liver: 1, ignore: 2 }, file_ending: '.tif' };
  const files = memoryFiles({
    'd/dataset.json': new TextEncoder().encode(JSON.stringify(said)),
    'd/imagesTr/a_0000.tif': writeTiff(picture([['789789', '789789']])),
    'd/labelsTr/a.tif': writeTiff(picture([['110022', '001022']])),
    'p/a.tif': writeTiff(picture([['110011', '000000']])),
  });
  // By hand: 3 pixels are liver, of which 2 are found; what is found where the truth is 2 counts nowhere.
  it.each([
    ['p', 'd'],
    ['p', 'd/labelsTr'],
    ['p/a.tif', 'd/labelsTr/a.tif'],
  ])('classes and the ignored label: %s against %s', async (p, y) => {
    const all = await evaluate({ files }, p, y, { metrics: ['overlap', 'instances', 'surface'] });
    expect(all.mapping).toMatchObject({ classes: [{ name: 'background' }, { name: 'liver' }], ignore: [2] });
    expect(all.labelKinds.truth).toMatchObject({ kind: 'classes', evidence: 'stated' });
    expect(all.overlap?.perClass.map(({ dice }) => dice)).toEqual([(2 * 5) / 11, (2 * 2) / 5]);
    expect(counts(all)).toEqual([1, 0, 1]);
    expect(all.surface?.perClass).toHaveLength(1);
  });
});

describe('volumes', () => {
  // Two bodies of three slices; the second is found in one slice of three: IoU 1/3.
  const truth = picture([['1102'], ['1102'], ['1102']]);
  const found = picture([['1102'], ['1100'], ['1100']]);
  it('are scored in 3D, and slice by slice where that is asked for', async () => {
    const whole = await scored(found, truth, OBJECTS);
    expect([whole.volumes, whole.images, ...counts(whole)]).toEqual(['3D', 1, 1, 1, 1]);
    const each = await scored(found, truth, { ...OBJECTS, slices: true });
    expect([each.volumes, each.images, ...counts(each)]).toEqual(['slice by slice', 3, 4, 0, 2]);
  });
  it('distances go from slice to slice', async () => {
    const one = picture([['000'], ['010'], ['000'], ['000']]);
    const other = picture([['000'], ['000'], ['000'], ['010']]);
    const { surface } = await scored(other, one, { metrics: ['surface'], as: 'classes' });
    expect(surface).toEqual({
      unit: 'px',
      perClass: [{ name: 'foreground', hd95: 2, assd: 2, images: 1, oneSided: 0 }],
    });
  });
});

describe('classes', () => {
  const tissue = ['102010', '020102', '101020'];
  it('a class that only the prediction has scores 0', async () => {
    const two = picture([tissue], 'uint8', (v) => Math.min(v, 1));
    const all = await scored(picture([tissue], 'uint8'), picture([tissue], 'uint8'), { metrics: ['overlap'] });
    expect(all.overlap?.meanDice).toBe(1);
    const more = await scored(picture([tissue], 'uint8'), two, { metrics: ['overlap'] });
    // 1 and 2 are both class 1 of the ground truth: 5 + 4 pixels, of which 5 are predicted as 1.
    expect(more.overlap?.perClass.map(({ dice }) => dice)).toEqual([1, (2 * 5) / (9 + 5), 0]);
  });
  it('masks of 0 and 1, 0 and 255, floats and probabilities agree', async () => {
    const truth = picture([tissue], 'uint8', (v) => (v === 0 ? 0 : 255));
    for (const found of [
      picture([tissue], 'uint8', (v) => Math.min(v, 1)),
      picture([tissue], 'float32', (v) => Math.min(v, 1)),
      picture([tissue], 'float32', (v) => (v === 0 ? 0.1 : 0.9)),
    ]) {
      expect((await scored(found, truth, { metrics: ['overlap'] })).overlap?.meanDice).toBe(1);
    }
  });
});

describe('classes given as to train', () => {
  const tissue = picture([['102010', '020102', '101020']], 'uint8');
  const named = async (classes: EvaluateOptions['classes']) => {
    const { mapping, overlap } = await scored(tissue, tissue, { metrics: ['overlap'], as: 'classes', classes });
    return [mapping.classes.map(({ name }) => name), overlap?.perClass.length];
  };
  it('names in order of value', async () => {
    expect(await named(['ground', 'cell', 'wall'])).toEqual([['ground', 'cell', 'wall'], 3]);
  });
  it('names with values, one of them for two', async () => {
    const both = [
      { name: 'ground', values: [0] },
      { name: 'any', values: [1, 2] },
    ];
    expect(await named(both)).toEqual([['ground', 'any'], 2]);
  });
});

describe('label maps saved as colour pictures', () => {
  const rgb = (rows: readonly string[], colourOf: (v: number) => readonly number[]): Image => {
    const grey = picture([rows], 'uint8');
    const values = Array.from(grey.data as Uint8Array, colourOf);
    const data = Uint8Array.from([0, 1, 2].flatMap((c) => values.map((colour) => colour[c] as number)));
    return { ...grey, data, shape: [3, ...grey.shape], axes: 'cyx', channels: ['red', 'green', 'blue'] };
  };
  it('objects in equal channels are those of the one channel', async () => {
    const grey = rgb(MERGED, (v) => [v, v, v]);
    expect(counts(await scored(grey, picture([FOUR]), OBJECTS))).toEqual([3, 0, 1]);
    expect(counts(await scored(grey, grey, OBJECTS))).toEqual([3, 0, 0]);
  });
  it('classes are told by their colours', async () => {
    const rows = ['012012', '120120', '000121'];
    const colours = [
      [0, 0, 0],
      [255, 0, 0],
      [0, 128, 255],
    ];
    const map = rgb(rows, (v) => colours[v] as number[]);
    const all = await scored(map, map, { metrics: ['overlap'] });
    expect(all.overlap?.perClass.map(({ dice }) => dice)).toEqual([1, 1, 1]);
  });
  it('colours of which each is one piece are classes, unless they are said to number objects', async () => {
    const colours = [0, 0x010000, 0x010101, 0x0000ff, 0xff8000];
    const map = rgb(FOUR, (v) => [16, 8, 0].map((shift) => ((colours[v] as number) >> shift) & 255));
    const all = await scored(map, map);
    expect(all.overlap?.perClass.map(({ dice }) => dice)).toEqual([1, 1, 1, 1, 1]);
    expect(all.labelKinds.truth).toMatchObject({ kind: 'classes', reason: 'they are colours' });
    expect(all.labelKinds.prediction?.kind).toBe('classes');
    expect(counts(await scored(map, map, { ...OBJECTS, as: 'objects' }))).toEqual([4, 0, 0]);
  });
  it('predictions that number objects have no class among several', async () => {
    const classes = picture([['1020301020', '0000000000', '2030102030', '0000000000', '3010203010']]);
    const numbered = picture([['a0b0c0d0e0', '0000000000', 'f0g0h0i0j0', '0000000000', 'k0l0m0n0o0']]);
    await expect(scored(numbered, classes)).rejects.toThrow(/number objects .* the ground truth has 4 classes/);
    expect(counts(await scored(numbered, classes, OBJECTS))).toEqual([15, 0, 0]);
  });
  it('three slices that the file calls red, green and blue are refused where they cannot be', async () => {
    const slices = picture(
      [
        ['0300', '0000'],
        ['0000', '0000'],
        ['0001', '0000'],
      ],
      'uint16',
      (v) => 100 * v,
    );
    const file: Image = { ...slices, axes: 'cyx', channels: ['red', 'green', 'blue'] };
    await expect(scored(file, file)).rejects.toThrow(/holds? 300, which is no level of a colour.*minisblack/);
  });
});

it('negative values are no labels: refused unless they are ignored, in predictions too', async () => {
  const marked = picture([['001122', '001122', '334499', '334499']], 'float32', (v) => (v === 9 ? -1 : v));
  const whole = picture([['001122', '001122', '334400', '334400']]);
  for (const [prediction, truth] of [
    [marked, whole],
    [whole, marked],
  ] as const) {
    await expect(scored(prediction, truth, OBJECTS)).rejects.toThrow(/negative value -1.*`ignore: -1`/);
    const all = await scored(prediction, truth, { metrics: ['overlap', 'instances'], ignore: [-1] });
    expect(counts(all)).toEqual([4, 0, 0]);
    expect(all.overlap?.perClass[1]?.dice).toBe(1);
  }
});

it('what the files leave open is said with the scores', async () => {
  const files = memoryFiles();
  const golden = JSON.parse(readFileSync(new URL('../golden/tiff_writers.json', import.meta.url), 'utf8')).files;
  const cases = {
    'pages without a description':
      'p/a.tif and 1 more: The file does not say what its 3 pages are: they are read as slices.',
    'white is zero':
      'p/a.tif and 1 more: The file shows 0 as white: values are kept as stored, so white is the smallest.',
    'OME one channel of a set':
      'p/a.tif and 1 more: It is one file of an OME-TIFF set of 6 planes: only its own 3 are read.',
  };
  for (const [name, note] of Object.entries(cases)) {
    for (const folder of 'py') await files.write(`${folder}/a.tif`, Buffer.from(golden[name].file, 'base64'));
    const { notes } = await evaluate({ files }, 'p', 'y', { as: 'objects', metrics: ['instances'] });
    expect(notes).toEqual([note]);
  }
  const slices = Buffer.from(golden['tifffile three slices that it takes for colours'].file, 'base64');
  for (const folder of 'py') await files.write(`${folder}/a.tif`, slices);
  await expect(evaluate({ files }, 'p', 'y')).rejects.toThrow(/planes are red, green and blue, but they may be slices/);
});

describe('training, compare, the report and evaluate give one number for one prediction', () => {
  const values = Int32Array.from(
    ['000000000000', '011111222220', '011111222220', '011111222220', '000000000000'].join(''),
    Number,
  );
  const [height, width] = [5, 12];
  const label = { values, height, width, colour: false, source: 'a.png' };

  it('of numbered objects by AP', async () => {
    const mapping = findMapping([label], { task: 'instances' });
    const truth = applyMapping(label, mapping);
    const { metric } = chooseMetric([{ height, width, label: truth }], mapping);
    const classNames = mapping.classes.map(({ name }) => name);
    // The border between the two is not predicted: one object, with an IoU of a half with either.
    const predicted = Uint8Array.from(values, (value) => (value === 0 ? 0 : 1));
    const data = new Float32Array(3 * predicted.length);
    predicted.forEach((k, p) => {
      data[k * predicted.length + p] = 1;
    });
    const probabilities = ndarray('float32', [3, height, width], data);
    const separation = { by: 'border' } as const;
    const page = { name: 'a', height, width, label: truth };
    const scores = (options: object) => {
      const scorer = scorerFor(metric, classNames, options);
      scorer.add({ page, probabilities, objects: values });
      return scorer.result();
    };
    const evaluator = new Evaluator({ classNames, kind: { name: 'objects', separation }, total: 1 });
    evaluator.add({ name: 'a', height, width, planes: [new Float32Array(60)], truth, probabilities, objects: values });
    const report = evaluator.result();
    const image = (of: ArrayLike<number>): Image => ({
      ...ndarray('uint16', [height, width], Uint16Array.from(of)),
      axes: 'yx',
      spacing: {},
      labelKind: 'objects',
    });
    const cli = await scored(image(predicted), image(values), OBJECTS);
    const expected = 0.5;
    expect([metric.kind, scores({}).score, scores({ separation }).score]).toEqual(['ap', expected, expected]);
    expect(scores({ separation }).perImage).toEqual([expected]);
    expect(report.instances?.perThreshold[0]?.averagePrecision).toBe(expected);
    expect(report.perImage[0]?.score).toBe(expected);
    expect(cli.instances?.perThreshold[0]?.averagePrecision).toBe(expected);
  });

  it('of classes by Dice, ignored pixels counted nowhere', async () => {
    const classNames = ['background', 'foreground'];
    const truth = Uint8Array.from('0011255'.repeat(4), (c) => (c === '2' ? 255 : c === '5' ? 0 : Number(c)));
    const found = Uint8Array.from('0111100'.repeat(4), Number);
    const shape = [4, 7] as const;
    const data = new Float32Array(2 * found.length);
    found.forEach((k, p) => {
      data[k * found.length + p] = 1;
    });
    const probabilities = ndarray('float32', [2, ...shape], data);
    const scorer = scorerFor({ kind: 'dice' }, classNames);
    scorer.add({ page: { name: 'a', height: 4, width: 7, label: truth }, probabilities });
    const evaluator = new Evaluator({ classNames, kind: { name: 'overlap' }, total: 1 });
    evaluator.add({ name: 'a', height: 4, width: 7, planes: [new Float32Array(28)], truth, probabilities });
    const image = (of: Uint8Array): Image => ({ ...ndarray('uint8', shape, of), axes: 'yx', spacing: {} });
    const cli = await scored(image(found), image(truth), { metrics: ['overlap'], ignore: [255] });
    // Per row: 2 right of 2 true and 3 predicted.
    const expected = (2 * 2) / (2 + 3);
    expect(scorer.result().score).toBe(expected);
    expect(evaluator.result().overlap.meanDice).toBe(expected);
    expect(cli.overlap?.meanDice).toBe(expected);
  });
});

describe('a project as ground truth', () => {
  // z is 35, what nobody painted.
  const STROKES = ['z11zzz', 'z11z22', 'zzzz22', 'zzzzzz'];
  const PREDICTED = ['011000', '011022', '333022', '000000'];
  const left = { id: 1, box: [0, 0, 3, 4], complete: true };
  const right = { id: 2, box: [3, 0, 3, 4], complete: true };

  async function scoredBy(images: readonly object[], predicted: Readonly<Record<string, readonly string[]>>) {
    const files = memoryFiles();
    const project = { version: 1, task: 'objects', notAnnotated: 35, images };
    await files.write('nuclei/lamella.json', JSON.stringify(project));
    for (const name of ['images/a', 'images/b', 'far/c']) {
      await files.write(`nuclei/${name}.tif`, writeTiff(picture([['012345', '123450', '234501', '345012']])));
    }
    await files.write('nuclei/labels/a.tif', writeTiff(picture([STROKES])));
    await files.write('nuclei/labels/b.tif', writeTiff(picture([STROKES])));
    for (const [name, rows] of Object.entries(predicted))
      await files.write(`p/${name}.tif`, writeTiff(picture([rows])));
    return evaluate({ files }, 'p', 'nuclei', OBJECTS);
  }
  const A = { file: 'images/a.tif', labels: 'labels/a.tif' };
  const B = { file: 'images/b.tif', labels: 'labels/b.tif' };
  const C = { file: 'far/c.tif' };

  it('what nobody painted is not scored, and in complete regions it is background', async () => {
    const strokes = await scoredBy([A], { a: PREDICTED });
    // Of object 3, all of which lies where nobody painted, nothing is known.
    expect([counts(strokes), strokes.basis]).toEqual([[2, 0, 0], { images: 1, pixels: 8, ofPixels: 24, objects: 2 }]);
    const complete = await scoredBy([{ ...A, regions: [left] }], { a: PREDICTED });
    expect([counts(complete), complete.basis.pixels]).toEqual([[2, 1, 0], 16]);
    expect(complete).toMatchObject({ regions: undefined, notScored: [] });
  });

  it('regions that are held out are scored alone, and images without them are named', async () => {
    const regions = [left, { ...right, held: true }];
    const held = await scoredBy([{ ...A, regions }, B, C], { 'images/a': PREDICTED, 'images/b': PREDICTED });
    expect([counts(held), held.basis.pixels, held.regions]).toEqual([[1, 0, 0], 12, 1]);
    expect(held.notScored).toEqual([{ images: ['images/b'], reason: 'only regions of others are held out' }]);
    // Of an image beside it everything is scored where nothing that is held out was predicted.
    expect((await scoredBy([{ ...A, regions }, B], { b: PREDICTED })).basis.pixels).toBe(8);
  });

  it('a region of one slice is of the slice as the image shows it, whichever way up its file has it', async () => {
    const files = memoryFiles();
    const direction = [
      [1, 0, 0],
      [0, -1, 0],
      [0, 0, 1],
    ] as const;
    const volume = (slices: readonly (readonly string[])[]): Image => {
      const of = { value: 1, unit: 'mm' };
      return {
        ...picture(slices),
        spacing: { x: of, y: of, z: of },
        geometry: { originMm: [0, 3, 0], direction, codes: { qform: 1, sform: 1 } },
      } as unknown as Image;
    };
    const upsideDown = (rows: readonly string[]): readonly string[] => [...rows].reverse();
    const region = { id: 1, box: [0, 0, 3, 2], slice: 1, complete: true, held: true };
    await files.write(
      'nuclei/lamella.json',
      JSON.stringify({
        version: 1,
        task: 'objects',
        notAnnotated: 35,
        images: [{ file: 'images/v.nii', labels: 'labels/v.nii', regions: [region] }],
      }),
    );
    const { writeNifti } = await import('../../src/image/formats/nifti/write.ts');
    const empty = ['zzzzzz', 'zzzzzz', 'zzzzzz', 'zzzzzz'];
    const shown = ['011000', '011000', '000000', '000000'];
    await files.write('nuclei/images/v.nii', writeNifti(volume([shown, shown])));
    await files.write('nuclei/labels/v.nii', writeNifti(volume([empty, upsideDown(STROKES)])));
    await files.write('p/v.nii', writeNifti(volume([shown, upsideDown(shown)])));
    const found = await evaluate({ files }, 'p', 'nuclei', OBJECTS);
    expect([counts(found), found.basis.pixels]).toEqual([[1, 0, 0], 6]);
  });

  it('predicted images without labels there are named, not scored; nothing but those is refused', async () => {
    const some = await scoredBy([A, { ...B, use: 'predict' }, C], {
      'images/a': PREDICTED,
      'images/b': PREDICTED,
      'far/c': PREDICTED,
    });
    expect(some.notScored).toEqual([
      { images: ['far/c', 'images/b'], reason: 'no labels for training in lamella.json' },
    ]);
    expect([some.images, counts(some)]).toEqual([1, [2, 0, 0]]);
    await expect(scoredBy([A, C], { 'far/c': PREDICTED })).rejects.toThrow(
      /^p\/far: the project has no labels for training of the predicted images: far\/c\. Annotate/,
    );
    await expect(scoredBy([A, C], { 'images/d': PREDICTED, 'images/a': PREDICTED })).rejects.toThrow(
      /no ground truth named "d"|no ground truth named "images\/d"/,
    );
  });
});

it('a colour with another value in the palette of the prediction is refused, not scored as another class', async () => {
  const [black, red, green] = [
    [0, 0, 0],
    [255, 0, 0],
    [0, 255, 0],
  ] as const;
  const of = (rows: readonly string[], palette: Image['palette']) =>
    writePng({ ...picture([rows], 'uint8'), palette, labelKind: 'classes' });
  const score = (prediction: Uint8Array) => {
    const files = memoryFiles({ 'y/a.png': of(['0112', '2011'], [black, red, green]), 'p/a.png': prediction });
    return evaluate({ files }, 'p', 'y', { metrics: ['overlap'] });
  };
  expect((await score(of(['0112', '2011'], [black, red, green]))).overlap?.pixelAccuracy).toBe(1);
  // The same picture.
  await expect(score(of(['0221', '1022'], [black, green, red]))).rejects.toThrow(
    /the colour .* of the palette has the/,
  );
});

it('pixel sizes of prediction and ground truth that differ are told', async () => {
  const sized = (value: number): Image => {
    const size = { value, unit: 'mm' };
    return { ...picture([FOUR]), spacing: { x: size, y: size } };
  };
  const all = await scored(sized(2), sized(0.5), { metrics: ['surface'] });
  expect(all.notes).toEqual([
    'y/0.tif: Its pixel size along x is 0.5 mm, that of the prediction 2 mm: its own is used.',
  ]);
  expect((await scored(sized(0.5), sized(0.5), { metrics: ['surface'] })).notes).toEqual([]);
});

describe('wrong use', () => {
  const floats = (values: readonly number[], dtype: 'float32' | 'int32' = 'float32'): Image => {
    const data = dtype === 'int32' ? Int32Array.from(values) : Float32Array.from(values);
    return { dtype, shape: [1, values.length], axes: 'yx', spacing: {}, data };
  };
  const mask = picture([['0000000000000000000011111111111111111111']]);
  it.each([
    ['logits', floats(Array.from({ length: 40 }, (_, i) => (i - 19.5) / 4)), 'range from -4.875 to 4.875'],
    ['percent', floats(Array.from({ length: 40 }, (_, i) => 2.5 * i)), 'range from 0 to 97.5'],
    [
      'levels of grey in 32 bits',
      floats([...Array.from({ length: 20 }, (_, i) => i), ...Array(20).fill(200)], 'int32'),
      'range from 0 to 200',
    ],
  ])('%s are no probabilities: refused, not cut at 0.5', async (_, prediction, text) => {
    for (const metrics of [['overlap'], ['surface'], ['instances']] as const) {
      await expect(scored(prediction, mask, { metrics, as: 'classes' })).rejects.toThrow(text);
    }
  });
  it('probabilities that rounding took beyond 0..1 are some', async () => {
    const prediction = floats(Array.from({ length: 40 }, (_, i) => (i < 20 ? -1e-7 : 1 + 1e-6)));
    expect((await scored(prediction, mask, { metrics: ['overlap'] })).overlap?.meanDice).toBe(1);
  });
  const files = memoryFiles({ 'pred/prediction.json': new TextEncoder().encode('{}') });
  const map = writeTiff(picture([FOUR]));
  it('predictions and ground truth exchanged', async () => {
    await Promise.all([files.write('pred/label/a.tif', map), files.write('truth/a.tif', map)]);
    await expect(evaluate({ files }, 'truth', 'pred')).rejects.toThrow(
      /^pred: .*written by lamella predict.*predictions first/,
    );
    expect((await evaluate({ files }, 'pred', 'truth')).metrics).toContain('instances');
  });
  it('a threshold for label maps is refused, not ignored', async () => {
    await expect(evaluate({ files }, 'pred', 'truth', { threshold: 0.7 })).rejects.toThrow(/threshold.*label maps/);
  });
});
