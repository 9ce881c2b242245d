/** Pieces of values that are counted block by block are those of the whole map. */

import { expect, test } from 'vitest';
import { cropped } from '../../../src/array/boxes.ts';
import { elementCount, ndarray } from '../../../src/array/ndarray.ts';
import { stream } from '../../../src/array/random.ts';
import { blockGrid, boxOf } from '../../../src/objects/blocks/block-grid.ts';
import { ValuePiecesByBlocks } from '../../../src/objects/blocks/value-pieces.ts';
import { connectedComponents } from '../../../src/objects/connected-components.ts';
import type { Connectivity } from '../../../src/objects/grid.ts';

test('worked out by hand: a ring through four blocks, and what touches it', () => {
  const rows = ['1111', '1221', '1..1', '1113'];
  const data = Uint8Array.from(rows.join(''), (c) => Number(c) || 0);
  for (const connectivity of [4, 8] as const) {
    const pieces = new ValuePiecesByBlocks(blockGrid([4, 4], [2, 2]), { connectivity });
    for (let i = 0; i < 4; i++) {
      const { start, shape } = boxOf(blockGrid([4, 4], [2, 2]), i);
      pieces.add(cropped(ndarray('uint8', [4, 4], data), start, shape));
    }
    expect(pieces.result()).toEqual([
      { value: 1, pixels: 11, pieces: 1 },
      { value: 2, pixels: 2, pieces: 1 },
      { value: 3, pixels: 1, pieces: 1 },
      { value: 0, pixels: 2, pieces: 0 },
    ]);
  }
});

test.each([
  [[31, 43], [7, 10], 8],
  [[31, 43], [1, 43], 4],
  [[31, 43], [31, 43], 8],
  [[9, 11, 13], [4, 3, 5], 26],
  [[9, 11, 13], [2, 11, 6], 6],
] as const)('of %j in blocks of %j, %i neighbours', (shape, block, connectivity: Connectivity) => {
  const random = stream(1, `pieces ${shape} ${block}`);
  for (const most of [1, 2, 5, 900]) {
    const map = ndarray('uint16', shape);
    for (let i = 0; i < map.data.length; i++) map.data[i] = Math.floor(random.uniform() * (most + 1));
    const { labels } = connectedComponents(map, { connectivity, by: 'value' });
    const expected = new Map<number, { pixels: number; pieces: Set<number> }>();
    for (const [i, value] of map.data.entries()) {
      const own = expected.get(value) ?? { pixels: 0, pieces: new Set() };
      expected.set(value, own);
      own.pixels++;
      if (value > 0) own.pieces.add(labels.data[i] as number);
    }
    const counted = new ValuePiecesByBlocks(blockGrid(shape, block), { connectivity });
    const grid = blockGrid(shape, block);
    for (let i = 0; i < grid.length; i++) {
      const box = boxOf(grid, i);
      counted.add(cropped(map, box.start, box.shape));
    }
    const found = counted.result();
    expect(found.reduce((sum, { pixels }) => sum + pixels, 0)).toBe(elementCount(shape));
    const inOrder = [...expected].filter(([value]) => value > 0).concat([...expected].filter(([value]) => value === 0));
    expect(found).toEqual(inOrder.map(([value, { pixels, pieces }]) => ({ value, pixels, pieces: pieces.size })));
  }
});
