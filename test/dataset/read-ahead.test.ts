import { describe, expect, it } from 'vitest';
import { readAhead } from '../../src/dataset/discover/read-ahead.ts';

describe('readAhead', () => {
  it('gives results in order, however long each takes, with at most four on their way', async () => {
    let open = 0;
    let most = 0;
    const read = async (item: number) => {
      most = Math.max(most, ++open);
      await new Promise((resolve) => setTimeout(resolve, item % 2 === 0 ? 6 : 1));
      open--;
      return 10 * item;
    };
    const got: number[] = [];
    for await (const result of readAhead([0, 1, 2, 3, 4, 5, 6], read)) got.push(result);
    expect(got).toEqual([0, 10, 20, 30, 40, 50, 60]);
    expect(most).toBe(4);
  });

  it('fails with the first item that fails, though a later one failed earlier', async () => {
    const read = async (item: number) => {
      await new Promise((resolve) => setTimeout(resolve, item === 1 ? 5 : 0));
      if (item > 0) throw new Error(`item ${item}`);
    };
    const all = async () => {
      for await (const _ of readAhead([0, 1, 2], read));
    };
    await expect(all()).rejects.toThrow('item 1');
  });
});
