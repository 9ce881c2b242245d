/** What a page does with the engine of its worker; called by `browser.test.ts`. */
import { openStudioEngine } from '../../src/platform/browser/studio.ts';
import type { Engine } from '../../src/studio/engine.ts';

let engine: Engine;

export async function start() {
  engine = openStudioEngine();
  const { place, version, threads, devices } = await engine.describe();
  return { place, version, threads, devices: devices.map(({ name }) => name) };
}

export async function makeProject(pngs: readonly (readonly number[])[]) {
  const { id } = await engine.create('cells');
  const files = pngs.map((bytes, i) => ({
    path: `images/${i}.png`,
    content: new File([Uint8Array.from(bytes)], `${i}.png`),
  }));
  const { images, problems } = await engine.addFiles(files);
  const plane = await engine.plane('1', 0, 0);
  await engine.record(Uint8Array.of(7, 8));
  return { id, images: images.map((one) => one.id), problems, values: [...plane.data] };
}

export async function openAgain(id: string) {
  const { images, journal, readOnly } = await engine.open(id);
  return { images: images.map((one) => one.id), journal: [...journal], readOnly };
}

export async function forget(id: string) {
  const bytes = await engine.forget(id);
  return { bytes, left: await engine.projects() };
}
