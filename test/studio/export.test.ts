/** A project is taken out of a storage that is full, was cleared, or is only here for a while. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unzipSync } from 'fflate';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ndarray } from '../../src/array/ndarray.ts';
import { LamellaError } from '../../src/errors.ts';
import { writePng } from '../../src/image/formats/png/write.ts';
import { readImage } from '../../src/image/read.ts';
import { nodeFiles } from '../../src/platform/node/files.ts';
import { studioHost } from '../../src/platform/node/studio-host.ts';
import { createEngine } from '../../src/studio/create-engine.ts';
import type { Engine, EngineEvent, ExportedFile, ProjectState } from '../../src/studio/engine.ts';
import type { StudioHost } from '../../src/studio/host.ts';
import { openPainter, type Painter } from './painter.ts';

const SIDE = 32;
const grey = (value: number): Uint8Array =>
  writePng({
    ...ndarray('uint8', [SIDE, SIDE], new Uint8Array(SIDE * SIDE).fill(value)),
    axes: 'yx',
    spacing: {},
  });

let root: string;
let engine: Engine;
let events: EngineEvent[];
/** Whether the storage takes nothing more. */
let isFull: boolean;
/** Files that were written in place, but for the journal. */
let inPlace: string[];

const noSpace = (file: string): LamellaError =>
  new LamellaError('no space is left.', { file, facts: { code: 'no-space' } });

function hostOf(place: StudioHost['place'], more: Partial<StudioHost> = {}): StudioHost {
  const host = studioHost(root);
  const write: StudioHost['files']['write'] = async (path, content) => {
    if (isFull) throw noSpace(path);
    return host.files.write(path, content);
  };
  return {
    ...host,
    place,
    files: { ...host.files, write },
    async openFile(path) {
      const file = await host.openFile(path);
      if (!path.endsWith('journal')) inPlace.push(path);
      return {
        ...file,
        async append(bytes) {
          if (isFull) throw noSpace(path);
          return file.append(bytes);
        },
      };
    },
    // Nothing is saved by itself.
    after: () => () => undefined,
    ...more,
  };
}

function start(place: StudioHost['place'] = 'tab', more: Partial<StudioHost> = {}): void {
  engine = createEngine(hostOf(place, more));
  engine.subscribe((event) => events.push(event));
}

/** A project with two images, in each of which something is painted. */
async function paintedProject(): Promise<Painter> {
  const painter = await openPainter(engine, await engine.create('cells'));
  const { images } = await engine.addFiles(['a', 'b'].map((name, i) => ({ path: `${name}.png`, content: grey(i) })));
  await painter.add(images);
  await painter.stroke('a', 1, [[5, 5]], 1);
  await painter.stroke('b', 1, [[5, 5]], 1);
  await engine.flush();
  return painter;
}

async function unzipped({ content }: ExportedFile): Promise<Readonly<Record<string, Uint8Array>>> {
  return unzipSync(content instanceof Uint8Array ? content : new Uint8Array(await content.arrayBuffer()));
}
const listed = (zip: Readonly<Record<string, Uint8Array>>): ProjectState['project'] =>
  JSON.parse(Buffer.from(zip['cells/lamella.json'] as Uint8Array).toString());
/** How many pixels have a label. */
const pixels = (data: ArrayLike<number | bigint>, label: number): number =>
  Array.from(data).filter((value) => value === label).length;
const pixelsIn = async (bytes: Uint8Array | undefined, label = 1): Promise<number> =>
  pixels((await readImage(bytes as Uint8Array, 'labels.tif')).data, label);

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'lamella-export-'));
  events = [];
  inPlace = [];
  isFull = false;
});
afterEach(async () => {
  isFull = false;
  await engine.dispose();
  await rm(root, { recursive: true, force: true });
});

describe.each(['tab', 'server'] as const)('a project in a full storage of a %s', (place) => {
  it('is exported with all that was painted, which is kept once there is room', async () => {
    start(place);
    const painter = await paintedProject();
    isFull = true;
    const full = { code: 'no-space' };
    await expect(painter.stroke('a', 0, [[5, 5]], 3)).rejects.toMatchObject(full);
    await expect(painter.stroke('a', 1, [[5, 5]], 1)).rejects.toMatchObject(full);
    await expect(painter.stroke('b', 1, [[9, 9]], 1)).rejects.toMatchObject(full);
    await painter.history.undo();
    await expect(engine.flush()).rejects.toMatchObject(full);
    await painter.history.handIn();
    const exported = await engine.export({ formats: ['project'] });
    expect([exported.name, exported.problems]).toEqual(['cells.zip', []]);
    const zip = await unzipped(exported);
    expect(Object.keys(zip).sort()).toEqual(
      ['images/a.png', 'images/b.png', 'labels/a.tif', 'labels/b.tif', 'lamella.json'].map((file) => `cells/${file}`),
    );
    const [a, b] = [zip['cells/labels/a.tif'], zip['cells/labels/b.tif']];
    expect([await pixelsIn(a, 0), await pixelsIn(a), await pixelsIn(b)]).toEqual([8, 1, 1]);
    expect(await pixelsIn(await readFile(join(root, 'cells/labels/a.tif')), 0)).toBe(0);
    expect(await readdir(join(root, 'cells/.studio'))).not.toContain('export.zip');
    isFull = false;
    await painter.history.settled();
    await engine.flush();
    const kept = await readFile(join(root, 'cells/labels/a.tif'));
    expect([await pixelsIn(kept, 0), await pixelsIn(kept)]).toEqual([8, 1]);
    const again = await openPainter(engine, await engine.open('cells'));
    await again.history.undo();
    expect(pixels(again.annotations.layer('a').read([0, 0, SIDE, SIDE]), 0)).toBe(9);
    await again.history.undo();
    expect(pixels(again.annotations.layer('a').read([0, 0, SIDE, SIDE]), 1)).toBe(1);
  });
});

it('an edit that could not be written is not made again over what came after it', async () => {
  start();
  const painter = await paintedProject();
  isFull = true;
  await painter.stroke('a', 0, [[5, 5]], 1).catch(() => undefined);
  await painter.stroke('a', 1, [[5, 5]], 1).catch(() => undefined);
  await painter.history.handIn();
  await painter.stroke('a', 1, [[9, 9]], 1).catch(() => undefined);
  const zip = await unzipped(await engine.export({ formats: ['project'] }));
  expect([await pixelsIn(zip['cells/labels/a.tif'], 0), await pixelsIn(zip['cells/labels/a.tif'])]).toEqual([0, 1]);
});

it('what a page could not hand over before it ended gives way to what the next one does', async () => {
  start();
  const painter = await paintedProject();
  const state = await engine.open('cells');
  const other = await openPainter(engine, state);
  isFull = true;
  await painter.stroke('a', 1, [[9, 9]], 1).catch(() => undefined);
  await other.stroke('b', 1, [[9, 9]], 1).catch(() => undefined);
  isFull = false;
  await other.history.settled();
  const again = await openPainter(engine, await engine.open('cells'));
  expect(again.history.nextUndo?.places.map(({ image }) => image)).toEqual(['b']);
});

it('a small project takes no room in the storage of a page, and gives back what an export before took', async () => {
  start();
  await paintedProject();
  await nodeFiles.write(join(root, 'cells/.studio/export.zip'), 'an earlier one');
  const { content } = await engine.export({ formats: ['project'] });
  expect([inPlace, content instanceof Blob]).toEqual([[], true]);
  expect(await readdir(join(root, 'cells/.studio'))).not.toContain('export.zip');
});

it('a project in a full storage is moved into a folder, with all that was painted', async () => {
  const move = async (): Promise<void> => {
    isFull = false;
  };
  start('tab', { folders: { move, link: () => Promise.reject(new Error('not linked')) } });
  const painter = await paintedProject();
  isFull = true;
  await painter.stroke('a', 1, [[9, 9]], 1).catch(() => undefined);
  await engine.moveToFolder();
  expect(await pixelsIn(await readFile(join(root, 'cells/labels/a.tif')))).toBe(2);
});

describe('a project whose files are gone', () => {
  /** Its image a was looked at, b was not; all files but the journal are deleted. */
  async function clearedProject(): Promise<Painter> {
    start();
    await paintedProject();
    // What images are like is known the next time.
    await engine.open('cells');
    await engine.dispose();
    start();
    const state = await engine.open('cells');
    const painter = await openPainter(engine, { ...state, images: state.images.filter(({ id }) => id === 'a') });
    for (const name of ['images', 'labels', 'lamella.json']) await rm(join(root, 'cells', name), { recursive: true });
    return painter;
  }
  const isLost = (file: string) => ({
    code: 'not-copied',
    file,
    message: 'the project lists this, but it is missing, and not in the copy.',
    remedy: 'Add it again from where you have it, then save once more.',
  });

  it('is exported with what is in memory, and what is not is named', async () => {
    await clearedProject();
    const exported = await engine.export({ formats: ['project'] });
    expect(exported.problems).toEqual([isLost('labels/b.tif'), isLost('images/b.png')]);
    const zip = await unzipped(exported);
    expect(Object.keys(zip).sort()).toEqual(['cells/images/a.tif', 'cells/labels/a.tif', 'cells/lamella.json']);
    const { images } = listed(zip);
    expect(images.map(({ id, file, labels }) => [id, file, labels])).toEqual([
      ['a', 'images/a.tif', 'labels/a.tif'],
      ['b', 'images/b.png', 'labels/b.tif'],
    ]);
    const { content, name } = exported;
    const back = await engine.import([{ path: name, content }], 'back');
    expect(back.images.map(({ id }) => id)).toEqual(['a']);
    expect(back.problems.map(({ code, file }) => [code, file])).toEqual([
      ['labels-missing', 'labels/b.tif'],
      ['no-file', 'cells-2/lamella.json'],
    ]);
    expect([...(await engine.plane('a', 0, 0)).data]).toEqual(new Array(SIDE * SIDE).fill(0));
    expect(pixels((await engine.labels('a', 0))?.data ?? [], 1)).toBe(1);
  });

  it('says so when it is next saved, once', async () => {
    const painter = await clearedProject();
    const told = () => events.flatMap((event) => (event.kind === 'problem' ? event.problem : []));
    await painter.stroke('a', 1, [[9, 9]], 1);
    expect(told()).toEqual([]);
    await engine.flush();
    expect(told()).toContainEqual({
      code: 'files-gone',
      file: 'cells',
      message: 'the files of this project are gone: its folder was emptied, or the data of this page were cleared.',
      remedy: 'Export the project before you close it: what is still in memory is kept so.',
    });
    await painter.stroke('a', 1, [[12, 9]], 1);
    await engine.flush();
    expect(told().filter(({ code }) => code === 'files-gone').length).toBe(1);
    const exported = await engine.export({ formats: ['project'] });
    expect(exported.problems).toEqual([isLost('labels/b.tif'), isLost('images/b.png')]);
    expect(await pixelsIn((await unzipped(exported))['cells/labels/a.tif'])).toBe(3);
  });
});

it('a project that is whole is exported as its files are, without a problem', async () => {
  start('server');
  await paintedProject();
  const exported = await engine.export({ formats: ['project'] });
  const zip = await unzipped(exported);
  expect(exported.problems).toEqual([]);
  for (const [path, bytes] of Object.entries(zip)) expect(Buffer.from(bytes)).toEqual(await readFile(join(root, path)));
});
