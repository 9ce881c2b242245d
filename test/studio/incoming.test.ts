/** Edits that a page hands to an engine which is computing, refuses them, or ends. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { encodeStep } from '../../src/annotate/record.ts';
import { UsageError } from '../../src/errors.ts';
import { writePng } from '../../src/image/formats/png/write.ts';
import { studioHost } from '../../src/platform/node/studio-host.ts';
import { createEngine } from '../../src/studio/create-engine.ts';
import type { Engine, EngineEvent } from '../../src/studio/engine.ts';
import type { OpenFile, StudioHost } from '../../src/studio/host.ts';
import { type IncomingStore, incomingPath, keepIncoming } from '../../src/studio/incoming.ts';
import { openPainter, type Painter } from './painter.ts';

const SIDE = 32;
const png = writePng({
  dtype: 'uint8',
  axes: 'yx',
  shape: [SIDE, SIDE],
  data: new Uint8Array(SIDE * SIDE),
  spacing: {},
});

function storeIn(host: StudioHost): IncomingStore & { readonly firsts: boolean[] } {
  let file: OpenFile | undefined;
  const firsts: boolean[] = [];
  // One after the other, as a worker takes them.
  let last: Promise<unknown> = Promise.resolve();
  const append = async (project: string, record: Uint8Array, isFirst: boolean): Promise<void> => {
    file ??= await host.openFile(incomingPath(host.folderOf(project)));
    if (isFirst) await file.truncate(0);
    await file.append(record);
  };
  return {
    firsts,
    write(project, record, isFirst) {
      firsts.push(isFirst);
      last = last.then(() => append(project, record, isFirst));
      return last;
    },
    async close() {
      await file?.close();
      file = undefined;
    },
    dispose: () => undefined,
  };
}

describe('edits on their way to the engine', () => {
  let root: string;
  let engine: Engine;
  /** What stands between the page and the engine. */
  let record: Engine['record'];
  /** How many edits the engine said it has. */
  let taken: number;
  let store: ReturnType<typeof storeIn>;
  let page: Engine;
  let painter: Painter;
  let id: string;
  let events: EngineEvent[];

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'lamella-incoming-'));
    const host = studioHost(root);
    engine = createEngine(host);
    record = engine.record;
    store = storeIn(host);
    taken = 0;
    const counted: Engine['record'] = async (entry) => {
      const answer = await record(entry);
      taken++;
      return answer;
    };
    page = keepIncoming({ ...engine, record: counted }, store);
    events = [];
    page.subscribe((event) => events.push(event));
    const state = await page.create('cells');
    id = state.id;
    painter = await openPainter(page, state);
    await painter.add((await page.addFiles([{ path: '0.png', content: png }])).images);
  });
  afterEach(async () => {
    await page.dispose();
    await rm(root, { recursive: true, force: true });
  });

  const stroke = (y: number): Promise<void> => painter.stroke('0', 1, [[4, y]], 1);
  /** Rows that are painted, as an engine has them. */
  const rowsOf = async (one: Engine): Promise<readonly number[]> => {
    const labels = await one.labels('0', 0);
    return Array.from({ length: SIDE }, (_, y) => y).filter((y) => labels?.data[y * SIDE + 4] === 1);
  };
  const problems = (): readonly string[] =>
    events.flatMap((event) => (event.kind === 'problem' ? [event.problem.message] : []));

  it('are kept while it computes, and are there when it ended before it got to them', async () => {
    await stroke(1);
    record = () => new Promise(() => undefined);
    await stroke(2);
    await painter.history.undo();
    await painter.history.redo();
    await stroke(3);
    await painter.history.settled();
    expect(await rowsOf(engine)).toEqual([1]);
    await engine.dispose();

    const again = createEngine(studioHost(root));
    const state = await again.open(id);
    expect(state.problems).toEqual([]);
    expect(await rowsOf(again)).toEqual([1, 2, 3]);
    const { history } = await openPainter(again, state);
    await history.undo();
    await history.settled();
    expect(await rowsOf(again)).toEqual([1, 2]);
    await again.dispose();
  });

  it('are not kept twice: what the engine has is dropped with the next one', async () => {
    await stroke(1);
    await expect.poll(() => taken).toBe(1);
    await stroke(2);
    expect(store.firsts).toEqual([true, true]);
    await expect.poll(() => taken).toBe(2);
    let letGo: () => void = () => undefined;
    const computing = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    record = async (entry) => {
      await computing;
      return engine.record(entry);
    };
    await stroke(3);
    await stroke(4);
    letGo();
    await expect.poll(() => taken).toBe(4);
    expect(await rowsOf(engine)).toEqual([1, 2, 3, 4]);
    await stroke(5);
    expect(store.firsts.slice(2)).toEqual([true, false, true]);
  });

  it('are handed in again after it refused them, and the reason is told once', async () => {
    let isFull = true;
    record = async (entry) => {
      await new Promise((later) => setTimeout(later, 50));
      if (isFull) throw new UsageError('no space is left.');
      return engine.record(entry);
    };
    await stroke(1);
    await stroke(2);
    await expect.poll(problems).toEqual(['no space is left.']);
    isFull = false;
    await stroke(3);
    await expect.poll(() => rowsOf(engine)).toEqual([1, 2, 3]);
    expect(problems()).toEqual(['no space is left.']);
  });

  it('are refused as ever where they cannot be kept', async () => {
    store.write = () => Promise.reject(new Error('no storage'));
    await stroke(1);
    expect(await rowsOf(engine)).toEqual([1]);
    record = () => Promise.reject(new UsageError('no space is left.'));
    await expect(stroke(2)).rejects.toThrow('no space is left.');
    record = engine.record;
    await stroke(3);
    expect(await rowsOf(engine)).toEqual([1, 2, 3]);
  });

  it('that do not belong to the project are told when it is opened, and it opens', async () => {
    await stroke(1);
    await store.write('cells', encodeStep({ kind: 'undo', sequence: 7, edit: 1 }), false);
    await engine.dispose();
    const again = createEngine(studioHost(root));
    expect((await again.open(id)).problems.map(({ message }) => message)).toEqual([
      'Edit 7 cannot be kept: those from 2 on are missing.',
    ]);
    expect(await rowsOf(again)).toEqual([1]);
    await again.dispose();
  });
});
