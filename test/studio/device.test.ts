/** A device that is lost, and a network that does not fit into memory: work goes on, and nothing painted is lost. */
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { phantom } from '../../packages/phantom/phantom.ts';
import { DeviceError } from '../../src/errors.ts';
import { page } from '../../src/image/convert.ts';
import { writePng } from '../../src/image/formats/png/write.ts';
import { studioHost } from '../../src/platform/node/studio-host.ts';
import type { Program, Runtime } from '../../src/runtime/runtime.ts';
import { createEngine } from '../../src/studio/create-engine.ts';
import type { Engine, EngineEvent } from '../../src/studio/engine.ts';
import type { StudioHost } from '../../src/studio/host.ts';
import { parseConfig } from '../../src/train/config.ts';
import { parseLog } from '../../src/train/log.ts';
import { openPainter, type Painter } from './painter.ts';

const SIDE = 64;
const { image, label } = phantom({ width: SIDE, height: SIDE, depth: 2, cellPx: 20, seed: 3 });
const cells = { ...label, data: label.data.map((value) => (value === 0 ? 0 : 1)) };
const SMALL = { patch: [32, 32], depth: 1, baseChannels: 8, batch: 2, seed: 5 } as const;

const lost = (): DeviceError =>
  new DeviceError('The GPU was lost: reset.', { remedy: 'Reload the page.', facts: { code: 'device-lost' } });

/** A device that fails once it is lost, as a GPU does; the host opens the CPU after `useCpu`. */
function losing(host: StudioHost) {
  const state = { isLost: false, left: 0, opened: [] as string[] };
  const guarded = async <T>(work: () => Promise<T>): Promise<T> => {
    if (state.isLost) throw lost();
    return work();
  };
  const program = (real: Program): Program => ({
    inputs: real.inputs,
    outputs: real.outputs,
    ...(real.fingerprint !== undefined && { fingerprint: real.fingerprint }),
    dispose: () => real.dispose(),
    run: (feeds) => guarded(() => real.run(feeds)),
    writeState: (values) => guarded(() => real.writeState(values)),
    readState: (names) => guarded(() => real.readState(names)),
  });
  const onGpu = (real: Runtime): Runtime => ({
    device: real.device,
    description: real.description,
    layout: real.layout,
    dispose: () => real.dispose(),
    compile: async (graph, options) => program(await guarded(() => real.compile(graph, options))),
    load: async (model) => program(await guarded(() => real.load(model))),
  });
  const open = async (real: Promise<Runtime>): Promise<Runtime> => {
    state.opened.push(state.left === 0 ? 'gpu' : 'cpu');
    return state.left === 0 ? onGpu(await real) : real;
  };
  const losingHost: StudioHost = {
    ...host,
    openRuntime: (device) => open(host.openRuntime(device)),
    async openSessionPlace(folder) {
      const place = await host.openSessionPlace(folder);
      return { ...place, openRuntime: (layout) => open(place.openRuntime(layout)) };
    },
    useCpu: () => (state.left++ === 0 ? 'CPU, 2 threads' : undefined),
  };
  return { host: losingHost, state };
}

let root: string;
let engine: Engine;
let events: EngineEvent[];

async function open(made: (host: StudioHost) => StudioHost): Promise<Painter> {
  root = await mkdtemp(join(tmpdir(), 'lamella-lost-'));
  engine = createEngine(made(studioHost(root)));
  events = [];
  engine.subscribe((event) => events.push(event));
  const painter = await openPainter(engine, await engine.create('cells'));
  const { images } = await engine.addFiles(
    [0, 1].map((z) => ({ path: `${z}.png`, content: writePng(page(image, z)) })),
  );
  await painter.add(images);
  await engine.setView({ image: '0', page: 0, rect: { x: 0, y: 0, width: SIDE, height: SIDE } });
  for (const id of ['0', '1']) {
    const layer = painter.annotations.layer(id);
    for (let p = 0; p < SIDE * SIDE; p++) {
      const [x, y] = [p % SIDE, Math.floor(p / SIDE)];
      layer.fill(0, y, x, x + 1, cells.data[Number(id) * SIDE * SIDE + p] as number);
    }
  }
  painter.history.commit('painted');
  await painter.history.settled();
  return painter;
}
afterEach(async () => {
  await engine.dispose();
  await rm(root, { recursive: true, force: true });
});

const deviceEvents = () => events.filter((event) => event.kind === 'device');
const painted = async (): Promise<readonly number[]> => [...((await engine.labels('0', 0))?.data ?? [])];

describe('a GPU that is lost', () => {
  it('is left for the CPU by the live model, which says so once and begins anew', async () => {
    let state = { isLost: false, opened: [] as string[] };
    await open((host) => {
      const made = losing(host);
      state = made.state;
      return made.host;
    });
    const before = await painted();
    await engine.setLive({ on: true, model: 'auto' });
    const problems = () => events.filter((event) => event.kind === 'problem');
    const steps = () => {
      expect(problems()).toEqual([]);
      return events.filter((event) => event.kind === 'step').length;
    };
    await expect.poll(steps).toBeGreaterThan(2);
    state.isLost = true;
    await expect.poll(() => deviceEvents().length).toBe(1);
    expect(deviceEvents()[0]).toEqual({ kind: 'device', device: 'CPU, 2 threads', why: 'The GPU was lost: reset.' });
    const [seenSteps, seen] = [steps(), events.length];
    await expect.poll(() => steps() - seenSteps).toBeGreaterThan(2);
    await expect.poll(() => events.slice(seen).some((event) => event.kind === 'preview')).toBe(true);
    expect(deviceEvents().length).toBe(1);
    expect(problems()).toEqual([]);
    expect(await painted()).toEqual(before);
    await engine.setLive({ on: false, model: 'auto' });
  });

  it('does not end a training: the run goes on from its last checkpoint', async () => {
    let trainings = 0;
    await open((host) => ({
      ...losing(host).host,
      async train(folder, out, settings, hooks) {
        if (trainings++ > 0) return host.train(folder, out, settings, hooks);
        // It stops after some steps with a checkpoint, as a run does that fails.
        const stop = new AbortController();
        const onEvent: typeof hooks.onEvent = (event) => {
          hooks.onEvent?.(event);
          if (event.kind === 'step' && event.step === 6) stop.abort();
        };
        await expect(host.train(folder, out, settings, { ...hooks, onEvent, signal: stop.signal })).rejects.toThrow();
        throw lost();
      },
    }));
    const trained = await engine.train({ steps: 20, settings: SMALL, from: 'scratch' });
    expect(trained).toMatchObject({ run: 'runs/1', steps: 20, stopped: false });
    expect(trainings).toBe(2);
    expect(deviceEvents().length).toBe(1);
    const log = parseLog(await readFile(join(root, 'cells/runs/1/log.jsonl'), 'utf8'));
    const steps = log.flatMap((line) => (line.kind === 'step' ? line.step : []));
    expect(steps).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
    expect(existsSync(join(root, 'cells/runs/2'))).toBe(false);
  });
});

describe('a network that does not fit into memory', () => {
  it('gives way to smaller ones, each named, until one fits', async () => {
    const tried: unknown[] = [];
    await open((host) => ({
      ...host,
      async train(folder, out, settings, hooks) {
        const { batch, baseChannels } = settings as { batch?: number; baseChannels?: number };
        tried.push({ batch, baseChannels });
        const smaller: Record<string, number> = batch !== 1 ? { batch: 1 } : { baseChannels: (baseChannels ?? 0) / 2 };
        if (batch !== 1 || (baseChannels ?? 0) > 4) {
          throw new DeviceError('There is too little memory.', { facts: { code: 'out-of-memory', smaller } });
        }
        return host.train(folder, out, settings, hooks);
      },
    }));
    const before = await painted();
    const trained = await engine.train({ steps: 3, settings: SMALL, from: 'scratch' });
    expect(trained).toMatchObject({ run: 'runs/1', steps: 3 });
    expect(tried).toEqual([
      { batch: 2, baseChannels: 8 },
      { batch: 1, baseChannels: 8 },
      { batch: 1, baseChannels: 4 },
    ]);
    expect(deviceEvents().map((event) => event.why)).toEqual([
      'There is too little memory for this network, so one with 1 patch at a time is trained.',
      'There is too little memory for this network, so one with 4 channels is trained.',
    ]);
    const file = join(root, 'cells/runs/1/config.json');
    expect(parseConfig(await readFile(file), file).recipe).toMatchObject({
      batch: 1,
      model: { baseChannels: 4 },
    });
    expect(await painted()).toEqual(before);
  });

  it('is left to another program where nothing can be computed any more, and leaves no run', async () => {
    let trainings = 0;
    await open((host) => ({
      ...host,
      async train(folder, out, settings, hooks) {
        trainings++;
        await host.train(folder, out, settings, hooks);
        const facts = { code: 'out-of-memory', smaller: { batch: 1 }, isFinal: true } as const;
        throw new DeviceError('There is too little memory.', { facts });
      },
    }));
    await expect(engine.train({ steps: 3, settings: SMALL, from: 'scratch' })).rejects.toMatchObject({
      facts: { smaller: { batch: 1 }, isFinal: true },
    });
    expect([trainings, deviceEvents()]).toEqual([1, []]);
    expect(existsSync(join(root, 'cells/runs/1'))).toBe(false);
  });

  it('is refused with what to do if nothing is smaller', async () => {
    await open((host) => ({
      ...host,
      train: async () =>
        Promise.reject(new DeviceError('There is too little memory.', { facts: { code: 'out-of-memory' } })),
    }));
    await expect(engine.train({ steps: 3, settings: SMALL, from: 'scratch' })).rejects.toThrow('too little memory');
  });
});
