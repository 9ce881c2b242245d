/** Shapes of other programs as pixels: those that ImageJ and shapely find, and what this library itself exports. */
import { readFileSync } from 'node:fs';
import { zipSync } from 'fflate';
import { describe, expect, it, test } from 'vitest';
import { ndarray } from '../../src/array/ndarray.ts';
import { parseGeoJson } from '../../src/dataset/shapes/geojson.ts';
import { decodeRoi } from '../../src/dataset/shapes/imagej-roi.ts';
import { numbersOf, paintShapes } from '../../src/dataset/shapes/paint.ts';
import { isRoiZip, readShapes } from '../../src/dataset/shapes/roi-files.ts';
import type { Shape } from '../../src/dataset/shapes/shape.ts';
import { writeGeoJson } from '../../src/export/geojson.ts';
import { writeRoiZip } from '../../src/export/imagej-roi.ts';
import { outlineSlices } from '../../src/export/outlined-slices.ts';
import type { Image } from '../../src/image/image.ts';
import type { Size } from '../../src/objects/fill-polygon.ts';
import type { IntegerArray } from '../../src/objects/grid.ts';
import { crowdedLabels, hardLabels } from '../export/label-maps.ts';

const read = (name: string) => JSON.parse(readFileSync(`test/golden/${name}.json`, 'utf8'));
const bytesOf = (base64: string): Uint8Array => Buffer.from(base64, 'base64');

/** Row, first column, column after the last, as in the golden files. */
function runsOf(shape: Shape, [height, width]: Size): readonly number[] {
  const mask = new Uint8Array(height * width);
  shape.fill([height, width], (row, from, to) => mask.fill(1, row * width + from, row * width + to));
  const runs: number[] = [];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const from = x;
      while (x < width && mask[y * width + x] === 1) x++;
      if (x > from) runs.push(y, from, x);
    }
  }
  return runs;
}

const blank = (axes: string, ...shape: number[]): Image => ({
  ...ndarray('uint8', shape, new Uint8Array(shape.reduce((a, b) => a * b, 1))),
  axes,
  spacing: {},
});
const paint = (shapes: readonly Shape[], image: Image, kind: 'objects' | 'classes' = 'objects', names: string[] = []) =>
  paintShapes(shapes, image, { kind, classNames: names, file: 'a.zip' });

describe('regions of interest of ImageJ 1.53t', () => {
  const { size, cases, refused } = read('imagej_rois');

  test.each<{ name: string; roi: string; runs: readonly number[] }>(cases)('$name', ({ name, roi, runs }) => {
    const shape = decodeRoi(bytesOf(roi), name);
    expect([shape.name, runsOf(shape, [size, size])]).toEqual([name, runs]);
  });

  it('have a position in a stack or a hyperstack, and a group as class', () => {
    const [plain, hyper] = cases
      .slice(-2)
      .map(({ name, roi }: (typeof cases)[number]) => decodeRoi(bytesOf(roi), name));
    expect([plain.place, plain.className]).toEqual([{ index: 4 }, undefined]);
    expect([hyper.place, hyper.className]).toEqual([{ z: 2, t: 3 }, 'group 7']);
  });

  test.each(Object.entries(refused as Record<string, string>))('%s is refused by name', (kind, roi) => {
    const word = { line: 'line', point: 'point', 'segmented line': 'segmented line' }[kind] ?? kind;
    expect(() => decodeRoi(bytesOf(roi), 'a.roi')).toThrow(word);
  });

  it('are truncated at any byte without another error', () => {
    for (const { roi } of cases.slice(0, 60)) {
      const bytes = bytesOf(roi);
      for (let end = 0; end < 90; end += 7) {
        try {
          decodeRoi(bytes.subarray(0, Math.min(end, bytes.length)), 'a.roi');
        } catch (cause) {
          expect((cause as { code: string }).code).toBe('format');
        }
      }
    }
  });
});

describe('polygons of QuPath', () => {
  const { size, shapes, roifile } = read('shapes');

  test.each<{ name: string; geometry: object; runs: readonly number[] }>(shapes)('$name', ({ geometry, runs }) => {
    const [shape] = parseGeoJson(JSON.stringify({ type: 'Feature', geometry, properties: {} }), 'a.geojson');
    expect(runsOf(shape as Shape, [size, size])).toEqual(runs);
  });

  it('a zip of roifile has names and positions', async () => {
    const found = await readShapes(bytesOf(roifile), 'a.zip');
    // Written with the positions 2 and 1, which roifile counts from 0 too.
    expect(found.map(({ name, place }) => [name, place])).toEqual([
      ['cell 1', { index: 2 }],
      ['cell 2', { index: 1 }],
    ]);
    expect(runsOf(found[0] as Shape, [20, 20])).toEqual([3, 4, 5, 6, 7, 8].flatMap((y) => [y, 2, 11]));
  });
});

describe('what Lamella exports', () => {
  const maps: readonly (readonly [string, IntegerArray])[] = [
    ['hard cases', hardLabels()],
    ['neighbours without a gap', crowdedLabels(60, 70, 25, 1)],
  ];
  const volume = ndarray(
    'uint16',
    [3, 4, 5],
    Uint16Array.from({ length: 60 }, (_, p) => (p % 7 < 3 ? 1 + (p % 4) : 0)),
  );

  test.each([...maps, ['a volume', volume] as const])('comes back exactly: %s', async (_, labels) => {
    const image = blank(labels.shape.length === 2 ? 'yx' : 'zyx', ...labels.shape);
    const slices = outlineSlices(labels);
    for (const shapes of [
      await readShapes(writeRoiZip(slices), 'a.zip'),
      parseGeoJson(writeGeoJson(slices), 'a.geojson'),
    ]) {
      expect(Array.from(paint(shapes, image).data)).toEqual(Array.from(labels.data));
    }
  });

  it('also at a time point of a hyperstack', async () => {
    const slices = outlineSlices(volume, { t: 1 });
    const image = blank('tczyx', 2, 2, 3, 4, 5);
    for (const shapes of [
      await readShapes(writeRoiZip(slices, { channels: 2 }), 'a.zip'),
      parseGeoJson(writeGeoJson(slices), 'a.geojson'),
    ]) {
      const { axes, data } = paint(shapes, image);
      expect([axes, Array.from(data.subarray(60))]).toEqual(['tzyx', Array.from(volume.data)]);
    }
  });
});

const square = (x: number, y: number, side: number, properties: object = {}, geometry: object = {}) => ({
  type: 'Feature',
  geometry: {
    type: 'Polygon',
    coordinates: [
      [
        [x, y],
        [x + side, y],
        [x + side, y + side],
        [x, y + side],
        [x, y],
      ],
    ],
    ...geometry,
  },
  properties,
});
const features = (...list: object[]): readonly Shape[] =>
  parseGeoJson(JSON.stringify({ type: 'FeatureCollection', features: list }), 'a.geojson');
const classed = (name: string, more: object = {}) => ({ classification: { name, ...more } });

describe('painting', () => {
  it('numbers objects, or gives them the value of their class', () => {
    const shapes = features(square(0, 0, 1, classed('Tumor')), square(2, 0, 1, classed('Stroma')), square(3, 0, 1));
    const image = blank('yx', 1, 4);
    expect([...paint(shapes, image).data]).toEqual([1, 0, 2, 3]);
    expect([...paint(shapes, image, 'classes', ['Stroma', 'Tumor']).data]).toEqual([2, 0, 1, 3]);
  });

  it('knows names and colours of classes in the forms that QuPath has', () => {
    const [a, b, c] = features(
      square(0, 0, 1, classed('Tumor', { color: [200, 0, 16] })),
      square(0, 0, 1, classed('Tumor', { colorRGB: -3670000 })),
      square(0, 0, 1, { classification: { names: ['CD3', 'CD8'] } }),
    );
    expect([a, b, c].map((shape) => [shape?.className, shape?.colour])).toEqual([
      ['Tumor', 0xc80010],
      ['Tumor', -3670000 & 0xffffff],
      ['CD3: CD8', undefined],
    ]);
  });

  it('leaves what is outside of Region* and inside of Ignore* not annotated', () => {
    const shapes = features(
      square(1, 0, 1, classed('cell')),
      square(0, 0, 3, classed('Region*')),
      square(2, 0, 1, classed('Ignore*')),
    );
    expect([...paint(shapes, blank('yx', 1, 5)).data]).toEqual([0, 1, 0x7fffffff, 0x7fffffff, 0x7fffffff]);
    expect([...paint(shapes, blank('yx', 1, 5), 'classes', ['cell']).data]).toEqual([0, 1, 255, 255, 255]);
  });

  it('says what is covered, cut off, empty, and on every slice', () => {
    const flat = paint(features(square(0, 0, 2), square(1, 0, 9), square(0.6, 0.6, 0.2)), blank('yx', 2, 4));
    expect(flat.notes).toEqual([
      '2 pixels belong to several shapes: the last one has them.',
      '1 shape cut off at the edge of the image.',
      '1 shape without any pixel left out.',
    ]);
    const everywhere = decodeRoi(bytesOf(read('imagej_rois').cases[0].roi), 'a.roi');
    const stack = paint([everywhere], blank('zyx', 2, 20, 20));
    expect(stack.notes).toEqual(['1 shape without a position drawn on every slice.']);
    expect(stack.data.filter((value) => value === 1).length).toBe(2 * 70);
  });

  it('takes the numbers of names only if all have one and each occurs once', () => {
    const named = (...names: string[]) => numbersOf(features(...names.map((name) => square(0, 0, 1, { name }))));
    expect(named('12', '7')).toEqual([12, 7]);
    expect(named('12', 'a')).toEqual([1, 2]);
    expect(named('12', '12')).toEqual([1, 2]);
    expect(named('0')).toEqual([1]);
    // ImageJ's own names are coordinates.
    expect(named('0012-0040', '0003-0009')).toEqual([1, 2]);
  });
});

describe('bad input', () => {
  it('is a shape outside of its image', () => {
    const image = blank('yx', 4, 4);
    expect(() => paint(features(square(4, 0, 2, { name: 'cell' })), image)).toThrow(
      'a.zip: the shape "cell" is outside its image: x 4 to 6, y 0 to 2; the image is 4 x 4. Use the shapes that were drawn on this image.',
    );
    expect(() => paint(features(square(0, 0, 2, {}, { plane: { z: 1, t: 0 } })), image)).toThrow('slice 2 of 1');
    const [placed] = read('imagej_rois').cases.slice(-2);
    const fifth = decodeRoi(bytesOf(placed.roi), 'a.roi');
    expect(() => paint([fifth], blank('zyx', 4, 9, 9))).toThrow('position 5; the image has 4');
    expect(paint([fifth], blank('zyx', 5, 9, 9)).data.indexOf(1)).toBe(4 * 81 + 2 * 9 + 1);
  });

  it('is GeoJSON that is truncated, of another kind, or holds points', () => {
    expect(() => parseGeoJson('{"type":"FeatureColl', 'a.geojson')).toThrow('this is not JSON, or it is truncated');
    expect(() => parseGeoJson('{"type":"FeatureCollection"}', 'a.geojson')).toThrow('has no list of features');
    expect(() => parseGeoJson('{"a":1}', 'a.geojson')).toThrow('feature 1 is no GeoJSON feature');
    const point = { type: 'Feature', geometry: { type: 'Point', coordinates: [1, 2] }, properties: { name: 'x' } };
    expect(() => features(point)).toThrow('feature 1 ("x") is a Point, which encloses no area');
    const broken = square(
      0,
      0,
      1,
      {},
      {
        coordinates: [
          [
            [0, 0],
            ['1', 2],
            [3, 4],
            [0, 0],
          ],
        ],
      },
    );
    expect(() => features(broken)).toThrow('feature 1 has a ring that is no list of at least four positions');
  });

  it('is a truncated zip', async () => {
    const zip = writeRoiZip(outlineSlices(crowdedLabels(30, 30, 9, 1)));
    for (const end of [zip.length - 1, zip.length - 30, zip.length >> 1, 40]) {
      await expect(readShapes(zip.subarray(0, end), 'a.zip'), String(end)).rejects.toThrow(
        'a.zip: the zip archive is truncated or damaged.',
      );
    }
    const broken = zipSync({ '1.roi': Uint8Array.of(1, 2, 3) });
    await expect(readShapes(broken, 'a.zip')).rejects.toThrow(
      'a.zip/1.roi: this is not a region of interest of ImageJ.',
    );
  });

  it('is a zip of which a byte is another one', async () => {
    const roi = Buffer.from(read('imagej_rois').cases[0].roi, 'base64');
    // Not compressed, so that only the checksum tells: a corner lies elsewhere.
    const zip = Buffer.from(zipSync({ '1.roi': roi }, { level: 0 }));
    expect(await readShapes(zip, 'a.zip')).toHaveLength(1);
    const start = zip.indexOf(roi);
    zip[start + 15] = (zip[start + 15] as number) ^ 4;
    expect(await readShapes(zip.subarray(start, start + roi.length), 'a.roi')).toHaveLength(1);
    await expect(readShapes(zip, 'a.zip')).rejects.toThrow('a.zip: "1.roi" is damaged.');
  });

  it('an archive of anything else is none of regions', () => {
    const head = (zip: Uint8Array): Uint8Array => zip.subarray(0, 512);
    expect(isRoiZip(head(zipSync({ 'a/0001.roi': new Uint8Array(70) })))).toBe(true);
    expect(isRoiZip(head(zipSync({ 'a.tif': new Uint8Array(70) })))).toBe(false);
  });
});
