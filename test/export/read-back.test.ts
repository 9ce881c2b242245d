/** Objects and tables written here and read by the programs that people use. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unzipSync } from 'fflate';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ndarray } from '../../src/array/ndarray.ts';
import { writeCoco } from '../../src/export/coco.ts';
import { writeCsv } from '../../src/export/csv.ts';
import { writeGeoJson } from '../../src/export/geojson.ts';
import { writeRoiZip } from '../../src/export/imagej-roi.ts';
import { writeLabelTiff } from '../../src/export/label-tiff.ts';
import { type OutlinedSlice, outlineSlices } from '../../src/export/outlined-slices.ts';
import { writeParquet } from '../../src/export/parquet.ts';
import type { Table } from '../../src/measure/table.ts';
import { type IntegerArray, slicesOf } from '../../src/objects/grid.ts';
import { askImageJ, askPeer, describeWithImageJ, describeWithPeers } from '../support/peers.ts';
import { crowdedLabels, hardLabels } from './label-maps.ts';

const MICROMETRE = { value: 0.325, unit: 'µm' };

const table: Table = {
  rows: 3,
  columns: [
    { name: 'image', values: ['plain', 'with, comma', 'say "µ"'] },
    { name: 'label', values: Int32Array.of(1, 2, 65_536) },
    { name: 'area', unit: 'µm²', values: Float64Array.of(0.1, 1e-300, Number.NaN) },
    { name: 'orientation', unit: '°', values: Float64Array.of(-90, 1 / 3, 12345.678901234567) },
  ],
};

interface Answer {
  readonly labels: Readonly<Record<string, readonly number[]>>;
  readonly tiff: Readonly<
    Record<
      string,
      {
        readonly dtype: string;
        readonly shape: readonly number[];
        readonly unit: string | null;
        readonly z: number | null;
        readonly size: readonly [number, number];
        readonly labels: readonly number[];
      }
    >
  >;
  readonly parquet: {
    readonly types: Readonly<Record<string, string>>;
    readonly columns: Readonly<Record<string, readonly unknown[]>>;
    readonly metadata: Readonly<Record<string, string>>;
  };
  readonly csv: Answer['parquet'];
}

const maps: Readonly<Record<string, IntegerArray>> = {
  'holes, corners, gaps and large labels': hardLabels(),
  'crowded cells': crowdedLabels(70, 90, 40, 3),
  'a volume': ndarray(
    'uint16',
    [3, 40, 30],
    Uint16Array.from([1, 2, 3].flatMap((seed) => [...(crowdedLabels(40, 30, 12, seed).data as Uint16Array)])),
  ),
  'no objects': ndarray('uint8', [5, 7]),
};

describeWithPeers('read back by roifile, shapely, pycocotools, tifffile and pyarrow', () => {
  for (const [name, labels] of Object.entries(maps)) {
    describe(name, () => {
      const folder = mkdtempSync(join(tmpdir(), 'lamella-export-'));
      const shape = labels.shape.length === 3 ? labels.shape : [1, ...labels.shape];
      const pixels = [...labels.data] as number[];
      let answer: Answer;

      beforeAll(() => {
        const write = (file: string, content: string | Uint8Array) => writeFileSync(join(folder, file), content);
        const slices = outlineSlices(labels);
        const images = slicesOf(labels).map((slice, z) => ({ fileName: `slice${z}.png`, labels: slice }));
        const axes = labels.shape.length === 3 ? 'zyx' : 'yx';
        const spacing = { x: MICROMETRE, y: { value: 0.5, unit: 'µm' }, ...(axes === 'zyx' ? { z: MICROMETRE } : {}) };
        write('roi.zip', writeRoiZip(slices));
        write('objects.geojson', writeGeoJson(slices));
        write('polygon.json', writeCoco(images));
        write('rle.json', writeCoco(images, { segmentation: 'rle' }));
        write('labels.tif', writeLabelTiff(labels, { axes, spacing }));
        write('table.csv', writeCsv(table));
        write('table.parquet', writeParquet(table));
        answer = askPeer<Answer>('read_exports.py', folder, JSON.stringify(shape));
      });
      afterAll(() => rmSync(folder, { recursive: true, force: true }));

      for (const file of ['roi.zip', 'objects.geojson', 'polygon.json', 'rle.json']) {
        test(`${file}: every pixel of every object`, () => {
          expect(answer.labels[file]).toEqual(pixels);
        });
      }

      test('TIFF: values, depth, pixel size and unit', () => {
        const tiff = answer.tiff['labels.tif'];
        const large = pixels.some((value) => value > 65_535);
        expect(tiff?.dtype).toBe(large ? 'uint32' : 'uint16');
        expect(tiff?.shape).toEqual(labels.shape);
        expect(tiff?.labels).toEqual(pixels);
        expect(tiff?.size).toEqual([0.325, 0.5]);
        expect(tiff?.unit).toBe('micron');
        if (labels.shape.length === 3) expect(tiff?.z).toBe(0.325);
      });

      test('CSV and Parquet: types, values to the last bit, units in the header', () => {
        for (const read of [answer.csv, answer.parquet]) {
          expect(read.types).toMatchObject({ image: 'string', area_um2: 'double', orientation_deg: 'double' });
          expect(read.columns).toEqual({
            image: ['plain', 'with, comma', 'say "µ"'],
            label: [1, 2, 65_536],
            area_um2: [0.1, 1e-300, null],
            orientation_deg: [-90, 1 / 3, 12345.678901234567],
          });
        }
        expect(answer.parquet.types.label).toBe('int32');
        expect(JSON.parse(answer.parquet.metadata.units ?? '')).toEqual({ area_um2: 'µm²', orientation_deg: '°' });
      });
    });
  }

  test('a table without rows is read as one', () => {
    const folder = mkdtempSync(join(tmpdir(), 'lamella-export-'));
    const empty: Table = {
      rows: 0,
      columns: [
        { name: 'image', values: [] },
        { name: 'area', unit: 'px²', values: new Float64Array(0) },
      ],
    };
    writeFileSync(join(folder, 'table.csv'), writeCsv(empty));
    writeFileSync(join(folder, 'table.parquet'), writeParquet(empty));
    const { csv, parquet } = askPeer<Answer>('read_exports.py', folder, '[1,1,1]');
    expect(csv.columns).toEqual({ image: [], area_px2: [] });
    expect(parquet.columns).toEqual({ image: [], area_px2: [] });
    rmSync(folder, { recursive: true, force: true });
  });

  test('more rows than Parquet stores together, some without a value', () => {
    const folder = mkdtempSync(join(tmpdir(), 'lamella-export-'));
    const label = Int32Array.from({ length: 100_003 }, (_, i) => i - 50_000);
    const area = Float64Array.from(label, (i) => (i % 3 === 0 || i > 49_000 ? Number.NaN : i / 7));
    const long: Table = {
      rows: label.length,
      columns: [
        { name: 'label', values: label },
        { name: 'area', values: area },
      ],
    };
    writeFileSync(join(folder, 'table.csv'), writeCsv(long));
    writeFileSync(join(folder, 'table.parquet'), writeParquet(long));
    const { columns } = askPeer<Answer>('read_exports.py', folder, '[1,1,1]').parquet;
    expect(columns.label).toEqual([...label]);
    expect(columns.area).toEqual(Array.from(area, (value) => (Number.isNaN(value) ? null : value)));
    rmSync(folder, { recursive: true, force: true });
  });
});

/** The second of three slices, or the second of three times, or both; the image may have two channels. */
const PLACES = [
  { image: 'a picture', sizes: [1, 1, 1], place: {}, planes: [[1, 1, 1]] },
  {
    image: 'a picture of two channels',
    sizes: [2, 1, 1],
    place: {},
    planes: [
      [1, 1, 1],
      [2, 1, 1],
    ],
  },
  { image: 'slices', sizes: [1, 3, 1], place: { z: 1 }, planes: [[1, 2, 1]] },
  {
    image: 'slices of two channels',
    sizes: [2, 3, 1],
    place: { z: 1 },
    planes: [
      [1, 2, 1],
      [2, 2, 1],
    ],
  },
  { image: 'times', sizes: [1, 1, 3], place: { t: 1 }, planes: [[1, 1, 2]] },
  {
    image: 'times of two channels',
    sizes: [2, 1, 3],
    place: { t: 1 },
    planes: [
      [1, 1, 2],
      [2, 1, 2],
    ],
  },
  { image: 'slices over time', sizes: [1, 3, 3], place: { z: 1, t: 1 }, planes: [[1, 2, 2]] },
  {
    image: 'all of them',
    sizes: [2, 3, 3],
    place: { z: 1, t: 1 },
    planes: [
      [1, 2, 2],
      [2, 2, 2],
    ],
  },
] as const;

describeWithImageJ('ImageJ shows a ROI where its object is, in all channels', () => {
  test.each(PLACES)('$image', ({ sizes, place, planes }) => {
    const labels = ndarray('uint8', [8, 8]);
    for (let y = 2; y < 6; y++) labels.data.fill(7, 8 * y + 2, 8 * y + 6);
    const [{ outlines }] = outlineSlices(labels) as [OutlinedSlice];
    const folder = mkdtempSync(join(tmpdir(), 'lamella-imagej-'));
    for (const [file, bytes] of Object.entries(
      unzipSync(writeRoiZip([{ ...place, outlines }], { channels: sizes[0] })),
    ))
      writeFileSync(join(folder, file), bytes);
    const shown = askImageJ<Record<string, unknown>>('imagej_positions.js', folder, ...sizes.map(String));
    expect(Object.values(shown)).toEqual([planes]);
    rmSync(folder, { recursive: true, force: true });
  });
});

describeWithImageJ('ImageJ', () => {
  test('fills each ROI with the pixels of its object, and reads labels with their pixel size', () => {
    // ImageJ's pictures have 16 bits: the labels 1, 2, ... in their order.
    const given = hardLabels();
    const order = [...new Set(given.data as Uint32Array)].sort((a, b) => a - b);
    const labels = ndarray(
      'uint16',
      given.shape,
      Uint16Array.from(given.data, (value) => order.indexOf(value)),
    );
    const [height, width] = labels.shape as [number, number];
    const folder = mkdtempSync(join(tmpdir(), 'lamella-imagej-'));
    for (const [file, bytes] of Object.entries(unzipSync(writeRoiZip(outlineSlices(labels)))))
      writeFileSync(join(folder, file), bytes);
    const spacing = { x: MICROMETRE, y: { value: 0.5, unit: 'µm' } };
    writeFileSync(join(folder, 'labels.tif'), writeLabelTiff(labels, { axes: 'yx', spacing }));
    const pixels = [...(labels.data as Uint16Array)];
    expect(askImageJ<unknown>('imagej.js', folder, String(width), String(height))).toEqual({
      names: order.slice(1).map((_, i) => String(i + 1).padStart(4, '0')),
      filled: pixels,
      labels: pixels,
      bits: 16,
      unit: 'micron',
      // ImageJ turns pixels a unit over once more.
      pixelWidth: expect.closeTo(0.325, 12),
      pixelHeight: 0.5,
    });
    rmSync(folder, { recursive: true, force: true });
  });
});
