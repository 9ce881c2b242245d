/** Annotations of other programs, of every kind, that are empty, outside of their image, on top of each other, or lie. */

import { zipSync } from 'fflate';
import { describe, expect, it, test } from 'vitest';
import { ndarray } from '../../src/array/ndarray.ts';
import { findMapping } from '../../src/dataset/labels/labels.ts';
import { readDataset } from '../../src/dataset/prepare.ts';
import { labelOptions } from '../../src/dataset/raw.ts';
import { readShapes } from '../../src/dataset/shapes/roi-files.ts';
import { writePng } from '../../src/image/formats/png/write.ts';
import { memoryFiles } from '../../src/workflows/memory-files.ts';

const [HEIGHT, WIDTH] = [20, 30];
const picture = writePng({ ...ndarray('uint8', [HEIGHT, WIDTH]), axes: 'yx', spacing: {} });

interface Square {
  readonly x: number;
  readonly y: number;
  readonly side: number;
  readonly name?: string;
}

const corners = ({ x, y, side }: Square): readonly (readonly [number, number])[] => [
  [x, y],
  [x + side, y],
  [x + side, y + side],
  [x, y + side],
];

/** A rectangle of ImageJ. */
function roi({ x, y, side }: Square): Uint8Array {
  const view = new DataView(new ArrayBuffer(64));
  view.setUint32(0, 0x496f7574);
  view.setInt16(4, 227);
  view.setUint8(6, 1);
  for (const [i, value] of [y, x, y + side, x + side].entries()) view.setInt16(8 + 2 * i, value);
  return new Uint8Array(view.buffer);
}

/** A file of these squares, as each program writes it. */
const WRITERS: Readonly<
  Record<string, (squares: readonly Square[]) => readonly [name: string, text: string | Uint8Array]>
> = {
  GeoJSON: (squares) => [
    'a.geojson',
    JSON.stringify({
      type: 'FeatureCollection',
      features: squares.map((square) => ({
        type: 'Feature',
        geometry: { type: 'Polygon', coordinates: [[...corners(square), corners(square)[0]]] },
        properties: square.name === undefined ? {} : { classification: { name: square.name } },
      })),
    }),
  ],
  COCO: (squares) => {
    const names = [...new Set(squares.map(({ name = 'cell' }) => name)), 'none'];
    return [
      'instances.json',
      JSON.stringify({
        images: [{ id: 1, file_name: 'a.png', width: WIDTH, height: HEIGHT }],
        categories: names.map((name, i) => ({ id: i + 1, name })),
        annotations: squares.map((square, i) => ({
          ...{ id: i + 1, image_id: 1, iscrowd: 0, segmentation: [corners(square).flat()] },
          category_id: 1 + names.indexOf(square.name ?? 'cell'),
        })),
      }),
    ];
  },
  'XML of CVAT': (squares) => {
    const shapes = squares.map(
      (square) =>
        `<polygon label="${square.name ?? 'cell'}" points="${corners(square).map(String).join(';')}" z_order="0"></polygon>`,
    );
    const image = `<image id="0" name="a.png" width="${WIDTH}" height="${HEIGHT}">${shapes.join('')}</image>`;
    return ['annotations.xml', `<annotations><version>1.1</version>${image}</annotations>`];
  },
  'shapes of napari': (squares) => [
    'a_shapes.csv',
    [
      'index,shape-type,vertex-index,axis-0,axis-1',
      ...squares.flatMap((square, i) => corners(square).map(([x, y], k) => `${i},polygon,${k},${y},${x}`)),
      '',
    ].join('\n'),
  ],
  'zip of ImageJ': (squares) => ['a.zip', zipSync(Object.fromEntries(squares.map((one, i) => [`${i}.roi`, roi(one)])))],
};
/** Those whose shapes have classes by name. */
const NAMED = ['GeoJSON', 'COCO', 'XML of CVAT'];

const dataOf = (kind: string, squares: readonly Square[]) => {
  const [name, content] = (WRITERS[kind] as (typeof WRITERS)[string])(squares);
  const bytes = content instanceof Uint8Array ? content : new TextEncoder().encode(content);
  return readDataset(memoryFiles({ 'data/a.png': picture, [`data/${name}`]: bytes }), 'data');
};
const problemOf = (kind: string, squares: readonly Square[]): Promise<string> =>
  dataOf(kind, squares).then(
    () => 'none',
    (cause: unknown) => (cause as Error).message,
  );

describe.each(Object.keys(WRITERS))('%s', (kind) => {
  it('of one square is its pixels, where nothing is wrong', async () => {
    const { pages } = await dataOf(kind, [{ x: 2, y: 3, side: 4 }]);
    const painted = [...(pages[0]?.label.values ?? [])].flatMap((value, p) => (value === 0 ? [] : [p]));
    expect(painted.length).toBeGreaterThanOrEqual(16);
    for (const y of [3, 4, 5, 6]) for (const x of [2, 3, 4, 5]) expect(painted).toContain(y * WIDTH + x);
  });

  it('empty', async () => {
    // A zip of nothing does not say that it is of ImageJ.
    if (kind.startsWith('zip')) return expect(await problemOf(kind, [])).toContain('no labels');
    const data = await dataOf(kind, []);
    expect(data.notes.join('\n')).toMatch(/1 image without any shape, such as of .*a/);
    const labels = data.pages.map(({ label }) => label);
    expect(labels[0]?.values.every((value) => value === 0)).toBe(true);
    expect(() => findMapping(labels, labelOptions(data))).toThrow(
      /a.*: the labels .* hold the value 0 only: all background/,
    );
  });

  it('outside of its image', async () => {
    for (const place of [
      { x: WIDTH, y: 3 },
      { x: 2, y: HEIGHT + 80 },
      { x: -9, y: 3 },
    ]) {
      const said = await problemOf(kind, [{ ...place, side: 4 }]);
      expect(said).toMatch(/^data\/.*is outside its image: x .* to .*; the image is 30 x 20\. Use the shapes/);
    }
  });

  it('on top of each other: the last has the pixels, which is said', async () => {
    const data = await dataOf(kind, [
      { x: 2, y: 3, side: 8 },
      { x: 5, y: 3, side: 8 },
    ]);
    expect(data.notes.join()).toMatch(/\d+ pixels belong to several shapes: the last one has them/);
  });
});

test.each(NAMED)('%s: class names that differ in case alone', async (kind) => {
  const said = await problemOf(kind, [
    { x: 1, y: 1, side: 4, name: 'Cell' },
    { x: 9, y: 1, side: 4, name: 'cell' },
  ]);
  expect(said).toBe(
    'data: the class names "Cell" and "cell" differ only in upper and lower case. Give one class one name, in all files.',
  );
});

describe('a zip of ImageJ', () => {
  it('whose names lead elsewhere is refused', async () => {
    const zip = zipSync({ 'a.roi': roi({ x: 9, y: 3, side: 4 }), '../../evil.roi': roi({ x: 2, y: 3, side: 4 }) });
    await expect(readDataset(memoryFiles({ 'data/a.png': picture, 'data/a.zip': zip }), 'data')).rejects.toThrow(
      'a.zip: the zip archive holds a file named "../../evil.roi", which lies outside of it. Do not open it.',
    );
  });

  it('with a region of no points, or of points that are no numbers, names it', async () => {
    const polygon = (points: readonly number[]): Uint8Array => {
      const bytes = new Uint8Array(64 + 12 * points.length);
      bytes.set(roi({ x: 0, y: 0, side: 0 }));
      const view = new DataView(bytes.buffer);
      view.setUint8(6, 0);
      view.setInt16(16, points.length);
      // Sub-pixel coordinates.
      view.setInt16(50, 128);
      points.forEach((value, i) => {
        view.setFloat32(64 + 4 * points.length + 4 * i, value);
        view.setFloat32(64 + 8 * points.length + 4 * i, i);
      });
      return zipSync({ 'b.roi': bytes });
    };
    expect(await readShapes(polygon([1, 5, 3]), 'a.zip')).toHaveLength(1);
    for (const points of [[], [1, Number.NaN, 3], [1, Number.POSITIVE_INFINITY, 3]]) {
      await expect(readShapes(polygon(points), 'a.zip')).rejects.toThrow(
        'a.zip/b.roi: the region is without a place, which is not supported. Delete it',
      );
    }
  });
});
