/** Steps of the network in the live loop, and by themselves. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { phantom } from '../../packages/phantom/phantom.ts';
import { page } from '../../src/image/convert.ts';
import { writePng } from '../../src/image/formats/png/write.ts';
import { studioHost } from '../../src/platform/node/studio-host.ts';
import { createEngine } from '../../src/studio/create-engine.ts';
import type { Engine } from '../../src/studio/engine.ts';
import type { StudioHost } from '../../src/studio/host.ts';
import { LiveSource } from '../../src/studio/live-data.ts';
import { NetworkRung } from '../../src/studio/live-models.ts';
import { OpenProject } from '../../src/studio/open-project.ts';
import { openPainter } from '../../test/studio/painter.ts';
import type { Task } from './task.ts';

const SIDE = 256;
const STEPS = 50;

/** As if every machine computed so much: what the loop adds is measured, not the network that fits. */
const SPEEDS = { get: async () => 6e10, set: async () => undefined };

function hostOf(folder: string): StudioHost {
  const host = studioHost(folder);
  return { ...host, openSessionPlace: async (at) => ({ ...(await host.openSessionPlace(at)), speeds: SPEEDS }) };
}

/** A project with strokes in two images, in a folder of its own. */
async function makeProject(folder: string): Promise<{ readonly engine: Engine; readonly id: string }> {
  const engine = createEngine(hostOf(folder));
  const state = await engine.create('cells');
  const painter = await openPainter(engine, state);
  const { image } = phantom({ width: SIDE, height: SIDE, depth: 2, cellPx: 24, seed: 3 });
  const { images } = await engine.addFiles(
    [0, 1].map((z) => ({ path: `${z}.png`, content: writePng(page(image, z)) })),
  );
  await painter.add(images);
  for (const { id } of images) {
    for (const value of [0, 1]) {
      await painter.stroke(id, value, [
        [20, 60 + 80 * value],
        [220, 60 + 80 * value],
      ]);
    }
  }
  return { engine, id: state.id };
}

async function begun(
  folder: string,
  id: string,
): Promise<{ readonly network: NetworkRung; readonly open: OpenProject }> {
  const host = hostOf(folder);
  const open = await OpenProject.open(host, id, { onAnnotation: () => undefined, onProblem: () => undefined });
  const { classes, pages } = await new LiveSource(open).read();
  const raw = await pages();
  if (raw === undefined) throw new Error('The images are too large.');
  return { network: await NetworkRung.open(host, open, { raw, classes }), open };
}

export async function liveStepTask(): Promise<Task> {
  const folder = mkdtempSync(join(tmpdir(), 'lamella-bench-'));
  const { engine, id } = await makeProject(folder);
  let step = 0;
  let tell: () => void = () => undefined;
  engine.subscribe((event) => {
    if (event.kind !== 'step') return;
    ({ step } = event);
    tell();
  });
  const reach = (wanted: number): Promise<void> =>
    new Promise((resolve) => {
      tell = () => {
        if (step >= wanted) resolve();
      };
    });
  await engine.setView({ image: '0', page: 0, rect: { x: 0, y: 0, width: SIDE, height: SIDE } });
  const learn = async (steps: number): Promise<number> => {
    const [from, start] = [step, performance.now()];
    await engine.setLive({ on: true, model: 'network' });
    await reach(from + steps);
    const ms = performance.now() - start;
    const done = step - from;
    await engine.setLive({ on: false, model: 'network' });
    return (ms * steps) / done;
  };
  await learn(1);
  return {
    about: id,
    run: () => learn(STEPS),
    async close() {
      await engine.dispose();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export async function plainStepTask(): Promise<Task> {
  const folder = mkdtempSync(join(tmpdir(), 'lamella-bench-'));
  const { engine, id } = await makeProject(folder);
  await engine.dispose();
  const { network, open } = await begun(folder, id);
  return {
    run: async () => {
      for (let i = 0; i < STEPS; i++) await network.learn();
    },
    async close() {
      await network.close();
      await open.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
