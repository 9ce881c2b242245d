import { describe, expect, test } from 'vitest';
import { stream } from '../../src/array/random.ts';
import { annotatedBoxes, annotatedRows } from '../../src/dataset/annotated.ts';
import { IGNORE } from '../../src/dataset/labels/labels.ts';
import { AnnotatedAreas, RowCounter } from '../../src/dataset/streamed/areas.ts';

/** A page with some annotated rectangles, which may overlap. */
function pageWith(random: ReturnType<typeof stream>, count: number) {
  const [height, width] = [1 + random.integer(400), 1 + random.integer(400)];
  const label = new Uint8Array(height * width).fill(IGNORE);
  for (let i = 0; i < count; i++) {
    const [y, x] = [random.integer(height), random.integer(width)];
    const [tall, wide] = [1 + random.integer(30), 1 + random.integer(30)];
    for (let row = y; row < Math.min(height, y + tall); row++) {
      label.fill(i % 3, row * width + x, row * width + Math.min(width, x + wide));
    }
  }
  return { height, width, label };
}

describe('what is annotated is found part by part as in the whole', () => {
  test.each([0, 1, 2, 5, 40])('%i strokes', (count) => {
    const random = stream(7, 'areas', count);
    for (let tries = 0; tries < 20; tries++) {
      const page = pageWith(random, count);
      const [areas, rows] = [new AnnotatedAreas(page), new RowCounter(page)];
      for (let y = 0; y < page.height; ) {
        const end = Math.min(page.height, y + 1 + random.integer(70));
        const part = page.label.subarray(y * page.width, end * page.width);
        areas.add(part);
        rows.add(part);
        y = end;
      }
      expect(areas.result()).toEqual(annotatedBoxes(page));
      const all = Int32Array.from({ length: page.height + 1 }, (_, y) => y * page.width);
      expect(rows.result).toEqual(annotatedRows(page) ?? all);
    }
  });
});
