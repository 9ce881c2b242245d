/** Files of a project that other programs write while it is open: Fiji saves labels, a sync tool images and `lamella.json`. */
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, test } from 'vitest';
import { ndarray } from '../../src/array/ndarray.ts';
import { RunError } from '../../src/errors.ts';
import { writePng } from '../../src/image/formats/png/write.ts';
import { writeTiff } from '../../src/image/formats/tiff/write.ts';
import { lastingEngine } from '../../src/platform/browser/lasting-engine.ts';
import { studioHost } from '../../src/platform/node/studio-host.ts';
import { createEngine } from '../../src/studio/create-engine.ts';
import type { Engine, EngineEvent, Problem, ProjectState } from '../../src/studio/engine.ts';
import type { StudioHost } from '../../src/studio/host.ts';
import { canMount, whyNot } from '../support/small-disk.ts';
import { openPainter, type Painter } from './painter.ts';

const SIDE = 48;
/** Pixels of a stroke at one point. */
const DOT = 37;
const filled = (side: number, value: number) => ({
  ...ndarray('uint8', [side, side], new Uint8Array(side * side).fill(value)),
  axes: 'yx' as const,
  spacing: {},
});
const greyPng = (value: number, side = SIDE): Uint8Array => writePng(filled(side, value));
/** As Fiji saves it. */
const labelsOfOthers = (value = 1, side = SIDE): Uint8Array => writeTiff(filled(side, value), { compression: 'none' });

let folder: string;
let engine: Engine;
let painter: Painter;
let events: EngineEvent[];

const path = (file: string): string => join(folder, file);
const bytes = async (file: string): Promise<Uint8Array> => new Uint8Array(await readFile(path(file)));
const json = async () => JSON.parse(await readFile(path('lamella.json'), 'utf8'));
const problems = (): readonly Problem[] => events.flatMap((event) => (event.kind === 'problem' ? event.problem : []));
const painted = async (image: string): Promise<number> =>
  (await engine.labels(image, 0))?.data.filter((value) => value === 1).length ?? 0;

/**
 * Nothing is saved but by `flush`.
 * @param unread images whose labels cannot be read
 */
async function open(
  change: (host: StudioHost) => Partial<StudioHost> = () => ({}),
  unread: readonly string[] = [],
): Promise<ProjectState> {
  const host: StudioHost = { ...studioHost(folder, { single: true }), after: () => () => undefined };
  engine = createEngine({ ...host, ...change(host) });
  events = [];
  engine.subscribe((event) => events.push(event));
  const { project: id } = await engine.describe();
  const state = await engine.open(id as string);
  painter = await openPainter(engine, { ...state, images: state.images.filter(({ id }) => !unread.includes(id)) });
  return state;
}

async function dot(image: string, y: number): Promise<void> {
  await painter.stroke(image, 1, [[20, y]]);
}

async function save(image: string, y: number): Promise<void> {
  await dot(image, y);
  await engine.flush();
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lamella-elsewhere-'));
  for (const [i, name] of ['a', 'b'].entries()) await writeFile(path(`${name}.png`), greyPng(20 * i));
});
afterEach(async () => {
  await engine?.dispose().catch(() => undefined);
  await rm(folder, { recursive: true, force: true });
});

describe('a label file that another program writes', () => {
  const told = {
    message:
      'another program wrote this file, which stays as it is: what is painted here is saved as "labels/a-2.tif".',
    code: 'labels-elsewhere',
    file: 'labels/a.tif',
    remedy: 'To use this file instead, close the project, and copy it to "labels/a-2.tif".',
    own: 'labels/a-2.tif',
  };

  it('stays, and what is painted goes into a file of its own, which is said once', async () => {
    await open();
    await save('a', 10);
    await writeFile(path('labels/a.tif'), labelsOfOthers());
    await save('a', 20);
    expect(problems()).toEqual([told]);
    await save('a', 30);
    expect(problems()).toEqual([told]);
    expect(await bytes('labels/a.tif')).toEqual(labelsOfOthers());
    expect((await readdir(path('labels'))).sort()).toEqual(['a-2.tif', 'a.tif']);
    expect((await json()).images[0].labels).toBe('labels/a-2.tif');
    await engine.close();
    await open();
    expect(await painted('a')).toBe(3 * DOT);
  });

  it('stays if it was read here, and differs in one pixel, with size and time as they were', async () => {
    const side = 640;
    await writeFile(path('a.png'), greyPng(3, side));
    await open();
    await save('a', 10);
    await engine.close();
    await writeFile(path('labels/a.tif'), labelsOfOthers(0, side));
    await open();
    const { mtime } = await stat(path('labels/a.tif'));
    const others = labelsOfOthers(0, side);
    // A pixel that no piece at regular steps happens to hold.
    others[Math.floor(others.length / 2) + 5000] = 1;
    await writeFile(path('labels/a.tif'), others);
    await utimes(path('labels/a.tif'), mtime, mtime);
    await save('a', 20);
    expect(Buffer.compare(await bytes('labels/a.tif'), others)).toBe(0);
    expect(problems()).toEqual([told]);
  });

  it('stays if the image had no labels here', async () => {
    await open();
    await mkdir(path('labels'));
    await writeFile(path('labels/a.tif'), labelsOfOthers());
    await save('a', 10);
    expect(await bytes('labels/a.tif')).toEqual(labelsOfOthers());
    expect(problems()).toEqual([told]);
  });

  it('stays if the file that was to be written first could not be', async () => {
    let isFull = true;
    await open(({ files }) => ({
      files: {
        ...files,
        write: async (file, content) => {
          if (isFull && file.endsWith('.tif')) throw new RunError('no space.');
          await files.write(file, content);
        },
      },
    }));
    await expect(save('a', 10)).rejects.toThrow('no space');
    isFull = false;
    await mkdir(path('labels'), { recursive: true });
    await writeFile(path('labels/a.tif'), labelsOfOthers());
    await engine.flush();
    expect(await bytes('labels/a.tif')).toEqual(labelsOfOthers());
    expect(problems()).toEqual([told]);
  });

  it('is written over where only its time changed, and made again where it is gone', async () => {
    await open();
    await save('a', 10);
    await utimes(path('labels/a.tif'), 1e9, 1e9);
    await save('a', 20);
    await rm(path('labels/a.tif'));
    await save('a', 30);
    expect(problems()).toEqual([]);
    expect(await readdir(path('labels'))).toEqual(['a.tif']);
    await engine.close();
    await open();
    expect(await painted('a')).toBe(3 * DOT);
  });

  it('stays when its image is removed from the project', async () => {
    await open();
    await engine.addFiles([{ path: 'c.png', content: greyPng(99) }]);
    await painter.add([{ ...(await engine.open((await engine.describe()).project as string)).images[2] }]);
    await save('c', 10);
    await writeFile(path('labels/c.tif'), labelsOfOthers());
    await engine.removeImage('c');
    expect(await bytes('labels/c.tif')).toEqual(labelsOfOthers());
    expect(await readdir(path('images'))).toEqual([]);
  });
});

describe('lamella.json that another program writes', () => {
  it('is kept as a copy, and that is said', async () => {
    await open();
    await save('a', 10);
    const others = JSON.stringify({ ...(await json()), name: 'of another' });
    await writeFile(path('lamella.json'), others);
    await save('a', 20);
    await save('a', 30);
    expect(await readFile(path('lamella-2.json'), 'utf8')).toBe(others);
    expect((await json()).name).not.toBe('of another');
    expect(problems()).toEqual([
      {
        message:
          'another program changed this file: what it wrote is now in "lamella-2.json", and not in this project.',
        code: 'project-elsewhere',
        file: 'lamella.json',
        remedy: 'To use it instead, close the project, and copy "lamella-2.json" to "lamella.json".',
        own: 'lamella-2.json',
      },
    ]);
  });

  it('is no other one if it was written again as it was', async () => {
    await open();
    await save('a', 10);
    await writeFile(path('lamella.json'), await bytes('lamella.json'));
    await save('a', 20);
    expect(problems()).toEqual([]);
    expect((await readdir(folder)).filter((name) => name.endsWith('.json'))).toEqual(['lamella.json']);
  });
});

describe('an image that is replaced by one of another size', () => {
  const replaced = {
    problem:
      'this image was replaced by one of another size, 30 x 30 x 1: what was painted on its 48 x 48 x 1 pixels is kept, and not written.',
    code: 'image-replaced',
    file: 'a.png',
    remedy: 'Put the image back that was here, save, and add the new one under another name.',
  };

  it('keeps its labels from being written, those of others not, until it is back', async () => {
    await open();
    await save('a', 10);
    const before = await bytes('labels/a.tif');
    await writeFile(path('a.png'), greyPng(5, 30));
    await dot('a', 20);
    await dot('b', 20);
    for (const _ of [1, 2]) await expect(engine.flush()).rejects.toMatchObject(replaced);
    expect(await bytes('labels/a.tif')).toEqual(before);
    expect((await json()).images[1].labels).toBe('labels/b.tif');
    // The page goes on showing what it painted on.
    expect((await engine.plane('a', 0, 0)).shape).toEqual([SIDE, SIDE]);
    await writeFile(path('a.png'), greyPng(0));
    await engine.flush();
    await engine.close();
    await open();
    expect([await painted('a'), await painted('b')]).toEqual([2 * DOT, DOT]);
  });

  it.each([true, false])('has what was painted when it is back later, with labels in a file: %s', async (hasFile) => {
    await open();
    if (hasFile) await save('a', 10);
    await writeFile(path('a.png'), greyPng(5, 30));
    await dot('a', 20);
    await dot('b', 20);
    await engine.close();
    expect(problems()).toMatchObject([{ code: 'image-replaced', file: 'a.png' }]);
    await open(undefined, hasFile ? ['a'] : []);
    await save('b', 30);
    await engine.close();
    await writeFile(path('a.png'), greyPng(0));
    await open();
    expect([await painted('a'), await painted('b')]).toEqual([hasFile ? 2 * DOT : DOT, 2 * DOT]);
  });

  it('says which files to move where the project is opened with it', async () => {
    await open();
    await save('a', 10);
    await engine.close();
    await writeFile(path('a.png'), greyPng(5, 30));
    await open(undefined, ['a']);
    await expect(engine.labels('a', 0)).rejects.toMatchObject({
      problem: 'the labels are 48 x 48 with 1 page, their image is 30 x 30 with 1.',
      file: 'labels/a.tif',
      remedy:
        'Put the image back as "a.png" that they were made on. To paint on the new one: copy "a.png" and "labels/a.tif" to another folder, remove the image here, and add its copy.',
    });
    await engine.removeImage('a');
    const { images } = await engine.addFiles([{ path: 'a.png', content: greyPng(5, 30) }]);
    await painter.add(images);
    await save(images[0].id, 20);
    await engine.close();
    await open();
    expect(await painted(images[0].id)).toBe(DOT);
  });
});

describe('an image that another program changes', () => {
  it('in size as it was: its labels are saved, and it is said that it is shown as it was', async () => {
    await open();
    await save('a', 10);
    await writeFile(path('a.png'), greyPng(200));
    await save('a', 20);
    await save('a', 30);
    expect(problems()).toMatchObject([{ code: 'image-changed', file: 'a.png' }]);
    expect((await engine.plane('a', 0, 0)).data[0]).toBe(200);
  });

  it('or renames: its labels are saved, and it is said once each time', async () => {
    await open();
    await save('a', 10);
    for (const y of [20, 30]) {
      await rename(path('a.png'), path('elsewhere.png'));
      await save('a', y);
      await save('a', y + 3);
      await rename(path('elsewhere.png'), path('a.png'));
      await save('a', y + 6);
    }
    const told = {
      message: 'this image is no longer here: it was renamed, moved or deleted. Its labels are saved.',
      code: 'image-gone',
      file: 'a.png',
      remedy: 'Put it back under this name: without it they cannot be used.',
    };
    expect(problems()).toEqual([told, told]);
    expect(events.filter(({ kind }) => kind === 'saved')).toHaveLength(7);
  });
});

describe('a folder that nobody may write to', () => {
  const told = (place: string) => ({
    message: 'this folder cannot be written to: its project can be looked at, and not changed.',
    code: 'folder-read-only',
    file: place,
    remedy: 'To change it, copy the folder to where you may write.',
  });

  it('is opened to be looked at', async () => {
    await open();
    await save('a', 10);
    await engine.close();
    const { message, ...details } = told(folder);
    const lock = () => Promise.reject(new RunError(message, { ...details, facts: { code: 'folder-read-only' } }));
    const state = await open(() => ({ lock }));
    expect([state.readOnly, state.problems]).toEqual([true, [told(folder)]]);
    expect(await painted('a')).toBe(DOT);
    await expect(dot('a', 20)).rejects.toThrow(message);
    // Nobody is about to let go of it.
    let opened = 0;
    const counted = { ...engine, open: (id: string) => engine.open(id).finally(() => opened++) };
    await lastingEngine(counted, () => Promise.reject(new Error('not again'))).open(state.id);
    expect(opened).toBe(1);
    await expect(engine.setLive({ on: true, model: 'quick' })).rejects.toThrow(message);
  });

  test.skipIf(!canMount)(`as a disk says that is mounted so${whyNot}`, async () => {
    await open();
    await save('a', 10);
    await engine.close();
    execFileSync('mount', ['--bind', folder, folder]);
    try {
      execFileSync('mount', ['-o', 'remount,ro,bind', folder]);
      const state = await open();
      expect([state.readOnly, state.problems]).toEqual([true, [told(folder)]]);
      expect(await painted('a')).toBe(DOT);
      await engine.close();
    } finally {
      execFileSync('umount', ['--lazy', folder]);
    }
    expect(await open()).toMatchObject({ readOnly: false, problems: [] });
  });
});

it('what could not be saved is told as over with the next save', async () => {
  let isFull = false;
  let saveNow = (): void => undefined;
  await open(({ files }) => ({
    after(_: number, work: () => void) {
      saveNow = work;
      return () => undefined;
    },
    files: {
      ...files,
      write: async (file, content) => {
        if (isFull) throw new RunError('no space.');
        await files.write(file, content);
      },
    },
  }));
  isFull = true;
  await dot('a', 10);
  saveNow();
  await expect.poll(() => events.at(-1)).toMatchObject({ kind: 'problem', isOfSaving: true });
  isFull = false;
  saveNow();
  await expect.poll(() => events.at(-1)?.kind).toBe('saved');
});
