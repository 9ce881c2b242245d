/** What a page does with the engine of its worker; called by `browser.test.ts` and S31. */
import type { OpenRuntimeOptions } from '../../src/platform/browser/runtime.ts';
import { openStudioEngine } from '../../src/platform/browser/studio.ts';
import type { Engine, StudioTrainOptions } from '../../src/studio/engine.ts';
import { openPainter } from './painter.ts';

let engine: Engine;

export async function start(options: OpenRuntimeOptions = {}) {
  engine = openStudioEngine(options);
  const { place, version, threads, devices } = await engine.describe();
  return { place, version, threads, devices: devices.map(({ name }) => name) };
}

export async function makeProject(pngs: readonly (readonly number[])[]) {
  const state = await engine.create('cells');
  const painter = await openPainter(engine, state);
  const files = pngs.map((bytes, i) => ({
    path: `images/${i}.png`,
    content: new File([Uint8Array.from(bytes)], `${i}.png`),
  }));
  const { images, problems } = await engine.addFiles(files);
  await painter.add(images);
  const plane = await engine.plane('1', 0, 0);
  await painter.stroke('1', 1, [
    [4, 4],
    [9, 4],
  ]);
  return { id: state.id, images: images.map((one) => one.id), problems, values: [...plane.data] };
}

/** Paints two classes and waits for what the quick model makes of them. */
export async function preview() {
  const found = new Promise<object>((resolve, reject) => {
    engine.subscribe((event) => {
      if (event.kind === 'problem') reject(new Error(event.problem.message));
      if (event.kind !== 'preview') return;
      const { model, view, classes, sequence } = event;
      resolve({ model, view, classes: [...new Set(classes)].sort(), sequence });
    });
  });
  const painter = await openPainter(engine, await engine.open('cells'));
  await painter.stroke('1', 0, [
    [20, 20],
    [30, 28],
  ]);
  await engine.setView({ image: '1', page: 0, rect: { x: 0, y: 0, width: 48, height: 32 } });
  await engine.setLive({ on: true, model: 'quick' });
  const first = await found;
  await engine.setLive({ on: false, model: 'quick' });
  return first;
}

/** Trains, segments, measures, exports, and brings the project back from its zip. */
export async function work() {
  const trained = await engine.train({
    steps: 4,
    settings: { patch: [16, 16], depth: 1, baseChannels: 4, batch: 1 },
    from: 'scratch',
  });
  const { prediction, images, failed } = await engine.segment({});
  const { columns, total } = await engine.measure(prediction);
  const { name, content } = await engine.export({ formats: ['project'] });
  const blob = content as Blob;
  const again = await engine.import([{ path: name, content: blob }], 'again');
  const labels = await engine.labels('1', 0);
  await engine.forget(again.id);
  return {
    run: trained.run,
    steps: trained.steps,
    images: images.map(({ image }) => image),
    failed,
    isMeasured: columns.some((column) => column.name === 'area') && total >= 0,
    zip: [name, blob instanceof Blob, blob.size > 1000],
    runs: again.project.runs?.map(({ folder }) => folder),
    problems: again.problems,
    painted: labels === undefined ? 0 : [...labels.data].filter((value) => value === 1).length,
  };
}

/** Trains on images with labels. @returns the project as a zip, in base64 */
export async function trainAndExport(files: Readonly<Record<string, readonly number[]>>, options: StudioTrainOptions) {
  const { id } = await engine.create('trained');
  const given = Object.entries(files).map(([path, bytes]) => ({ path, content: Uint8Array.from(bytes) }));
  const { problems } = await engine.addFiles(given);
  const { run } = await engine.train(options);
  const { content } = await engine.export({ formats: ['project'] });
  const bytes = new Uint8Array(await (content as Blob).arrayBuffer());
  await engine.forget(id);
  return { problems, run, zip: btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join('')) };
}

export async function openAgain(id: string) {
  const state = await engine.open(id);
  const painter = await openPainter(engine, state);
  return {
    images: state.images.map((one) => one.id),
    undo: painter.history.undoName,
    readOnly: state.readOnly,
  };
}

export async function forget(id: string) {
  const bytes = await engine.forget(id);
  return { bytes, left: await engine.projects() };
}
