/** Strokes on their way from a page through the engine into files, previews and back. */
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { phantom } from '../../packages/phantom/phantom.ts';
import { encodeStep, readHeader, splitRecords } from '../../src/annotate/record.ts';
import { page } from '../../src/image/convert.ts';
import { writePng } from '../../src/image/formats/png/write.ts';
import { readImage } from '../../src/image/read.ts';
import { readImageFile } from '../../src/platform/node/image-files.ts';
import { studioHost } from '../../src/platform/node/studio-host.ts';
import { createEngine } from '../../src/studio/create-engine.ts';
import type { Engine, EngineEvent } from '../../src/studio/engine.ts';
import { openPainter, type Painter } from './painter.ts';
import { WAYS } from './ways.ts';

const SIDE = 96;
const { image } = phantom({ width: SIDE, height: SIDE, depth: 2, cellPx: 24, seed: 3 });
const png = (z: number): Uint8Array => writePng(page(image, z));
type Preview = Extract<EngineEvent, { kind: 'preview' }>;

describe.each(Object.entries(WAYS))('strokes, the engine %s', (_, open) => {
  let root: string;
  let engine: Engine;
  let painter: Painter;
  let id: string;
  const events: EngineEvent[] = [];
  const previews = (): readonly Preview[] => events.filter((event) => event.kind === 'preview');

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'lamella-studio-'));
    engine = await open(studioHost(root));
    engine.subscribe((event) => events.push(event));
    const state = await engine.create('cells');
    ({ id } = state);
    painter = await openPainter(engine, state);
    const { images } = await engine.addFiles([0, 1].map((z) => ({ path: `${z}.png`, content: png(z) })));
    await painter.add(images);
  });
  afterAll(async () => {
    await engine.dispose();
    await rm(root, { recursive: true, force: true });
  });

  it('one class alone teaches nothing, which is said', async () => {
    await engine.setView({ image: '0', page: 0, rect: { x: -10, y: 0, width: 200, height: 96.5 } });
    await engine.setLive({ on: true, model: 'quick' });
    await expect
      .poll(() => events.findLast((event) => event.kind === 'live')?.missing)
      .toEqual(['background', 'foreground']);
    await painter.stroke('0', 1, [
      [10, 10],
      [30, 20],
    ]);
    await expect.poll(() => events.findLast((event) => event.kind === 'live')?.missing).toEqual(['background']);
    expect(previews()).toEqual([]);
  });

  it('two classes give a preview of what is visible, and the next stroke a newer one', async () => {
    await painter.stroke('0', 0, [
      [60, 70],
      [80, 80],
    ]);
    await expect.poll(() => previews().at(-1)?.sequence).toBe(2);
    // That nothing lacks any more is said before anything is learned.
    const enough = events.findIndex((event) => event.kind === 'live' && event.missing === undefined);
    expect(enough).toBeGreaterThan(0);
    expect(enough).toBeLessThan(events.findIndex(({ kind }) => kind === 'preview'));
    const { view, model, classes, probability, uncertainty } = previews().at(-1) as Preview;
    expect([view, model]).toEqual([{ image: '0', page: 0, rect: { x: 0, y: 0, width: SIDE, height: SIDE } }, 'quick']);
    expect([classes.length, probability.length, uncertainty.length]).toEqual([SIDE ** 2, SIDE ** 2, SIDE ** 2]);
    expect(new Set(classes)).toEqual(new Set([0, 1]));
    // Where it was painted it is as painted, nearly everywhere.
    const layer = painter.annotations.layer('0');
    let [right, painted] = [0, 0];
    for (let p = 0; p < classes.length; p++) {
      const label = layer.get(p % SIDE, Math.floor(p / SIDE));
      if (label === layer.notAnnotated) continue;
      painted++;
      if (label === classes[p]) right++;
    }
    expect(right / painted).toBeGreaterThan(0.9);
    const shares = () => events.findLast((event) => event.kind === 'live');
    await expect.poll(() => shares()?.classShares?.length).toBe(2);
    expect(shares()?.view).toMatchObject({ page: 0 });
    await painter.stroke('0', 1, [
      [40, 10],
      [50, 30],
    ]);
    await expect.poll(() => previews().at(-1)?.sequence).toBe(3);
    const sequences = previews().map(({ sequence }) => sequence);
    expect(sequences).toEqual(sequences.toSorted((a, b) => a - b));
  });

  it('waits while a pointer is down', async () => {
    await engine.setPainting(true);
    await painter.stroke('0', 0, [
      [5, 80],
      [20, 85],
    ]);
    const before = previews().length;
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(previews().length).toBe(before);
    await engine.setPainting(false);
    await expect.poll(() => previews().at(-1)?.sequence).toBe(4);
    await engine.setLive({ on: false, model: 'quick' });
  });

  it('are kept: labels, regions and classes in files, edits in the journal', async () => {
    painter.annotations.setRegions('1', [
      { id: 1, shape: { box: [0, 0, 20, 10] }, slice: 0, complete: true, origin: 'painted', held: false },
    ]);
    painter.history.commit('region');
    painter.annotations.classes = [...painter.annotations.classes, { name: 'nucleus', value: 2, colour: '#56B4E9' }];
    painter.history.commit('classes');
    await painter.stroke('1', 2, [
      [30, 30],
      [40, 40],
    ]);
    await painter.history.undo();
    await painter.history.redo();
    await painter.history.settled();
    expect((await engine.labels('1', 0))?.data).toEqual(painter.annotations.layer('1').read([0, 0, SIDE, SIDE]));
    await engine.flush();
    expect(events.at(-1)).toMatchObject({ kind: 'saved', sequence: 9 });
    const project = JSON.parse(await readFile(join(root, id, 'lamella.json'), 'utf8'));
    expect(project).toMatchObject({
      revision: 1,
      classes: [{ value: 0 }, { value: 1 }, { name: 'nucleus', value: 2 }],
      images: [
        { labels: 'labels/0.tif' },
        { labels: 'labels/1.tif', regions: [{ id: 1, box: [0, 0, 20, 10], complete: true }] },
      ],
    });
    for (const name of ['0', '1']) {
      const { data, dtype, labelKind } = await readImageFile(join(root, id, `labels/${name}.tif`));
      expect([dtype, labelKind]).toEqual(['uint8', 'classes']);
      expect([...data]).toEqual([...painter.annotations.layer(name).read([0, 0, SIDE, SIDE])]);
    }
  });

  it('can be undone after the project was opened again', async () => {
    const again = await openPainter(engine, await engine.open(id));
    expect(again.history.undoName).toBe('brush');
    const before = (await engine.labels('1', 0))?.data;
    await again.history.undo();
    await again.history.settled();
    expect(await engine.labels('1', 0)).toBeUndefined();
    await again.history.redo();
    await again.history.settled();
    expect((await engine.labels('1', 0))?.data).toEqual(before);
  });

  it('survive the end of the program at any moment, even though no file was written', async () => {
    const state = await engine.open(id);
    const own = await openPainter(engine, state);
    await own.stroke('1', 1, [
      [70, 20],
      [90, 60],
    ]);
    const labels = (await engine.labels('1', 0))?.data;
    // What a crash would leave behind, but for the lock of this living program.
    const copy = await mkdtemp(join(tmpdir(), 'lamella-crashed-'));
    await cp(join(root, id), join(copy, id), { recursive: true, filter: (path) => !path.endsWith('lock') });
    const stored = await readFile(join(copy, id, 'labels/1.tif'));
    expect((await readImage(stored, '1.tif')).data).not.toEqual(labels);
    const other = createEngine(studioHost(copy));
    await other.open(id);
    expect((await other.labels('1', 0))?.data).toEqual(labels);
    await other.dispose();
    expect((await readImageFile(join(copy, id, 'labels/1.tif'))).data).toEqual(labels);
    await rm(copy, { recursive: true });
  });

  it('that are no edits of this project are refused, and nothing is kept of them', async () => {
    const journal = join(root, id, '.studio/journal');
    const before = await readFile(journal);
    await expect(engine.record(Uint8Array.of(1, 2, 3))).rejects.toThrow('no record of an edit');
    const { records } = splitRecords(before);
    const { sequence } = readHeader(records.at(-1) as Uint8Array);
    await expect(engine.record(encodeStep({ kind: 'undo', sequence: sequence + 1, edit: 999 }))).rejects.toThrow(
      'missing or damaged',
    );
    await expect(engine.record(encodeStep({ kind: 'undo', sequence: sequence + 2, edit: 1 }))).rejects.toThrow(
      `those from ${sequence + 1} on are missing`,
    );
    await expect(engine.record(encodeStep({ kind: 'saved', sequence: 1000 }))).rejects.toThrow('Only the engine');
    // Sent again, since the acknowledgement was lost.
    const third = records.find((record) => readHeader(record).sequence === 3) as Uint8Array;
    expect(await engine.record(third)).toEqual({ sequence: 3 });
    // Another one of the same number, which a page made that was cut off.
    await expect(engine.record(encodeStep({ kind: 'undo', sequence: 3, edit: 1 }))).rejects.toThrow(
      'Edit 3 cannot be kept: the project was edited in another tab or program since.',
    );
    expect(Buffer.compare(before, await readFile(journal))).toBe(0);
  });
});
