/** Exports of CVAT as labels: the masks that its library datumaro writes (scripts/golden/cvat.py), and its XML. */

import { readFileSync } from 'node:fs';
import { describe, expect, it, test } from 'vitest';
import { ndarray } from '../../src/array/ndarray.ts';
import { findMapping } from '../../src/dataset/labels/labels.ts';
import { readDataset } from '../../src/dataset/prepare.ts';
import { labelOptions } from '../../src/dataset/raw.ts';
import { writePng } from '../../src/image/formats/png/write.ts';
import { memoryFiles } from '../../src/workflows/memory-files.ts';

type Run = readonly [row: number, from: number, to: number, value: string | number];
interface Golden {
  readonly masks: Readonly<Record<string, string>>;
  readonly xml: string;
  readonly said: Readonly<Record<string, { readonly classes: readonly Run[]; readonly objects: readonly Run[] }>>;
}
const golden: Golden = JSON.parse(readFileSync('test/golden/cvat.json', 'utf8'));
const [WIDTH, HEIGHT] = [48, 40];

type Contents = Readonly<Record<string, Uint8Array | string>>;
const masks: Contents = Object.fromEntries(
  Object.entries(golden.masks).map(([path, base64]) => [path, new Uint8Array(Buffer.from(base64, 'base64'))]),
);
const images = Object.fromEntries(Object.entries(masks).filter(([path]) => path.startsWith('JPEGImages')));
const read = (contents: Contents, as?: 'objects' | 'classes') =>
  readDataset(
    memoryFiles(
      Object.fromEntries(
        Object.entries(contents).map(([name, content]) => [
          `data/${name}`,
          typeof content === 'string' ? new TextEncoder().encode(content) : content,
        ]),
      ),
    ),
    'data',
    { as },
  );
const painted = (runs: readonly Run[], value: (of: Run[3]) => number): readonly number[] => {
  const out = new Array<number>(WIDTH * HEIGHT).fill(0);
  for (const [row, from, to, of] of runs) out.fill(value(of), row * WIDTH + from, row * WIDTH + to);
  return out;
};
const CLASSES = ['background', 'fibre & thread', 'nucleus'];
const saidOf = (file: string) => golden.said[file.replace(/^JPEGImages\/|\.jpg$/g, '')] as Golden['said'][string];

/** Numbers in the order in which they are met, so that only which pixels are together counts. */
const renumbered = (values: ArrayLike<number>): readonly number[] => {
  const numbers = new Map([[0, 0]]);
  return Array.from(values, (value) => {
    if (!numbers.has(value)) numbers.set(value, numbers.size);
    return numbers.get(value) as number;
  });
};

describe.each([
  ['masks', masks, ['JPEGImages/cell 1.jpg', 'JPEGImages/sub/cell2.jpg']],
  ['XML', { ...images, 'annotations.xml': golden.xml }, Object.keys(images)],
] as const)('%s', (_, contents, labelled) => {
  it('every pixel of every class, by name', async () => {
    const data = await read(contents);
    expect(data.pages.map(({ file }) => file)).toEqual(labelled);
    for (const { file, label } of data.pages) {
      const expected = painted(saidOf(file).classes, (name) => CLASSES.indexOf(String(name)));
      expect(Array.from(label.values), file).toEqual(expected);
    }
    const mapping = findMapping(
      data.pages.map(({ label }) => label),
      labelOptions(data),
    );
    expect(mapping.classes.map(({ name }) => name)).toEqual(CLASSES);
  });

  it('every object', async () => {
    for (const { file, label } of (await read(contents, 'objects')).pages) {
      const expected = painted(saidOf(file).objects, Number);
      expect(renumbered(label.values), file).toEqual(renumbered(expected));
    }
  });
});

describe('masks', () => {
  const without = (pattern: RegExp) =>
    Object.fromEntries(Object.entries(masks).filter(([path]) => !pattern.test(path)));

  it('without those of objects have classes alone', async () => {
    const data = await read(without(/Object/));
    expect(data.declared?.kind).toBe('classes');
  });

  it('are found beside images that are not in JPEGImages', async () => {
    const { 'JPEGImages/cell 1.jpg': image = '', ...rest } = without(/cell2|empty/);
    const data = await read({ ...rest, 'photos/cell 1.jpg': image });
    expect(data.pairing.pairs).toEqual([{ image: 'photos/cell 1.jpg', label: 'labelmap.txt/cell 1' }]);
  });

  it('of an image that is not here are left out', async () => {
    const data = await read(without(/JPEGImages.sub/));
    expect(data.pages.map(({ file }) => file)).toEqual(['JPEGImages/cell 1.jpg']);
    expect(data.notes.join()).toContain('1 left out in labelmap.txt/sub: labels of an image that is not here');
  });

  const grey = (value: (p: number) => number) =>
    writePng({
      ...ndarray(
        'uint8',
        [HEIGHT, WIDTH],
        Uint8Array.from({ length: WIDTH * HEIGHT }, (_, p) => value(p)),
      ),
      axes: 'yx',
      spacing: {},
    });

  it('of class numbers have the order of labelmap.txt, and 255 is not annotated', async () => {
    const data = await read({
      ...without(/Object|cell2/),
      'SegmentationClass/cell 1.png': grey((p) => [0, 1, 2, 255][p % 4] as number),
    });
    const [page] = data.pages;
    expect(Array.from(page?.label.values.subarray(0, 4) ?? [])).toEqual([0, 1, 2, 255]);
    expect(data.declared?.ignore).toEqual([255]);
  });

  test.each<readonly [string, Contents, string]>([
    [
      'a colour without a name',
      { 'labelmap.txt': 'background:0,0,0::\nnucleus:250,50,83::\n' },
      'it has the colour #808080, which labelmap.txt does not have',
    ],
    [
      'a line that is no class',
      { 'labelmap.txt': 'background:0,0,0::\nnucleus::\n' },
      '"nucleus::" is no class with its colour',
    ],
    ['a colour twice', { 'labelmap.txt': 'a:1,2,3::\nb:1,2,3::\n' }, '"a" and "b" have one name or colour'],
    [
      'objects where no class is',
      { 'SegmentationObject/cell 1.png': grey(() => 1) },
      'SegmentationObject has an object at x',
    ],
    [
      'a mask of another size',
      { 'SegmentationClass/cell 1.png': writePng({ ...ndarray('uint8', [4, 5]), axes: 'yx', spacing: {} }) },
      'another size than SegmentationObject',
    ],
  ])('refused: %s', async (_, changed, said) => {
    await expect(read({ ...without(/cell2|empty/), ...changed })).rejects.toThrow(said);
  });
});

const xml = (shapes: string, { width = WIDTH, height = HEIGHT } = {}) =>
  `<?xml version="1.0" encoding="utf-8"?>\n<annotations>\n<version>1.1</version>\n<image id="0" name="a.png" width="${width}" height="${height}">${shapes}</image>\n</annotations>\n`;
const picture = writePng({ ...ndarray('uint8', [HEIGHT, WIDTH]), axes: 'yx', spacing: {} });

describe('XML', () => {
  it('a mask: run lengths of its box', async () => {
    const mask =
      '<mask label="cell" source="manual" occluded="0" rle="1, 2, 4, 1" left="10" top="5" width="4" height="3" z_order="0"></mask>';
    const { pages } = await read({ 'a.png': picture, 'annotations.xml': xml(mask) });
    const at = [...(pages[0]?.label.values ?? [])].flatMap((value, p) =>
      value === 0 ? [] : [[p % WIDTH, Math.floor(p / WIDTH)]],
    );
    expect(at).toEqual([
      [11, 5],
      [12, 5],
      [13, 6],
    ]);
  });

  const polygon = (points: string) => `<polygon label="cell" points="${points}" z_order="0"></polygon>`;
  test.each<readonly [string, string, string]>([
    [
      'a box',
      xml('<box label="cell" xtl="1" ytl="1" xbr="5" ybr="5"></box>'),
      'the box 1 ("cell") of "a.png" is no outline of an area',
    ],
    ['an ellipse', xml('<ellipse label="cell" cx="1" cy="1" rx="5" ry="5"></ellipse>'), 'the ellipse 1'],
    ['two points', xml(polygon('1,1;2,2')), 'is no list of at least three points'],
    ['points that are no numbers', xml(polygon('1,1;2,2;a,3')), 'is no list of at least three points'],
    [
      'a mask beyond its image',
      xml('<mask label="cell" rle="0, 9" left="46" top="5" width="3" height="3"></mask>'),
      'is outside its image',
    ],
    [
      'run lengths that are too long',
      xml('<mask label="cell" rle="0, 10" left="4" top="5" width="3" height="3"></mask>'),
      'run lengths of 10 pixels',
    ],
    ['outside its image', xml(polygon('60,1;70,1;70,9')), 'is outside its image'],
    [
      'another size',
      xml(polygon('6,1;7,1;7,9'), { width: 47 }),
      'it is of an image of 47 x 40 pixels, which has 48 x 40',
    ],
    ['cut off', xml(polygon('6,1;7,1;7,9')).slice(0, 200), 'the XML is truncated'],
  ])('refused: %s', async (_, content, said) => {
    await expect(read({ 'a.png': picture, 'annotations.xml': content })).rejects.toThrow(said);
  });

  it('of others is left alone', async () => {
    await expect(read({ 'a.png': picture, 'scan.xml': '<?xml version="1.0"?><scan/>' })).rejects.toThrow('no labels');
  });
});
