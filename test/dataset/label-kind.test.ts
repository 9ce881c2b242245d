import { describe, expect, it } from 'vitest';
import { ndarray } from '../../src/array/ndarray.ts';
import { type LabelKind, LabelKindSurvey, labelKindsOfBoth } from '../../src/dataset/labels/label-kind.ts';
import { findMapping, labelArrays, labelPages } from '../../src/dataset/labels/labels.ts';
import { writeNifti } from '../../src/image/formats/nifti/write.ts';
import { writePng } from '../../src/image/formats/png/write.ts';
import { writeTiff } from '../../src/image/formats/tiff/write.ts';
import type { Image } from '../../src/image/image.ts';
import { readImage } from '../../src/image/read.ts';

/** A map drawn in digits and letters, a string per row: 0..9, a = 10, b = 11, ... */
const map = (...rows: readonly string[]) =>
  ndarray(
    'int32',
    [rows.length, (rows[0] as string).length],
    Int32Array.from(rows.join(''), (c) => Number.parseInt(c, 36)),
  );
type Map2D = ReturnType<typeof map>;
const renumbered = ({ shape, data }: Map2D, change: (value: number) => number): Map2D =>
  ndarray(
    'int32',
    shape,
    data.map((value) => (value === 0 ? 0 : change(value))),
  );
const survey = (...maps: readonly Map2D[]): LabelKindSurvey => {
  const out = new LabelKindSurvey();
  for (const each of maps) out.add(each);
  return out;
};
const kindOf = (...maps: readonly Map2D[]): readonly [LabelKind, string] => {
  const { kind, evidence } = survey(...maps).result();
  return [kind, evidence];
};

const FOUR = map('001122', '001122', '003344', '003344');
const TWO = map('1100', '1102', '0002');
const MANY = map('12345', '67890', 'abcde');
/** Two classes in many pieces. */
const TISSUE = map('102010', '020102', '101020');

describe('objects or classes', () => {
  it('few objects that touch are objects, whatever their numbers', () => {
    expect(kindOf(FOUR)).toEqual(['objects', 'unclear']);
    expect(kindOf(renumbered(FOUR, (v) => 7 * v))).toEqual(['objects', 'unclear']);
    expect(kindOf(renumbered(FOUR, (v) => 5 - v))).toEqual(['objects', 'unclear']);
  });
  it('many objects are clear, one in pieces among them too', () => {
    expect(kindOf(MANY)).toEqual(['objects', 'clear']);
    expect(kindOf(map('12345', '67890', 'abc1e'))).toEqual(['objects', 'clear']);
  });
  it('numbers that grow with the count of objects, or differ from image to image, are objects', () => {
    expect(kindOf(FOUR, TWO, map('0110', '0000'))).toEqual(['objects', 'clear']);
    expect(
      kindOf(
        FOUR,
        renumbered(TWO, (v) => v + 20),
        renumbered(TWO, (v) => v + 90),
      ),
    ).toEqual(['objects', 'clear']);
  });
  it('all files count, not the first ones', () => {
    const three = map('a0k0u', 'a0k0u');
    expect(kindOf(three, three, three)).toEqual(['classes', 'unclear']);
    expect(kindOf(three, three, three, three, three, three, three, MANY)[0]).toBe('objects');
  });
  it('values in many pieces are classes', () => {
    expect(kindOf(TISSUE)).toEqual(['classes', 'clear']);
    expect(kindOf(map('123123', '312312', '231231'))).toEqual(['classes', 'clear']);
  });
  it('the same few values in each image are classes, unless who asks wants objects', () => {
    const organs = [map('1120', '1123'), map('0112', '3112'), map('1233', '1200')];
    expect(kindOf(...organs)).toEqual(['classes', 'unclear']);
    expect(survey(...organs).result().reason).toBe('all 3 images have the same 3 values');
    expect(survey(...organs).result({ unclear: 'objects' }).kind).toBe('objects');
  });
  it('a mask is of classes, and so is nothing', () => {
    const mask = renumbered(TISSUE, () => 255);
    expect(kindOf(mask)).toEqual(['classes', 'mask']);
    expect(survey(mask).result().reason).toContain('connected pixels are one object');
    expect(kindOf(map('000'))).toEqual(['classes', 'mask']);
    expect(kindOf()).toEqual(['classes', 'mask']);
  });
  it('255 beside class numbers, ignored values and negative ones are no labels', () => {
    expect(kindOf(renumbered(map('1203', '3010'), (v) => (v === 3 ? 255 : v)))[0]).toBe('classes');
    const some = new LabelKindSurvey({ ignore: [9] });
    some.add(map('109', '019'));
    some.add(renumbered(map('102', '202'), (v) => (v === 2 ? -1 : v)));
    expect(some.result().evidence).toBe('mask');
  });
  it('pieces of a volume hang together in 3D', () => {
    const volume = new LabelKindSurvey();
    // Apart in both slices, one object each through them.
    volume.add(ndarray('int32', [2, 1, 5], Int32Array.of(1, 0, 2, 0, 3, 1, 0, 2, 0, 3)));
    expect(volume.result().kind).toBe('objects');
  });
  it('what is said goes before the values: by the user, the files, what lies beside them', () => {
    const files = new LabelKindSurvey();
    files.add(FOUR, 'classes');
    expect(files.result({ declared: { kind: 'objects', by: 'dataset.json' } })).toEqual({
      kind: 'classes',
      reason: 'as the files say',
      evidence: 'stated',
    });
    expect(files.result({ as: 'objects' }).kind).toBe('objects');
    expect(survey(MANY).result({ declared: { kind: 'classes', by: 'dataset.json' } }).reason).toBe(
      'as dataset.json says',
    );
  });
  it('one folder clears up the other, a mask excepted', () => {
    const both = labelKindsOfBoth(survey(MANY), survey(FOUR), { unclear: 'classes' });
    expect(both.prediction).toMatchObject({ kind: 'objects', evidence: 'clear' });
    expect(both.prediction.reason).toMatch(/^as in the ground truth, where nearly each value/);
    expect(labelKindsOfBoth(survey(TISSUE), survey(FOUR)).prediction.kind).toBe('classes');
    expect(labelKindsOfBoth(survey(MANY), survey(renumbered(MANY, () => 1))).prediction.kind).toBe('classes');
  });
});

describe('label maps as arrays', () => {
  const image = (data: Image['data'], dtype: Image['dtype']): Image => ({
    dtype,
    shape: [1, data.length],
    axes: 'yx',
    spacing: {},
    data,
  });
  it.each([
    ['uint32', Uint32Array.of(0, 2 ** 31, 2 ** 32 - 1)],
    ['float64', Float64Array.of(0, 2 ** 31, 2 ** 32 - 1)],
    ['uint64', BigUint64Array.of(0n, 2n ** 31n, 2n ** 32n - 1n)],
  ] as const)('keep numbers up to 2^32 - 1 in %s', (dtype, data) => {
    expect(labelArrays(image(data, dtype))[0]?.data).toEqual(Uint32Array.of(0, 2 ** 31, 2 ** 32 - 1));
  });
  it.each(['float32', 'float64'] as const)('take whole values in %s', (dtype) => {
    const data = dtype === 'float32' ? Float32Array.of(0, 7) : Float64Array.of(0, 7);
    expect(labelArrays(image(data, dtype))[0]).toMatchObject({ dtype: 'int32', data: Int32Array.of(0, 7) });
  });
  it('refuse what does not fit', () => {
    expect(() => labelArrays(image(Float64Array.of(-1, 2 ** 31), 'float64'))).toThrow(
      'labels hold -1, which does not fit into 32 bits with the other values.',
    );
    expect(() => labelArrays(image(Float64Array.of(0.5), 'float64'))).toThrow('fractions, such as 0.5');
  });
  it('train as objects where their numbers grow with their count', () => {
    const pages = [FOUR, TWO, map('1100')].flatMap(({ shape, data }) =>
      labelPages({ dtype: 'int32', shape, data, axes: 'yx', spacing: {} }),
    );
    expect(findMapping(pages).kind).toBe('instances');
    expect(findMapping(pages, { kind: 'classes' }).classes).toHaveLength(5);
  });
});

describe('label maps that we wrote', () => {
  const labels: Image<'uint16'> = {
    ...ndarray('uint16', [1, 3], Uint16Array.of(0, 1, 2)),
    axes: 'yx',
    spacing: {},
    labelKind: 'objects',
  };
  it.each([
    ['TIFF', writeTiff],
    ['NIfTI', writeNifti],
    ['PNG', writePng],
  ] as const)('say in %s whether they are objects', async (name, write) => {
    for (const kind of ['objects', 'classes', undefined] as const) {
      const read = await readImage(write({ ...labels, labelKind: kind }), name);
      expect(read.labelKind).toBe(kind);
    }
  });
});
