/** A project's folder that others change: files and the folder itself renamed, moved and put back while it is open or before. */
import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ndarray } from '../../src/array/ndarray.ts';
import { writePng } from '../../src/image/formats/png/write.ts';
import { writeTiff } from '../../src/image/formats/tiff/write.ts';
import { HeldFolders } from '../../src/platform/node/held-folders.ts';
import { openRunFolder } from '../../src/platform/node/run-folder.ts';
import { isProject, studioHost } from '../../src/platform/node/studio-host.ts';
import { withWatchedFolder } from '../../src/platform/node/watched-folder.ts';
import { createEngine } from '../../src/studio/create-engine.ts';
import type { Engine, EngineEvent } from '../../src/studio/engine.ts';
import type { StudioHost } from '../../src/studio/host.ts';
import { openPainter } from './painter.ts';

const SIDE = 48;
const greyPng = (value: number): Uint8Array =>
  writePng({
    ...ndarray('uint8', [SIDE, SIDE], new Uint8Array(SIDE * SIDE).fill(value)),
    axes: 'yx',
    spacing: {},
  });

let parent: string;
/** The project's folder. */
let folder: string;
let engine: Engine;
/** Saves soon after an edit. */
const hostOf = (place: string, afterMs = 20): StudioHost => {
  const host = studioHost(place, { single: true });
  return { ...host, after: (_, work) => host.after(afterMs, work) };
};
/** As the server has it. */
const engineOn = (host: StudioHost): Engine => withWatchedFolder(createEngine(host), host);
const open = async (place = folder) => {
  engine = engineOn(hostOf(place));
  const { project: id } = await engine.describe();
  return engine.open(id as string);
};
const openProject = async (place = folder) => {
  const state = await open(place);
  return openPainter(engine, state);
};
const json = async () => JSON.parse(await readFile(join(folder, 'lamella.json'), 'utf8'));
const painted = async (image: string): Promise<number> =>
  (await engine.labels(image, 0))?.data.filter((value) => value === 1).length ?? 0;

beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'lamella-folder-'));
  folder = join(parent, 'cells');
  await mkdir(folder);
  for (const [i, name] of ['a', 'b', 'c'].entries()) await writeFile(join(folder, `${name}.png`), greyPng(20 * i));
});
afterEach(async () => {
  await engine?.dispose();
  await rm(parent, { recursive: true, force: true });
});

describe('a file that is missing when a project is opened', () => {
  const isMissing = (file: string) => ({
    message: `there is no file "${file}", which the project lists.`,
    code: 'no-file',
    file: 'lamella.json',
    remedy: 'Put it back, or add this image again: its labels are kept.',
  });

  beforeEach(async () => {
    const painter = await openProject();
    await painter.stroke('a', 1, [[10, 10]]);
    await painter.stroke('b', 1, [[20, 20]]);
    await engine.close();
  });

  it('an image: the others are opened, and it stays in the project with its labels', async () => {
    const [before, labels] = [await json(), await readFile(join(folder, 'labels/b.tif'))];
    await rename(join(folder, 'b.png'), join(folder, 'renamed.png'));
    const state = await open();
    expect(state.images.map(({ id }) => id)).toEqual(['a', 'c']);
    expect(state.problems).toEqual([isMissing('b.png')]);
    const painter = await openPainter(engine, state);
    await painter.stroke('c', 1, [[30, 30]]);
    expect([await painted('a'), await painted('c')]).toEqual([37, 37]);
    await expect(engine.labels('b', 0)).rejects.toMatchObject({ problem: isMissing('b.png').message });
    // The last edit before is of b: undoing it is no step, and what comes after is kept.
    for (const _ of [1, 2]) await painter.history.undo();
    await painter.stroke('c', 1, [[30, 30]]);
    await painter.history.settled();
    expect([await painted('a'), await painted('c')]).toEqual([0, 37]);
    await painter.history.undo();
    for (const _ of [1, 2]) await painter.history.redo();
    await engine.close();
    const [a, b] = before.images;
    expect((await json()).images).toEqual([
      a,
      b,
      { file: 'c.png', id: 'c', labels: 'labels/c.tif', keepLabels: false },
    ]);
    expect(await readFile(join(folder, 'labels/b.tif'))).toEqual(labels);
    await rename(join(folder, 'renamed.png'), join(folder, 'b.png'));
    expect(await open()).toMatchObject({ problems: [], images: [{ id: 'a' }, { id: 'b' }, { id: 'c' }] });
    expect(await painted('b')).toBe(37);
  });

  it('an image that is added again is the one that was missing, with its labels', async () => {
    await rename(join(folder, 'b.png'), join(parent, 'b.png'));
    await open();
    const { images, problems } = await engine.addFiles([{ path: 'b.png', content: greyPng(20) }]);
    expect([images.map(({ id }) => id), problems, await painted('b')]).toEqual([['b'], [], 37]);
    await engine.close();
    expect((await json()).images.map(({ id, file }: { id: string; file: string }) => [id, file])).toEqual([
      ['a', 'a.png'],
      ['b', 'images/b.png'],
      ['c', 'c.png'],
    ]);
    expect(await open()).toMatchObject({ problems: [], images: [{ id: 'a' }, { id: 'b' }, { id: 'c' }] });
    expect(await painted('b')).toBe(37);
  });

  it('labels: all images are opened, and nothing is written in their place', async () => {
    await rename(join(folder, 'labels/b.tif'), join(folder, 'elsewhere.tif'));
    const { images, problems } = await open();
    expect([images.map(({ id }) => id), problems]).toEqual([['a', 'b', 'c'], []]);
    await expect(engine.labels('b', 0)).rejects.toMatchObject({ problem: isMissing('labels/b.tif').message });
    expect(await painted('a')).toBe(37);
    await engine.close();
    expect(await readdir(join(folder, 'labels'))).toEqual(['a.tif']);
  });
});

describe('a folder that is renamed while it is open', () => {
  let moved: string;
  let gone: object;
  let events: EngineEvent[];
  const texts = () => events.flatMap((event) => (event.kind === 'problem' ? [event.problem.message] : []));
  /** Until nothing is written any more. */
  const saved = () => expect.poll(() => events.filter(({ kind }) => kind === 'saved').length).toBeGreaterThan(0);
  beforeEach(() => {
    moved = join(parent, 'renamed');
    events = [];
    gone = {
      code: 'folder-gone',
      problem: 'the folder of the open project is no longer here: it was renamed, moved or deleted.',
      file: folder,
    };
  });

  it('is not made anew; edits are refused, and kept when it is back', async () => {
    const painter = await openProject();
    engine.subscribe((event) => events.push(event));
    // As the page does.
    engine.subscribe(({ kind }) => {
      if (kind === 'saved') painter.history.settled().catch(() => undefined);
    });
    await painter.stroke('a', 1, [[10, 10]]);
    await saved();
    const journal = await readFile(join(folder, '.studio/journal'));
    await rename(folder, moved);
    events.length = 0;
    await expect(painter.stroke('a', 1, [[30, 10]])).rejects.toMatchObject(gone);
    await expect(painter.stroke('b', 1, [[30, 30]])).rejects.toMatchObject(gone);
    await expect(engine.flush()).rejects.toMatchObject(gone);
    await expect(engine.change({ name: 'other' })).rejects.toMatchObject(gone);
    await expect(engine.addFiles([{ path: 'd.png', content: greyPng(90) }])).rejects.toMatchObject(gone);
    await expect(engine.close()).rejects.toMatchObject(gone);
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(events.filter(({ kind }) => kind === 'saved')).toEqual([]);
    expect(await readdir(parent)).toEqual(['renamed']);
    expect(await readFile(join(moved, '.studio/journal'))).toEqual(journal);
    await rename(moved, folder);
    await expect.poll(() => painter.history.settled().then(() => true)).toBe(true);
    await saved();
    await engine.close();
    await openProject();
    expect([await painted('a'), await painted('b')]).toEqual([74, 37]);
  });

  it('has what was kept when it is opened at its new place, and by the same program when it is back', async () => {
    const host = hostOf(folder, 200);
    engine = engineOn(host);
    const painter = await openPainter(engine, await engine.open('cells'));
    await painter.stroke('a', 1, [[10, 10]]);
    await rename(folder, moved);
    engine.subscribe((event) => events.push(event));
    await expect.poll(texts).toEqual([(gone as { problem: string }).problem]);
    // It is looked for again and again, and not said again.
    await new Promise((resolve) => setTimeout(resolve, 600));
    expect([texts().length, events.some(({ kind }) => kind === 'saved')]).toEqual([1, false]);
    // The page is loaded again.
    await expect(engine.dispose()).rejects.toMatchObject(gone);
    expect(await readdir(parent)).toEqual(['renamed']);
    await rename(moved, folder);
    engine = engineOn(host);
    expect(await engine.open('cells')).toMatchObject({ readOnly: false });
    expect(await painted('a')).toBe(37);
    await engine.close();
    await rename(folder, moved);
    expect((await open(moved)).readOnly).toBe(false);
    expect(await painted('a')).toBe(37);
  });

  it('and another in its place: that one is left alone', async () => {
    const painter = await openProject();
    await rename(folder, moved);
    await mkdir(join(folder, '.studio'), { recursive: true });
    await writeFile(join(folder, '.studio/lock'), 'of somebody else');
    await expect(painter.stroke('a', 1, [[10, 10]])).rejects.toMatchObject({
      code: 'folder-gone',
      problem: 'another folder is where that of the open project was.',
    });
    await engine.dispose();
    expect(await readdir(folder, { recursive: true })).toEqual(['.studio', '.studio/lock']);
  });

  it('while it is trained on: the run does not make it anew', async () => {
    const run = await openRunFolder(join(folder, 'runs/1'), 'new');
    await rename(folder, moved);
    await expect(run.write('config.json', '{}')).rejects.toMatchObject({
      problem: 'the folder of this run is no longer here: it was renamed, moved or deleted.',
    });
    expect(await readdir(parent)).toEqual(['renamed']);
    await open(moved);
  });
});

describe('an edit that is in no file yet', () => {
  it('waits until the image that it is of can be read again', async () => {
    engine = engineOn(hostOf(folder, 1e6));
    const { project: id } = await engine.describe();
    const painter = await openPainter(engine, await engine.open(id as string));
    await painter.stroke('b', 1, [[20, 20]]);
    await painter.history.settled();
    // What a crash leaves: the journal alone has it.
    const crashed = join(parent, 'crashed');
    await cp(folder, crashed, { recursive: true, filter: (path) => !path.endsWith('lock') });
    await engine.dispose();
    folder = crashed;
    await rename(join(folder, 'b.png'), join(folder, 'renamed.png'));
    const other = await openProject();
    await other.stroke('a', 1, [[10, 10]]);
    await other.history.settled();
    await engine.close();
    await rename(join(folder, 'renamed.png'), join(folder, 'b.png'));
    await open();
    expect([await painted('a'), await painted('b')]).toEqual([37, 37]);
  });
});

describe('a folder that took the place of an open one', () => {
  it('is not opened until that is closed, and belongs to others then', async () => {
    const held = new HeldFolders();
    const lock = join(folder, 'lock');
    const first = await held.take(folder, lock);
    await rename(folder, join(parent, 'moved'));
    await mkdir(folder);
    await expect(held.require(join(folder, 'a'))).rejects.toThrow('another folder is where');
    await expect(held.take(folder, lock)).rejects.toThrow('another folder that was here is still open');
    await expect(held.require(join(folder, 'a'))).rejects.toThrow('another folder is where');
    await first.release();
    const second = await held.take(folder, lock);
    await held.require(join(folder, 'a'));
    await second.release();
  });
});

describe('labels that are in a folder when it is opened', () => {
  it.each(['labels/a.tif', 'labels/a.png', 'masks/a.tif'])(
    '%s stay as they are when they are painted on',
    async (given) => {
      const values = new Uint8Array(SIDE * SIDE).fill(1, 0, 5);
      const image = { ...ndarray('uint8', [SIDE, SIDE], values), axes: 'yx', spacing: {} } as const;
      const bytes = given.endsWith('.tif') ? writeTiff(image) : writePng(image);
      for (const place of ['images', dirname(given)]) await mkdir(join(folder, place));
      for (const name of ['a.png', 'b.png', 'c.png']) await rename(join(folder, name), join(folder, 'images', name));
      await writeFile(join(folder, given), bytes);
      const painter = await openProject();
      expect((await json()).images[0]).toEqual({ file: 'images/a.png', id: 'a', labels: given, keepLabels: true });
      const paint = async (y: number): Promise<string> => {
        await painter.stroke('a', 1, [[20, y]]);
        await engine.flush();
        return (await json()).images[0].labels;
      };
      const own = given === 'labels/a.tif' ? 'labels/a-2.tif' : 'labels/a.tif';
      expect([await paint(20), await paint(40)]).toEqual([own, own]);
      expect(new Uint8Array(await readFile(join(folder, given)))).toEqual(bytes);
      await engine.close();
      await openProject();
      expect([await painted('a'), (await json()).images[0]]).toEqual([
        5 + 2 * 37,
        { file: 'images/a.png', id: 'a', labels: own, keepLabels: false },
      ]);
    },
  );

  it('nor is a file written over that the project does not list', async () => {
    await openProject();
    await engine.close();
    await mkdir(join(folder, 'labels'));
    await writeFile(join(folder, 'labels/a.tif'), 'mine');
    const painter = await openProject();
    await painter.stroke('a', 1, [[20, 20]]);
    await engine.close();
    expect(await readFile(join(folder, 'labels/a.tif'), 'utf8')).toBe('mine');
    expect((await json()).images[0].labels).toBe('labels/a-2.tif');
  });
});

describe('a folder with images in folders below only', () => {
  beforeEach(async () => {
    for (const [from, to] of [
      ['a.png', 'p1/day 1/cell.png'],
      ['b.png', 'p2/cell.png'],
      ['c.png', 'p2/other.png'],
    ] as const) {
      await mkdir(join(folder, dirname(to)), { recursive: true });
      await rename(join(folder, from), join(folder, to));
    }
  });

  it('is opened as one project of them, if the user named it', async () => {
    expect(await isProject(folder, { isNamed: true })).toBe(true);
    expect(await isProject(folder, { isNamed: false })).toBe(false);
    const painter = await openProject();
    expect((await json()).images).toEqual([
      { file: 'p1/day 1/cell.png', id: 'cell' },
      { file: 'p2/cell.png', id: 'cell-2' },
      { file: 'p2/other.png', id: 'other' },
    ]);
    await painter.stroke('cell-2', 1, [[20, 20]]);
    await engine.close();
    expect(await isProject(folder, { isNamed: false })).toBe(true);
  });

  it('is a folder of projects if one of them is a project, or none has an image', async () => {
    await writeFile(join(folder, 'p2/lamella.json'), '{}');
    expect(await isProject(folder, { isNamed: true })).toBe(false);
    for (const name of ['p1', 'p2']) await rm(join(folder, name), { recursive: true });
    expect(await isProject(folder, { isNamed: true })).toBe(false);
    await mkdir(join(folder, 'notes'));
    await writeFile(join(folder, 'notes/a.txt'), 'no image');
    expect(await isProject(folder, { isNamed: true })).toBe(false);
  });
});
