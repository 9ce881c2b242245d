/** What the viewer computes without a graphics card. */

import fc from 'fast-check';
import { ndarray } from 'lamella';
import { LabelLayer, paintShape } from 'lamella/studio';
import { describe, expect, it, vi } from 'vitest';
import { CHUNK, createLabelMips, halved, touchedChunks, united } from '../src/viewer/label-mips.ts';
import { fixedPage, sliceOfLayer } from '../src/viewer/label-source.ts';
import { objectColours, oklch, rgbOf } from '../src/viewer/palette.ts';
import { createPyramid, halve, levelAt } from '../src/viewer/pyramid.ts';
import { fit, panBy, scaleBar, toImage, toScreen, visiblePart, zoomAt } from '../src/viewer/transform.ts';

const CANVAS = { width: 800, height: 600 };
const IMAGE = { width: 400, height: 200 };

describe('transform', () => {
  it('fits an image into the canvas, centred', () => {
    const transform = fit(IMAGE, CANVAS);
    expect(transform).toEqual({ x: 200, y: 100, scale: 0.96 * 2 });
    expect(toScreen({ x: 200, y: 100 }, transform, CANVAS)).toEqual({ x: 400, y: 300 });
  });

  it('maps there and back', () => {
    const transform = { x: 31.5, y: 70.25, scale: 3.2 };
    const back = toImage(toScreen({ x: 12.5, y: 190 }, transform, CANVAS), transform, CANVAS);
    expect(back.x).toBeCloseTo(12.5, 10);
    expect(back.y).toBeCloseTo(190, 10);
  });

  it('keeps the point under the pointer where it is', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 800, noNaN: true }),
        fc.double({ min: 0.3, max: 4, noNaN: true }),
        (x, factor) => {
          const at = { x, y: 211 };
          const before = { x: 123, y: 45, scale: 2 };
          const after = zoomAt(at, factor, before, CANVAS, IMAGE);
          const [a, b] = [toImage(at, before, CANVAS), toImage(at, after, CANVAS)];
          expect(b.x).toBeCloseTo(a.x, 8);
          expect(b.y).toBeCloseTo(a.y, 8);
        },
      ),
    );
  });

  it('never loses the image', () => {
    expect(panBy(1e6, -1e6, fit(IMAGE, CANVAS), IMAGE)).toMatchObject({ x: 0, y: 200 });
    expect(visiblePart(fit(IMAGE, CANVAS), CANVAS, IMAGE)).toEqual({ x: 0, y: 0, width: 400, height: 200 });
    expect(visiblePart({ x: 10.5, y: 10.5, scale: 100 }, CANVAS, IMAGE)).toEqual({ x: 6, y: 7, width: 9, height: 7 });
  });

  it('draws a scale bar of a round length', () => {
    expect(scaleBar(0.325, 2, 140)).toEqual({ length: 20, pixels: (20 / 0.325) * 2 });
    expect(scaleBar(4, 0.5, 140)).toEqual({ length: 1000, pixels: 125 });
  });
});

describe('pyramid', () => {
  const run = (level: Parameters<typeof halve>[0]) => {
    const task = halve(level);
    let state = task.next();
    while (!state.done) state = task.next();
    return state.value;
  };

  it('averages 2 x 2, an odd edge with itself', () => {
    const half = run({ width: 3, height: 2, data: Uint8Array.of(1, 2, 9, 3, 4, 11) });
    // (1 + 2 + 3 + 4) / 4 = 2.5, rounded up; (9 + 9 + 11 + 11) / 4 = 10.
    expect(half).toEqual({ width: 2, height: 1, data: Uint8Array.of(3, 10) });
  });

  it('does not round floats, and keeps negative values', () => {
    expect(run({ width: 2, height: 2, data: Float32Array.of(-1, 0, 0, 0.5) }).data[0]).toBe(-0.125);
    expect(run({ width: 2, height: 2, data: Int16Array.of(-3, -3, -3, -4) }).data[0]).toBe(-3);
  });

  it('halves until a graphics card takes it as it is', () => {
    const pyramid = createPyramid(ndarray('uint16', [600, 1000]));
    expect(pyramid.complete).toBe(false);
    expect(pyramid.build(Number.POSITIVE_INFINITY)).toBe(true);
    expect(pyramid.complete).toBe(true);
    expect(pyramid.build(Number.POSITIVE_INFINITY)).toBe(false);
    expect(pyramid.levels.map(({ width, height }) => [width, height])).toEqual([
      [1000, 600],
      [500, 300],
      [250, 150],
    ]);
  });

  it('shows 32-bit integers as floats', () => {
    expect(createPyramid(ndarray('uint32', [1, 2], Uint32Array.of(70_000, 5))).levels[0].data).toEqual(
      Float32Array.of(70_000, 5),
    );
  });

  it('has a level for each scale', () => {
    expect([2, 1, 0.9, 0.5, 0.3, 0.01].map((scale) => levelAt(scale, 3))).toEqual([0, 0, 0, 1, 1, 2]);
  });
});

describe('label mips', () => {
  it('keeps a line that is one pixel wide', () => {
    const layer = new LabelLayer('classes', { width: 1024, height: 1024 });
    paintShape(layer, { box: [0, 301, 1024, 1] }, { value: 2 });
    const { mips } = sliceOfLayer(layer, 0);
    const chunk = mips.chunk(2, 0, 0);
    expect(chunk?.[75 * CHUNK + 10]).toBe(2);
    expect(chunk?.[74 * CHUNK + 10]).toBe(layer.notAnnotated);
    expect(mips.chunk(2, 1, 0)).toBeUndefined();
    expect(mips.chunk(0, -1, 0)).toBeUndefined();
  });

  it('prefers objects to background, and both to what is not annotated', () => {
    const layer = new LabelLayer('objects', { width: 512, height: 512 });
    paintShape(layer, { box: [0, 0, 2, 1] }, { value: 0 });
    paintShape(layer, { box: [1, 1, 1, 1] }, { value: 7 });
    paintShape(layer, { box: [2, 0, 1, 1] }, { value: 0 });
    const chunk = sliceOfLayer(layer, 0).mips.chunk(1, 0, 0);
    expect([chunk?.[0], chunk?.[1], chunk?.[2]]).toEqual([7, 0, layer.notAnnotated]);
  });

  it('after any change equals mips made afresh', () => {
    const box = fc.tuple(fc.nat(900), fc.nat(900), fc.integer({ min: 1, max: 124 }), fc.integer({ min: 1, max: 124 }));
    fc.assert(
      fc.property(fc.array(fc.tuple(box, fc.integer({ min: 0, max: 3 })), { minLength: 1, maxLength: 6 }), (paints) => {
        const layer = new LabelLayer('classes', { width: 1024, height: 1024 });
        const { mips } = sliceOfLayer(layer, 0);
        const all = (of: typeof mips): (Uint8Array | undefined)[] =>
          [1, 2].flatMap((level) =>
            [0, 1].flatMap((row) => [0, 1].map((column) => of.chunk(level, column, row) as Uint8Array)),
          );
        all(mips);
        for (const [[x, y, width, height], value] of paints) {
          paintShape(layer, { box: [x, y, width, height] }, { value: value === 3 ? layer.notAnnotated : value });
          mips.changed({ x, y, width, height });
          all(mips);
        }
        const blank = new Uint8Array(CHUNK * CHUNK).fill(layer.notAnnotated);
        const fresh = all(sliceOfLayer(layer, 0).mips);
        const differing = all(mips).filter((chunk, i) => Buffer.compare(chunk ?? blank, fresh[i] ?? blank) !== 0);
        expect(differing).toHaveLength(0);
      }),
      { numRuns: 25 },
    );
  });

  it.each([
    [4096, 4096, 4],
    [20_000, 3, 7],
    [3, 20_000, 7],
    [256, 256, 0],
    [257, 1, 1],
  ])('of %i x %i end at one chunk, and keep nothing outside the image', (width, height, last) => {
    const asked = new Set<string>();
    const chunk = (column: number, row: number): undefined => void asked.add(`${column}/${row}`);
    const mips = createLabelMips({ width, height, notAnnotated: 255, chunk });
    expect(mips.levels).toBe(last + 1);
    const kept = vi.spyOn(Map.prototype, 'set');
    // As a page asks, with the neighbours; then for a level that no image has.
    const around = [-1, 0, 1].flatMap((row) => [-1, 0, 1].map((column) => [column, row] as const));
    for (const level of [last, 8]) for (const [column, row] of around) mips.chunk(level, column, row);
    const keys = new Set(kept.mock.calls.map(([key]) => key));
    kept.mockRestore();
    const chunksOf = (level: number): number =>
      Math.ceil(width / (CHUNK * 2 ** level)) * Math.ceil(height / (CHUNK * 2 ** level));
    expect(asked.size).toBe(chunksOf(0));
    expect(keys.size).toBe([1, 2, 3, 4, 5, 6, 7, 8].reduce((sum, level) => sum + chunksOf(level), 0));
  });

  it('cuts a page that nobody edits into chunks', () => {
    const data = Uint32Array.from({ length: 300 * 300 }, (_, i) => i);
    const { mips } = fixedPage({ kind: 'objects', width: 300, height: 300, data, notAnnotated: 0 });
    expect(mips.chunk(0, 1, 1)?.[0]).toBe(256 * 300 + 256);
    expect(mips.chunk(0, 1, 1)?.[44]).toBe(0);
    expect(mips.chunk(0, 2, 0)).toBeUndefined();
  });

  it('halves and joins areas outwards', () => {
    expect(halved({ x: 3, y: 4, width: 2, height: 1 })).toEqual({ x: 1, y: 2, width: 2, height: 1 });
    expect(united({ x: 5, y: 0, width: 1, height: 1 }, { x: 0, y: 2, width: 2, height: 2 })).toEqual({
      x: 0,
      y: 0,
      width: 6,
      height: 4,
    });
    expect([...touchedChunks({ x: 250, y: 10, width: 10, height: 5 })]).toEqual([
      { column: 0, row: 0, part: { x: 250, y: 10, width: 6, height: 5 } },
      { column: 1, row: 0, part: { x: 0, y: 10, width: 4, height: 5 } },
    ]);
  });
});

describe('palette', () => {
  it('has Oklch as CSS has it', () => {
    // As Chromium 156 fills a canvas with oklch(0.7 0.15 150) and the others.
    expect(oklch(0.7, 0.15, 150)).toEqual([76, 184, 106]);
    expect(oklch(0.62, 0.15, 30)).toEqual([209, 93, 77]);
    expect(oklch(0.78, 0.1, 250)).toEqual([133, 188, 245]);
    expect(oklch(1, 0, 0)).toEqual([255, 255, 255]);
    expect(rgbOf('#E69F00')).toEqual([230, 159, 0]);
  });

  it('gives objects colours of which no two are alike', () => {
    expect(new Set(objectColours().map(String)).size).toBe(48);
  });
});
