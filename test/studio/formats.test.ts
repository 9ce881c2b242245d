/** Images of every kind: what is shown of them is what is trained on, and so is what is painted. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { allocate, type DType } from '../../src/array/ndarray.ts';
import { readDataset } from '../../src/dataset/prepare.ts';
import { DatasetError } from '../../src/errors.ts';
import { writeNifti } from '../../src/image/formats/nifti/write.ts';
import { writePng } from '../../src/image/formats/png/write.ts';
import { writeTiff } from '../../src/image/formats/tiff/write.ts';
import type { Geometry, Image, Vector3 } from '../../src/image/image.ts';
import { nodeFiles } from '../../src/platform/node/files.ts';
import { studioHost } from '../../src/platform/node/studio-host.ts';
import { createEngine } from '../../src/studio/create-engine.ts';
import type { Engine, GivenFile } from '../../src/studio/engine.ts';
import { ctSlice } from '../support/dicom.ts';
import { zarrStore } from '../support/zarr.ts';
import { openPainter, type Painter } from './painter.ts';

const mm = (value: number) => ({ value, unit: 'mm' });
const [LEFT, RIGHT, BACK, FRONT, HEAD]: readonly Vector3[] = [
  [1, 0, 0],
  [-1, 0, 0],
  [0, 1, 0],
  [0, -1, 0],
  [0, 0, 1],
] as const;

/** Values by place, none twice where the type has room. */
function image<D extends DType>(dtype: D, axes: string, shape: readonly number[], rest: Partial<Image> = {}): Image {
  const data = allocate(
    dtype,
    shape.reduce((a, b) => a * b, 1),
  );
  for (let i = 0; i < data.length; i++) data[i] = dtype.startsWith('float') ? i / 7 - 3 : i % 250;
  return { dtype, axes, shape, data, spacing: {}, ...rest } as Image;
}

const volume = (direction: readonly (Vector3 | undefined)[]): Uint8Array =>
  writeNifti(
    image('int16', 'zyx', [3, 4, 5], {
      spacing: { z: mm(3), y: mm(2), x: mm(1) },
      geometry: { originMm: [0, 0, 0], direction: direction as unknown as Geometry['direction'] },
    }),
  );
const text = (lines: readonly string[]): Uint8Array => new TextEncoder().encode(lines.join('\n'));

const KINDS: {
  readonly [kind: string]: {
    readonly files: readonly GivenFile[];
    readonly id: string;
    readonly size: readonly [number, number, number];
  };
} = {
  'a grey PNG': {
    files: [{ path: 'a.png', content: writePng(image('uint8', 'yx', [4, 6])) }],
    id: 'a',
    size: [6, 4, 1],
  },
  'a colour PNG': {
    files: [
      { path: 'a.png', content: writePng(image('uint8', 'cyx', [3, 4, 6], { channels: ['red', 'green', 'blue'] })) },
    ],
    id: 'a',
    size: [6, 4, 1],
  },
  'a stack of floats': {
    files: [{ path: 'x/a.tif', content: writeTiff(image('float32', 'zyx', [2, 4, 6])) }],
    id: 'a',
    size: [6, 4, 2],
  },
  'a film of two channels': {
    files: [{ path: 'a.tif', content: writeTiff(image('uint16', 'tczyx', [2, 2, 3, 4, 5])) }],
    id: 'a',
    size: [5, 4, 6],
  },
  'a volume that lies the right way up': {
    files: [{ path: 'a.nii.gz', content: volume([LEFT, BACK, HEAD]) }],
    id: 'a',
    size: [5, 4, 3],
  },
  'a volume from right to left and front to back': {
    files: [{ path: 'a.nii', content: volume([RIGHT, FRONT, HEAD]) }],
    id: 'a',
    size: [5, 4, 3],
  },
  'a volume with rows along the body': {
    files: [{ path: 'a.nii', content: volume([BACK, RIGHT, HEAD]) }],
    id: 'a',
    size: [4, 5, 3],
  },
  'a DICOM series in shuffled order': {
    files: [2, 0, 1].map((z, i) => ({
      path: `ct/${['c', 'a', 'b'][i]}`,
      content: ctSlice({ z: 2.5 * z, value: Array.from({ length: 12 }, (_, p) => 900 + 20 * z + p) }),
    })),
    id: 'ct',
    size: [4, 3, 3],
  },
  'a store of OME-Zarr': {
    files: Object.entries(zarrStore([{ shape: [3, 4, 5], chunks: [1, 4, 4], shards: [3, 4, 8] }])).map(
      ([key, content]) => ({ path: `cells.ome.zarr/${key}`, content }),
    ),
    id: 'cells',
    size: [5, 4, 3],
  },
  'a store of OME-Zarr 0.4 within another folder': {
    files: Object.entries(zarrStore([{ shape: [4, 6], chunks: [3, 3] }], { version: '0.4' })).map(([key, content]) => ({
      path: `x/y/cells/${key}`,
      content,
    })),
    id: 'cells',
    size: [6, 4, 1],
  },
  'an image of a data set of nnU-Net, which says what its channel is': {
    files: [
      { path: 'imagesTr/a_0000.png', content: writePng(image('uint8', 'yx', [4, 6])) },
      {
        path: 'dataset.json',
        content: text([
          '{"channel_names": {"0": "CT"}, "labels": {"background": 0, "lung": 1}, "file_ending": ".png"}',
        ]),
      },
    ],
    id: 'a_0000',
    size: [6, 4, 1],
  },
  'an image of such a data set, dropped as a folder': {
    files: [
      { path: 'Dataset501_Lungs/imagesTr/a_0000.png', content: writePng(image('uint8', 'yx', [4, 6])) },
      {
        path: 'Dataset501_Lungs/dataset.json',
        content: text([
          '{"channel_names": {"0": "CT"}, "labels": {"background": 0, "lung": 1}, "file_ending": ".png"}',
        ]),
      },
    ],
    id: 'a_0000',
    size: [6, 4, 1],
  },
  'a header with its voxels beside it': {
    files: [
      {
        path: 'a.nhdr',
        content: text([
          'NRRD0004',
          'type: uint8',
          'dimension: 2',
          'sizes: 6 4',
          'encoding: raw',
          'data file: a.raw',
          '',
        ]),
      },
      { path: 'a.raw', content: Uint8Array.from({ length: 24 }, (_, i) => 3 * i) },
    ],
    id: 'a',
    size: [6, 4, 1],
  },
};

let root: string;
let engine: Engine;
let painter: Painter;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'lamella-formats-'));
  engine = createEngine(studioHost(root));
  painter = await openPainter(engine, await engine.create('p'));
});
afterEach(async () => {
  await engine.dispose();
  await rm(root, { recursive: true, force: true });
});

describe('an image', () => {
  it.each(Object.entries(KINDS))('%s', async (_, { files, id, size: [width, height, pages] }) => {
    const { images, problems } = await engine.addFiles(files);
    expect(problems).toEqual([]);
    expect(images).toMatchObject([{ id, width, height, pages }]);
    await painter.add(images);
    const layer = painter.annotations.layer(id);
    const last = pages - 1;
    layer.fill(last, 1, 2, 4, 1);
    layer.fill(0, 0, 0, 1, 0);
    painter.history.commit('paint');
    await painter.history.settled();
    await engine.flush();

    const { pages: trained } = await readDataset(nodeFiles, join(root, 'p'));
    expect(trained.map((page) => [page.width, page.height])).toEqual(Array(pages).fill([width, height]));
    for (const [i, page] of trained.entries()) {
      const planes = await Promise.all(
        Array.from({ length: page.channels }, async (__, c) => [...(await engine.plane(id, i, c)).data]),
      );
      expect([...page.data].map(Number)).toEqual(planes.flat());
      const expected = new Array<number>(width * height).fill(255);
      if (i === last) for (const x of [2, 3]) expected[width + x] = 1;
      if (i === 0) expected[0] = 0;
      expect([...page.label.values]).toEqual(expected);
    }
    // Opened again from its files.
    const again = await engine.open('p');
    expect(again.images).toEqual(images);
    expect((await engine.labels(id, last))?.data[width + 2]).toBe(1);
    await engine.removeImage(id);
    for (const folder of ['images', 'labels']) expect(await readdir(join(root, 'p', folder))).toEqual([]);
  });

  it('is told with the pixel size of the project it is added to', async () => {
    await engine.change({ spacing: { x: 0.5, y: 0.5, unit: 'mm' } });
    const { images } = await engine.addFiles([{ path: 'a.png', content: writePng(image('uint8', 'yx', [4, 6])) }]);
    expect(images[0]?.spacing).toEqual({ x: mm(0.5), y: mm(0.5) });
    expect((await engine.open('p')).images).toEqual(images);
  });

  it('that cannot be copied is one problem, and the others are added', async () => {
    const host = studioHost(root);
    const refusing = createEngine({
      ...host,
      files: {
        ...host.files,
        async write(path, content) {
          if (path.endsWith('b.png')) throw new DatasetError('the disk is full.', { file: path });
          await host.files.write(path, content);
        },
      },
    });
    await refusing.create('q');
    const { images, problems } = await refusing.addFiles(
      ['a', 'b', 'c'].flatMap((name, i) =>
        ['images', 'labels'].map((part) => ({
          path: `${part}/${name}.png`,
          content: writePng(image('uint8', 'yx', [4, 6 + i])),
        })),
      ),
    );
    expect(images.map(({ id }) => id)).toEqual(['a', 'c']);
    expect(problems.map(({ message }) => message)).toEqual(['the disk is full.']);
    expect((await readdir(join(root, 'q', 'labels'))).sort()).toEqual(['a.tif', 'c.tif']);
    await refusing.dispose();
    expect((await engine.open('q')).images).toEqual(images);
  });

  it('takes the place of no file that the project does not list', async () => {
    const own = writePng(image('uint8', 'yx', [5, 5]));
    for (const name of ['images/cell.png', 'labels/cell.tif']) await nodeFiles.write(join(root, 'p', name), own);
    const { images } = await engine.addFiles(
      ['images', 'labels'].map((part) => ({
        path: `${part}/cell.png`,
        content: writePng(image('uint8', 'yx', [4, 6])),
      })),
    );
    expect(images.map(({ id }) => id)).toEqual(['cell']);
    for (const name of ['images/cell.png', 'labels/cell.tif']) {
      expect([...(await nodeFiles.read(join(root, 'p', name)))], name).toEqual([...own]);
    }
    expect((await engine.labels('cell', 0))?.data[5]).toBe(5);
    expect((await readdir(join(root, 'p', 'images'))).sort()).toEqual(['cell-2.png', 'cell.png']);
  });

  it('has no name that differs from another in the case of letters alone, as on disks that tell none of these apart', async () => {
    await nodeFiles.write(join(root, 'p', 'images', 'cell.png'), new Uint8Array(1));
    const content = writePng(image('uint8', 'yx', [4, 6]));
    const other = writePng(image('uint8', 'yx', [5, 6]));
    await engine.addFiles([{ path: 'Cell.png', content }]);
    const { images } = await engine.addFiles([{ path: 'CELL.png', content: other }]);
    expect(images.map(({ id }) => id)).toEqual(['CELL-2']);
    expect((await readdir(join(root, 'p', 'images'))).sort()).toEqual(
      ['CELL-2-2.png', 'Cell-2.png', 'cell.png'].sort(),
    );
  });

  it('that is no image, damaged, or there already, is one problem, and the others are added', async () => {
    const good = writePng(image('uint8', 'yx', [4, 6]));
    const { images, problems } = await engine.addFiles([
      { path: 'plate/s1.png', content: good },
      { path: 'plate/copy.png', content: good },
      { path: 'plate/s2.tif', content: writeTiff(image('uint16', 'yx', [4, 6])).subarray(0, 40) },
      { path: 'plate/photo.jpg', content: Uint8Array.of(0xff, 0xd8, 0xff, 0xe0, 0, 16, 74, 70, 73, 70, 0, 1) },
      { path: 'plate/readme.md', content: text(['# hello']) },
      { path: 'plate/empty.png', content: new Uint8Array() },
      { path: '.DS_Store', content: Uint8Array.of(0) },
      { path: '__MACOSX/._s1.png', content: Uint8Array.of(0) },
    ]);
    expect(images.map(({ id }) => id)).toEqual(['copy']);
    expect(problems.map(({ file, message }) => [file, message])).toEqual([
      ['plate/empty.png', 'the file is empty (0 bytes).'],
      ['plate/photo.jpg', 'the JPEG data is truncated or damaged.'],
      ['plate/s1.png', 'the project has this image already.'],
      ['plate/s2.tif', expect.any(String)],
      ['plate/readme.md', 'this is a text file, not an image.'],
    ]);
  });

  it('of the same name from another folder gets a name of its own', async () => {
    const { images } = await engine.addFiles([
      { path: 'one/s.png', content: writePng(image('uint8', 'yx', [4, 6])) },
      { path: 'two/s.png', content: writePng(image('uint8', 'yx', [5, 6])) },
    ]);
    expect(images.map(({ id, file }) => [id, file])).toEqual([
      ['s', 'images/s.png'],
      ['s-2', 'images/s-2.png'],
    ]);
  });
});

describe('labels that come with images', () => {
  const objects = (most: number): Image => {
    const labels = image('uint16', 'yx', [40, 40]);
    for (let p = 0; p < 1600; p++) {
      const [x, y] = [p % 40, Math.floor(p / 40)];
      const number = 1 + Math.floor(y / 8) * 5 + Math.floor(x / 8);
      labels.data[p] = x % 8 < 6 && y % 8 < 6 && number <= most ? number : 0;
    }
    return labels;
  };

  it('that number objects make a project of objects', async () => {
    const { images, problems } = await engine.addFiles([
      { path: 'images/a.tif', content: writeTiff(image('uint8', 'yx', [40, 40])) },
      { path: 'masks/a.tif', content: writeTiff(objects(25)) },
    ]);
    expect([images.length, problems]).toEqual([1, []]);
    const { project } = await engine.open('p');
    expect(project).toMatchObject({
      task: 'objects',
      classes: [{ value: 0 }, { value: 'rest' }],
      notAnnotated: 65_535,
    });
    const { dtype, data } = (await engine.labels('a', 0)) as NonNullable<Awaited<ReturnType<Engine['labels']>>>;
    expect([dtype, [...data]]).toEqual(['uint32', [...objects(25).data].map(Number)]);
  });

  it('with more objects than 16 bits can number', async () => {
    await engine.change({
      task: 'objects',
      classes: [
        { name: 'background', value: 0 },
        { name: 'cell', value: 'rest' },
      ],
    });
    const state = await engine.open('p');
    painter = await openPainter(engine, state);
    const { images } = await engine.addFiles(
      ['a', 'b'].map((name, i) => ({ path: `${name}.png`, content: writePng(image('uint8', 'yx', [4 + i, 6])) })),
    );
    await painter.add(images);
    painter.annotations.layer('a').fill(0, 0, 0, 2, 65_534);
    painter.history.commit('small');
    await painter.history.settled();
    await engine.flush();
    painter.annotations.layer('b').fill(0, 0, 0, 2, 2_147_483_646);
    painter.history.commit('large');
    await painter.history.settled();
    await engine.flush();
    const { pages, declared } = await readDataset(nodeFiles, join(root, 'p'));
    expect(declared?.ignore).toEqual([2_147_483_647]);
    expect(pages.map(({ label }) => [...label.values].slice(0, 3))).toEqual([
      [65_534, 65_534, 2_147_483_647],
      [2_147_483_646, 2_147_483_646, 2_147_483_647],
    ]);
  });

  it('of another size are a problem, and their image is added', async () => {
    const { images, problems } = await engine.addFiles([
      { path: 'images/a.tif', content: writeTiff(image('uint8', 'yx', [40, 40])) },
      { path: 'labels/a.tif', content: writeTiff(image('uint8', 'yx', [40, 30])) },
    ]);
    expect(images.map(({ id }) => id)).toEqual(['a']);
    expect(problems.map(({ message }) => message).join()).toMatch(/30 x 40|40 x 30/);
    expect(await engine.labels('a', 0)).toBeUndefined();
  });
});
