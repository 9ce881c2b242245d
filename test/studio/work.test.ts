/** A project from its images to its results, by each way of reaching the engine, beside the command line's functions. */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { unzipSync } from 'fflate';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { phantom } from '../../packages/phantom/phantom.ts';
import { page } from '../../src/image/convert.ts';
import { writePng } from '../../src/image/formats/png/write.ts';
import { nodeHost } from '../../src/platform/node/host.ts';
import { studioHost } from '../../src/platform/node/studio-host.ts';
import { trainRun } from '../../src/platform/node/train-run.ts';
import type { Engine, EngineEvent, GivenFile } from '../../src/studio/engine.ts';
import { parseConfig, type Recipe, recipeHash } from '../../src/train/config.ts';
import { parseLog } from '../../src/train/log.ts';
import { measureFolder } from '../../src/workflows/measure/measure.ts';
import { WAYS } from './ways.ts';

const run = promisify(execFile);
const SLICES = 5;
const { image, label } = phantom({ width: 64, height: 64, depth: SLICES, cellPx: 20, seed: 3 });
const SMALL = { patch: [32, 32], depth: 1, baseChannels: 4, batch: 2, seed: 5 };

/** Four images with labels and one without. */
function files(): readonly GivenFile[] {
  const cells = { ...label, data: label.data.map((value) => (value === 0 ? 0 : 1)) };
  return Array.from({ length: SLICES }, (_, z) => [
    { path: `images/${z}.png`, content: writePng(page(image, z)) },
    ...(z < 4 ? [{ path: `labels/${z}.png`, content: writePng(page(cells, z)) }] : []),
  ]).flat();
}

const lossesOf = async (folder: string): Promise<readonly number[]> =>
  parseLog(await readFile(join(folder, 'log.jsonl'), 'utf8')).flatMap((line) =>
    line.kind === 'step' ? line.loss : [],
  );

const recipeOf = async (run: string): Promise<Recipe> =>
  parseConfig(await readFile(join(run, 'config.json')), run).recipe;

/** The last checkpoints of two runs. */
async function weightsOf(one: string, other: string): Promise<readonly [Buffer, Buffer]> {
  const checkpoint = (await readdir(join(one, 'checkpoints'))).sort().at(-1) as string;
  const read = (folder: string) => readFile(join(folder, 'checkpoints', checkpoint));
  return [await read(one), await read(other)];
}

describe.each(Object.entries(WAYS))('a project, its engine %s', (_, open) => {
  let root: string;
  let engine: Engine;
  let id: string;
  const events: EngineEvent[] = [];

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'lamella-studio-'));
    engine = await open(studioHost(root));
    engine.subscribe((event) => events.push(event));
    ({ id } = await engine.create('cells'));
    const { problems } = await engine.addFiles(files());
    expect(problems).toEqual([]);
  });
  afterAll(async () => {
    await engine.dispose();
    await rm(root, { recursive: true, force: true });
  });

  it('trains as the command line does on its folder', async () => {
    const options = { steps: 20, settings: SMALL, from: 'scratch' } as const;
    expect(await engine.trainCommand(options)).toBe(
      'lamella train cells --patch 32x32 --depth 1 --base 4 --batch 2 --seed 5 --steps 20',
    );
    const trained = await engine.train(options);
    expect(trained).toMatchObject({ run: 'runs/1', steps: 20, stopped: false, score: { name: expect.any(String) } });
    const own = join(root, id, 'runs/1');
    const beside = join(root, 'beside');
    await trainRun(join(root, id), { ...SMALL, patch: [32, 32], steps: 20, out: beside });
    const [first, second] = await Promise.all([own, beside].map(recipeOf));
    expect(recipeHash(first as Recipe)).toBe(recipeHash(second as Recipe));
    expect(await lossesOf(own)).toEqual(await lossesOf(beside));
    expect(Buffer.compare(...(await weightsOf(own, beside)))).toBe(0);
    // What was found and decided is told, as the command line prints it and the run keeps it.
    const { notes } = parseConfig(await readFile(join(own, 'config.json')), own);
    expect(notes.length).toBeGreaterThan(5);
    expect(events.flatMap((event) => (event.kind === 'note' ? event.text : []))).toEqual(
      expect.arrayContaining([...notes]),
    );
    const steps = events.filter((event) => event.kind === 'step');
    expect(steps.at(-1)).toMatchObject({ step: 20, of: 20, leftMs: expect.any(Number) });
    expect(events.filter((event) => event.kind === 'validation').length).toBeGreaterThan(0);
    await rm(beside, { recursive: true });
  });

  it('keeps what was learned when training is stopped', async () => {
    const training = engine.train({ steps: 100_000, settings: { patch: [32, 32], batch: 2 }, from: { run: 'runs/1' } });
    const seen = events.length;
    await expect(engine.segment({})).rejects.toThrow('busy with training');
    const steps = () => events.slice(seen).filter((event) => event.kind === 'step').length;
    await expect.poll(steps).toBeGreaterThan(3);
    await engine.stop();
    expect(await training).toMatchObject({ run: 'runs/2', stopped: true });
    expect(await readdir(join(root, id, 'runs/2'))).toContain('last.onnx');
    const { project } = await engine.open(id);
    // So few steps teach it too little of a class, which is kept with the run.
    expect(project.runs).toMatchObject([
      { folder: 'runs/1', from: null, labels: 0, doubt: { steps: 20 } },
      { folder: 'runs/2', from: 'runs/1', labels: 0 },
    ]);
  });

  it('goes on with a run that was stopped, as if it had not been', async () => {
    const options = { steps: 60, settings: SMALL, from: 'scratch' } as const;
    const leave = engine.subscribe((event) => {
      if (event.kind === 'step' && event.step === 4) void engine.stop();
    });
    const { run: stopped, steps: done } = await engine.train(options);
    leave();
    expect([stopped, done < 60]).toEqual(['runs/3', true]);
    const known = async () => (await engine.runs()).map((own) => [own.run, own.steps, own.of, own.isListed]);
    expect((await known()).at(-1)).toEqual(['runs/3', done, 60, true]);
    expect(await engine.resume('runs/3')).toMatchObject({ run: 'runs/3', steps: 60, stopped: false });
    expect(await known()).toEqual([
      ['runs/1', 20, 20, true],
      ['runs/2', expect.any(Number), 100_000, true],
      ['runs/3', 60, 60, true],
    ]);
    const own = join(root, id, 'runs/3');
    const beside = join(root, 'beside');
    await trainRun(join(root, id), { ...SMALL, patch: [32, 32], steps: 60, out: beside });
    expect(await lossesOf(own)).toEqual(await lossesOf(beside));
    expect(Buffer.compare(...(await weightsOf(own, beside)))).toBe(0);
    await rm(beside, { recursive: true });
    await expect(engine.resume('runs/9')).rejects.toThrow("The project has no run 'runs/9'");
  });

  it('begins with a model that is handed in, as the command line does with --from', async () => {
    const best = new Uint8Array(await readFile(join(root, id, 'runs/1/best.onnx')));
    const config = new Uint8Array(await readFile(join(root, id, 'runs/1/config.json')));
    const { images, models, problems } = await engine.addFiles([
      { path: 'colleague.onnx', content: best },
      { path: 'theirs/a/config.json', content: config },
      { path: 'theirs/a/best.onnx', content: best },
      { path: 'theirs/a/log.jsonl', content: new Uint8Array(3) },
      { path: 'broken.onnx', content: config },
    ]);
    expect([images, models]).toEqual([[], ['models/a.onnx', 'models/colleague.onnx']]);
    expect(problems.map(({ file }) => file)).toEqual(['broken.onnx']);
    expect((await engine.open(id)).models).toEqual(models);

    const options = { steps: 5, settings: { seed: 5, batch: 2 }, from: { model: 'models/colleague.onnx' } } as const;
    expect(await engine.trainCommand(options)).toBe(
      'lamella train cells --seed 5 --batch 2 --steps 5 --from cells/models/colleague.onnx',
    );
    const { run: trained } = await engine.train(options);
    const own = join(root, id, trained);
    const beside = join(root, 'beside');
    const from = join(root, id, 'models/colleague.onnx');
    await trainRun(join(root, id), { seed: 5, batch: 2, steps: 5, from, out: beside });
    expect(await lossesOf(own)).toEqual(await lossesOf(beside));
    const [there, here] = await Promise.all([own, beside].map(recipeOf));
    // But for the path by which it was given.
    expect(there?.start).toEqual({ ...here?.start, model: there?.start?.model });
    expect({ ...there, start: undefined }).toEqual({ ...here, start: undefined });
    await rm(beside, { recursive: true });
    await expect(engine.train({ ...options, from: { model: 'models/other.onnx' } })).rejects.toThrow(
      'the project has no such model',
    );
  });

  it('segments and measures as the command line does', async () => {
    const { prediction, images, failed } = await engine.segment({ run: 'runs/1', minSizePx: 12, fillHoles: true });
    expect([prediction, images.map((one) => one.image), failed]).toEqual([
      'predictions/1',
      ['0', '1', '2', '3', '4'],
      [],
    ]);
    const objects = await engine.segmented(prediction, '1', 0);
    expect([objects.dtype, objects.shape]).toEqual(['uint32', [64, 64]]);
    const counts = new Map<number, number>();
    for (const value of objects.data) counts.set(value, (counts.get(value) ?? 0) + 1);
    counts.delete(0);
    expect(counts.size).toBe(images[1]?.objects);
    expect(Math.min(...counts.values(), 12)).toBe(12);
    // The project is one of areas: none is cut, so no two of them touch.
    const { data } = objects;
    const touching = data.filter((value, p) =>
      [p % 64 > 0 ? p - 1 : p, p - 64].some((at) => value > 0 && (data[at] ?? 0) > 0 && data[at] !== value),
    );
    expect([...touching]).toEqual([]);

    const table = await engine.measure(prediction);
    expect(table.total).toBe(images.reduce((sum, one) => sum + one.objects, 0));
    const out = join(root, 'measured');
    await measureFolder(nodeHost, join(root, id, prediction), { out });
    const own = join(root, id, 'measures/1');
    expect((await readdir(own)).sort()).toEqual((await readdir(out)).sort());
    for (const name of ['objects.csv', 'images.csv']) {
      expect(await readFile(join(own, name), 'utf8')).toBe(await readFile(join(out, name), 'utf8'));
    }
    const largest = await engine.table({
      prediction,
      sort: { column: 'area_um2', descending: true },
      offset: 0,
      limit: 3,
    });
    expect([largest.rows.length, largest.total]).toEqual([Math.min(3, table.total), table.total]);
    const area = table.columns.findIndex(({ name }) => name === 'area');
    const areas = table.rows.map((row) => Number(row[area])).sort((a, b) => b - a);
    expect(largest.rows.map((row) => row[area])).toEqual(areas.slice(0, 3));
    for (const { image: of, page: at, object, box } of largest.objects) {
      const { data } = await engine.segmented(prediction, of, at);
      const columns = [...data.keys()].filter((p) => data[p] === object).map((p) => p % 64);
      expect([Math.min(...columns), Math.max(...columns) + 1]).toEqual([box?.x, box && box.x + box.width]);
    }
    const perImage = await engine.table({ prediction, of: 'images', offset: 0, limit: 9 });
    expect(perImage.columns.map(({ header }) => header)).toEqual(['image', 'objects', 'covered_percent']);
    expect([perImage.total, perImage.images]).toEqual([table.images, table.images]);
    expect(perImage.rows.reduce((sum, row) => sum + Number(row[1]), 0)).toBe(table.total);
    expect(perImage.objects.every(({ object, box }) => object === 0 && box === undefined)).toBe(true);
    const some = await engine.segment({ run: 'runs/1', images: ['4'] });
    expect([some.prediction, some.images.map((one) => one.image)]).toEqual(['predictions/2', ['4']]);
  });

  it('finds places to annotate next', async () => {
    const places = await engine.places(3);
    expect(places.length).toBeGreaterThan(0);
    for (const { image: of, rect, uncertainty } of places) {
      expect(['0', '1', '2', '3', '4']).toContain(of);
      expect([rect.x + rect.width <= 64, rect.y + rect.height <= 64, uncertainty >= 0]).toEqual([true, true, true]);
    }
  });

  it('exports one file as it is, and several in a zip', async () => {
    const bytesOf = async (content: GivenFile['content']) =>
      content instanceof Uint8Array ? content : new Uint8Array(await content.arrayBuffer());
    const model = await engine.export({ formats: ['onnx'], run: 'runs/1' });
    expect(model.name).toBe('cells.onnx');
    expect(Buffer.compare(await bytesOf(model.content), await readFile(join(root, id, 'runs/1/best.onnx')))).toBe(0);
    const { name, content } = await engine.export({
      formats: ['csv', 'labels', 'roi', 'onnx'],
      prediction: 'predictions/1',
    });
    expect(name).toBe('cells-export.zip');
    const zip = unzipSync(await bytesOf(content));
    expect(Object.keys(zip)).toEqual(
      expect.arrayContaining(['objects.csv', 'images.csv', 'labels/0.tif', 'roi/0.zip', 'cells.onnx']),
    );
    expect(Buffer.from(zip['objects.csv'] as Uint8Array).toString()).toBe(
      await readFile(join(root, id, 'measures/1/objects.csv'), 'utf8'),
    );
  });

  it('exports every format', async () => {
    const formats = ['csv', 'parquet', 'labels', 'roi', 'geojson', 'coco', 'onnx', 'report'] as const;
    const { content } = await engine.export({ formats, prediction: 'predictions/1', run: 'runs/1' });
    const zip = unzipSync(content instanceof Uint8Array ? content : new Uint8Array(await content.arrayBuffer()));
    const names = Object.keys(zip).map((name) => name.replace(/\d\./, 'N.'));
    expect([...new Set(names)].sort()).toEqual(
      [
        ...['objects', 'images'].flatMap((name) => [`${name}.csv`, `${name}.parquet`]),
        ...['labels/N.tif', 'roi/N.zip', 'geojson/N.geojson', 'coco.json'],
        ...['cells.onnx', 'report.html', 'training-report.html'],
      ].sort(),
    );
    expect(Buffer.from(zip['training-report.html'] as Uint8Array).toString()).toContain('<html');
    expect(Buffer.from(zip['report.html'] as Uint8Array).toString()).toContain('<h1>Objects in cells</h1>');
    await expect(engine.export({ formats: ['csv'] })).rejects.toThrow('Segment the images first');
  });

  it('goes into a zip and comes back', async () => {
    const { name, content } = await engine.export({ formats: ['project'] });
    expect(name).toBe('cells.zip');
    const zip = content instanceof Uint8Array ? content : new Uint8Array(await content.arrayBuffer());
    await mkdir(join(root, '.out'));
    await writeFile(join(root, '.out/cells.zip'), zip);
    expect((await run('unzip', ['-t', join(root, '.out/cells.zip')])).stdout).toMatch(/No errors detected/);
    const labels = await engine.labels('1', 0);
    const { id: again, images, problems, project } = await engine.import([{ path: name, content: zip }], 'other');
    expect([again, images.length, problems]).toEqual(['cells-2', SLICES, []]);
    expect(project.runs?.map(({ folder }) => folder)).toEqual(['runs/1', 'runs/2', 'runs/3', 'runs/4']);
    expect(await engine.labels('1', 0)).toEqual(labels);
    expect(await engine.segmented('predictions/2', '4', 0)).toMatchObject({ shape: [64, 64] });
    await engine.forget(again);
    expect((await readdir(root)).filter((entry) => !entry.startsWith('.'))).toEqual(['cells', 'measured']);
  });
});
