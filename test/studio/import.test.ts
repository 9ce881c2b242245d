/** Folders that are opened as they are, and archives that are taken over. */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unzipSync, zipSync } from 'fflate';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ndarray } from '../../src/array/ndarray.ts';
import { readDataset } from '../../src/dataset/prepare.ts';
import { writePng } from '../../src/image/formats/png/write.ts';
import { writeTiff } from '../../src/image/formats/tiff/write.ts';
import type { Image } from '../../src/image/image.ts';
import { readZip } from '../../src/image/zip.ts';
import { nodeFiles } from '../../src/platform/node/files.ts';
import { readImageFile } from '../../src/platform/node/image-files.ts';
import { studioHost } from '../../src/platform/node/studio-host.ts';
import { createEngine } from '../../src/studio/create-engine.ts';
import type { Engine } from '../../src/studio/engine.ts';
import { openPainter } from './painter.ts';

const picture = (value: (p: number) => number): Uint8Array => {
  const data = Uint8Array.from({ length: 24 }, (_, p) => value(p));
  return writePng({ ...ndarray('uint8', [4, 6], data), axes: 'yx', spacing: {} } as Image);
};
const IMAGE = picture((p) => 10 * p);
const MASK = picture((p) => (p < 12 ? 0 : 255));

let root: string;
let engine: Engine;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'lamella-import-'));
  engine = createEngine(studioHost(root));
});
afterEach(async () => {
  await engine.dispose();
  await rm(root, { recursive: true, force: true });
});

describe('labels of another program', () => {
  it('for several images in one file of COCO become those of a project, with their classes', async () => {
    await engine.create('p');
    const square = (x: number) => [[x, 1, x + 2, 1, x + 2, 3, x, 3]];
    const coco = {
      images: ['a.png', 'b.png'].map((file_name, id) => ({ id, file_name, width: 6, height: 4 })),
      categories: [
        { id: 5, name: 'nucleus' },
        { id: 6, name: 'fibre' },
      ],
      annotations: [
        { id: 1, image_id: 0, category_id: 5, segmentation: square(0) },
        { id: 2, image_id: 0, category_id: 6, segmentation: square(3) },
        { id: 3, image_id: 1, category_id: 5, segmentation: square(1) },
      ],
    };
    const { problems, images } = await engine.addFiles([
      { path: 'd/images/a.png', content: IMAGE },
      { path: 'd/images/b.png', content: picture((p) => p) },
      { path: 'd/instances.json', content: new TextEncoder().encode(JSON.stringify(coco)) },
    ]);
    expect([problems, images.map(({ id }) => id)]).toEqual([[], ['a', 'b']]);
    const { project } = await engine.open('p');
    expect(project.classes?.map(({ name }) => name)).toEqual(['background', 'fibre', 'nucleus']);
    const { data = [] } = (await engine.labels('a', 0)) ?? {};
    const of = (values: readonly number[]) => values.map((value) => project.classes?.[value]?.name);
    expect(of([0, 6, 9, 18].map((p) => data[p] as number))).toEqual(['background', 'nucleus', 'fibre', 'background']);
  });
});

describe('a data folder', () => {
  it('is opened as it is; what is painted goes into files of its own', async () => {
    const folder = join(root, 'cells');
    for (const [name, bytes] of [
      ['images/a.png', IMAGE],
      ['images/b.png', picture((p) => p)],
      ['masks/a.png', MASK],
    ] as const) {
      await mkdir(join(folder, name, '..'), { recursive: true });
      await writeFile(join(folder, name), bytes);
    }
    const state = await engine.open('cells');
    expect(state.project.classes?.map(({ value }) => value)).toEqual([0, 1]);
    const painter = await openPainter(engine, state);
    const layer = painter.annotations.layer('a');
    const labels = await engine.labels('a', 0);
    expect([...(labels?.data ?? [])]).toEqual(Array.from({ length: 24 }, (_, p) => (p < 12 ? 0 : 1)));
    layer.fill(0, 0, 0, 2, 1);
    layer.fill(0, 1, 0, 1, layer.notAnnotated);
    painter.history.commit('paint');
    painter.annotations.classes = [...painter.annotations.classes, { name: 'third', value: 2 }];
    painter.history.commit('class');
    await painter.history.settled();
    await engine.flush();
    expect(await readFile(join(folder, 'masks/a.png'))).toEqual(Buffer.from(MASK));
    const { data, dtype } = await readImageFile(join(folder, 'labels/a.tif'));
    expect([dtype, [...data].slice(0, 7), data[23]]).toEqual(['uint16', [255, 255, 0, 0, 0, 0, 65_535], 255]);
    const { images, classes, notAnnotated } = JSON.parse(await readFile(join(folder, 'lamella.json'), 'utf8'));
    expect(images).toEqual([
      { id: 'a', file: 'images/a.png', labels: 'labels/a.tif', keepLabels: false },
      { id: 'b', file: 'images/b.png' },
    ]);
    expect([classes.map(({ value }: { value: number }) => value), notAnnotated]).toEqual([[0, 255, 2], 65_535]);
    expect((await readDataset(nodeFiles, folder)).pages.map(({ name }) => name)).toEqual(['images/a.png']);
    await expect(engine.forget('cells')).rejects.toThrow('no copies');
    await engine.removeImage('a').catch(() => undefined);
    expect((await readdir(join(folder, 'images'))).sort()).toEqual(['a.png', 'b.png']);
  });

  it('that a project cannot describe is refused, and stays as it is', async () => {
    await mkdir(join(root, 'joined/images'), { recursive: true });
    await mkdir(join(root, 'joined/labels'), { recursive: true });
    for (const name of ['images/a_0000.png', 'images/a_0001.png', 'labels/a.png']) {
      await writeFile(join(root, 'joined', name), name.startsWith('i') ? IMAGE : MASK);
    }
    await expect(engine.open('joined')).rejects.toThrow('consist of several files');
    expect((await readdir(join(root, 'joined'))).sort()).toEqual(['images', 'labels']);
  });

  it('in an archive becomes a project of copies', async () => {
    const zip = zipSync({
      'data/images/a.png': IMAGE,
      'data/masks/a.png': MASK,
      'data/readme.txt': new Uint8Array([104]),
    });
    const { id, project, images, problems } = await engine.import([{ path: 'cells.zip', content: zip }], 'cells');
    expect([id, images.map((one) => one.id)]).toEqual(['cells', ['a']]);
    expect(project).toMatchObject({ task: 'classes', classes: [{ value: 0 }, { value: 1 }], notAnnotated: 255 });
    expect(problems.map(({ file }) => file)).toEqual(['data/readme.txt']);
    expect(await engine.forget(id)).toBeGreaterThan(0);
  });
});

describe('labels that come when the kind of the project was chosen', () => {
  const add = async (label: (p: number) => number) => {
    const { problems } = await engine.addFiles([
      { path: 'images/a.png', content: IMAGE },
      { path: 'masks/a.png', content: picture(label) },
    ]);
    const project = await engine.change({});
    const labels = await engine.labels('a', 0);
    return { problems, project, labels: [...(labels?.data ?? [])] };
  };
  /** 6 x 4: two objects, and a pixel that is not known. */
  const twoSquares = (p: number): number =>
    p === 23 ? 0 : [0, 1, 6, 7].includes(p) ? 1 : [4, 10, 11].includes(p) ? 2 : 0;
  const objects = [
    { name: 'background', value: 0 },
    { name: 'nucleus', value: 'rest' },
  ] as const;

  it('are taken as it: parts of a mask that hang together are objects', async () => {
    await engine.create('cells');
    await engine.change({ task: 'objects', classes: objects });
    const { project, labels, problems } = await add((p) => (twoSquares(p) > 0 ? 255 : 0));
    expect(problems).toEqual([]);
    expect(project).toMatchObject({ task: 'objects', classes: objects });
    expect(labels).toEqual(Array.from({ length: 24 }, (_, p) => twoSquares(p)));
  });

  it('are refused by name where objects cannot be told from them', async () => {
    await engine.create('cells');
    await engine.change({ task: 'objects', classes: objects });
    const { project, labels, problems } = await add((p) => Math.floor(p / 6));
    expect(problems).toMatchObject([{ file: 'masks/a.png', message: expect.stringContaining('4 classes') }]);
    expect([project.task, labels]).toEqual(['objects', []]);
  });

  it('of objects become areas, and names of classes stay', async () => {
    const { project } = await engine.create('cells');
    const [background, foreground] = project.classes ?? [];
    const classes = [background, { ...foreground, name: 'nuclei' }] as NonNullable<typeof project.classes>;
    await engine.change({ classes });
    // Numbers up to 9 that hang together are objects.
    const { project: after, labels } = await add((p) => (p < 12 ? (p % 3 === 2 ? 0 : 1 + Math.floor(p / 3)) : 0));
    expect(after.task).toBe('classes');
    expect(after.classes?.slice(0, 2)).toEqual(classes);
    expect(labels.slice(0, 6)).toEqual([1, 1, 0, 2, 2, 0]);
  });

  it('say what a project is of that was not chosen', async () => {
    await engine.create('cells');
    const { project, labels } = await add((p) => (twoSquares(p) > 0 ? 255 : 0));
    expect(project.task).toBe('classes');
    expect(labels).toEqual(Array.from({ length: 24 }, (_, p) => Math.min(1, twoSquares(p))));
  });
});

/** 6 x 4: three objects, in a file that says so. */
const OBJECTS = writeTiff({
  ...ndarray(
    'uint8',
    [4, 6],
    Uint8Array.from({ length: 24 }, (_, p) =>
      [0, 1, 6, 7].includes(p) ? 1 : [4, 10, 11].includes(p) ? 2 : [20, 21].includes(p) ? 3 : 0,
    ),
  ),
  axes: 'yx',
  spacing: {},
  labelKind: 'objects',
});
const EIGHT = picture((p) => (p * 5) % 8);
const areas = (values: readonly number[]) => values.map((value, i) => ({ name: `c${i}`, value }));
const pixels = async (id: string): Promise<readonly number[]> => [...((await engine.labels(id, 0))?.data ?? [])];

describe('what labels say of a project', () => {
  it('is told at once: kind, classes and which images have labels', async () => {
    await engine.create('cells');
    const found = await engine.addFiles([
      { path: 'images/a.png', content: IMAGE },
      { path: 'labels/a.tif', content: OBJECTS },
    ]);
    expect(found.project).toEqual((await engine.open('cells')).project);
    expect(found.project).toMatchObject({
      task: 'objects',
      classes: [{ value: 0 }, { value: 'rest' }],
      images: [{ id: 'a', labels: 'labels/a.tif' }],
    });
    await engine.create('areas');
    const { project } = await engine.addFiles([
      { path: 'images/a.png', content: IMAGE },
      { path: 'labels/a.png', content: EIGHT },
    ]);
    expect(project.task).toBe('classes');
    expect(project.classes?.map(({ value }) => value)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  });

  it('makes images of before ready to be painted as it says', async () => {
    await engine.create('cells');
    await engine.addFiles([{ path: 'b.png', content: picture((p) => p) }]);
    expect(await engine.labels('b', 0)).toBeUndefined();
    await engine.addFiles([
      { path: 'images/a.png', content: IMAGE },
      { path: 'labels/a.tif', content: OBJECTS },
    ]);
    const painter = await openPainter(engine, await engine.open('cells'));
    painter.annotations.layer('b').fill(0, 0, 0, 2, 300);
    painter.history.commit('paint');
    await painter.history.settled();
    expect((await pixels('b')).slice(0, 3)).toEqual([300, 300, 0x7fffffff]);
  });

  it('stays: classes that are annotated cannot be left out, and a page that did not know them takes none away', async () => {
    const stale = await engine.create('cells');
    const { images } = await engine.addFiles([
      { path: 'images/a.png', content: IMAGE },
      { path: 'labels/a.png', content: EIGHT },
    ]);
    const before = await pixels('a');
    await expect(engine.change({ classes: areas([0, 1, 2]) })).rejects.toThrow("'class 3' is annotated");
    const { classes } = await engine.change({ classes: areas([0, 1, 2, 3, 4, 5, 6, 7, 8]) });
    expect(classes?.length).toBe(9);
    // Nothing is annotated of the last.
    expect((await engine.change({ classes: areas([0, 1, 2, 3, 4, 5, 6, 7]) })).classes?.length).toBe(8);
    const painter = await openPainter(engine, stale);
    await painter.add(images);
    painter.annotations.classes = areas([0, 1, 2]);
    painter.history.commit('classes');
    await painter.history.settled();
    const { project, problems } = await engine.open('cells');
    expect([problems, project.classes?.map(({ name, value }) => `${name} ${value}`)]).toEqual([
      [],
      ['c0 0', 'c1 1', 'c2 2', 'c3 3', 'c4 4', 'c5 5', 'c6 6', 'c7 7'],
    ]);
    expect(await pixels('a')).toEqual(before);
  });

  it('keeps objects objects', async () => {
    await engine.create('cells');
    const { project } = await engine.addFiles([
      { path: 'images/a.png', content: IMAGE },
      { path: 'labels/a.tif', content: OBJECTS },
    ]);
    await expect(engine.change({ classes: areas([0, 1]) })).rejects.toThrow('is annotated');
    const [background, object] = project.classes as NonNullable<typeof project.classes>;
    const named = [background, { ...object, name: 'nucleus' }] as NonNullable<typeof project.classes>;
    expect((await engine.change({ classes: named })).classes).toEqual(named);
  });
});

describe('labels that come after their image', () => {
  const twoSquares = [1, 1, 0, 0, 2, 0, 1, 1, 0, 0, 2, 2];
  const add = (path: string, content: Uint8Array) => engine.addFiles([{ path, content }]);
  beforeEach(async () => {
    await engine.create('cells');
    await engine.addFiles([
      { path: 'a.png', content: IMAGE },
      { path: 'b.png', content: picture((p) => p) },
    ]);
  });

  it.each(['labels/a.tif', 'plate/masks/a.tif', 'a_mask.tif'])('alone, as %s, are given to it', async (path) => {
    expect(await pixels('a')).toEqual([]);
    const { problems, images, labelled, project } = await add(path, OBJECTS);
    expect([problems, images, labelled, project.task]).toEqual([[], [], ['a'], 'objects']);
    expect((await pixels('a')).slice(0, 12)).toEqual(twoSquares);
    const state = await engine.open('cells');
    expect([state.problems, state.images.map(({ id }) => id), state.project]).toEqual([[], ['a', 'b'], project]);
    expect((await pixels('a')).slice(0, 12)).toEqual(twoSquares);
  });

  it('alone under its name are given to it if they are no picture', async () => {
    const large = (value: (x: number, y: number) => number): Uint8Array => {
      const data = Uint8Array.from({ length: 64 * 64 }, (_, p) => value(p % 64, p >> 6));
      return writePng({ ...ndarray('uint8', [64, 64], data), axes: 'yx', spacing: {} } as Image);
    };
    const grain = (x: number, y: number, levels: number): number =>
      ((x * 7919 + y * 104_729 + x * x * y) >> 3) % levels;
    await add(
      'c.png',
      large((x, y) => grain(x, y, 200)),
    );
    // Another plate's, which is darker.
    expect(
      await add(
        'plate2/c.png',
        large((x, y) => grain(x, y, 12)),
      ),
    ).toMatchObject({
      images: [{ id: 'c-2' }],
      labelled: [],
    });
    const { problems, images, labelled } = await add(
      'c.png',
      large((x) => x >> 3),
    );
    expect([problems, images, labelled]).toEqual([[], [], ['c']]);
    expect((await pixels('c')).filter((_, p) => p < 64 && p % 8 === 0)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  });

  it('together with it are given to it', async () => {
    const { problems, images, labelled } = await engine.addFiles([
      { path: 'd/images/a.png', content: IMAGE },
      { path: 'd/labels/a.tif', content: OBJECTS },
      { path: 'd/images/c.png', content: MASK },
      { path: 'd/labels/c.tif', content: OBJECTS },
    ]);
    expect([problems, images.map(({ id }) => id), labelled]).toEqual([[], ['c'], ['a']]);
    expect((await pixels('a')).slice(0, 12)).toEqual(twoSquares);
  });

  it('are not given to an image whose name they do not have, or to one of two', async () => {
    await add(
      'plate2/a.png',
      picture((p) => 2 * p),
    );
    for (const path of ['labels/x.tif', 'labels/a.tif']) {
      const { problems, images, labelled } = await add(path, OBJECTS);
      expect(problems).toMatchObject([{ message: expect.stringContaining('has no image') }]);
      expect([images, labelled]).toEqual([[], []]);
    }
  });

  it('that do not fit change nothing', async () => {
    const small = writePng({
      ...ndarray('uint8', [2, 2], new Uint8Array([0, 1, 2, 3])),
      axes: 'yx',
      spacing: {},
    } as Image);
    const { problems, labelled } = await add('labels/a.png', small);
    expect([problems.length, labelled, await pixels('a')]).toEqual([1, [], []]);
  });

  it('change nothing where something is or was painted, so that undo and redo stay right', async () => {
    const painter = await openPainter(engine, await engine.open('cells'));
    await painter.stroke('a', 1, [[2, 2]], 2);
    const painted = await pixels('a');
    const refused = { message: expect.stringContaining('annotated in the image "a"'), remedy: expect.any(String) };
    expect(await add('labels/a.tif', OBJECTS)).toMatchObject({ labelled: [], problems: [refused] });
    expect(await pixels('a')).toEqual(painted);
    await painter.history.undo();
    await painter.history.settled();
    expect(await add('labels/a.tif', OBJECTS)).toMatchObject({ labelled: [], problems: [refused] });
    await painter.history.redo();
    await painter.history.settled();
    expect(await pixels('a')).toEqual(painted);
    // In the other one nothing was.
    const ones = picture((p) => (p < 12 ? 0 : 1));
    expect(await add('labels/b.png', ones)).toMatchObject({ labelled: ['b'], problems: [] });
    const again = await engine.open('cells');
    expect([await pixels('a'), again.problems]).toEqual([painted, []]);
    expect((await pixels('b')).slice(10, 14)).toEqual([0, 0, 1, 1]);
  });
});

describe('an archive', () => {
  const refused = async (zip: Uint8Array, message: string | RegExp): Promise<void> => {
    await expect(engine.import([{ path: 'x.zip', content: zip }], 'x')).rejects.toThrow(message);
    expect(await readdir(root)).toEqual([]);
  };
  const project = (more: object = {}): Uint8Array =>
    new TextEncoder().encode(
      JSON.stringify({ version: 1, task: 'classes', notAnnotated: 255, images: [{ file: 'images/a.png' }], ...more }),
    );

  it('that would write elsewhere, is damaged, or is no project, is refused, and leaves nothing', async () => {
    await refused(zipSync({ '../evil.png': IMAGE }), 'lies outside of it');
    await refused(zipSync({ 'a/../../evil.png': IMAGE }), 'lies outside of it');
    await refused(zipSync({ '/etc/evil.png': IMAGE }), 'lies outside of it');
    await refused(zipSync({ 'C:\\evil.png': IMAGE }), 'lies outside of it');
    const whole = zipSync({ 'images/a.png': IMAGE, 'lamella.json': project() }, { level: 0 });
    await refused(whole.subarray(0, whole.length - 30), /truncated|damaged|not an image|no images/);
    const damaged = whole.slice();
    damaged[80] = (damaged[80] as number) ^ 1;
    await refused(damaged, 'is damaged');
    await refused(zipSync({ 'lamella.json': project({ version: 9 }) }), 'Update Lamella');
    await refused(zipSync({ 'lamella.json': new TextEncoder().encode('{') }), 'not JSON');
  });

  it('of a project that lacks a file is opened without that image, which is said', async () => {
    const images = [
      { id: 'a', file: 'images/a.png' },
      { id: 'b', file: '../b.png' },
    ];
    const zip = zipSync({ 'x/lamella.json': project({ images }), 'x/images/a.png': IMAGE, 'x/.studio/journal': IMAGE });
    const state = await engine.import([{ path: 'x.zip', content: zip }], 'x');
    expect(state.images.map(({ id }) => id)).toEqual(['a']);
    expect(state.problems.map(({ file, message }) => [file, message])).toEqual([
      ['../b.png', 'the project lists this file, but it is missing.'],
    ]);
    expect(state.journal.length).toBe(0);
  });

  /** A zip of a project with images a and b, each with labels, without one of its files. */
  const without = async (file: string): Promise<Uint8Array> => {
    const state = await engine.create('cells');
    const painter = await openPainter(engine, state);
    const { images } = await engine.addFiles(
      [IMAGE, picture((p) => p)].map((content, i) => ({ path: `${'ab'[i]}.png`, content })),
    );
    await painter.add(images);
    for (const id of ['a', 'b']) await painter.stroke(id, 1, [[2, 2]], 1);
    const { content } = await engine.export({ formats: ['project'] });
    const { [`cells/${file}`]: lost, ...rest } = unzipSync(
      content instanceof Uint8Array ? content : new Uint8Array(await content.arrayBuffer()),
    );
    expect(lost).toBeDefined();
    return zipSync(rest);
  };
  const paintedIn = async (id: string): Promise<number> =>
    (await engine.labels(id, 0))?.data.filter((value) => value === 1).length ?? 0;

  it('of a project that lacks a label file is opened with all images; the labels can be added', async () => {
    const zip = await without('labels/a.tif');
    const labels = await readFile(join(root, 'cells/labels/a.tif'));
    const { images, problems, project } = await engine.import([{ path: 'x.zip', content: zip }], 'x');
    expect(images.map(({ id }) => id)).toEqual(['a', 'b']);
    expect(problems).toEqual([
      {
        code: 'labels-missing',
        file: 'labels/a.tif',
        message: 'the project lists these labels, but they are missing: their image is here without any.',
        remedy: 'Add this label file to the project, or paint anew.',
      },
    ]);
    expect(project.images[0]).toMatchObject({ id: 'a', file: 'images/a.png' });
    expect([project.images[0]?.labels, await paintedIn('a'), await paintedIn('b')]).toEqual([undefined, 0, 1]);
    const added = await engine.addFiles([{ path: 'labels/a.tif', content: labels }]);
    expect([added.problems, added.labelled, await paintedIn('a')]).toEqual([[], ['a'], 1]);
  });

  it.each(['a.png', 'other.png'])(
    'of a project that lacks an image gets it back when it is added as %s',
    async (name) => {
      const zip = await without('images/a.png');
      const { id, images, problems, project } = await engine.import([{ path: 'x.zip', content: zip }], 'x');
      expect([id, images.map((image) => image.id)]).toEqual(['cells-2', ['b']]);
      expect(problems).toEqual([
        {
          code: 'no-file',
          file: 'cells-2/lamella.json',
          message: 'there is no file "images/a.png", which the project lists.',
          remedy: 'Put it back, or add this image again: its labels are kept.',
        },
      ]);
      const added = await engine.addFiles([
        { path: name, content: IMAGE },
        { path: 'c.png', content: picture((p) => 3 * p) },
      ]);
      expect([added.images.map((image) => image.id).sort(), added.problems]).toEqual([['a', 'c'], []]);
      expect(added.project.images.slice(0, 2)).toEqual(project.images);
      expect(await paintedIn('a')).toBe(1);
      const again = await engine.addFiles([{ path: name, content: IMAGE }]);
      expect(again.problems.map(({ message }) => message)).toEqual(['the project has this image already.']);
      const opened = await engine.open('cells-2');
      expect([opened.images.map((image) => image.id), opened.problems]).toEqual([['a', 'b', 'c'], []]);
    },
  );

  it('says how large its files are before they are unpacked', async () => {
    const blob = new Blob([zipSync({ a: new Uint8Array(1_000_000) })]);
    await expect(readZip(blob, 'a.zip', 1000)).rejects.toThrow('says that it takes 1000000 bytes');
    const [entry] = await readZip(blob, 'a.zip', 2_000_000);
    expect((await entry?.read())?.length).toBe(1_000_000);
  });
});
