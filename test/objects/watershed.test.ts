import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ndarray } from '../../src/array/ndarray.ts';
import { UsageError } from '../../src/errors.ts';
import { connectedComponents } from '../../src/objects/connected-components.ts';
import { vincentSoilleWatershed } from '../../src/objects/watershed.ts';

const grey = (...rows: string[]) =>
  ndarray('uint8', [rows.length, rows[0]?.length ?? 0], Uint8Array.from(rows.join(''), Number));
const flood = (...rows: string[]) => [...vincentSoilleWatershed(grey(...rows)).labels.data].join('');

describe('vincentSoilleWatershed', () => {
  it('parts two basins by a line of one pixel', () => {
    expect(flood('10201')).toBe('11022');
    expect(flood('00100')).toBe('11022');
    // An even plateau has no middle: the basin that comes first in the queue takes the pixel more.
    expect(flood('001100')).toBe('111022');
  });

  it('numbers basins column by column', () => {
    // The lower left basin comes first; pixels as far from both are line.
    expect(flood('110', '111', '011')).toBe('022102110');
  });

  it('makes one basin of a constant image and none of an empty one', () => {
    expect(flood('77', '77')).toBe('1111');
    expect(vincentSoilleWatershed(ndarray('uint8', [0, 3])).count).toBe(0);
  });

  it('takes real numbers and refuses NaN and volumes', () => {
    const ramp = ndarray('float32', [1, 5], Float32Array.of(0.1, 0.5, 0.9, 0.4, 0.2));
    expect([...vincentSoilleWatershed(ramp).labels.data]).toEqual([1, 1, 0, 2, 2]);
    const holed = ndarray('float32', [1, 2], Float32Array.of(0, Number.NaN));
    expect(() => vincentSoilleWatershed(holed)).toThrow(UsageError);
    expect(() => vincentSoilleWatershed(ndarray('uint8', [1, 1, 1]))).toThrow(UsageError);
  });

  it('keeps every minimum apart and leaves no pixel without an answer', () => {
    const side = fc.integer({ min: 1, max: 12 });
    fc.assert(
      fc.property(side, side, fc.infiniteStream(fc.nat({ max: 1 })), (h, w, stream) => {
        const image = ndarray('uint8', [h, w], Uint8Array.from([...stream.take(h * w)]));
        const minima = connectedComponents(
          ndarray(
            'uint8',
            [h, w],
            image.data.map((v) => 1 - v),
          ),
        );
        const { labels, count } = vincentSoilleWatershed(image);
        fc.pre(minima.count > 0);
        expect(count).toBe(minima.count);
        const basinOf = new Map<number, number>();
        for (let i = 0; i < h * w; i++) {
          const label = labels.data[i] as number;
          expect(label).toBeGreaterThanOrEqual(0);
          const minimum = minima.labels.data[i] as number;
          if (minimum === 0) continue;
          expect(basinOf.get(minimum) ?? label).toBe(label);
          basinOf.set(minimum, label);
          // Two basins never touch by an edge.
          for (const j of [i % w < w - 1 ? i + 1 : -1, i + w < h * w ? i + w : -1]) {
            const other = j < 0 ? 0 : (labels.data[j] as number);
            if (label > 0 && other > 0 && image.data[j] === 0) expect(other).toBe(label);
          }
        }
        expect(new Set(basinOf.values()).size).toBe(count);
      }),
    );
  });
});
