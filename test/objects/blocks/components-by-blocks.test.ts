import { describe, expect, test } from 'vitest';
import { cropped } from '../../../src/array/boxes.ts';
import { type NdArray, ndarray } from '../../../src/array/ndarray.ts';
import { componentsByBlocks } from '../../../src/objects/blocks/components-by-blocks.ts';
import { type ConnectedComponentsOptions, connectedComponents } from '../../../src/objects/connected-components.ts';
import { collected, differing, noise } from './scenes.ts';

async function inBlocks(array: NdArray<'uint8'>, block: readonly number[], options: ConnectedComponentsOptions) {
  const { labels, write } = collected(array.shape);
  const read = async ({ start, shape }: { start: readonly number[]; shape: readonly number[] }) =>
    cropped(array, start, shape);
  const { count, openPixels } = await componentsByBlocks({ shape: array.shape, read }, { ...options, block, write });
  expect(openPixels).toBe(0);
  return { labels, count };
}

describe('components by blocks', () => {
  test('have the number of the component of the whole image', async () => {
    // A frame around a dot: two components, in four blocks.
    const rows = ['#####', '#   #', '# # #', '#   #', '#####'];
    const array = ndarray('uint8', [5, 5], Uint8Array.from([...rows.join('')].map((c) => (c === '#' ? 7 : 0))));
    const { labels, count } = await inBlocks(array, [3, 3], {});
    expect(count).toBe(2);
    expect([...labels].join('')).toBe('1111110001102011000111111');
  });

  test('meet in corners of blocks', async () => {
    const array = ndarray('uint8', [4, 4], Uint8Array.of(1, 0, 0, 1, 0, 1, 1, 0, 0, 1, 1, 0, 1, 0, 0, 1));
    expect((await inBlocks(array, [2, 2], { connectivity: 8 })).count).toBe(1);
    expect((await inBlocks(array, [2, 2], { connectivity: 4 })).count).toBe(5);
  });

  for (const [shape, blocks, connectivities] of [
    [
      [61, 83],
      [
        [16, 16],
        [7, 31],
        [61, 1],
        [64, 90],
      ],
      [4, 8],
    ],
    [
      [19, 23, 29],
      [
        [8, 8, 8],
        [5, 23, 7],
        [1, 9, 29],
      ],
      [6, 26],
    ],
  ] as const) {
    for (const connectivity of connectivities) {
      for (const by of ['mask', 'value'] as const) {
        test(`are those of the whole, ${shape.join(' x ')}, ${connectivity} neighbours, by ${by}`, async () => {
          for (const [i, share] of [0, 0.04, 0.3, 0.5, 0.62, 0.92, 1].entries()) {
            const array = noise(shape, share, i);
            if (by === 'value')
              for (let k = 0; k < array.data.length; k++) array.data[k] *= 1 + (Math.floor(k / 5) % 3);
            const whole = connectedComponents(array, { connectivity, by });
            for (const block of blocks) {
              const { labels, count } = await inBlocks(array, block, { connectivity, by });
              expect(count).toBe(whole.count);
              expect(differing(labels, whole.labels.data)).toBe(0);
            }
          }
        });
      }
    }
  }

  test('refuses blocks that do not fit', async () => {
    await expect(inBlocks(ndarray('uint8', [4, 4]), [2], {})).rejects.toThrow('Blocks of [2] do not fit');
    await expect(inBlocks(ndarray('uint8', [4, 4]), [2, 0], {})).rejects.toThrow('Blocks of [2, 0] do not fit');
  });
});
