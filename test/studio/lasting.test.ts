/** An engine that is taken away, at any moment, and what becomes of edits and questions that were under way. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { phantom } from '../../packages/phantom/phantom.ts';
import { page } from '../../src/image/convert.ts';
import { writePng } from '../../src/image/formats/png/write.ts';
import { lastingEngine } from '../../src/platform/browser/lasting-engine.ts';
import { studioHost } from '../../src/platform/node/studio-host.ts';
import { connect } from '../../src/studio/connect.ts';
import { createEngine } from '../../src/studio/create-engine.ts';
import type { Engine, EngineEvent } from '../../src/studio/engine.ts';
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

const start = async (): Promise<Engine> => {
  const [client, server] = socketPair();
  const own = createEngine(studioHost(root));
  serve(own, socketChannel(server));
  started.push({ own, socket: server });
  return connect(socketChannel(client));
};

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'lamella-lasting-'));
  [events, started] = [[], []];
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
