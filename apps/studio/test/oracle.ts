/** A user who knows the truth, but looks at it only where they paint. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Image, predictImage, writePng } from 'lamella';
import { openModelFile, studioHost } from 'lamella/node';
import { createEngine, type Engine, type Rect, type Region } from 'lamella/studio';
import { openPainter, type Painter } from '../../../test/studio/painter.ts';

/** An engine on a folder of its own, with a project of these images; those of `start` have all their labels. */
export async function knownProject(start: readonly KnownImage[], pool: readonly KnownImage[]) {
  const root = await mkdtemp(join(tmpdir(), 'lamella-known-'));
  const engine = createEngine(studioHost(root));
  const created = await engine.create('known');
  const { problems } = await engine.addFiles([
    ...start.flatMap((image) => filesOf(image, { labelled: true })),
    ...pool.flatMap((image) => filesOf(image, { labelled: false })),
  ]);
  if (problems.length > 0) throw new Error(problems[0]?.message);
  const painter = await openPainter(engine, await engine.open(created.id));
  return {
    engine,
    painter,
    /** Where a run is on the disk. */
    folderOf: (run: string): string => join(root, created.id, run),
    async close(): Promise<void> {
      await engine.dispose();
      await rm(root, { recursive: true });
    },
  };
}

/** An image of one slice with its true classes, 0 or 1 for each pixel. */
export interface KnownImage {
  /** Its id in the project. */
  readonly name: string;
  readonly image: Image;
  readonly png: Uint8Array;
  readonly width: number;
  readonly height: number;
  readonly truth: Uint8Array;
}

/** The image as files of a project, with labels that are the whole truth, or without. */
function filesOf({ name, png, width, height, truth }: KnownImage, { labelled }: { readonly labelled: boolean }) {
  const label: Image = { dtype: 'uint8', axes: 'yx', shape: [height, width], data: truth, spacing: {} };
  return [
    { path: `images/${name}.png`, content: png },
    ...(labelled ? [{ path: `labels/${name}.png`, content: writePng(label) }] : []),
  ];
}

/** Copies the truth within a window into the annotation, as a complete region. */
export async function correct(painter: Painter, { name, width, truth }: KnownImage, rect: Rect): Promise<void> {
  const { annotations, history } = painter;
  const layer = annotations.layer(name);
  for (let y = rect.y; y < rect.y + rect.height; y++) {
    for (let x = rect.x; x < rect.x + rect.width; x++) layer.fill(0, y, x, x + 1, truth[y * width + x] as number);
  }
  const regions = annotations.regions(name);
  const id = 1 + Math.max(0, ...regions.map((region) => region.id));
  const box = [rect.x, rect.y, rect.width, rect.height] as const;
  const region: Region = { id, shape: { box }, complete: true, origin: 'painted', held: false };
  annotations.setRegions(name, [...regions, region]);
  history.commit('corrected');
  await history.settled();
}

/** Mean Dice of class 1 over images, each predicted by the model of a run. */
export async function meanDice(run: string, images: readonly KnownImage[]): Promise<number> {
  const model = await openModelFile(run, { device: 'cpu' });
  let sum = 0;
  for (const { image, truth } of images) {
    const { data } = await predictImage(model, image);
    let [both, either] = [0, 0];
    for (let p = 0; p < truth.length; p++) {
      const found = (data[truth.length + p] as number) > (data[p] as number) ? 1 : 0;
      both += found & (truth[p] as number);
      either += found + (truth[p] as number);
    }
    sum += either === 0 ? 1 : (2 * both) / either;
  }
  await model.close();
  return sum / images.length;
}

/** Of an image that was segmented: 1 where it is wrong. */
export async function wrongPixels(
  engine: Engine,
  prediction: string,
  { name, truth }: KnownImage,
): Promise<Uint8Array> {
  const { data } = await engine.segmented(prediction, name, 0);
  return truth.map((value, p) => ((data[p] as number) > 0 === value > 0 ? 0 : 1));
}
