import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LabelLayer } from '../../src/annotate/label-layer.ts';
import { pageOf, setPage } from '../../src/annotate/pages.ts';
import { ndarray } from '../../src/array/ndarray.ts';

const NONE = 2147483647;

/** A run of pixels that is painted, for random tests. */
const WIDTH = 600;
const HEIGHT = 300;
const run = fc.record({
  slice: fc.nat(1),
  y: fc.integer({ min: -2, max: HEIGHT + 1 }),
  from: fc.integer({ min: -5, max: WIDTH }),
  length: fc.integer({ min: 1, max: 400 }),
  value: fc.oneof(fc.nat(4), fc.constantFrom(NONE, NONE - 1, 70000)),
});

describe('a label layer', () => {
  it('is not annotated anywhere, and has no chunk, until something is painted', () => {
    const layer = new LabelLayer('classes', { width: 8192, height: 8192, slices: 100 });
    expect([layer.get(8191, 8191, 99), layer.chunks(5), layer.labels(), layer.revision]).toEqual([255, [], [], 0]);
    layer.fill(5, 700, 250, 260, 3);
    expect(layer.chunks(5)).toEqual([
      { slice: 5, row: 2, column: 0 },
      { slice: 5, row: 2, column: 1 },
    ]);
    expect(layer.annotatedSlices()).toEqual([5]);
    expect([249, 250, 255, 256, 259, 260].map((x) => layer.get(x, 700, 5))).toEqual([255, 3, 3, 3, 3, 255]);
    expect([layer.get(-1, 700, 5), layer.get(8192, 700, 5), layer.get(250, 700, 4)]).toEqual([255, 255, 255]);
    expect(layer.revision).toBe(2);
    layer.fill(5, 700, 250, 260, 3);
    expect(layer.revision).toBe(2);
  });

  it('keeps every pixel, count and box as a plain array would, whatever is painted', () => {
    fc.assert(
      fc.property(fc.array(run, { maxLength: 60 }), (runs) => {
        const layer = new LabelLayer('objects', { width: WIDTH, height: HEIGHT, slices: 2 });
        const plain = new Uint32Array(2 * HEIGHT * WIDTH).fill(NONE);
        for (const { slice, y, from, length, value } of runs) {
          layer.fill(slice, y, from, from + length, value);
          if (y < 0 || y >= HEIGHT) continue;
          const start = (slice * HEIGHT + y) * WIDTH;
          plain.fill(value, start + Math.max(0, from), start + Math.max(0, Math.min(WIDTH, from + length)));
        }
        for (const slice of [0, 1]) {
          const own = plain.subarray(slice * HEIGHT * WIDTH, (slice + 1) * HEIGHT * WIDTH);
          const read = layer.read([0, 0, WIDTH, HEIGHT], slice);
          expect([read.length, read.findIndex((label, p) => label !== own[p])]).toEqual([own.length, -1]);
          for (const label of new Set(own)) {
            if (label !== NONE) expect(layer.boxes(label).get(slice)).toEqual(boxIn(own, label));
          }
        }
        const counts = new Map<number, number>();
        for (const label of plain) if (label !== NONE) counts.set(label, (counts.get(label) ?? 0) + 1);
        expect(new Map(layer.labels().map((label) => [label, layer.pixels(label)]))).toEqual(counts);
      }),
      { numRuns: 40 },
    );
  });

  it('reads rectangles across chunks and beyond the image', () => {
    const layer = new LabelLayer('classes', { width: 300, height: 2 });
    layer.fill(0, 1, 254, 300, 7);
    expect([...layer.read([253, 0, 4, 3])]).toEqual([255, 255, 255, 255, 255, 7, 7, 7, 255, 255, 255, 255]);
    expect([...layer.read([-1, 1, 2, 1]), ...layer.read([298, 1, 4, 1])]).toEqual([255, 255, 7, 7, 255, 255]);
  });

  it('tells each tracker the changed part of chunks once', () => {
    const layer = new LabelLayer('classes', { width: 600, height: 300 });
    layer.fill(0, 0, 0, 9, 1);
    const [early, late] = [layer.track(), layer.track()];
    expect(early.take()).toEqual([]);
    layer.fill(0, 10, 250, 260, 1);
    layer.fill(0, 12, 200, 210, 1);
    layer.fill(0, 12, 0, 210, 255, (label) => label === 9);
    const changed = [
      { slice: 0, row: 0, column: 0, left: 200, top: 10, right: 256, bottom: 13 },
      { slice: 0, row: 0, column: 1, left: 0, top: 10, right: 4, bottom: 11 },
    ];
    expect(early.take()).toEqual(changed);
    layer.fill(0, 290, 599, 600, 2);
    const corner = { slice: 0, row: 1, column: 2, left: 87, top: 34, right: 88, bottom: 35 };
    expect(early.take()).toEqual([corner]);
    expect(late.take()).toEqual([...changed, corner]);
    late.close();
    layer.fill(0, 0, 0, 9, 2);
    expect([early.take().length, late.take().length]).toEqual([1, 0]);
  });

  it('refuses sizes, slices and labels that it cannot have', () => {
    expect(() => new LabelLayer('classes', { width: 0, height: 1 })).toThrow('The width of the label layer is 0');
    expect(() => new LabelLayer('classes', { width: 1, height: 1.5 })).toThrow('The height of the label layer is 1.5');
    const layer = new LabelLayer('objects', { width: 1, height: 1 });
    expect(() => layer.get(0, 0, 1)).toThrow('There is no slice 1; the layer has 1.');
    expect(() => layer.requireLabel(-1)).toThrow('-1 is no label of objects');
    expect(() => layer.requireLabel(2 ** 31)).toThrow('0 to 2147483647');
  });
});

function boxIn(values: ArrayLike<number>, label: number): readonly number[] {
  let [left, top, right, bottom] = [WIDTH, HEIGHT, 0, 0];
  for (let p = 0; p < values.length; p++) {
    if (values[p] !== label) continue;
    const [x, y] = [p % WIDTH, Math.floor(p / WIDTH)];
    [left, top, right, bottom] = [Math.min(left, x), Math.min(top, y), Math.max(right, x + 1), Math.max(bottom, y + 1)];
  }
  return [left, top, right - left, bottom - top];
}

describe('label images', () => {
  const page = (values: readonly number[]) => ndarray('uint32', [1, values.length], Uint32Array.from(values));

  it('of objects are uint16 with 65535 as not annotated, or uint32 for larger numbers', () => {
    const layer = new LabelLayer('objects', { width: 4, height: 1 });
    setPage(layer, page([0, 65534, 9, 9]), 0, 9);
    expect(pageOf(layer)).toEqual(ndarray('uint16', [1, 4], Uint16Array.of(0, 65534, 65535, 65535)));
    layer.fill(0, 0, 3, 4, 65535);
    expect(pageOf(layer)).toEqual(ndarray('uint32', [1, 4], Uint32Array.of(0, 65534, NONE, 65535)));
  });

  it('of classes are uint8; a page that replaces another leaves nothing of it', () => {
    const layer = new LabelLayer('classes', { width: 4, height: 1 });
    setPage(layer, page([0, 1, 2, 7]), 0, 7);
    setPage(layer, page([3, 65535, 65535, 3]), 0, 65535);
    expect(pageOf(layer)).toEqual(ndarray('uint8', [1, 4], Uint8Array.of(3, 255, 255, 3)));
    expect(layer.labels()).toEqual([3]);
  });

  it('of another size, or with a value that is no label, are refused', () => {
    const layer = new LabelLayer('classes', { width: 4, height: 1 });
    expect(() => setPage(layer, page([0, 1, 2]))).toThrow('The label image is [1, 3], the layer [1, 4].');
    expect(() => setPage(layer, page([0, 1, 2, 255]))).toThrow('holds 255 at x 3, y 0; labels of classes are 0 to 254');
    const objects = new LabelLayer('objects', { width: 1, height: 1 });
    expect(() => setPage(objects, page([2 ** 32 - 1]))).toThrow('holds 4294967295');
  });
});
