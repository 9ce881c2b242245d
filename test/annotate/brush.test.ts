/** Brush strokes against their definition, pixel by pixel. */
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { BrushStroke } from '../../src/annotate/brush.ts';
import { LabelLayer } from '../../src/annotate/label-layer.ts';

type Position = readonly [x: number, y: number];

/** The definition in whole numbers: twice the coordinates, compared without a root or a division. */
function inStroke(px: number, py: number, positions: readonly Position[], diameter: number): boolean {
  const centres = positions.map(([x, y]) =>
    diameter % 2 === 1 ? [2 * Math.floor(x) + 1, 2 * Math.floor(y) + 1] : [2 * Math.round(x), 2 * Math.round(y)],
  ) as unknown as readonly Position[];
  const [x, y] = [2 * px + 1, 2 * py + 1];
  return centres.some(([bx, by], i) => {
    const [ax, ay] = centres[Math.max(0, i - 1)];
    const [dx, dy, u, v] = [bx - ax, by - ay, x - ax, y - ay].map(BigInt) as [bigint, bigint, bigint, bigint];
    const limit = BigInt(diameter) ** 2n;
    const [along, length2] = [u * dx + v * dy, dx * dx + dy * dy];
    if (along <= 0n) return u * u + v * v <= limit;
    if (along >= length2) return (u - dx) ** 2n + (v - dy) ** 2n <= limit;
    return (u * dy - v * dx) ** 2n <= limit * length2;
  });
}

function painted(positions: readonly Position[], diameter: number, [height, width]: readonly [number, number]) {
  const layer = new LabelLayer('classes', { width, height });
  const stroke = new BrushStroke(layer, { diameter, value: 1 });
  for (const [x, y] of positions) stroke.moveTo(x, y);
  return layer;
}

/** Pixels where a stroke and its definition differ. */
function differences(positions: readonly Position[], diameter: number, size: readonly [number, number]) {
  const layer = painted(positions, diameter, size);
  const wrong: Position[] = [];
  for (let y = 0; y < size[0]; y++) {
    for (let x = 0; x < size[1]; x++) {
      if ((layer.get(x, y) === 1) !== inStroke(x, y, positions, diameter)) wrong.push([x, y]);
    }
  }
  return wrong;
}

const rows = (layer: LabelLayer): readonly string[] =>
  Array.from({ length: layer.height }, (_, y) =>
    Array.from({ length: layer.width }, (_, x) => (layer.get(x, y) === 1 ? '#' : '.')).join(''),
  );

describe('a disc', () => {
  it('of 1 is the pixel, of 2 is 2 x 2 pixels at the nearest corner, of 3 is 3 x 3, of 5 has round corners', () => {
    expect(rows(painted([[2.9, 1.1]], 1, [3, 4]))).toEqual(['....', '..#.', '....']);
    expect(rows(painted([[2.4, 1.6]], 2, [4, 4]))).toEqual(['....', '.##.', '.##.', '....']);
    expect(rows(painted([[1.5, 1.5]], 3, [4, 4]))).toEqual(['###.', '###.', '###.', '....']);
    expect(rows(painted([[2.5, 2.5]], 5, [5, 5]))).toEqual(['.###.', '#####', '#####', '#####', '.###.']);
  });

  test.each([1, 2, 3, 24, 255])('of %i equals the definition at the corners of the image and across chunks', (d) => {
    const size = [300, 520] as const;
    for (const at of [
      [0, 0],
      [519.9, 0.2],
      [519.9, 299.9],
      [0.5, 299.5],
      [256, 256],
      [-3, 150.2],
    ] as const) {
      expect(differences([at], d, size)).toEqual([]);
    }
  });
});

describe('a stroke', () => {
  it('of one pixel has no gap', () => {
    expect(
      rows(
        painted(
          [
            [0.5, 0.5],
            [5.5, 2.5],
          ],
          1,
          [3, 6],
        ),
      ),
    ).toEqual(['##....', '..##..', '....##']);
  });

  it('equals the discs along the lines between its positions, whatever these are', () => {
    const position = fc.tuple(
      fc.double({ min: -30, max: 130, noNaN: true }),
      fc.double({ min: -30, max: 110, noNaN: true }),
    );
    fc.assert(
      fc.property(
        fc.array(position, { minLength: 1, maxLength: 4 }),
        fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 90 })),
        (positions, diameter) => differences(positions, diameter, [80, 100]).length === 0,
      ),
      { numRuns: 300 },
    );
  });

  it('of 2,000 pixels by five events has no gap', () => {
    const positions = [
      [10, 500],
      [520, 40],
      [1000.3, 700.7],
      [1500, 120.5],
      [1990, 800],
    ] as const;
    expect(differences(positions, 13, [820, 2000])).toEqual([]);
  });

  it('with a large brush equals the whole capsules, although only their rims are painted', () => {
    expect(
      differences(
        [
          [100, 100],
          [140.2, 93.7],
          [333, 210],
          [333, 210],
          [20, 260],
        ],
        513,
        [400, 420],
      ),
    ).toEqual([]);
  });
});

describe('painting', () => {
  const layerWith = (kind: 'classes' | 'objects', values: readonly number[]) => {
    const layer = new LabelLayer(kind, { width: values.length, height: 1 });
    for (const [x, value] of values.entries()) layer.fill(0, 0, x, x + 1, value);
    return layer;
  };
  const across = (layer: LabelLayer, options: Partial<ConstructorParameters<typeof BrushStroke>[1]>) => {
    const stroke = new BrushStroke(layer, { diameter: 1, value: 1, ...options });
    stroke.moveTo(0, 0.5);
    stroke.moveTo(layer.width, 0.5);
    return Array.from(layer.read([0, 0, layer.width, 1]));
  };

  it('keeps other labels over unlabelled pixels: beside objects these are background and what nobody annotated', () => {
    expect(across(layerWith('classes', [0, 2, 255, 1]), { over: 'unlabelled' })).toEqual([0, 2, 1, 1]);
    const none = 2147483647;
    expect(across(layerWith('objects', [0, 2, none, 9]), { over: 'unlabelled' })).toEqual([1, 2, 1, 9]);
  });

  it('replaces only one label, or only pixels within an area', () => {
    expect(across(layerWith('classes', [0, 2, 255, 0]), { over: 0 })).toEqual([1, 2, 255, 1]);
    const polygon = [[1, 0, 3, 0, 3, 1, 1, 1]];
    expect(across(layerWith('classes', [0, 2, 255, 0]), { within: { polygon } })).toEqual([0, 1, 1, 0]);
    expect(across(layerWith('classes', [0, 2, 255, 0]), { within: { box: [3, 0, 1, 1] } })).toEqual([0, 2, 255, 1]);
  });

  it('with "not annotated" erases', () => {
    expect(across(layerWith('classes', [0, 2, 255, 1]), { value: 255, over: 2 })).toEqual([0, 255, 255, 1]);
  });

  it('refuses what the layer does not have', () => {
    const layer = new LabelLayer('classes', { width: 4, height: 4 });
    expect(() => new BrushStroke(layer, { diameter: 0, value: 1 })).toThrow('a diameter of 0 pixels');
    expect(() => new BrushStroke(layer, { diameter: 1.5, value: 1 })).toThrow('a whole number from 1 to 4096');
    expect(() => new BrushStroke(layer, { diameter: 1, value: 256 })).toThrow('256 is no label of classes');
    expect(() => new BrushStroke(layer, { diameter: 1, value: 1, slice: 1 })).toThrow('There is no slice 1');
    expect(() => new BrushStroke(layer, { diameter: 1, value: 1 }).moveTo(Number.NaN, 1)).toThrow('x NaN');
  });
});
