import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ndarray } from '../../src/array/ndarray.ts';
import { stream } from '../../src/array/random.ts';
import { UsageError } from '../../src/errors.ts';
import { connectedComponents } from '../../src/objects/connected-components.ts';
import type { Connectivity } from '../../src/objects/grid.ts';

const mask = (shape: number[], values: number[]) => ndarray('uint8', shape, Uint8Array.from(values));

/** Flood fill, the plain way. */
function floodFill(
  values: number[],
  [d, h, w]: [number, number, number],
  connectivity: Connectivity,
  byValue: boolean,
) {
  const labels = values.map(() => 0);
  let count = 0;
  const steps: [number, number, number][] = [];
  for (const dz of [-1, 0, 1])
    for (const dy of [-1, 0, 1])
      for (const dx of [-1, 0, 1]) {
        const moved = Math.abs(dz) + Math.abs(dy) + Math.abs(dx);
        if (moved === 1 || (moved > 1 && (connectivity === 8 || connectivity === 26))) steps.push([dz, dy, dx]);
      }
  for (let start = 0; start < values.length; start++) {
    if (values[start] === 0 || labels[start] !== 0) continue;
    labels[start] = ++count;
    const open = [start];
    for (let i = open.pop(); i !== undefined; i = open.pop()) {
      const [z, y, x] = [Math.floor(i / (h * w)), Math.floor(i / w) % h, i % w];
      for (const [dz, dy, dx] of steps) {
        const [a, b, c] = [z + dz, y + dy, x + dx];
        if (a < 0 || a >= d || b < 0 || b >= h || c < 0 || c >= w) continue;
        const j = (a * h + b) * w + c;
        if (values[j] === 0 || labels[j] !== 0 || (byValue && values[j] !== values[i])) continue;
        labels[j] = count;
        open.push(j);
      }
    }
  }
  return { labels, count };
}

describe('connectedComponents', () => {
  it('separates diagonal neighbours with 4-connectivity and joins them with 8', () => {
    const diagonal = mask([2, 2], [1, 0, 0, 1]);
    expect([...connectedComponents(diagonal).labels.data]).toEqual([1, 0, 0, 2]);
    expect([...connectedComponents(diagonal, { connectivity: 8 }).labels.data]).toEqual([1, 0, 0, 1]);
  });

  it('numbers components in scan order even where branches join late', () => {
    // A "U", whose arms meet at the bottom, around a single pixel.
    const u = mask([3, 5], [1, 0, 1, 0, 1, 1, 0, 0, 0, 1, 1, 1, 1, 1, 1]);
    expect([...connectedComponents(u).labels.data]).toEqual([1, 0, 2, 0, 1, 1, 0, 0, 0, 1, 1, 1, 1, 1, 1]);
  });

  it('keeps touching values apart by value', () => {
    const labels = ndarray('int32', [1, 6], Int32Array.of(7, 7, 3, 0, 7, -1));
    expect([...connectedComponents(labels, { by: 'value' }).labels.data]).toEqual([1, 1, 2, 0, 3, 4]);
  });

  it('joins through depth with 6 and through corners with 26', () => {
    const volume = mask([2, 2, 2], [1, 0, 0, 0, 0, 0, 0, 1]);
    expect(connectedComponents(volume).count).toBe(2);
    expect(connectedComponents(volume, { connectivity: 26 }).count).toBe(1);
    expect(connectedComponents(mask([2, 1, 1], [1, 1])).count).toBe(1);
  });

  it('finds nothing in empty and in all-zero arrays', () => {
    expect(connectedComponents(mask([0, 5], []))).toMatchObject({ count: 0 });
    expect(connectedComponents(mask([2, 2], [0, 0, 0, 0]))).toMatchObject({ count: 0 });
  });

  it('refuses a connectivity of the other rank', () => {
    expect(() => connectedComponents(mask([1, 1], [1]), { connectivity: 6 })).toThrow(UsageError);
    expect(() => connectedComponents(mask([1, 1, 1], [1]), { connectivity: 8 })).toThrow(UsageError);
    expect(() => connectedComponents(mask([1], [1]))).toThrow(/1 axes/);
  });

  it('writes into given memory, whatever it holds', () => {
    const out = new Int32Array(6).fill(9);
    const { labels, count } = connectedComponents(mask([2, 3], [1, 0, 1, 0, 0, 1]), { out });
    expect(labels.data).toBe(out);
    expect([...out]).toEqual([1, 0, 2, 0, 0, 2]);
    expect(count).toBe(2);
    expect(() => connectedComponents(mask([2, 2], [1, 1, 1, 1]), { out })).toThrow(/6 elements, the array 4/);
  });

  it('finds runs of bytes 32 at a time as a flood fill does, of every width, and large ones into given memory', () => {
    const random = stream(1, 'components');
    // Widths that end within a group, at its end, and that are not whole words; pictures of several painted parts.
    for (const [height, width] of [
      [9, 28],
      [9, 32],
      [9, 36],
      [9, 100],
      [9, 63],
      [150, 128],
    ] as const) {
      for (const share of [0.02, 0.5, 0.98]) {
        const values = Array.from({ length: height * width }, () => (random.uniform() < share ? 255 : 0));
        const expected = floodFill(values, [1, height, width], 4, false);
        const out = new Int32Array(values.length).fill(-1);
        const given = connectedComponents(mask([height, width], values), { out });
        expect(given.count).toBe(expected.count);
        expect([...out]).toEqual(expected.labels);
        expect([...connectedComponents(mask([height, width], values)).labels.data]).toEqual(expected.labels);
      }
    }
  });

  it('equals a flood fill on random arrays', () => {
    const side = fc.integer({ min: 1, max: 7 });
    fc.assert(
      fc.property(
        side,
        side,
        side,
        fc.boolean(),
        fc.boolean(),
        fc.infiniteStream(fc.integer({ min: 0, max: 2 })),
        (d, h, w, wide, byValue, stream) => {
          const values = [...stream.take(d * h * w)];
          const connectivity = wide ? 26 : 6;
          const found = connectedComponents(mask([d, h, w], values), { connectivity, by: byValue ? 'value' : 'mask' });
          const expected = floodFill(values, [d, h, w], connectivity, byValue);
          expect(found.count).toBe(expected.count);
          expect([...found.labels.data]).toEqual(expected.labels);
          const plane = values.slice(0, h * w);
          const flat = connectedComponents(mask([h, w], plane), {
            connectivity: wide ? 8 : 4,
            by: byValue ? 'value' : 'mask',
          });
          expect([...flat.labels.data]).toEqual(floodFill(plane, [1, h, w], wide ? 8 : 4, byValue).labels);
        },
      ),
    );
  });
});
