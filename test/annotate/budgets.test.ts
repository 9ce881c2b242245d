/** Times of painting at 8192 x 8192, and of edits of many objects; each is printed. */
import { beforeAll, describe, expect, it, test } from 'vitest';
import { Annotations } from '../../src/annotate/annotations.ts';
import { BrushStroke } from '../../src/annotate/brush.ts';
import { continueFor } from '../../src/annotate/continue-for.ts';
import { flood, forEachRun, sameLabel } from '../../src/annotate/flood.ts';
import { History } from '../../src/annotate/history.ts';
import { LabelLayer } from '../../src/annotate/label-layer.ts';
import { deleteObjects, nextObject } from '../../src/annotate/object-edits.ts';
import { painter, paintShape } from '../../src/annotate/paint.ts';
import { leastMs, stopwatch, timeMs } from '../support/timing.ts';

const SIDE = 8192;
const size = { width: SIDE, height: SIDE };
const say = (what: string, ms: number): void => console.log(`${what}: ${ms.toFixed(2)} ms`);

describe('a move of the brush, with what is to be drawn again', () => {
  test.each([
    ['classes', 8, 4],
    ['classes', 256, 4],
    ['objects', 256, 4],
    ['objects', 2000, 25],
  ] as const)('%s, radius %i: at most %i ms', (kind, radius, limit) => {
    const layer = new LabelLayer(kind, size);
    const tracker = layer.track();
    const stroke = new BrushStroke(layer, { diameter: 2 * radius, value: 1 });
    const times = Array.from({ length: 200 }, (_, i) => {
      const taken = stopwatch();
      stroke.moveTo(2100 + 17 * i, 4096 + 900 * Math.sin(i / 9));
      tracker.take();
      return taken();
    }).sort((a, b) => a - b);
    say(`${kind}, radius ${radius}, median of 200 moves`, times[100] as number);
    expect(layer.pixels(1)).toBeGreaterThan(radius * 2 * 3400);
    expect(times[100]).toBeLessThanOrEqual(limit);
  });
});

test.each(['classes', 'objects'] as const)(
  'undo and redo of %s over 4096 x 4096 pixels: at most 200 ms, just painted and packed',
  async (kind) => {
    const annotations = new Annotations(kind);
    const layer = annotations.addImage('a', size);
    const history = new History(annotations);
    const least = { justPainted: Number.POSITIVE_INFINITY, packed: Number.POSITIVE_INFINITY };
    for (const value of [1, 2, 3]) {
      paintShape(layer, { box: [1000, 1000, 4096, 4096] }, { value });
      history.commit(`paint ${value}`);
      let applied: Promise<unknown> | undefined;
      // The labels change before the call returns.
      least.justPainted = Math.min(
        least.justPainted,
        timeMs(() => {
          applied = history.undo();
        }),
      );
      expect(layer.pixels(value)).toBe(0);
      await applied;
      await history.settled();
      least.packed = Math.min(
        least.packed,
        timeMs(() => {
          applied = history.redo();
        }),
      );
      expect(layer.pixels(value)).toBe(4096 * 4096);
      await applied;
    }
    say(`undo of ${kind}, 4096 x 4096, just painted`, least.justPainted);
    say(`redo of ${kind}, 4096 x 4096, packed`, least.packed);
    expect(least.justPainted).toBeLessThanOrEqual(200);
    expect(least.packed).toBeLessThanOrEqual(200);
  },
);

it('pixels of a class are counted without looking at them, after erasing too: in at most 4 ms', () => {
  const layer = new LabelLayer('classes', size);
  paintShape(layer, { box: [0, 0, SIDE, SIDE] }, { value: 1 });
  const comb = Array.from({ length: SIDE / 16 }, (_, i) => 16 * i);
  for (const x of comb) paintShape(layer, { box: [x, 0, 1, SIDE] }, { value: 255 });
  let pixels = 0;
  const ms = leastMs(4, () => {
    pixels = layer.pixels(1);
  });
  say('count of a class over 8192 x 8192', ms);
  expect(pixels).toBe(SIDE * (SIDE - comb.length));
  expect(ms).toBeLessThanOrEqual(4);
});

it('a flood of 4 million pixels never takes longer than 50 ms at a time', () => {
  const layer = new LabelLayer('classes', { width: 2048, height: 2048 });
  const task = flood(sameLabel(layer, [5, 5]), [5, 5], { size: [2048, 2048] });
  const start = performance.now();
  let longest = 0;
  for (;;) {
    const taken = stopwatch();
    const state = continueFor(task, 8, () => performance.now());
    longest = Math.max(longest, taken());
    if (!state.done) continue;
    say('flood of 4 million pixels', performance.now() - start);
    say('  the longest slice of it', longest);
    forEachRun(state.value, painter(layer, { value: 1 }));
    break;
  }
  expect(layer.pixels(1)).toBe(2048 * 2048);
  expect(longest).toBeLessThanOrEqual(50);
});

describe('70,225 objects with numbers up to 2,106,750,000', () => {
  const annotations = new Annotations('objects');
  const numberAt = (column: number, row: number): number => (row * 265 + column + 1) * 30_000;
  let layer: LabelLayer;
  const objectCount = (): number => layer.labels().filter((label) => label !== 0).length;
  beforeAll(() => {
    layer = new LabelLayer('objects', size);
    for (let row = 0; row < 265; row++) {
      for (let column = 0; column < 265; column++) {
        const [x, y] = [30 * column + 3, 30 * row + 3];
        for (let line = 0; line < 24; line++) layer.fill(0, y + line, x, x + 24, numberAt(column, row));
      }
    }
    annotations.addImage('a', layer);
  });

  it('are under the cursor, in their boxes and counted', () => {
    expect(layer.labels().length).toBe(265 * 265);
    const read = layer.reader();
    let wrong = 0;
    const ms = leastMs(200, () => {
      for (let row = 0; row < 265; row++) {
        for (let column = 0; column < 265; column++) {
          if (read(30 * column + 26, 30 * row + 3) !== numberAt(column, row)) wrong++;
        }
      }
    });
    say('70,225 objects picked', ms);
    expect(wrong).toBe(0);
    expect(layer.boxes(numberAt(264, 264)).get(0)).toEqual([7923, 7923, 24, 24]);
    expect(layer.pixels(numberAt(8, 8))).toBe(576);
    expect(nextObject(layer)).toBe(2_106_750_001);
  });

  test.each([
    ['under one drag', (k: number) => (100 + Math.floor(k / 25)) * 265 + 100 + (k % 25) + 1],
    ['all over the image', (k: number) => ((k * 7919) % 70_225) + 1],
  ] as const)('500 of them, %s, are deleted in less than 200 ms, and come back', async (where, nth) => {
    const history = new History(annotations);
    const chosen = Array.from({ length: 500 }, (_, k) => nth(k) * 30_000);
    let rounds = 0;
    const ms = leastMs(200, () => {
      if (rounds++ > 0) history.cancel();
      deleteObjects(layer, chosen);
    });
    say(`500 objects deleted, ${where}`, ms);
    history.commit('delete');
    expect(objectCount()).toBe(265 * 265 - 500);
    await history.undo();
    expect(objectCount()).toBe(265 * 265);
    expect(ms).toBeLessThan(200);
  });
});
