import { describe, expect, it } from 'vitest';
import type { Region } from '../../src/annotate/region.ts';
import { ndarray } from '../../src/array/ndarray.ts';
import { annotate } from '../../src/dataset/annotate.ts';
import { COMPLETE, HELD, regionMask } from '../../src/dataset/labels/regions.ts';
import { type RawDataset, rawDataset } from '../../src/dataset/raw.ts';
import { toPolygons } from '../../src/objects/polygons.ts';

const region = (id: number, shape: Region['shape'], rest: Partial<Region> = {}): Region => ({
  id,
  shape,
  complete: true,
  origin: 'painted',
  held: false,
  ...rest,
});
const rows = (mask: ArrayLike<number>, width: number): readonly string[] =>
  Array.from({ length: mask.length / width }, (_, y) =>
    Array.from({ length: width }, (_, x) => mask[y * width + x]).join(''),
  );

const data = (height: number, width: number, values: readonly number[], slices = 1): RawDataset => {
  const axes = slices > 1 ? 'zyx' : 'yx';
  const shape = slices > 1 ? [slices, height, width] : [height, width];
  const of = (pixels: readonly number[]) =>
    ({ ...ndarray('uint16', shape, Uint16Array.from(pixels)), axes, spacing: {} }) as const;
  return rawDataset([{ name: 's01', image: of(values.map((_, p) => p)), label: of(values) }]);
};

describe('the pixels of a region', () => {
  it('are those of a rectangle', () => {
    expect(rows(regionMask([region(1, { box: [1, 0, 2, 2] })], [3, 4], 'a'), 4)).toEqual(['0550', '0550', '0000']);
  });

  it('are those whose centres lie in a polygon by the even-odd rule: an inner line is a hole', () => {
    const polygon = [
      [0, 0, 4, 0, 4, 4, 0, 4],
      [1, 1, 3, 1, 3, 3, 1, 3],
    ];
    const mask = regionMask([region(1, { polygon }, { held: true })], [4, 5], 'a');
    expect(rows(mask, 5)).toEqual(['33330', '30030', '30030', '33330']);
    expect(mask[0]).toBe(COMPLETE | HELD);
    // The triangle's edge x = y: a pixel centre on the left edge belongs to it, one on the right does not.
    const triangle = regionMask([region(1, { polygon: [[0, 0, 3, 3, 0, 3]] })], [3, 3], 'a');
    expect(rows(triangle, 3)).toEqual(['000', '500', '550']);
  });

  it('are the exact inverse of the outlines of objects', () => {
    const drawn = Uint8Array.from([0, 1, 1, 1, 0, 1, 0, 1, 0, 1, 1, 1, 1, 0, 0, 1]);
    const [outline] = toPolygons(ndarray('uint8', [4, 4], drawn));
    const polygon = outline?.polygons.flatMap(({ exterior, holes }) => [exterior, ...holes]) ?? [];
    const mask = regionMask([region(1, { polygon })], [4, 4], 'a');
    expect(Array.from(mask, (bits) => bits & COMPLETE)).toEqual([...drawn]);
  });
});

describe('a data set with regions', () => {
  const N = 65535;
  const labels = [7, N, N, N, N, N, N, N, N];

  it('has background where nobody painted in a complete region, and ignores the rest', () => {
    const raw = annotate(data(3, 3, labels), {
      notAnnotated: N,
      regions: { s01: [region(1, { box: [0, 0, 2, 2] }), region(2, { box: [2, 2, 1, 1] }, { complete: false })] },
    });
    expect([...(raw.pages[0]?.label.values ?? [])]).toEqual([7, 0, N, 0, 0, N, N, N, N]);
    expect(raw.declared?.ignore).toEqual([N]);
    expect(raw.pages[0]?.annotation?.regions.map(({ id }) => id)).toEqual([1, 2]);
  });

  it('keeps regions to their slice', () => {
    const raw = annotate(data(1, 2, [N, N, N, N], 2), {
      notAnnotated: N,
      regions: { s01: [region(1, { box: [0, 0, 1, 1] }, { slice: 1 })] },
    });
    expect(raw.pages.map(({ label }) => [...label.values])).toEqual([
      [N, N],
      [0, N],
    ]);
  });

  const refused = (regions: readonly Region[], image = 's01') => {
    return () => annotate(data(3, 3, labels), { notAnnotated: N, regions: { [image]: regions } });
  };
  it('refuses regions outside their image, by box, corner or slice', () => {
    expect(refused([region(4, { box: [1, 0, 3, 1] })])).toThrow(
      's01: region 4 is outside its image: x 1 to 4, y 0 to 1; the image is 3 x 3.',
    );
    expect(refused([region(4, { polygon: [[0, 0, 3, 0, 3, 5]] })])).toThrow('corner at x 3, y 5');
    expect(refused([region(4, { box: [0, 0, 1, 1] }, { slice: 2 })])).toThrow('slice 2; the image has 1');
    expect(refused([region(4, { polygon: [[0, 0, 0.2, 0, 0.2, 0.2]] })])).toThrow('encloses no pixel');
    expect(refused([region(4, { box: [0, 0, 0.5, 1] })])).toThrow('Use whole numbers');
  });

  it('refuses regions of an image that is not there, and one number twice', () => {
    expect(refused([], 's02')).toThrow('there are regions of "s02"');
    expect(refused([region(1, { box: [0, 0, 1, 1] }), region(1, { box: [1, 1, 1, 1] })])).toThrow('two regions 1');
  });

  it('refuses overlapping regions of which one is held out', () => {
    const [a, b] = [region(1, { box: [0, 0, 2, 2] }), region(2, { box: [1, 1, 2, 2] })];
    expect(refused([a, b])).not.toThrow();
    expect(refused([a, { ...b, held: true }])).toThrow(
      'region 2 is held out and overlaps one that is not, at x 1, y 1.',
    );
  });
});
