/** Contours of radiotherapy and shapes of napari as labels: every pixel. */

import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, test } from 'vitest';
import { findMapping } from '../../src/dataset/labels/labels.ts';
import { readDataset } from '../../src/dataset/prepare.ts';
import { labelOptions } from '../../src/dataset/raw.ts';
import { shapesOfContours } from '../../src/dataset/shapes/contours.ts';
import { paintShapes } from '../../src/dataset/shapes/paint.ts';
import { writeTiff } from '../../src/image/formats/tiff/write.ts';
import type { Image, Vector3 } from '../../src/image/image.ts';
import { nodeFiles } from '../../src/platform/node/files.ts';
import { memoryFiles } from '../../src/workflows/memory-files.ts';
import { askPeerOf, describeWithPeers } from '../support/peers.ts';

const said = (reading: Promise<unknown>): Promise<string> =>
  reading.then(
    () => 'read',
    (cause: Error) => cause.message,
  );

describeWithPeers(
  'contours of pydicom (RTSTRUCT)',
  () => {
    const [SLICES, ROWS, COLUMNS] = [6, 24, 31];
    const folder = mkdtempSync(join(tmpdir(), 'lamella-rtstruct-'));
    afterAll(() => rmSync(folder, { recursive: true, force: true }));
    const written = askPeerOf<Record<string, Record<string, readonly number[]>>>('labels', 'write_rtstruct.py', folder);

    test.each(Object.keys(written))('%s: every pixel, holes and keyholes included', async (name) => {
      const data = await readDataset(nodeFiles, join(folder, name));
      const regions = Object.entries(written[name] as Record<string, readonly number[]>).sort(([a], [b]) =>
        a < b ? -1 : 1,
      );
      const mapping = findMapping(
        data.pages.map(({ label }) => label),
        labelOptions(data),
      );
      expect(mapping.classes.map((one) => one.name)).toEqual(['background', ...regions.map(([region]) => region)]);
      const expected = Array.from({ length: SLICES }, () => new Array<number>(ROWS * COLUMNS).fill(0));
      for (const [i, [region, at]] of regions.entries()) {
        expect(at.length, region).toBeGreaterThan(100);
        for (let k = 0; k < at.length; k += 3) {
          (expected[at[k] as number] as number[])[(at[k + 1] as number) * COLUMNS + (at[k + 2] as number)] = i + 1;
        }
      }
      // Slices of an image are in the order of their positions along the normal, or against it.
      const found = data.pages.map(({ label }) => [...label.values]);
      expect(found).toEqual(expected);
      expect(data.notes.join('\n')).toContain('1 points and open lines enclose nothing and are left out');
    });

    it('refuses contours beside the slices, and files that are cut off', async () => {
      const place = mkdtempSync(join(folder, 'changed-'));
      cpSync(join(folder, 'axial'), place, { recursive: true });
      const last = readdirSync(place).find((file) => file.endsWith('-5.dcm')) as string;
      rmSync(join(place, last));
      expect(await said(readDataset(nodeFiles, place))).toMatch(
        /contours of "Keyhole µ" lie elsewhere .* 2\.5 mm beside/,
      );
      const bytes = readFileSync(join(place, 'contours.dcm'));
      for (let end = 400; end < bytes.length; end += 1499) {
        writeFileSync(join(place, 'contours.dcm'), bytes.subarray(0, end));
        expect(await said(readDataset(nodeFiles, place)), `${end} bytes`).toMatch(
          /contours\.dcm: .*(damaged|ends? early)|no labels/,
        );
      }
    });
  },
  'labels',
);

describe('contours on slices of a tilted gantry', () => {
  it('lie on the slice that they were drawn on, however far from its first row', () => {
    const [SLICES, ROWS, COLUMNS] = [3, 240, 8];
    const tangent = Math.tan((0.5 * Math.PI) / 180);
    const image: Image = {
      dtype: 'int16',
      data: new Int16Array(SLICES * ROWS * COLUMNS),
      axes: 'zyx',
      shape: [SLICES, ROWS, COLUMNS],
      spacing: { x: { value: 1, unit: 'mm' }, y: { value: 1, unit: 'mm' }, z: { value: 2, unit: 'mm' } },
      geometry: {
        originMm: [0, 0, 0],
        direction: [
          [1, 0, 0],
          [0, 1, 0],
          [0, tangent, 1],
        ],
      },
    };
    // In the plane of slice 1, whose first row is shifted.
    const contour = (from: number, to: number): readonly Vector3[] => [
      [2, from, 2],
      [5, from, 2],
      [5, to, 2],
      [2, to, 2],
    ];
    const regions = [{ name: 'lung', contours: [contour(100.2, 110.2), contour(226.2, 232.2)] }];
    const { shapes } = shapesOfContours({ series: [], regions, notes: [] });
    const { data } = paintShapes(shapes, image, { kind: 'classes', classNames: ['lung'], file: 'contours.dcm' });
    const rows = new Set<string>();
    for (let p = 0; p < data.length; p++) {
      if (data[p] !== 0) rows.add(`${Math.floor(p / (ROWS * COLUMNS))}/${Math.floor(p / COLUMNS) % ROWS}`);
    }
    const expected = [...Array(10).keys()].map((i) => `1/${101 + i}`);
    expect([...rows]).toEqual([...expected, ...[...Array(6).keys()].map((i) => `1/${227 + i}`)]);
  });
});

describe('shapes of napari', () => {
  const golden = 'test/golden/napari-shapes';
  const table = (name: string): Uint8Array => new Uint8Array(readFileSync(join(golden, `${name}.csv`)));
  const expected = JSON.parse(readFileSync(join(golden, 'labels.json'), 'utf8')) as Record<
    string,
    { readonly shape: readonly number[]; readonly labels: readonly number[] }
  >;
  const image = (shape: readonly number[]): Uint8Array =>
    writeTiff({
      dtype: 'uint8',
      data: Uint8Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, p) => (p * 7) % 253),
      axes: shape.length === 3 ? 'zyx' : 'yx',
      shape,
      spacing: {},
    });

  test.each(['flat', 'stack'])('%s: the labels that napari makes of them', async (name) => {
    const { shape, labels } = expected[name] as {
      readonly shape: readonly number[];
      readonly labels: readonly number[];
    };
    const files = { 'd/cells.tif': image(shape), 'd/cells_shapes.csv': table(name), 'd/other.csv': new Uint8Array(9) };
    const data = await readDataset(memoryFiles(files), 'd');
    expect(data.pages.flatMap(({ label }) => [...label.values])).toEqual(labels);
    expect(new Set(labels).size).toBeGreaterThan(6);
    expect(data.declared).toMatchObject({ kind: 'objects' });
  });

  it('of the only image need no name; others are left out', async () => {
    const { shape, labels } = expected.flat as {
      readonly shape: readonly number[];
      readonly labels: readonly number[];
    };
    const one = memoryFiles({ 'd/cells.tif': image(shape), 'd/Shapes.csv': table('flat') });
    expect((await readDataset(one, 'd')).pages.flatMap(({ label }) => [...label.values])).toEqual(labels);
    const two = memoryFiles({ 'd/a.tif': image(shape), 'd/b.tif': image(shape), 'd/Shapes.csv': table('flat') });
    expect(await said(readDataset(two, 'd'))).toContain('no labels');
  });

  describe('before y and x are time and slice as the image has them', () => {
    /** The pages that a rectangle is painted on. */
    const paintedOn = async (axes: string, shape: readonly number[], at: readonly number[]) => {
      const size = shape.reduce((a, b) => a * b, 1);
      const data = Uint8Array.from({ length: size }, (_, p) => (p * 7) % 253);
      const corners = [
        [2, 3],
        [2, 6],
        [5, 6],
        [5, 3],
      ].map((corner, i) => `0,rectangle,${i},${[...at, ...corner].join(',')}`);
      const names = Array.from({ length: at.length + 2 }, (_, i) => `axis-${i}`);
      const csv = [`index,shape-type,vertex-index,${names.join(',')}`, ...corners].join('\n');
      const files = {
        'd/a.tif': writeTiff({ dtype: 'uint8', data, axes, shape, spacing: {} }),
        'd/a.csv': new TextEncoder().encode(csv),
      };
      const { pages } = await readDataset(memoryFiles(files), 'd');
      const painted = pages.flatMap(({ label }, page) => (label.values.some((value) => value === 1) ? [page] : []));
      return { painted, of: pages.length };
    };

    test.each([
      ['yx', [10, 10], [], 0, 1],
      ['tyx', [3, 10, 10], [0], 0, 3],
      ['tyx', [3, 10, 10], [2], 2, 3],
      ['zyx', [3, 10, 10], [1], 1, 3],
      ['tzyx', [2, 3, 10, 10], [0, 2], 2, 6],
      ['tzyx', [2, 3, 10, 10], [1, 0], 3, 6],
    ] as const)('%s %j at %j', async (axes, shape, at, page, of) => {
      expect(await paintedOn(axes, shape, at)).toEqual({ painted: [page], of });
    });

    it('refuses those that are on none', async () => {
      expect(await said(paintedOn('tyx', [3, 10, 10], [3]))).toContain('time point 4 of 3');
      expect(await said(paintedOn('zyx', [3, 10, 10], [3]))).toContain('slice 4 of 3');
    });
  });

  it('ellipses, whose pixels depend on how napari draws them, are refused, and damage is named', async () => {
    const read = (bytes: Uint8Array) =>
      said(readDataset(memoryFiles({ 'd/a.tif': image([40, 50]), 'd/a.csv': bytes }), 'd'));
    expect(await read(table('ellipse'))).toContain('a.csv: shape 0 is of the type "ellipse"');
    const text = new TextDecoder().decode(table('flat'));
    const changed = (from: string, to: string) => read(new TextEncoder().encode(text.replace(from, to)));
    expect(await changed('2.0,12.0', '2.0,x')).toContain('shape 0 is incomplete');
    expect(await changed('2.0,12.0', '2.0')).toContain('shape 0 is incomplete');
    const stack = new TextDecoder().decode(table('stack')).replace('0.0,2.0,12.0', '1.0,2.0,12.0');
    expect(await read(new TextEncoder().encode(stack))).toContain('shape 0 runs through several slices');
  });
});
