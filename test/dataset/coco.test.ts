/** COCO annotations as labels: the pixels that pycocotools finds, and whose they are. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, test } from 'vitest';
import { ndarray } from '../../src/array/ndarray.ts';
import { findMapping } from '../../src/dataset/labels/labels.ts';
import { readDataset } from '../../src/dataset/prepare.ts';
import { labelOptions } from '../../src/dataset/raw.ts';
import { parseCoco, shapesOf } from '../../src/dataset/shapes/coco.ts';
import type { DrawnShapes } from '../../src/dataset/shapes/shape.ts';
import { writeCoco } from '../../src/export/coco.ts';
import { writePng } from '../../src/image/formats/png/write.ts';
import { writeTiff } from '../../src/image/formats/tiff/write.ts';
import { slicesOf } from '../../src/objects/grid.ts';
import { nodeFiles } from '../../src/platform/node/files.ts';
import { declaredOf, listLabels } from '../../src/workflows/image-list.ts';
import { memoryFiles } from '../../src/workflows/memory-files.ts';
import { crowdedLabels, hardLabels } from '../export/label-maps.ts';
import { askPeerOf, describeWithPeers } from '../support/peers.ts';

const shapesIn = (text: string, image: string): DrawnShapes => {
  const coco = parseCoco(text, 'c.json');
  if (coco === undefined) throw new Error('This is no COCO.');
  return shapesOf(coco, image, 'c.json');
};

describeWithPeers(
  'what pycocotools finds',
  () => {
    const folder = mkdtempSync(join(tmpdir(), 'lamella-coco-'));
    afterAll(() => rmSync(folder, { recursive: true, force: true }));
    const { 'data set': few, ...found } = askPeerOf<Record<string, readonly number[]>>(
      'labels',
      'write_coco.py',
      folder,
    );

    test.each(['a.jpg', 'b.jpg'])('every pixel of every annotation of %s', (name) => {
      const { shapes, drawnOn } = shapesIn(readFileSync(join(folder, 'all.json'), 'utf8'), name);
      expect(shapes.length).toBe(70);
      for (const shape of shapes) {
        const runs: number[] = [];
        shape.fill(drawnOn as [number, number], (row, from, to) => runs.push(row, from, to));
        expect(runs, shape.name).toEqual(found[shape.name.replace('annotation ', '')]);
      }
    });

    describe('as a data set', () => {
      const data = join(folder, 'data');
      /** The pixels of the four annotations, later ones on top. */
      const painted = (values: readonly number[]): readonly number[] => {
        const labels = new Array<number>(60 * 83).fill(0);
        values.forEach((value, i) => {
          const runs = few?.[i] as unknown as readonly number[];
          for (let k = 0; k < runs.length; k += 3) {
            const row = 83 * (runs[k] as number);
            labels.fill(value, row + (runs[k + 1] as number), row + (runs[k + 2] as number));
          }
        });
        return labels;
      };

      it('with its classes by name, the second image without any', async () => {
        const read = await readDataset(nodeFiles, data);
        const [a, b] = read.pages;
        expect(read.pages.map(({ file }) => file)).toEqual(['images/a.jpg', 'images/b.jpg']);
        // Mitosis is 1, nucleus 2.
        expect(Array.from(a?.label.values ?? [])).toEqual(painted([2, 1, 2, 2]));
        expect(new Set(b?.label.values)).toEqual(new Set([0]));
        const { classes, kind } = findMapping(
          read.pages.map(({ label }) => label),
          labelOptions(read),
        );
        expect([kind, classes.map(({ name }) => name)]).toEqual(['integer', ['background', 'mitosis', 'nucleus']]);
        const notes = read.notes.join('\n');
        expect(notes).toContain(
          'shapes: 3 of nucleus, 1 of mitosis in 1 file, as classes; what none covers is background',
        );
        expect(notes).toContain('1 image without any shape, such as of annotations/instances_default.json/b.jpg');
        expect(notes).toContain(
          '1 left out in annotations/instances_default.json: labels of an image that is not here',
        );
      });

      it('as objects: a crowd is not annotated', async () => {
        const read = await readDataset(nodeFiles, data, { as: 'objects' });
        expect(Array.from(read.pages[0]?.label.values ?? [])).toEqual(painted([1, 2, 3, 2_147_483_647]));
        expect(read.declared).toMatchObject({ kind: 'objects', ignore: [2_147_483_647] });
        expect(read.notes.join()).toContain('pixels belong to several shapes: the last one has them.');
      });

      it('as the truth of a score', async () => {
        const labels = await listLabels(nodeFiles, data);
        expect(labels.map(({ name }) => name)).toEqual(['a', 'b']);
        expect(declaredOf(labels)?.classes).toMatchObject(
          ['background', 'mitosis', 'nucleus'].map((name, value) => ({ name, values: [value] })),
        );
      });
    });
  },
  'labels',
);

const grey = (height: number, width: number) =>
  writePng({ ...ndarray('uint8', [height, width]), axes: 'yx', spacing: {} });
const folderOf = (contents: Readonly<Record<string, Uint8Array | string | object>>) =>
  memoryFiles(
    Object.fromEntries(
      Object.entries(contents).map(([name, content]) => [
        `data/${name}`,
        content instanceof Uint8Array ? content : new TextEncoder().encode(JSON.stringify(content)),
      ]),
    ),
  );

describe('what Lamella exports comes back', () => {
  test.each(['polygon', 'rle'] as const)('%s: numbers of objects, slices in their places', async (segmentation) => {
    const labels = ndarray(
      'uint16',
      [2, 40, 30],
      Uint16Array.from([1, 2].flatMap((seed) => [...(crowdedLabels(40, 30, 12, seed).data as Uint16Array)])),
    );
    const flat = hardLabels();
    const text = writeCoco(
      [
        { fileName: 'flat.png', labels: flat },
        ...slicesOf(labels).map((slice, z) => ({ fileName: 'stack.tif', slice: z + 1, labels: slice })),
      ],
      { segmentation },
    );
    const [height, width] = flat.shape as [number, number];
    const files = folderOf({
      'flat.png': grey(height, width),
      'stack.tif': writeTiff({ ...ndarray('uint8', [2, 40, 30]), axes: 'zyx', spacing: {} }),
      'coco.json': JSON.parse(text),
    });
    const { pages } = await readDataset(files, 'data');
    expect(pages.map(({ name }) => name)).toEqual(['flat.png', 'stack.tif[0]', 'stack.tif[1]']);
    const values = pages.map(({ label }) => Array.from(label.values));
    expect(values).toEqual([Array.from(flat.data), ...slicesOf(labels).map(({ data }) => Array.from(data))]);
  });
});

const square = (x: number, y: number, side: number) => [[x, y, x + side, y, x + side, y + side, x, y + side]];
const coco = (images: readonly string[], annotations: readonly object[] = [], more: object = {}) => ({
  images: images.map((file_name, i) => ({ id: i, file_name, width: 8, height: 6 })),
  categories: [
    { id: 1, name: 'cell' },
    { id: 2, name: 'Cell' },
  ],
  annotations: annotations.map((one, i) => ({ id: i + 1, image_id: 0, category_id: 1, iscrowd: 0, ...one })),
  ...more,
});
const problemOf = async (contents: Readonly<Record<string, Uint8Array | object>>): Promise<string> =>
  readDataset(folderOf(contents), 'data').then(
    () => 'none',
    (cause: unknown) => (cause as Error).message,
  );

describe('which image', () => {
  const one = [{ segmentation: square(1, 1, 3) }];
  const pairsOf = async (contents: Readonly<Record<string, Uint8Array | object>>) => {
    const { pairing } = await readDataset(folderOf(contents), 'data');
    return pairing.pairs.map(({ image, label }) => `${image} + ${label}`);
  };

  test.each<readonly [string, Readonly<Record<string, Uint8Array | object>>, readonly string[]]>([
    ['beside it', { 't/a.png': grey(6, 8), 't/_annotations.coco.json': coco(['a.png'], one) }, ['t/a.png']],
    ['by its path', { 'x/a.png': grey(6, 8), 'y/a.png': grey(6, 8), 'c.json': coco(['x\\a.png'], one) }, ['x/a.png']],
    ['by its name', { 'images/a.png': grey(6, 8), 'c.json': coco(['/home/me/a.png'], one) }, ['images/a.png']],
    [
      'of the folder that the file is named after',
      {
        'images/train/a.png': grey(6, 8),
        'images/val/a.png': grey(6, 8),
        'annotations/instances_train.json': coco(['a.png'], one),
      },
      ['images/train/a.png'],
    ],
  ])('%s', async (_, contents, images) => {
    expect((await pairsOf(contents)).map((pair) => pair.replace(/ \+.*/, ''))).toEqual(images);
  });

  it('a label image of its name is used instead', async () => {
    const labels = writePng({
      ...ndarray(
        'uint8',
        [6, 8],
        Uint8Array.from({ length: 48 }, (_, p) => p % 2),
      ),
      axes: 'yx',
      spacing: {},
    });
    const contents = { 'images/a.png': grey(6, 8), 'labels/a.png': labels, 'c.json': coco(['a.png'], one) };
    expect(await pairsOf(contents)).toEqual(['images/a.png + labels/a.png']);
  });

  it('several, or several files, is an error', async () => {
    const images = { 'x/a.png': grey(6, 8), 'y/a.png': grey(6, 8) };
    expect(await problemOf({ ...images, 'c.json': coco(['a.png'], one) })).toContain(
      '"a.png" may be "x/a.png" or "y/a.png"',
    );
    const twice = { 'a.png': grey(6, 8), 'c.json': coco(['a.png'], one), 'd.json': coco(['a.png'], one) };
    expect(await problemOf(twice)).toContain('the image "a.png" has labels in "c.json" and "d.json"');
  });

  it('other JSON is left alone', async () => {
    const captions = coco(['a.png'], [{ caption: 'a cell' }]);
    const contents = { 'a.png': grey(6, 8), 'config.json': { type: 'run' }, 'captions.json': captions };
    expect(await problemOf(contents)).toContain('there is 1 image (such as "a.png") but no labels');
  });
});

describe('refused', () => {
  const bad: Readonly<Record<string, readonly [annotation: object, said: string]>> = {
    'a box': [{ segmentation: [], bbox: [1, 1, 2, 2] }, 'annotation 1 of "a.png" has no outline, only a box'],
    'two points': [{ segmentation: [[1, 1, 4, 4]] }, 'no list of at least three points'],
    'an odd list': [{ segmentation: [[1, 1, 4, 4, 5, 5, 6]] }, 'no list of at least three points'],
    'text in place of numbers': [{ segmentation: [[1, 1, 4, 4, 5, 'x']] }, 'no list of at least three points'],
    'enormous coordinates': [{ segmentation: [[1, 1, 1e12, 4, 5, 5]] }, 'no list of at least three points'],
    'another category': [{ category_id: 9, segmentation: square(1, 1, 3) }, 'has the category 9, which has no name'],
    'run lengths that end early': [
      { segmentation: { size: [6, 8], counts: [3, 4] } },
      'run lengths of 7 pixels, not of 8 x 6',
    ],
    'run lengths of another size': [
      { segmentation: { size: [8, 6], counts: [3, 45] } },
      'run lengths of 6 x 8 pixels, the image is 8 x 6',
    ],
    'run lengths below zero': [{ segmentation: { size: [6, 8], counts: [50, -2] } }, 'damaged run lengths'],
    'text that is no run lengths': [
      { segmentation: { size: [6, 8], counts: '\u0001~~~~~~~~' } },
      'damaged run lengths',
    ],
    'outside of its image': [{ segmentation: square(20, 1, 3) }, 'the shape "annotation 1" is outside its image'],
  };
  test.each(Object.entries(bad))('%s', async (_, [annotation, said]) => {
    expect(await problemOf({ 'a.png': grey(6, 8), 'c.json': coco(['a.png'], [annotation]) })).toContain(said);
  });

  it('an image of another size', async () => {
    const contents = { 'a.png': grey(7, 8), 'c.json': coco(['a.png'], [{ segmentation: square(1, 1, 3) }]) };
    expect(await problemOf(contents)).toContain('it is of an image of 8 x 6 pixels, which has 8 x 7');
  });

  it('class names that differ in case alone', async () => {
    const both = [1, 2].map((category_id) => ({ category_id, segmentation: square(1, 1, 3) }));
    const said = await problemOf({ 'a.png': grey(6, 8), 'c.json': coco(['a.png'], both) });
    expect(said).toContain('the class names "Cell" and "cell" differ only in upper and lower case');
  });

  it('every truncation, with a FormatError that names the file', async () => {
    const text = new TextEncoder().encode(JSON.stringify(coco(['a.png'], [{ segmentation: square(1, 1, 3) }])));
    for (let end = 20; end < text.length; end += 23) {
      const files = folderOf({ 'a.png': grey(6, 8), 'c.json': text.subarray(0, end) });
      await expect(readDataset(files, 'data')).rejects.toMatchObject({ code: 'format', file: 'data/c.json' });
    }
  });
});
