/** S24: what Studio exports is read by other programs: the same pixels, objects, rows and probabilities. */

import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, parse } from 'node:path';
import { unzipSync } from 'fflate';
import { type Image, page as pageOf, writePng, writeTiff } from 'lamella';
import { studioHost } from 'lamella/node';
import { phantom } from 'lamella/phantom';
import { createEngine, type Engine, type GivenFile } from 'lamella/studio';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { crowdedLabels, hardLabels } from '../../../test/export/label-maps.ts';
import { askImageJ, askPeer, askPeerOf, describeWithImageJ, describeWithPeers } from '../../../test/support/peers.ts';

const SIDE = 64;
const IDS = ['a', 'b', 'c'] as const;
const { image } = phantom({ width: SIDE, height: SIDE, depth: IDS.length, cellPx: 20, seed: 3 });

/** Holes, objects in holes and beside each other, pieces, gaps in the numbers, and numbers beyond 16 bits. */
function hard(): Uint32Array {
  const { data, shape } = hardLabels();
  const [rows, columns] = shape as [number, number];
  const out = new Uint32Array(SIDE * SIDE);
  for (let y = 0; y < rows; y++)
    out.set(data.subarray(y * columns, (y + 1) * columns) as Uint32Array, (y + 3) * SIDE + 5);
  return out;
}
const crowded = (seed: number): Uint32Array =>
  Uint32Array.from(crowdedLabels(SIDE, SIDE, 20, seed).data as Uint16Array);
/** What was segmented, in place of what a model of a second would find. */
const MAPS: { readonly [id: string]: Uint32Array } = { a: crowded(1), b: hard(), c: crowded(2) };

const labelImage = (data: Uint32Array): Image => ({
  dtype: 'uint32',
  axes: 'yx',
  shape: [SIDE, SIDE],
  data,
  spacing: {},
});

/** To train on: objects apart from each other. */
const squares = Uint32Array.from({ length: SIDE * SIDE }, (_, p) => {
  const [x, y] = [p % SIDE, Math.floor(p / SIDE)];
  return x % 8 < 6 && y % 8 < 6 ? 1 + Math.floor(y / 8) * 8 + Math.floor(x / 8) : 0;
});

const bytesOf = async (content: GivenFile['content']): Promise<Uint8Array> =>
  content instanceof Uint8Array ? content : new Uint8Array(await content.arrayBuffer());

interface Answer {
  readonly labels: Readonly<Record<string, readonly number[]>>;
  readonly tiff: Readonly<Record<string, { readonly dtype: string; readonly labels: readonly number[] }>>;
  readonly csv: { readonly columns: Readonly<Record<string, readonly unknown[]>> };
  readonly parquet: Answer['csv'];
}

let root: string;
let engine: Engine;
/** What was exported, by its path in the zip. */
let files: ReturnType<typeof unzipSync>;
/** The pixels of each image, as Studio shows them. */
const shown: { [id: string]: readonly number[] } = {};

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'lamella-exports-'));
  engine = createEngine(studioHost(root));
  await engine.create('cells');
  const given = IDS.flatMap((id, z) => [
    { path: `images/${id}.png`, content: writePng(pageOf(image, z)) },
    { path: `labels/${id}.tif`, content: writeTiff(labelImage(squares)) },
  ]);
  expect((await engine.addFiles(given)).problems).toEqual([]);
  expect((await engine.open('cells')).project.task).toBe('objects');
  const settings = { patch: [32, 32], depth: 1, baseChannels: 4, batch: 2 };
  await engine.train({ steps: 4, settings, from: 'scratch' });
  const { prediction } = await engine.segment({});
  // Which file is of which image: theirs are put in their place, and found by their names.
  rmSync(join(root, 'cells', prediction, 'images.json'));
  for (const id of IDS) {
    const predicted = join(root, 'cells', prediction);
    const file = readdirSync(predicted, { recursive: true, encoding: 'utf8' }).find((path) => parse(path).name === id);
    rmSync(join(predicted, file as string));
    writeFileSync(join(predicted, dirname(file as string), `${id}.tif`), writeTiff(labelImage(MAPS[id])));
    shown[id] = [...(await engine.segmented(prediction, id, 0)).data];
    expect(shown[id]).toEqual([...MAPS[id]]);
  }
  const formats = ['csv', 'parquet', 'labels', 'roi', 'geojson', 'coco', 'onnx', 'bioimageio'] as const;
  const { content } = await engine.export({ formats, prediction, run: 'runs/1' });
  files = unzipSync(await bytesOf(content));
});
afterAll(async () => {
  await engine?.dispose();
  rmSync(root, { recursive: true, force: true });
});

/** A folder with some of what was exported, under the names that the readers expect. */
function folderWith(names: { readonly [name: string]: string }): string {
  const folder = mkdtempSync(join(root, '.out-'));
  for (const [name, exported] of Object.entries(names)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), files[exported] as Uint8Array);
  }
  return folder;
}

describeWithPeers('S24 exports', () => {
  it.each(IDS)('labels, ROIs and GeoJSON of image %s have its pixels, by tifffile, roifile and shapely', (id) => {
    const folder = folderWith({
      'labels.tif': `labels/${id}.tif`,
      'roi.zip': `roi/${id}.zip`,
      'objects.geojson': `geojson/${id}.geojson`,
    });
    const { labels, tiff } = askPeer<Answer>('read_exports.py', folder, JSON.stringify([1, SIDE, SIDE]));
    expect(tiff['labels.tif']?.labels).toEqual(shown[id]);
    expect(labels['roi.zip']).toEqual(shown[id]);
    expect(labels['objects.geojson']).toEqual(shown[id]);
  });

  it('COCO has those of all images, by pycocotools', () => {
    const folder = folderWith({ 'polygon.json': 'coco.json' });
    const { labels } = askPeer<Answer>('read_exports.py', folder, JSON.stringify([IDS.length, SIDE, SIDE]));
    expect(labels['polygon.json']).toEqual(IDS.flatMap((id) => shown[id]));
  });

  it('tables have a row per object with its pixels, by pyarrow and as text', () => {
    const folder = folderWith({ 'table.csv': 'objects.csv', 'table.parquet': 'objects.parquet' });
    const { csv, parquet } = askPeer<Answer>('read_exports.py', folder, '[1,1,1]');
    const expected = IDS.flatMap((id) => {
      const counts = new Map<number, number>();
      for (const value of MAPS[id]) if (value > 0) counts.set(value, (counts.get(value) ?? 0) + 1);
      return [...counts].sort(([a], [b]) => a - b).map(([number, pixels]) => [id, number, pixels]);
    });
    for (const { columns } of [csv, parquet]) {
      const rows = (columns.label as number[]).map((number, i) => [
        (columns.image as string[])[i].replace(/\..*/, ''),
        number,
        (columns.pixels_px as number[])[i],
      ]);
      expect(rows).toEqual(expected);
    }
  });
});

describeWithPeers(
  'S24 exports, BioImage.IO',
  () => {
    it('the package passes the test of bioimageio.core', { timeout: 120_000 }, () => {
      const folder = folderWith({ 'package.zip': 'cells-bioimageio.zip' });
      const image = join(folder, 'image.npy');
      writeFileSync(image, unzipSync(files['cells-bioimageio.zip'] as Uint8Array)['test_input.npy'] as Uint8Array);
      const args = [join(folder, 'package.zip'), image, join(folder, 'out.npy'), 'whole'];
      const [answer] = askPeerOf<{ status: string; failed: string[]; shape: number[] }[]>(
        'bioimageio',
        'bioimageio_predict.py',
        ...args,
      );
      expect(answer).toMatchObject({ status: 'passed', failed: [] });
    });
  },
  'bioimageio',
);

describeWithImageJ('S24 exports, ImageJ', () => {
  it.each(['a', 'c'])('fills the ROIs of image %s with its objects, and opens its label image', (id) => {
    const folder = folderWith({ 'labels.tif': `labels/${id}.tif` });
    for (const [name, bytes] of Object.entries(unzipSync(files[`roi/${id}.zip`] as Uint8Array))) {
      writeFileSync(join(folder, name), bytes);
    }
    const read = askImageJ<{ filled: number[]; labels: number[] }>('imagej.js', folder, String(SIDE), String(SIDE));
    // The script numbers objects in their order.
    const order = [0, ...new Set([...MAPS[id]].filter((value) => value > 0).sort((x, y) => x - y))];
    expect(read.filled.map((value) => order[value])).toEqual(shown[id]);
    expect(read.labels).toEqual(shown[id]);
  });
});
