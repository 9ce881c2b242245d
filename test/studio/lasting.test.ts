/** An engine that is taken away, at any moment, and what becomes of edits and questions that were under way. */
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { phantom } from '../../packages/phantom/phantom.ts';
import { DeviceError, type Facts, LamellaError } from '../../src/errors.ts';
import { page } from '../../src/image/convert.ts';
import { writePng } from '../../src/image/formats/png/write.ts';
import { lastingEngine } from '../../src/platform/browser/lasting-engine.ts';
import { studioHost } from '../../src/platform/node/studio-host.ts';
import { connect } from '../../src/studio/connect.ts';
import { createEngine } from '../../src/studio/create-engine.ts';
import type { Engine, EngineEvent } from '../../src/studio/engine.ts';
import type { StudioHost } from '../../src/studio/host.ts';
import { ProjectImages } from '../../src/studio/images.ts';
import { KnownFiles } from '../../src/studio/known-files.ts';
import { readProjectFile } from '../../src/studio/project-folder.ts';
import { ProjectLabels } from '../../src/studio/project-labels.ts';
import { serve } from '../../src/studio/serve.ts';
import { type SocketLike, socketChannel } from '../../src/studio/socket-channel.ts';
import { openPainter } from './painter.ts';
import { socketPair } from './ways.ts';

const SIDE = 64;
const { image } = phantom({ width: SIDE, height: SIDE, depth: 1, cellPx: 20, seed: 3 });
const file = { path: 'a.png', content: writePng(page(image, 0)) };

let root: string;
let engine: Engine;
let events: EngineEvent[];
/** Those that were started, of which the last one is in use. */
let started: { readonly own: Engine; readonly socket: SocketLike }[];
const end = (): void => started.at(-1)?.socket.close();
const restarts = (): number => events.filter(({ kind }) => kind === 'restarted').length;

/** What the hosts of those that are started from now on are. */
let hostOf: (host: StudioHost) => StudioHost;

const start = async (): Promise<Engine> => {
  const [client, server] = socketPair();
  const own = createEngine(hostOf(studioHost(root)));
  serve(own, socketChannel(server));
  started.push({ own, socket: server });
  return connect(socketChannel(client));
};

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'lamella-lasting-'));
  [events, started] = [[], []];
  hostOf = (host) => host;
  engine = lastingEngine(await start(), start);
  engine.subscribe((event) => events.push(event));
});
afterEach(async () => {
  await engine.dispose();
  for (const { own } of started) await own.dispose();
  await rm(root, { recursive: true, force: true });
});

it('keeps every stroke, of whatever moment the end is', async () => {
  const state = await engine.create('p');
  const painter = await openPainter(engine, state);
  await painter.add((await engine.addFiles([file])).images);
  for (let i = 0; i < 12; i++) {
    const stroke = painter.stroke('a', i % 2, [[5 * i, 4 * i]]);
    // Before the stroke is sent, while it is on its way, or when it is kept.
    if (i % 4 === 1) end();
    else if (i % 4 === 2) setImmediate(end);
    await stroke;
    if (i % 4 === 3) end();
  }
  const painted = painter.annotations.layer('a').read([0, 0, SIDE, SIDE]);
  expect((await engine.labels('a', 0))?.data).toEqual(painted);
  expect(restarts()).toBeGreaterThanOrEqual(6);
  // Written by another program, it is the same: labels, and what can be undone.
  await engine.close();
  const again = await openPainter(engine, await engine.open('p'));
  expect(again.annotations.layer('a').read([0, 0, SIDE, SIDE])).toEqual(painted);
  for (let i = 0; i < 12; i++) expect(await again.history.undo()).toMatchObject({ name: 'brush' });
  expect(await again.history.undo()).toBeUndefined();
});

it('says so to whoever asked for what cannot be repeated, and starts one engine for all', async () => {
  const state = await engine.create('p');
  const painter = await openPainter(engine, state);
  await painter.add((await engine.addFiles([file])).images);
  const training = engine.train({ steps: 10_000, from: 'scratch' });
  const [plane, labels] = [engine.plane('a', 0, 0), engine.labels('a', 0)];
  end();
  await expect(training).rejects.toMatchObject({ code: 'restarted' });
  expect((await plane).shape).toEqual([SIDE, SIDE]);
  expect(await labels).toBeUndefined();
  expect([started.length, restarts()]).toEqual([2, 1]);
  expect((await engine.addFiles([{ ...file, path: 'b.png' }])).problems).toMatchObject([{ file: 'b.png' }]);
});

it('is not started for ever: not if it ended before it answered, and not once it was disposed of', async () => {
  end();
  await expect(engine.projects()).rejects.toMatchObject({ code: 'disconnected' });
  expect(started.length).toBe(1);
  const other = lastingEngine(await start(), start);
  await other.projects();
  await other.dispose();
  await expect(other.projects()).rejects.toMatchObject({ code: 'disconnected' });
  expect(started.length).toBe(2);
});

describe('a server that is gone for a while', () => {
  const STROKES = [4, 20, 40, 60];
  let isUp: boolean;
  let pauses: boolean[];
  const problems = () => events.flatMap((event) => (event.kind === 'problem' ? [event.problem.message] : []));
  const reach = async (): Promise<Engine> => {
    if (isUp) return start();
    throw new LamellaError('It cannot be reached.', { facts: { code: 'disconnected' } });
  };
  beforeEach(async () => {
    [isUp, pauses] = [true, []];
    engine = lastingEngine(await start(), reach, {
      pause(_, isRecording) {
        pauses.push(isRecording);
        return new Promise((next) => setTimeout(next, 20));
      },
    });
    engine.subscribe((event) => events.push(event));
  });
  /** A project with one stroke that is kept, whose server then ends. */
  const openCutOff = async () => {
    const painter = await openPainter(engine, await engine.create('p'));
    await painter.add((await engine.addFiles([file])).images);
    await painter.stroke('a', 1, [[STROKES[0], 10]]);
    const own = started.at(-1)?.own;
    end();
    await own?.dispose();
    isUp = false;
    return painter;
  };

  it('gets what was painted meanwhile, and what else was asked is answered', async () => {
    const painter = await openCutOff();
    const strokes = STROKES.slice(1).map((x) => painter.stroke('a', 1, [[x, 10]]));
    const labels = engine.labels('a', 0);
    await expect.poll(() => pauses.length, { timeout: 10_000 }).toBeGreaterThan(3);
    expect(pauses).not.toContain(false);
    expect([problems(), restarts()]).toEqual([['It cannot be reached.'], 0]);
    isUp = true;
    await Promise.all([...strokes, labels]);
    expect([problems().length, restarts()]).toEqual([1, 1]);
    expect((await engine.labels('a', 0))?.data).toEqual(painter.annotations.layer('a').read([0, 0, SIDE, SIDE]));
    // And once more, since it is never given up.
    end();
    await painter.stroke('a', 1, [[30, 40]]);
    expect(restarts()).toBe(2);
  });

  it('gets it once nobody else writes to the project', async () => {
    const painter = await openCutOff();
    const other = createEngine(studioHost(root));
    await other.open('p');
    isUp = true;
    const stroke = painter.stroke('a', 1, [[40, 40]]);
    await expect.poll(() => pauses.length, { timeout: 30_000 }).toBeGreaterThan(0);
    expect(problems()).toEqual(['this project is now open in another tab or program, which writes to it.']);
    await other.dispose();
    await stroke;
    expect((await engine.labels('a', 0))?.data).toEqual(painter.annotations.layer('a').read([0, 0, SIDE, SIDE]));
  }, 60_000);

  it('keeps no edit that has the number of one that was made elsewhere, and says so', async () => {
    const painter = await openCutOff();
    const other = createEngine(studioHost(root));
    const elsewhere = await openPainter(other, await other.open('p'));
    await elsewhere.stroke('a', 1, [[40, 40]]);
    await other.dispose();
    isUp = true;
    await expect(painter.stroke('a', 1, [[20, 50]])).rejects.toThrow('Edit 2 cannot be kept: the project was edited');
    expect((await engine.labels('a', 0))?.data).toEqual(elsewhere.annotations.layer('a').read([0, 0, SIDE, SIDE]));
  });
});

it('keeps a stroke on labels that are read for others at the same time', async () => {
  const painter = await openPainter(engine, await engine.create('p'));
  await painter.add((await engine.addFiles([file])).images);
  await engine.close();
  const { files } = studioHost(root);
  const project = await readProjectFile(files, 'p');
  const labels = new ProjectLabels(files, 'p', new ProjectImages(files, 'p'), new KnownFiles(files, 'p'));
  const asked = await Promise.all([labels.layer(project, 'a'), labels.layer(project, 'a')]);
  // One and the same, or what is painted on the first is missing from the second.
  expect(asked[0]).toBe(asked[1]);
});

it('a project says whether its files lack edits, as after a crash', async () => {
  expect(await engine.create('p')).not.toHaveProperty('hasUnsaved');
  const painter = await openPainter(engine, await engine.open('p'));
  await painter.add((await engine.addFiles([file])).images);
  await engine.flush();
  await painter.stroke('a', 1, [[10, 10]]);
  await cp(join(root, 'p'), join(root, 'crashed'), { recursive: true });
  // As one sees it who can only look at it, and one who goes on with it.
  const reader = createEngine(studioHost(root));
  expect(await reader.open('crashed')).toMatchObject({ readOnly: true, hasUnsaved: true });
  await reader.dispose();
  await rm(join(root, 'crashed/.studio/lock'));
  expect(await engine.open('crashed')).toMatchObject({ hasUnsaved: true });
  await engine.flush();
  expect(await engine.open('crashed')).not.toHaveProperty('hasUnsaved');
});

describe('too little memory, after which nothing can be computed there any more', () => {
  const SETTINGS = { patch: [32, 32], depth: 1, baseChannels: 4, batch: 2 } as const;
  type Missing = Omit<Extract<Facts, { code: 'out-of-memory' }>, 'code' | 'isFinal'>;
  const missing = (facts: Missing = {}): DeviceError =>
    new DeviceError('There is too little memory.', { facts: { code: 'out-of-memory', isFinal: true, ...facts } });
  const told = () => events.flatMap((event) => (event.kind === 'device' ? [event.why] : []));
  const problems = () => events.flatMap((event) => (event.kind === 'problem' ? [event.problem] : []));

  /** A project with strokes of two classes, in an engine whose hosts are as given. @returns what is painted */
  async function openPainted(host: typeof hostOf): Promise<ArrayLike<number>> {
    hostOf = host;
    engine = lastingEngine(await start(), start);
    engine.subscribe((event) => events.push(event));
    const painter = await openPainter(engine, await engine.create('p'));
    await painter.add((await engine.addFiles([file])).images);
    for (let i = 0; i < 6; i++) {
      await painter.stroke('a', i % 2, [
        [6, 10 * i + 4],
        [56, 10 * i + 4],
      ]);
    }
    await engine.setView({ image: 'a', page: 0, rect: { x: 0, y: 0, width: SIDE, height: SIDE } });
    return painter.annotations.layer('a').read([0, 0, SIDE, SIDE]);
  }

  it('trains a smaller network in another engine, where the live preview goes on', async () => {
    const painted = await openPainted((host) => ({
      ...host,
      train: async (folder, out, settings, hooks) => {
        if ((settings as { batch?: number }).batch !== 1) throw missing({ smaller: { batch: 1 } });
        return host.train(folder, out, settings, hooks);
      },
    }));
    const before = started.length;
    await engine.setLive({ on: true, model: 'quick' });
    const trained = await engine.train({ steps: 2, settings: SETTINGS, from: 'scratch' });
    expect(trained).toMatchObject({ run: 'runs/1', steps: 2 });
    expect(told()).toEqual(['There is too little memory for this network, so one with 1 patch at a time is trained.']);
    expect([started.length - before, restarts(), problems()]).toEqual([1, 0, []]);
    const from = events.findIndex(({ kind }) => kind === 'device');
    await expect.poll(() => events.slice(from).some(({ kind }) => kind === 'preview')).toBe(true);
    expect((await engine.labels('a', 0))?.data).toEqual(painted);
  });

  it('says what to do where nothing is smaller, and computes again', async () => {
    let isShort = true;
    const painted = await openPainted((host) => ({
      ...host,
      train: async (...given) => {
        if (isShort) throw missing();
        return host.train(...given);
      },
    }));
    const before = started.length;
    const train = () => engine.train({ steps: 2, settings: SETTINGS, from: 'scratch' });
    await expect(train()).rejects.toMatchObject({ code: 'out-of-memory' });
    expect([started.length - before, restarts(), told(), problems()]).toEqual([1, 0, [], []]);
    isShort = false;
    expect(await train()).toMatchObject({ run: 'runs/1', steps: 2 });
    expect((await engine.labels('a', 0))?.data).toEqual(painted);
  });

  it('gives the live preview a smaller network in another engine', async () => {
    let opened = 0;
    await openPainted((host) => ({
      ...host,
      openSessionPlace: async (folder) => {
        if (opened++ === 0) throw missing({ smaller: { baseChannels: 4 } });
        return host.openSessionPlace(folder);
      },
    }));
    const before = started.length;
    await engine.setLive({ on: true, model: 'network' });
    await expect.poll(() => events.some(({ kind }) => kind === 'step')).toBe(true);
    expect(told()).toEqual(['There is too little memory for this network, so one with 4 channels is trained.']);
    expect([started.length - before, restarts(), problems()]).toEqual([1, 0, []]);
    await engine.close();
    const config = JSON.parse(await readFile(join(root, 'p/.studio/live/config.json'), 'utf8'));
    expect(config.recipe.model.baseChannels).toBe(4);
  });

  it('ends the live preview where nothing is smaller, with what to do', async () => {
    await openPainted((host) => ({
      ...host,
      openSessionPlace: async () => {
        throw missing();
      },
    }));
    const before = started.length;
    await engine.setLive({ on: true, model: 'network' });
    await expect.poll(() => problems().map(({ message }) => message)).toEqual(['There is too little memory.']);
    expect([started.length - before, restarts(), told()]).toEqual([1, 0, []]);
    expect(await engine.labels('a', 0)).toBeDefined();
  });
});
