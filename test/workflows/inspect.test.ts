import { describe, expect, it } from 'vitest';
import { prepareDataset, readDataset } from '../../src/dataset/prepare.ts';
import { writePng } from '../../src/image/formats/png/write.ts';
import { inspect } from '../../src/workflows/inspect.ts';
import { memoryFiles } from '../../src/workflows/memory-files.ts';

const png = (value: (x: number, y: number) => number): Uint8Array =>
  writePng({
    dtype: 'uint8',
    shape: [8, 8],
    axes: 'yx',
    spacing: {},
    data: Uint8Array.from({ length: 64 }, (_, p) => value(p % 8, Math.floor(p / 8))),
  });

/** Strokes: a column of 1, three of 2, one of 9, and 0 where nothing is painted. */
const strokes = png((x) => [1, 2, 2, 2, 9, 0, 0, 0][x] as number);
const files = memoryFiles({
  'strokes/images/a.png': png((x, y) => 16 * x + y),
  'strokes/labels/a.png': strokes,
  'a.png': strokes,
});

describe('labels as a training run would see them', () => {
  const options = {
    classes: [
      { name: 'membrane', values: [1] },
      { name: 'inside', values: [2] },
    ],
    ignore: [0, 9],
  };

  it('with classes and ignored values', async () => {
    const { describe: found, text } = await inspect({ files }, 'strokes', options);
    expect(found).toMatchObject({
      kind: 'dataset',
      shares: [
        { name: 'membrane', share: 0.25 },
        { name: 'inside', share: 0.75 },
      ],
    });
    expect(text).toContain('1 is membrane (class 0); 2 is inside (class 1); 0, 9 is ignored');
    expect(text).toContain('ignored: 32 pixels');
    const { mapping } = prepareDataset(await readDataset(files, 'strokes'), { ...options, split: { fraction: 0 } });
    expect(found.labels).toEqual(mapping);
  });

  it('without them, every value is a class', async () => {
    const { describe: found } = await inspect({ files }, 'strokes');
    expect(found).toMatchObject({ shares: { length: 4 } });
  });

  it('and wrong ones are refused as by training', async () => {
    const classes = ['a', 'b'];
    await expect(inspect({ files }, 'strokes', { classes })).rejects.toThrow(/4 .* not the 2 that were named/);
    const raw = await readDataset(files, 'strokes');
    expect(() => prepareDataset(raw, { classes })).toThrow(/4 .* not the 2 that were named/);
  });

  it('not of something without labels', async () => {
    await expect(inspect({ files }, 'a.png', { ignore: [0] })).rejects.toThrow(
      'a.png: there are no labels for `ignore` to apply to. Inspect a folder of images and labels.',
    );
  });
});
