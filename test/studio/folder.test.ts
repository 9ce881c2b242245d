/** A project's folder that others change: files and the folder itself renamed, moved and put back while it is open or before. */
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ndarray } from '../../src/array/ndarray.ts';
import { writePng } from '../../src/image/formats/png/write.ts';
import { studioHost } from '../../src/platform/node/studio-host.ts';
import { createEngine } from '../../src/studio/create-engine.ts';
import type { Engine } from '../../src/studio/engine.ts';
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
const open = async (place = folder) => {
  engine = createEngine(studioHost(place, { single: true }));
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
  await engine.dispose();
  await rm(parent, { recursive: true, force: true });
});

describe('a file that is missing when a project is opened', () => {
  const isMissing = (file: string) => ({
    message: `there is no file "${file}", which the project lists.`,
    code: 'no-file',
    file: 'lamella.json',
    remedy: 'Put it back and open the project again, or remove it from lamella.json.',
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
    await engine.close();
    const [a, b] = before.images;
    expect((await json()).images).toEqual([a, b, { file: 'c.png', id: 'c', labels: 'labels/c.tif' }]);
    expect(await readFile(join(folder, 'labels/b.tif'))).toEqual(labels);
    await rename(join(folder, 'renamed.png'), join(folder, 'b.png'));
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
