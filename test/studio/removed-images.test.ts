/** What was painted on an image that was removed: on no other image, and in the way of nothing. */
import { cp, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { encodeEdit } from '../../src/annotate/record.ts';
import { crc32 } from '../../src/array/crc32.ts';
import { writePng } from '../../src/image/formats/png/write.ts';
import { studioHost } from '../../src/platform/node/studio-host.ts';
import { createEngine } from '../../src/studio/create-engine.ts';
import type { Engine } from '../../src/studio/engine.ts';
import { fileFacts } from '../../src/studio/project-folder.ts';
import { openPainter, type Painter } from './painter.ts';

const WIDTH = 32;
const grey = (width: number, height: number, value: number): Uint8Array =>
  writePng({
    dtype: 'uint8',
    axes: 'yx',
    shape: [height, width],
    data: new Uint8Array(width * height).fill(value),
    spacing: {},
  });
const SAME = grey(WIDTH, WIDTH, 70);
const OTHER = grey(24, 20, 70);

describe('what was painted on a removed image', () => {
  let root: string;
  let copy: string;
  let engine: Engine;
  let painter: Painter;
  let id: string;

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'lamella-removed-'));
    copy = await mkdtemp(join(tmpdir(), 'lamella-crashed-'));
    engine = createEngine(studioHost(root));
    const state = await engine.create('cells');
    id = state.id;
    painter = await openPainter(engine, state);
    const files = { cell: 10, other: 20 };
    const given = Object.entries(files).map(([name, value]) => ({
      path: `${name}.png`,
      content: grey(WIDTH, WIDTH, value),
    }));
    await painter.add((await engine.addFiles(given)).images);
  });
  afterEach(async () => {
    await engine.dispose();
    for (const folder of [root, copy]) await rm(folder, { recursive: true, force: true });
  });

  /** One pixel in a row of its own. */
  const dot = (image: string, y: number): Promise<void> => painter.stroke(image, 1, [[4, y]], 1);
  /** Pixels that are painted: x, y. */
  const painted = async (one: Engine, image: string): Promise<readonly (readonly number[])[]> => {
    const labels = await one.labels(image, 0);
    const width = labels?.shape[1] ?? 0;
    return [...(labels?.data ?? [])].flatMap((label, i) => (label === 255 ? [] : [[i % width, Math.floor(i / width)]]));
  };
  /** Removes an image as the page does. */
  const remove = async (image: string): Promise<void> => {
    await engine.removeImage(image);
    painter.annotations.removeImage(image);
  };
  /** The project as a crash leaves it behind, but for the lock of this living program. */
  const crash = (): Promise<void> =>
    cp(join(root, id), join(copy, id), { recursive: true, filter: (path) => !path.endsWith('lock') });

  it.each([
    ['the same size', SAME],
    ['another size', OTHER],
  ])('is not on another one of its name and of %s, also after a crash', async (_, content) => {
    await dot('other', 3);
    await engine.flush();
    await dot('cell', 5);
    await remove('cell');
    const { images, problems } = await engine.addFiles([{ path: 'cell.png', content }]);
    expect([images.map((image) => image.id), problems]).toEqual([['cell-2'], []]);
    await painter.add(images);

    // Nothing is left of the last edit; the one before it is undone and redone.
    expect(painter.history.undoName).toBe('brush');
    expect((await painter.history.undo())?.places).toEqual([{ image: 'other', slice: 0, box: [4, 3, 1, 1] }]);
    expect(painter.history.undoName).toBeUndefined();
    expect((await painter.history.redo())?.places).toEqual([{ image: 'other', slice: 0, box: [4, 3, 1, 1] }]);
    expect([painter.history.redoName, await painter.history.redo()]).toEqual([undefined, undefined]);
    await painter.history.settled();
    expect([await painted(engine, 'other'), await painted(engine, 'cell-2')]).toEqual([[[4, 3]], []]);
    await dot('cell-2', 7);

    await crash();
    const again = createEngine(studioHost(copy));
    const state = await again.open(id);
    expect([state.problems, state.images.map((image) => image.id)]).toEqual([[], ['other', 'cell-2']]);
    expect([await painted(again, 'other'), await painted(again, 'cell-2')]).toEqual([[[4, 3]], [[4, 7]]]);
    const { history, annotations } = await openPainter(again, state);
    expect([annotations.layer('other').pixels(1), annotations.layer('cell-2').pixels(1)]).toEqual([1, 1]);
    expect((await history.undo())?.places).toEqual([{ image: 'cell-2', slice: 0, box: [4, 7, 1, 1] }]);
    expect((await history.undo())?.places).toEqual([{ image: 'other', slice: 0, box: [4, 3, 1, 1] }]);
    await history.settled();
    expect([history.undoName, await painted(again, 'other'), await painted(again, 'cell-2')]).toEqual([
      undefined,
      [],
      [],
    ]);
    await again.dispose();
  });

  it('keeps its id from others after the project was opened again', async () => {
    await dot('cell', 5);
    await engine.removeImage('cell');
    await engine.open(id);
    const { images } = await engine.addFiles([{ path: 'cell.png', content: SAME }]);
    expect(images.map((image) => image.id)).toEqual(['cell-2']);
  });

  it('is not on the next one if it comes to the engine after that was added', async () => {
    painter.annotations.layer('cell').fill(0, 5, 4, 5, 1);
    const changes = painter.annotations.takeChanges();
    await engine.removeImage('cell');
    const { images } = await engine.addFiles([{ path: 'cell.png', content: SAME }]);
    const encoding = encodeEdit(1, 'brush', changes);
    let step = encoding.next();
    while (!step.done) step = encoding.next();
    await engine.record(step.value);
    expect(await painted(engine, images[0].id)).toEqual([]);
  });

  it.each(['journal', 'incoming'])(
    'by an earlier version, on one of its id and another size, is left out of the %s, said once',
    async (file) => {
      await dot('other', 3);
      await dot('cell', 5);
      await painter.history.undo();
      await painter.history.redo();
      await dot('cell', 6);
      await dot('other', 9);
      await crash();
      const folder = join(copy, id);
      const own = join(folder, '.studio');
      if (file === 'incoming') await rename(join(own, 'journal'), join(own, 'incoming'));
      const list = join(folder, 'lamella.json');
      const project = JSON.parse(await readFile(list, 'utf8'));
      Object.assign(project.images[0], fileFacts([{ bytes: OTHER }]));
      await writeFile(list, JSON.stringify(project));
      await writeFile(join(folder, project.images[0].file), OTHER);

      const again = createEngine(studioHost(copy));
      const state = await again.open(id);
      expect(state.problems.map(({ message }) => message)).toEqual([
        'an edit of "cell" was made on 32 x 32 x 1 pixels; the image has 24 x 20 x 1.',
      ]);
      const expectPainted = async (other: readonly (readonly number[])[], cell: readonly (readonly number[])[]) =>
        expect([await painted(again, 'other'), await painted(again, 'cell')]).toEqual([other, cell]);
      await expectPainted(
        [
          [4, 3],
          [4, 9],
        ],
        [],
      );
      painter = await openPainter(again, state);
      const { history } = painter;
      for (const rows of [[[4, 3]], []]) {
        expect((await history.undo())?.places[0]?.image).toBe('other');
        await history.settled();
        await expectPainted(rows, []);
      }
      expect(history.undoName).toBeUndefined();
      await history.redo();
      await dot('cell', 2);
      await expectPainted([[4, 3]], [[4, 2]]);

      await again.flush();
      expect((await again.open(id)).problems).toEqual([]);
      await expectPainted([[4, 3]], [[4, 2]]);
      await again.dispose();
    },
  );

  it('is left out as well if its image can no longer be read, and the others open', async () => {
    await dot('other', 3);
    await dot('cell', 5);
    await dot('cell', 6);
    await dot('other', 9);
    await crash();
    await writeFile(join(copy, id, 'images/cell.png'), SAME.subarray(0, 50));
    const again = createEngine(studioHost(copy));
    const state = await again.open(id);
    expect(state.problems.map(({ file, message }) => [file, message])).toEqual([
      ['images/cell.png', 'the PNG ends at byte 50, before its last chunk: it is truncated.'],
    ]);
    const { history } = await openPainter(again, { ...state, images: state.images.filter((one) => one.id !== 'cell') });
    expect(await painted(again, 'other')).toEqual([
      [4, 3],
      [4, 9],
    ]);
    await history.undo();
    await history.settled();
    expect(await painted(again, 'other')).toEqual([[4, 3]]);
    await again.dispose();
  });

  it('is said only once, also if nothing else is painted', async () => {
    await dot('cell', 5);
    await crash();
    const folder = join(copy, id);
    const list = join(folder, 'lamella.json');
    const project = JSON.parse(await readFile(list, 'utf8'));
    Object.assign(project.images[0], fileFacts([{ bytes: OTHER }]));
    await writeFile(list, JSON.stringify(project));
    await writeFile(join(folder, project.images[0].file), OTHER);
    const again = createEngine(studioHost(copy));
    expect((await again.open(id)).problems).toHaveLength(1);
    await again.close();
    expect((await again.open(id)).problems).toEqual([]);
    await again.dispose();
  });
});

describe('a project that cannot be opened', () => {
  it('leaves no file open, and opens once the reason is gone', async () => {
    const root = await mkdtemp(join(tmpdir(), 'lamella-closed-'));
    const host = studioHost(root);
    let open = 0;
    const engine = createEngine({
      ...host,
      async openFile(path) {
        const file = await host.openFile(path);
        open++;
        return {
          ...file,
          close() {
            open--;
            return file.close();
          },
        };
      },
    });
    const { id } = await engine.create('cells');
    await engine.close();
    const journal = join(root, id, '.studio/journal');
    const newer = encodeNewer();
    await writeFile(journal, newer);
    await expect(engine.open(id)).rejects.toThrow('a record of the journal has version 2; up to 1 is read.');
    expect(open).toBe(0);
    await writeFile(journal, '');
    expect((await engine.open(id)).readOnly).toBe(false);
    await engine.close();
    expect(open).toBe(0);
    await rm(root, { recursive: true, force: true });
  });
});

/** A record of a version that is not known yet. */
function encodeNewer(): Uint8Array {
  const text = new TextEncoder().encode(JSON.stringify({ version: 2, kind: 'saved', sequence: 1, blocks: [] }));
  const record = new Uint8Array(12 + text.length);
  const view = new DataView(record.buffer);
  view.setUint32(8, text.length, true);
  record.set(text, 12);
  view.setUint32(0, record.length - 8, true);
  view.setUint32(4, crc32(record.subarray(8)), true);
  return record;
}
