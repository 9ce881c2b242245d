import { describe, expect, it } from 'vitest';
import { LabelLayer } from '../../src/annotate/label-layer.ts';
import { paintShape } from '../../src/annotate/paint.ts';
import { copySlice, interpolateSlices } from '../../src/annotate/slices.ts';

const layerOf = (slices: number): LabelLayer => new LabelLayer('classes', { width: 300, height: 40, slices });

/** Slices as runs of labels in one row: `label from-to`. */
function runsIn(layer: LabelLayer, slice: number, y: number): readonly string[] {
  const labels = layer.read([0, y, layer.width, 1], slice);
  const runs: string[] = [];
  for (let x = 0; x < labels.length; ) {
    const from = x;
    while (x < labels.length && labels[x] === labels[from]) x++;
    if (labels[from] !== 255) runs.push(`${labels[from]} ${from}-${x}`);
  }
  return runs;
}

describe('interpolation between slices', () => {
  it('moves an outline evenly from one to the other: a square that grows, computed by hand', () => {
    const layer = layerOf(5);
    paintShape(layer, { box: [250, 10, 12, 12] }, { value: 1, slice: 0 });
    paintShape(layer, { box: [246, 6, 20, 20] }, { value: 1, slice: 4 });
    expect([...interpolateSlices(layer, 0, 4)]).toEqual([1, 2, 3]);
    expect([0, 1, 2, 3, 4].map((z) => runsIn(layer, z, 16))).toEqual([
      ['1 250-262'],
      ['1 249-263'],
      ['1 248-264'],
      ['1 247-265'],
      ['1 246-266'],
    ]);
  });

  it('equals the definition, pixel by pixel, for two labels that compete', () => {
    const layer = layerOf(4);
    for (const [slice, x] of [
      [0, 20],
      [3, 25],
    ] as const) {
      paintShape(layer, { box: [5, 4, x - 5, 20] }, { value: 0, slice });
      paintShape(layer, { polygon: [[x, 4, x + 14, 9, x + 11, 23, x, 20]] }, { value: 7, slice });
    }
    const labels = [0, 3].map((slice) => layer.read([0, 0, 60, 40], slice));
    for (const _ of interpolateSlices(layer, 0, 3));
    /** Distance to the outline by looking at every pixel; outside the image nothing has the label. */
    const distance = (map: ArrayLike<number>, label: number, x: number, y: number): number => {
      const own = map[y * 60 + x] === label;
      let least = Number.POSITIVE_INFINITY;
      for (let v = -1; v <= 40; v++) {
        for (let u = -1; u <= 60; u++) {
          const other = u >= 0 && v >= 0 && u < 60 && v < 40 && map[v * 60 + u] === label;
          if (other !== own) least = Math.min(least, Math.hypot(u - x, v - y));
        }
      }
      return own ? least - 0.5 : 0.5 - least;
    };
    for (const z of [1, 2]) {
      const found = layer.read([0, 0, 60, 40], z);
      for (let p = 0; p < found.length; p += 1) {
        const [x, y] = [p % 60, Math.floor(p / 60)];
        const [zero, seven] = [0, 7].map((label) => {
          const [first, last] = labels.map((map) => Math.fround(distance(map, label, x, y))) as [number, number];
          return Math.fround((1 - z / 3) * first + (z / 3) * last);
        }) as [number, number];
        const wanted = Math.max(zero, seven) < 0 ? 255 : zero >= seven ? 0 : 7;
        expect([x, y, z, found[p]]).toEqual([x, y, z, wanted]);
      }
    }
  });

  it('keeps what is painted in between, and leaves out a label that only one slice has', () => {
    const layer = layerOf(3);
    paintShape(layer, { box: [0, 0, 10, 10] }, { value: 1, slice: 0 });
    paintShape(layer, { box: [0, 0, 10, 10] }, { value: 1, slice: 2 });
    paintShape(layer, { box: [20, 0, 10, 10] }, { value: 2, slice: 2 });
    paintShape(layer, { box: [3, 0, 2, 10] }, { value: 4, slice: 1 });
    for (const _ of interpolateSlices(layer, 0, 2));
    expect(runsIn(layer, 1, 5)).toEqual(['1 0-3', '4 3-5', '1 5-10']);
    for (const _ of interpolateSlices(layer, 0, 2, { over: 'anything' }));
    expect(runsIn(layer, 1, 5)).toEqual(['1 0-10']);
  });

  it('needs a slice in between', () => {
    expect(() => interpolateSlices(layerOf(3), 1, 2).next()).toThrow('There is no slice between 1 and 2.');
    expect(() => interpolateSlices(layerOf(3), 0, 3).next()).toThrow('There is no slice 3');
    expect([...interpolateSlices(layerOf(3), 0, 2)]).toEqual([]);
  });
});

describe('a copied slice', () => {
  it('has the labels of the other, and keeps its own', () => {
    const layer = layerOf(3);
    paintShape(layer, { box: [250, 3, 50, 2] }, { value: 1, slice: 0 });
    paintShape(layer, { box: [255, 3, 2, 1] }, { value: 9, slice: 2 });
    copySlice(layer, 0, 2);
    expect([3, 4, 5].map((y) => runsIn(layer, 2, y))).toEqual([
      ['1 250-255', '9 255-257', '1 257-300'],
      ['1 250-300'],
      [],
    ]);
    copySlice(layer, 0, 2, { over: 'anything' });
    expect([runsIn(layer, 2, 3), runsIn(layer, 1, 3)]).toEqual([['1 250-300'], []]);
    expect(() => copySlice(layer, 0, 3)).toThrow('There is no slice 3');
  });
});
