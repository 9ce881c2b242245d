import { describe, expect, it } from 'vitest';
import { ndarray } from '../../src/array/ndarray.ts';
import {
  applyMapping,
  describeMapping,
  findMapping,
  type LabelOptions,
  labelPages,
} from '../../src/dataset/labels/labels.ts';
import { DatasetError } from '../../src/errors.ts';
import type { Image } from '../../src/image/image.ts';

const grey = (values: readonly number[], rows = 1, source = 'l.png'): Image => ({
  ...ndarray('int32', [rows, values.length / rows], Int32Array.from(values)),
  axes: 'yx',
  spacing: {},
  source,
});
const map = (values: readonly number[], options: LabelOptions = {}, rows = 1) => {
  const pages = labelPages(grey(values, rows));
  const mapping = findMapping(pages, options);
  return {
    kind: mapping.kind,
    classes: [...applyMapping(pages[0] as (typeof pages)[0], mapping)],
    text: describeMapping(mapping),
  };
};

describe('palettes', () => {
  const [black, red, green] = [
    [0, 0, 0],
    [255, 0, 0],
    [0, 255, 0],
  ] as const;
  const stripes = [0, 1, 0, 2, 0, 1, 0, 2];
  const pages = (...palettes: readonly (Image['palette'] | undefined)[]) =>
    palettes.flatMap((palette, i) => labelPages({ ...grey(stripes, 2, `${i}.png`), palette }));

  it('in which a class has another value are refused: each file has its own order of colours', () => {
    expect(() => findMapping(pages([black, red, green], [black, green, red]))).toThrow(
      /^1\.png: the colour \(0, 255, 0\) of the palette has the value 1 here and 2 in "0\.png"\. Save the labels as RGB/,
    );
    // 1 is red in one file and green in the other, which alone do not contradict each other.
    const short = labelPages({ ...grey([0, 1, 0, 1], 2, 'b.png'), palette: [black, green] });
    expect(() => findMapping([...pages([black, red, green]), ...short])).toThrow(/^b\.png: .* value 1 here and 2/);
  });
  it('of one order, of unused colours, with a colour twice, and none at all are not', () => {
    const cases = [
      [
        [black, red, green],
        [black, red, green, [9, 9, 9]],
      ],
      [
        [black, red, green],
        [black, red, green, red],
      ],
      [[black, red, red]],
      [[black, red, green], undefined],
    ] as const;
    for (const palettes of cases) {
      expect(findMapping(pages(...palettes)).classes.map(({ values }) => values)).toEqual([[0], [1], [2]]);
    }
  });
  it('of objects have any colours', () => {
    expect(findMapping(pages([black, red, green], [black, green, red]), { task: 'instances' }).kind).toBe('instances');
  });
});

describe('values to classes', () => {
  it('0 and 255', () => {
    expect(map([0, 255, 255])).toEqual({
      kind: 'binary',
      classes: [0, 1, 1],
      text: 'labels (binary): 0 is background (class 0); 255 is foreground (class 1)',
    });
  });
  it('0 and 1, as 1-bit masks are read', () => expect(map([1, 0]).classes).toEqual([1, 0]));
  it('any two values, the smaller first', () => expect(map([200, 60]).classes).toEqual([1, 0]));
  it('class numbers', () => expect(map([0, 1, 2, 3]).classes).toEqual([0, 1, 2, 3]));
  it('class numbers with gaps, in order', () => expect(map([0, 128, 255]).classes).toEqual([0, 1, 2]));
  it('255 beside contiguous numbers is ignored', () => {
    expect(map([0, 1, 2, 255]).classes).toEqual([0, 1, 2, 255]);
    expect(map([0, 1, 2, 255]).text).toContain('255 is ignored');
  });
  it('a value that the options ignore', () => expect(map([0, 7, 9], { ignore: [9] }).classes).toEqual([0, 1, 255]));
  it('classes named with their values', () => {
    const classes = [
      { name: 'cell', values: [5, 9] },
      { name: 'membrane', values: [0] },
    ];
    expect(map([0, 5, 9], { classes }).classes).toEqual([1, 0, 0]);
  });
  it('names in order of value', () => {
    expect(map([0, 255], { classes: ['membrane', 'inside'] }).text).toBe(
      'labels (binary): 0 is membrane (class 0); 255 is inside (class 1)',
    );
  });
  it('soft edges of a 0..255 mask are cut at 128', () => {
    const soft = [
      ...new Array(60).fill(0),
      ...new Array(60).fill(255),
      10,
      30,
      50,
      70,
      90,
      110,
      127,
      128,
      150,
      170,
      190,
      210,
      230,
      250,
      5,
      251,
    ];
    const found = map(soft);
    expect(found.kind).toBe('binary');
    expect(found.classes.slice(120, 129)).toEqual([0, 0, 0, 0, 0, 0, 0, 1, 1]);
  });
  it('many numbers in one piece each are instances', () => {
    const found = map([1, 1, 0, 2, 0, 3, 3, 0, 4, 0, 5, 0, 6, 0, 7, 0, 8, 0, 12, 0, 11, 0, 30]);
    expect(found.kind).toBe('instances');
    expect(found.classes.slice(0, 6)).toEqual([1, 1, 0, 1, 0, 1]);
  });
  it('many numbers in many pieces are classes', () => {
    const classes = Array.from({ length: 12 }, (_, i) => i);
    expect(map([...classes, 0, ...classes, 0, ...classes]).kind).toBe('integer');
  });
  it('few numbers are instances when the task says so', () => {
    const { classes, text } = map([0, 0, 7, 7, 7, 7, 7, 9, 9, 9, 9, 9], { task: 'instances' });
    // Two pixels of each object beside another value are its border; that of the image is none.
    expect(classes).toEqual([0, 0, 2, 2, 1, 2, 2, 2, 2, 1, 1, 1]);
    expect(text).toBe(
      'labels (instances): 0 is background (class 0); all other values are object (class 1); the rim of each of them is border (class 2)',
    );
  });
});

describe('pictures in colour', () => {
  const rgb = (pixels: readonly (readonly number[])[]): Image => ({
    ...ndarray(
      'uint8',
      [3, 1, pixels.length],
      Uint8Array.from([0, 1, 2].flatMap((c) => pixels.map((p) => p[c] as number))),
    ),
    axes: 'cyx',
    spacing: {},
    channels: ['red', 'green', 'blue'],
  });
  it('colours are classes, black first', () => {
    const pages = labelPages(
      rgb([
        [255, 0, 0],
        [0, 0, 0],
        [0, 255, 0],
      ]),
    );
    const mapping = findMapping(pages);
    expect([...applyMapping(pages[0] as (typeof pages)[0], mapping)]).toEqual([2, 0, 1]);
    expect(describeMapping(mapping)).toMatch(/#00ff00 is .* \(class 1\)/);
  });
  it('grey saved as RGB is grey', () => {
    const pages = labelPages(
      rgb([
        [255, 255, 255],
        [0, 0, 0],
      ]),
    );
    expect(pages[0]?.colour).toBe(false);
    expect([...(pages[0]?.values ?? [])]).toEqual([255, 0]);
  });
  it('a black and white palette counts by its levels, a coloured one by its indices', () => {
    const image = grey([0, 1]);
    const levels = (palette: number[][]) => [...(labelPages({ ...image, palette })[0]?.values ?? [])];
    expect(
      levels([
        [255, 255, 255],
        [0, 0, 0],
      ]),
    ).toEqual([255, 0]);
    expect(
      levels([
        [0, 0, 0],
        [200, 10, 10],
      ]),
    ).toEqual([0, 1]);
  });
});

describe('what cannot be labels', () => {
  it.each([
    ['all background', [0, 0, 0], {}, 'all background'],
    ['one value only', [7, 7], {}, 'the value 7 only'],
    ['too many values', Array.from({ length: 200 }, (_, i) => (i * 37) % 101), {}, 'too many for classes'],
    ['negative numbers', [-1, 0, 1], {}, '`ignore: -1`'],
    ['more classes than the model has', [0, 1, 2], { classCount: 2 }, 'have 3 classes, the model has 2'],
    ['more classes than names', [0, 1, 2], { classes: ['a', 'b'] }, 'not the 2 that were named'],
  ] as const)('%s', (_, values, options, message) => {
    expect(() => map(values, options)).toThrow(DatasetError);
    expect(() => map(values, options)).toThrow(message);
  });
  it('a value that the mapping does not have is named with its file', () => {
    const mapping = findMapping(labelPages(grey([0, 255])));
    const [page] = labelPages(grey([0, 9], 1, 'other.png'));
    expect(() => applyMapping(page as NonNullable<typeof page>, mapping)).toThrow('other.png: the labels hold 9');
  });
  it('fractions', () => {
    const image: Image = { ...ndarray('float32', [1, 2], Float32Array.of(0, 0.5)), axes: 'yx', spacing: {} };
    expect(() => labelPages(image)).toThrow('fractions, such as 0.5');
  });
});
