/** Dice and surface distances of what a run held out, patient by patient. */
import { describe, expect, test } from 'vitest';
import type { RawPage } from '../../src/dataset/raw.ts';
import { describeVolumes, volumeTable } from '../../src/report/kit/volume-table.ts';
import type { RunConfig } from '../../src/train/config.ts';
import { hasStacks, stackScores } from '../../src/workflows/stack-scores.ts';

const SIZE = 8;
const config = {
  recipe: {
    labels: {
      kind: 'binary',
      classes: [
        { name: 'background', values: [0] },
        { name: 'lung', values: [255] },
      ],
      ignore: [7],
    },
  },
} as unknown as RunConfig;

/** A page whose true lung is column `x`, and of which column `found` was found. */
function page(
  file: string,
  { index = 0, x = 2, ...size }: { readonly index?: number; readonly x?: number } & Partial<RawPage> = {},
): RawPage {
  const values = Int32Array.from({ length: SIZE * SIZE }, (_, p) => (p % SIZE === x ? 255 : 0));
  return {
    data: new Int16Array(SIZE * SIZE),
    channels: 1,
    height: SIZE,
    width: SIZE,
    name: file,
    file,
    page: index,
    label: { height: SIZE, width: SIZE, values } as RawPage['label'],
    ...size,
  };
}
const column = (x: number): Uint8Array => Uint8Array.from({ length: SIZE * SIZE }, (_, p) => (p % SIZE === x ? 1 : 0));

describe('scores of each patient', () => {
  test('slices of one patient are one, with the size of their pixels', () => {
    const pixelMm = [2, 0.5] as const;
    const pages = ['ID_1_Z_10.tif', 'ID_1_Z_20.tif', 'ID_2_Z_10.tif'].map((file) => page(file, { pixelMm }));
    expect(hasStacks(config, pages)).toBe(true);
    // Found three columns beside it in one slice; where it is in the others.
    const scores = stackScores(pages, [column(5), column(2), column(2)], config);
    expect(scores).toEqual([
      { name: 'ID_1', dice: 0.5, meanMm: 0.75, hd95Mm: 0.75 },
      { name: 'ID_2_Z_10.tif', dice: 1, meanMm: 0, hd95Mm: 0 },
    ]);
    expect(volumeTable(scores, 'Each patient').rows.at(-1)).toEqual({
      name: 'Mean',
      values: [0.75, 0.375, 0.375],
      own: true,
    });
    expect(describeVolumes(scores)[0]).toBe('ID_1: Dice 0.5000, mean surface distance 0.75 mm, 95 % 0.75 mm');
  });

  test('pages of one file are a volume: distances go from slice to slice', () => {
    const of = (sliceMm: readonly number[]) =>
      sliceMm.map((mm, index) =>
        page('p.nii', { index, pixelMm: [1, 1], sliceMm: mm, ...(index === 0 ? {} : { x: -1 }) }),
      );
    const nothing = new Uint8Array(SIZE * SIZE);
    const found = [nothing, column(2), nothing];
    expect(stackScores(of([5, 5, 5]), found, config)).toEqual([{ name: 'p.nii', dice: 0, meanMm: 5, hd95Mm: 5 }]);
    // On a grid of uneven steps there is no distance transform.
    expect(stackScores(of([5, 5, 9]), found, config)[0]).toMatchObject({ dice: 0, meanMm: null });
    expect(stackScores(of([5, 5, 9]), found, config, [3, 1, 1])[0]).toMatchObject({ meanMm: 3 });
  });

  test('without a pixel size there are no millimetres, and the table says what to do', () => {
    const pages = ['a_1.tif', 'a_2.tif'].map((file) => page(file));
    const scores = stackScores(pages, [column(2), column(2)], config);
    expect(scores).toEqual([{ name: 'a', dice: 1, meanMm: null, hd95Mm: null }]);
    expect(volumeTable(scores, '').note).toMatch(/need a pixel size \(set the option spacing/);
    expect(stackScores(pages, [column(2), column(3)], config, [null, 1, 4])[0]).toMatchObject({ meanMm: 2 });
  });

  test('pages that have nothing to do with each other and no size have no such table', () => {
    expect(hasStacks(config, [page('cat.png'), page('dog.png')])).toBe(false);
  });
});
