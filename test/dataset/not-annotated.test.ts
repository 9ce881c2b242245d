import { describe, expect, it } from 'vitest';
import { ndarray } from '../../src/array/ndarray.ts';
import { LabelKindSurvey } from '../../src/dataset/labels/label-kind.ts';
import {
  applyMapping,
  findMapping,
  IGNORE,
  ignoredAmongObjects,
  type LabelOptions,
  labelPages,
  labelValues,
} from '../../src/dataset/labels/labels.ts';
import { notAnnotatedValue } from '../../src/dataset/labels/not-annotated.ts';
import type { Image } from '../../src/image/image.ts';
import { markRims } from '../../src/objects/rims.ts';

const I = IGNORE;

describe('the value that means "not annotated"', () => {
  it.each([
    ['of classes, uint8', [1, 2, 255], 255],
    ['of classes, uint16', [1, 2, 65535], 65535],
    ['of objects, uint16', [3, 17, 40, 65535], 65535],
    ['of objects, int32', [3, 2147483647], 2147483647],
    ['of objects, uint32', [3, 4294967295], 4294967295],
    ['of many objects that reach far', [...Array.from({ length: 20 }, (_, i) => 60_000 + i), 65535], 65535],
  ])('%s', (_, values, expected) => expect(notAnnotatedValue(values)).toBe(expected));
  it.each([
    ['a mask', [255]],
    ['a mask of 16 bits', [65535]],
    ['three levels of grey', [128, 255]],
    ['three levels of 16 bits', [32768, 65535]],
    ['the last of many objects', [65534, 65535]],
    ['class numbers', [1, 2, 3]],
    ['nothing', []],
  ])('is none: %s', (_, values) => expect(notAnnotatedValue(values)).toBeUndefined());
});

describe('label images of objects', () => {
  const image = (dtype: 'uint16' | 'uint32' | 'int32', values: readonly number[]): Image => {
    const arrays = { uint16: Uint16Array, uint32: Uint32Array, int32: Int32Array };
    return { ...ndarray(dtype, [1, values.length], arrays[dtype].from(values)), axes: 'yx', spacing: {} };
  };
  const classes = (of: Image, options: LabelOptions = {}) => {
    const pages = labelPages(of);
    const mapping = findMapping(pages, options);
    return { classes: [...applyMapping(pages[0] as (typeof pages)[0], mapping)], ignore: mapping.ignore };
  };

  it.each([
    ['uint16', 65535],
    ['int32', 2147483647],
    ['uint32', 2147483647],
    ['uint32', 4294967295],
  ] as const)('%s %d is no object', (dtype, none) => {
    const values = [0, 0, 7, 7, none, none, 9, 9, 12];
    expect(classes(image(dtype, values), { kind: 'objects' })).toEqual({
      classes: [0, 0, 1, 1, I, I, 1, 1, 1],
      ignore: [none],
    });
    const survey = new LabelKindSurvey();
    survey.add(ndarray('int32', [1, 9], Int32Array.from(values)));
    if (none < 2 ** 31) expect(survey.ignored).toEqual([none]);
  });
  it('numbers beyond 2^31 - 1 stay what they are', () => {
    const pages = labelPages(image('uint32', [0, 3_000_000_000, 4294967295]));
    expect([...(pages[0]?.values ?? [])]).toEqual([0, 3_000_000_000, 4294967295]);
  });
  it('a named value is a class, whatever it is', () => {
    const named = [
      { name: 'background', values: [0] },
      { name: 'cell', values: 'rest' },
      { name: 'dirt', values: [65535] },
    ] as const;
    expect(classes(image('uint16', [0, 5, 65535]), { classes: named })).toEqual({ classes: [0, 1, 2], ignore: [] });
  });
  it('is ignored beside what a model or the user ignores', () => {
    const values = labelValues(labelPages(image('uint16', [0, 5, 9, 65535])));
    expect(ignoredAmongObjects(values, [9])).toEqual([9, 65535]);
    expect(ignoredAmongObjects(labelValues(labelPages(image('uint16', [0, 65535]))), [])).toEqual([]);
  });
  it('one number alone is refused with what to do', () => {
    expect(() => classes(image('uint16', [5, 65535]), { task: 'instances' })).toThrow(
      'besides the ignored value 65535 the labels of the only page hold the value 5 only. Paint some of another class.',
    );
  });
});

describe('the rim of an object', () => {
  const rims = (classes: readonly number[], values: readonly number[]) => {
    const found = Uint8Array.from(classes);
    markRims(found, Int32Array.from(values), [1, values.length], { inside: 1, rim: 2, unknown: I });
    return [...found];
  };
  it('is unknown at the edge of what is annotated, and known at another object', () => {
    // Object 5 between background and what nobody painted.
    expect(rims([0, 1, 1, 1, 1, 1, 1, I, I], [0, 5, 5, 5, 5, 5, 5, 9, 9])).toEqual([0, 2, 2, 1, 1, I, I, I, I]);
    // Both within two pixels: there is a rim for certain.
    expect(rims([0, 1, 1, I], [0, 5, 5, 9])).toEqual([0, 2, 2, I]);
  });
  it('is none of a thin stroke within what nobody painted', () => {
    expect(rims([I, 1, 1, 1, 1, I], [9, 5, 5, 5, 5, 9])).toEqual([I, 1, 1, 1, 1, I]);
    expect(rims([I, 1, 1, 1, 1, 1, I], [9, 5, 5, 5, 5, 5, 9])).toEqual([I, I, I, 1, I, I, I]);
  });
});
