import { describe, expect, it } from 'vitest';
import { ndarray } from '../../src/array/ndarray.ts';
import { UsageError } from '../../src/errors.ts';
import { relabelConsecutive } from '../../src/objects/relabel.ts';

describe('relabelConsecutive', () => {
  it('keeps zero and the order of the values', () => {
    const { labels, count, values } = relabelConsecutive(ndarray('uint16', [1, 5], Uint16Array.of(900, 0, 7, 7, 12)));
    expect([...labels.data]).toEqual([3, 0, 1, 1, 2]);
    expect(count).toBe(3);
    expect(values).toEqual([0, 7, 12, 900]);
  });

  it('does so for huge sparse values', () => {
    const { labels, values } = relabelConsecutive(ndarray('uint32', [1, 3], Uint32Array.of(4e9, 0, 5)));
    expect([...labels.data]).toEqual([2, 0, 1]);
    expect(values).toEqual([0, 5, 4e9]);
  });

  it('takes an empty map and refuses negative values', () => {
    expect(relabelConsecutive(ndarray('uint8', [0, 2])).count).toBe(0);
    expect(() => relabelConsecutive(ndarray('int16', [1, 1], Int16Array.of(-1)))).toThrow(UsageError);
  });
});
