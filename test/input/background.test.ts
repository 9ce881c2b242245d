import { describe, expect, it } from 'vitest';
import { chooseInversion } from '../../src/dataset/inversion.ts';
import { IGNORE } from '../../src/dataset/labels/labels.ts';
import { prepareDataset } from '../../src/dataset/prepare.ts';
import { prepareInput } from '../../src/input/network-input.ts';

/** 10 pixels, two of them object, with the given values of ground and object. */
const page = (ground: number, object: number) => ({
  image: Float32Array.from({ length: 10 }, (_, p) => (p < 2 ? object : ground)),
  label: Uint8Array.from({ length: 10 }, (_, p) => (p < 2 ? 1 : 0)),
});
const brightObjects = page(-0.9, 0.8);
const darkObjects = page(0.9, -0.8);

describe('chooseInversion', () => {
  it('inverts bright images where some objects are brighter than their ground and some darker', () => {
    expect(chooseInversion([brightObjects, brightObjects, darkObjects])).toContain('in 1 of 3 images');
  });
  it('leaves a set of one kind as it is', () => {
    expect(chooseInversion([brightObjects, brightObjects])).toBeUndefined();
    expect(chooseInversion([darkObjects, darkObjects])).toBeUndefined();
  });
  it('leaves a set as it is where brightness does not tell', () => {
    expect(chooseInversion([brightObjects, darkObjects, page(0.1, 0.9)])).toBeUndefined();
  });
  it('does not believe a hundredth of the labels', () => {
    expect(chooseInversion([...Array.from({ length: 150 }, () => brightObjects), darkObjects])).toBeUndefined();
  });
  it('passes over images without objects or ground, and ignored pixels', () => {
    const empty = { ...brightObjects, label: new Uint8Array(10) };
    const full = { ...brightObjects, label: new Uint8Array(10).fill(1) };
    const ignored = { ...darkObjects, label: darkObjects.label.map((value) => (value === 1 ? IGNORE : 0)) };
    expect(chooseInversion([brightObjects, empty, full, ignored])).toBeUndefined();
    expect(chooseInversion([brightObjects, empty, full, ignored, darkObjects])).toContain('1 of 2');
  });
  it('counts all channels', () => {
    const colour = (grey: ReturnType<typeof page>, factors: readonly number[]) => ({
      ...grey,
      image: Float32Array.from(factors.flatMap((factor) => [...grey.image].map((value) => factor * value))),
    });
    const violet = colour(darkObjects, [1, 1, 0.1]);
    expect(chooseInversion([colour(brightObjects, [1, 1, 1]), violet])).toBeDefined();
  });
});

describe('a mixed set', () => {
  const size = 8;
  const raw = (name: string, ground: number, object: number) => {
    const values = Int32Array.from({ length: size * size }, (_, p) => (p % size < 2 ? 1 : 0));
    const data = Float32Array.from(values, (value, p) => (value === 0 ? ground : object) + (p % 3));
    const frame = { name, height: size, width: size };
    return {
      ...frame,
      file: name,
      page: 0,
      data,
      channels: 1,
      label: { ...frame, values, colour: false, source: name },
    };
  };
  const pages = [raw('a', 10, 90), raw('b', 12, 80), raw('c', 200, 100), raw('d', 180, 90), raw('e', 10, 70)];

  it('looks alike to the network, in training, validation and prediction', () => {
    const dataset = { folder: 'set', pages, notes: [] };
    const { train, validation, input, notes } = prepareDataset(dataset, { split: { names: ['d'] } });
    expect(notes.some((note) => note.startsWith('inverted: bright images'))).toBe(true);
    expect(input.normalisation.invertBright).toBe(true);
    for (const { image, label } of [...train.pages, ...validation])
      for (let p = 0; p < label.length; p++) expect((image[p] as number) > 0).toBe(label[p] === 1);
    const dark = pages[3] as (typeof pages)[number];
    expect([...prepareInput(dark, input)]).toEqual([...(validation[0] as (typeof validation)[number]).image]);
  });
});
