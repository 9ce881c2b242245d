import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { phantom } from '../../packages/phantom/phantom.ts';
import { page } from '../../src/image/convert.ts';
import { writePng } from '../../src/image/formats/png/write.ts';
import { readImage } from '../../src/image/read.ts';
import { studioHost } from '../../src/platform/node/studio-host.ts';
import type { Engine, GivenFile } from '../../src/studio/engine.ts';
import { openPainter } from './painter.ts';
import { WAYS } from './ways.ts';

const { image, label } = phantom({ width: 64, height: 48, depth: 3, cellPx: 20, seed: 3 });
const png = (z: number, of = image): Uint8Array => writePng(page(of, z));
const given = (path: string, content: Uint8Array): GivenFile => ({ path, content });

describe.each(Object.entries(WAYS))('an engine %s', (_, open) => {
  let root: string;
  let engine: Engine;

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'lamella-studio-'));
    engine = await open(studioHost(root));
  });
  afterEach(async () => {
    await engine.dispose();
    await rm(root, { recursive: true, force: true });
  });

  it('makes a project, adds images and the labels that belong to them, and shows them', async () => {
    const { id, project } = await engine.create('My cells: 1');
    expect([id, project.name, project.images]).toEqual(['My cells- 1', 'My cells: 1', []]);
    const { images, problems } = await engine.addFiles([
      given('images/a.png', png(0)),
      given('images/b.png', png(1)),
      given('labels/a.png', png(0, { ...label, data: label.data.map((value) => (value === 0 ? 0 : 1)) })),
      given('notes.txt', new TextEncoder().encode('nothing')),
      given('damaged.png', png(2).subarray(0, 60)),
    ]);
    expect(problems.map(({ file, code }) => [file, code])).toEqual([
      ['damaged.png', 'format'],
      ['notes.txt', 'format'],
    ]);
    expect(images.map((one) => [one.id, one.width, one.height, one.pages, one.dtype])).toEqual([
      ['a', 64, 48, 1, 'uint8'],
      ['b', 64, 48, 1, 'uint8'],
    ]);
    const plane = await engine.plane('b', 0, 0);
    expect(plane.shape).toEqual([48, 64]);
    expect([...plane.data]).toEqual([...page(image, 1).data]);
    const { width, height, rgba } = await engine.thumbnail('a', 32);
    expect([width, height, rgba.length]).toEqual([32, 24, 4 * 32 * 24]);
    const labels = await engine.labels('a', 0);
    expect([...(labels?.data ?? [])]).toEqual([...page(label, 0).data].map((value) => (value === 0 ? 0 : 1)));
    expect(await engine.labels('b', 0)).toBeUndefined();
    const stored = await readFile(join(root, id, 'labels/a.tif'));
    expect((await readImage(stored, 'a.tif')).labelKind).toBe('classes');
  });

  it('keeps projects: listed, opened again with the journal, forgotten', async () => {
    const { id } = await engine.create('one');
    await engine.addFiles([given('a.png', png(0))]);
    const painter = await openPainter(engine, await engine.open(id));
    await painter.stroke('a', 1, [[4, 4]]);
    await engine.close();
    const [summary] = await engine.projects();
    expect(summary).toMatchObject({ id, name: 'one', images: 1 });
    const again = await engine.open(id);
    expect((await openPainter(engine, again)).history.undoName).toBe('brush');
    expect(again.images.map((one) => one.id)).toEqual(['a']);
    expect(again.readOnly).toBe(false);
    expect(await engine.forget(id)).toBeGreaterThan(0);
    expect(await engine.projects()).toEqual([]);
    expect(await readdir(root)).toEqual([]);
  });

  it('is read-only where another program writes the same folder', async () => {
    const { id } = await engine.create('one');
    await engine.addFiles([given('a.png', png(0))]);
    const other = await open(studioHost(root));
    const state = await other.open(id);
    expect([state.readOnly, state.images.length]).toEqual([true, 1]);
    const painter = await openPainter(other, state);
    await expect(painter.stroke('a', 1, [[4, 4]])).rejects.toThrow('open in another tab or program');
    await expect(other.addFiles([given('b.png', png(1))])).rejects.toThrow('open in another tab or program');
    await expect(other.setLive({ on: true, model: 'quick' })).rejects.toThrow('open in another tab');
    await expect(other.forget(id)).rejects.toThrow('open in another tab or program');
    expect((await other.plane('a', 0, 0)).shape).toEqual([48, 64]);
    await engine.close();
    expect((await other.open(id)).readOnly).toBe(false);
    await other.dispose();
  });

  it('says what is wrong, in words and with a code', async () => {
    await expect(engine.plane('a', 0, 0)).rejects.toMatchObject({ name: 'UsageError', message: 'No project is open.' });
    await expect(engine.open('../elsewhere')).rejects.toMatchObject({ code: 'usage' });
    await expect(engine.open('missing')).rejects.toMatchObject({
      code: 'no-file',
      file: `${root}/missing/lamella.json`,
    });
    await engine.create('one');
    await expect(engine.plane('x', 0, 0)).rejects.toThrow("no image 'x'");
  });
});
