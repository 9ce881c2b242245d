import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { stream } from '../../src/array/random.ts';
import { Interrupted } from '../../src/errors.ts';
import { writePng } from '../../src/image/formats/png/write.ts';
import { writeTiff } from '../../src/image/formats/tiff/write.ts';
import { writeOmeZarr } from '../../src/image/formats/zarr/write.ts';
import type { Image } from '../../src/image/image.ts';
import { nodeFiles } from '../../src/platform/node/files.ts';
import { type MachineOptions, trainHost } from '../../src/platform/node/train-run.ts';
import { parseLog } from '../../src/train/log.ts';
import type { TrainEvent } from '../../src/train/loop.ts';
import { streamedTraining } from '../../src/train/tasks/streamed/task.ts';
import { type RunSettings, resumeTraining, trainNew } from '../../src/workflows/train.ts';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'lamella-streamed-'));
});
afterAll(() => rm(root, { recursive: true, force: true }));

interface Kind {
  readonly height: number;
  readonly width: number;
  readonly dtype: 'uint8' | 'uint16' | 'float32';
  readonly channels: readonly string[];
  /** Dark objects on a bright ground. */
  readonly isDark?: boolean;
  /** All that is annotated; default: every pixel. */
  readonly strokes?: readonly (readonly [top: number, left: number, height: number, width: number])[];
}

/** Blobs of class 1 with a few pixels of class 2, which is rare, in them. */
function blobs(seed: number, { height, width, dtype, channels, isDark = false, strokes }: Kind) {
  const random = stream(seed, 'blobs');
  const pixels = height * width;
  const label = new Uint8Array(pixels);
  for (let blob = 0; blob < 12; blob++) {
    const [cy, cx, r] = [random.integer(height), random.integer(width), 8 + random.integer(14)];
    for (let y = Math.max(0, cy - r); y < Math.min(height, cy + r); y++) {
      for (let x = Math.max(0, cx - r); x < Math.min(width, cx + r); x++) {
        const d = Math.hypot(y - cy, x - cx);
        if (d < r) label[y * width + x] = d < 3 ? 2 : 1;
      }
    }
  }
  const top = dtype === 'uint8' ? 1 : 37;
  const values = Array.from({ length: channels.length * pixels }, (_, i) => {
    const level = 40 + 60 * label[i % pixels] + 11 * Math.floor(i / pixels) + random.integer(20);
    return top * (isDark ? 255 - level : level) - (dtype === 'float32' ? 2000.5 : 0);
  });
  const of = { uint8: Uint8Array, uint16: Uint16Array, float32: Float32Array }[dtype];
  const axes = channels.length > 1 ? 'cyx' : 'yx';
  const shape = [...(channels.length > 1 ? [channels.length] : []), height, width];
  const spacing = { y: { value: 2, unit: 'µm' }, x: { value: 2, unit: 'µm' } };
  const image = { dtype, shape, data: of.from(values), axes, spacing, channels } as unknown as Image;
  const isAnnotated = (y: number, x: number): boolean =>
    strokes?.some(([top, left, h, w]) => y >= top && x >= left && y < top + h && x < left + w) ?? true;
  const annotated = label.map((value, p) => (isAnnotated(Math.floor(p / width), p % width) ? value : 255));
  const labels = { dtype: 'uint8', shape: [height, width], data: annotated, axes: 'yx', spacing } as Image;
  return { image, labels };
}

async function writeStore(path: string, image: Image): Promise<void> {
  const { data, ...info } = image;
  const sink = await writeOmeZarr(nodeFiles, path, info);
  await sink.write({ start: image.shape.map(() => 0), shape: image.shape }, data);
  await sink.finish();
}

type Format = 'zarr' | 'tif' | 'png';

async function dataset(name: string, formats: readonly Format[], kindOf: (i: number) => Kind): Promise<string> {
  const data = join(root, name);
  for (const part of ['image', 'label']) await mkdir(join(data, part), { recursive: true });
  for (const [i, format] of formats.entries()) await addTo(data, i, format, kindOf(i));
  return data;
}

async function addTo(data: string, i: number, format: Format, kind: Kind): Promise<void> {
  const { image, labels } = blobs(i, kind);
  for (const [part, one] of [
    ['image', image],
    ['label', labels],
  ] as const) {
    const path = join(data, part, `s${i}`);
    if (format === 'zarr') await writeStore(`${path}.ome.zarr`, one);
    else await writeFile(`${path}.${format}`, format === 'tif' ? writeTiff(one) : writePng(one));
  }
}

const SMALL: RunSettings = { steps: 6, baseChannels: 4, depth: 2, patch: [48, 48], batch: 3, seed: 5 };
const NONE = { w0: 0, sigmaPx: 5 };
const MACHINE: MachineOptions = { device: 'cpu', checkpointEvery: { steps: 3 } };

/** Images are read by region, some 10 rows at once. */
const LITTLE = 80_000;
const MUCH = 1e9;

/** `bytes` of memory are free, of which images may take three quarters. */
const hostWith = (bytes: number) => ({
  ...trainHost,
  streamed: streamedTraining(() => ({ used: 0, free: bytes })),
});

interface Trained {
  readonly files: Readonly<Record<string, string>>;
  readonly notes: readonly string[];
  /** Losses and scores. */
  readonly log: readonly object[];
  readonly fingerprint: string;
  readonly out: string;
}

let runs = 0;
async function trained(
  data: string,
  free: number,
  { workers = 0, ...settings }: RunSettings & { readonly workers?: number } = {},
): Promise<Trained> {
  const out = join(root, `run-${runs++}`);
  const finished = await trainNew(
    hostWith(free),
    data,
    { ...('network' in settings || 'from' in settings ? {} : SMALL), ...settings },
    { out, machine: { ...MACHINE, workers } },
  );
  return { ...(await contentOf(out)), fingerprint: finished.config.recipe.data.fingerprint, out };
}

/** Checkpoints and models by name, and what was noted. */
async function contentOf(out: string): Promise<Omit<Trained, 'fingerprint' | 'out'>> {
  const names = [...(await readdir(join(out, 'checkpoints'))).map((name) => `checkpoints/${name}`), 'last.onnx'];
  const content = await Promise.all(names.map(async (name) => (await readFile(join(out, name))).toString('base64')));
  const config = JSON.parse(await readFile(join(out, 'config.json'), 'utf8')) as { readonly notes: readonly string[] };
  return {
    files: Object.fromEntries(
      names.map((name, i) => [name, content[i] as string]).filter(([name]) => name !== 'last.onnx'),
    ),
    notes: config.notes,
    log: parseLog(await readFile(join(out, 'log.jsonl'), 'utf8')).flatMap((line) => {
      if (line.kind !== 'step' && line.kind !== 'validation') return [];
      const { ms: _, ...said } = line;
      return [said];
    }),
  };
}

/** What says how images are read, but nothing of the result. */
const ofReading = (note: string): boolean => /^(read by region|held in memory)/.test(note);

async function expectSame(data: string, settings: RunSettings = {}): Promise<Trained> {
  const held = await trained(data, MUCH, settings);
  const streamed = await trained(data, LITTLE, settings);
  expect(held.notes.some(ofReading)).toBe(false);
  expect(streamed.notes.some(ofReading)).toBe(true);
  expect(streamed.notes.filter((note) => !ofReading(note))).toEqual(held.notes);
  expect(streamed.fingerprint).toBe(held.fingerprint);
  expect(Object.keys(held.files)).toContain('checkpoints/step-000000006.ckpt');
  expect(streamed.log).toEqual(held.log);
  expect(streamed.files).toEqual(held.files);
  return streamed;
}

const GREY: Kind = { height: 150, width: 210, dtype: 'uint8', channels: ['grey'] };

describe('images that are read by region are trained as those in memory, to the last bit', () => {
  test('three classes, of which one is rare, in OME-Zarr and TIFF', async () => {
    const data = await dataset('classes', ['zarr', 'tif', 'zarr', 'tif'], (i) => ({ ...GREY, height: 150 + 20 * i }));
    const { notes } = await expectSame(data);
    expect(notes).toContainEqual(expect.stringMatching(/^validation: /));
    // In threads as well.
    const threads = await trained(data, LITTLE, { workers: 2 });
    expect(threads.files).toEqual((await trained(data, MUCH)).files);
  }, 120_000);

  test('colours, some images bright and inverted', async () => {
    const colours = { ...GREY, channels: ['red', 'green', 'blue'] };
    const data = await dataset('colours', ['zarr', 'zarr', 'zarr'], (i) => ({ ...colours, isDark: i > 0 }));
    const { notes } = await expectSame(data, { split: { fraction: 0 } });
    expect(notes).toContainEqual(expect.stringMatching(/^inverted: /));
  }, 120_000);

  test('channels each by itself, normalised over the data set', async () => {
    const stains: Kind = { ...GREY, dtype: 'float32', channels: ['DAPI', 'GFP'] };
    const data = await dataset('stains', ['zarr', 'zarr', 'zarr'], () => stains);
    await expectSame(data, { normalisation: { kind: 'zscore', scope: 'dataset' }, augment: 'strong' });
  }, 120_000);

  test('a network that gives less than it sees, with patches larger than the image', async () => {
    const data = await dataset('small', ['zarr', 'zarr', 'zarr'], () => GREY);
    const { depth: _, ...settings } = SMALL;
    await expectSame(data, { ...settings, network: 'unet2015', patch: [188, 188], separation: NONE });
  }, 120_000);

  test('one of several folds, which sees images as the others do', async () => {
    const data = await dataset('folds', ['zarr', 'zarr', 'zarr', 'zarr'], (i) => ({
      ...GREY,
      dtype: i === 0 ? 'uint8' : 'uint16',
      isDark: i > 1,
    }));
    const normalisation = { kind: 'zscore', scope: 'dataset' } as const;
    await expectSame(data, { split: { fold: 0, folds: 4 }, normalisation });
    await expectSame(data, { split: { fold: 3, folds: 4 } });
  }, 120_000);

  test('a run that is resumed, the first time from memory', async () => {
    const data = await dataset('resumed', ['zarr', 'zarr', 'zarr'], () => GREY);
    const whole = await trained(data, MUCH);
    const out = join(root, `run-${runs++}`);
    const controller = new AbortController();
    const hooks = {
      signal: controller.signal,
      onEvent: (event: TrainEvent) => {
        if (event.kind === 'step' && event.step >= 4) controller.abort();
      },
    };
    const machine = { ...MACHINE, workers: 0 };
    await expect(trainNew(hostWith(MUCH), data, SMALL, { out, machine }, hooks)).rejects.toThrow(Interrupted);
    await resumeTraining(hostWith(LITTLE), { out, machine });
    expect((await contentOf(out)).files['checkpoints/step-000000006.ckpt']).toBe(
      whole.files['checkpoints/step-000000006.ckpt'],
    );
  }, 120_000);
});

describe('strokes are trained on as in memory, to the last bit', () => {
  const large: Kind = { ...GREY, height: 500, width: 620 };
  const strokes = [
    [20, 30, 60, 9],
    [40, 20, 7, 90],
    [430, 540, 40, 50],
    [420, 20, 2, 200],
  ] as const;
  const of = (i: number): Kind => (i === 1 ? GREY : { ...large, strokes: i === 4 ? [] : strokes });

  test('several of them, a page with a gap, one without annotation', async () => {
    const data = await dataset('strokes', ['zarr', 'zarr', 'tif', 'zarr', 'zarr'], (i) =>
      i === 3 ? { ...GREY, strokes: [[0, 0, 150, 190] as const, [4, 190, 146, 20] as const] } : of(i),
    );
    const { notes, out } = await expectSame(data, { split: { names: ['s0'] } });
    expect(notes).toContainEqual(
      expect.stringMatching(/^annotated: .* % of 3 training pages; the others take no part$/),
    );
    expect(notes).toContainEqual('nothing is annotated on 1 of 5 pages; they take no part');
    const threads = await trained(data, LITTLE, { split: { names: ['s0'] }, workers: 2 });
    expect(threads.files).toEqual((await contentOf(out)).files);
  }, 120_000);

  test('nothing but strokes, bent and plain', async () => {
    const data = await dataset('painted', ['zarr', 'zarr', 'zarr'], (i) => ({ ...large, strokes: of(i + 5).strokes }));
    await expectSame(data, { augment: 'strong' });
    await expectSame(data, { split: { fraction: 0 }, augment: 'none', patch: [64, 64] });
  }, 120_000);

  test('without any, or of one class only, as of images in memory', async () => {
    const none = await dataset('unpainted', ['zarr', 'zarr'], () => ({
      ...GREY,
      strokes: [[0, 0, 150, 210] as const],
    }));
    const settings = {
      ignore: [0, 1, 2],
      classes: [
        { name: 'a', values: [3] },
        { name: 'b', values: [4] },
      ],
    };
    for (const free of [MUCH, LITTLE]) {
      await expect(trained(none, free, settings)).rejects.toThrow(/nothing is annotated that could be trained on/);
    }
    const one = await dataset('one class', ['zarr', 'zarr'], () => ({ ...large, strokes: [[0, 0, 2, 2] as const] }));
    const classes = [
      { name: 'ground', values: [0] },
      { name: 'disc', values: [1, 2] },
    ];
    for (const free of [MUCH, LITTLE]) {
      await expect(trained(one, free, { classes, ignore: [255] })).rejects.toThrow(/only class .* is painted in/);
    }
  }, 120_000);
});

describe('training on from a model is as in memory', () => {
  const CONTINUED: RunSettings = { steps: 6, patch: [48, 48], batch: 3, seed: 6 };
  const ground = { name: 'ground', values: [0] };

  test('from a file: its network, channels, normalisation and classes', async () => {
    const first = await dataset('first', ['zarr', 'zarr', 'zarr'], () => GREY);
    const normalisation = { kind: 'zscore', scope: 'dataset' } as const;
    const { out } = await trained(first, MUCH, { normalisation });
    const from = join(out, 'last.onnx');
    const next = await dataset('next', ['zarr', 'tif', 'zarr'], (i) => ({ ...GREY, height: 160 + i, isDark: i === 2 }));
    const { notes } = await expectSame(next, { ...CONTINUED, from });
    expect(notes).toContainEqual(expect.stringMatching(/^channels and normalisation: those of /));
    // Other classes, of which the last layer is new.
    const classes = [ground, { name: 'disc', values: [1, 2] }];
    await expectSame(next, { ...CONTINUED, from, classes, freeze: ['encoder'], newLearningRate: 0.01 });
  }, 120_000);

  test('from a run on some of the same images, of which those held out stay so', async () => {
    const data = await dataset('grown', ['zarr', 'zarr', 'zarr'], () => GREY);
    const { out } = await trained(data, MUCH, { split: { names: ['s1'] } });
    for (const i of [3, 4]) await addTo(data, i, 'zarr', GREY);
    const { notes } = await expectSame(data, { ...CONTINUED, from: out });
    expect(notes).toContainEqual('data from before: 2 pages to train on, 1 held out as before');
  }, 120_000);

  test('from a model of another program', async () => {
    const from = fileURLToPath(new URL('../golden/train-on.onnx', import.meta.url));
    const kinds = ['uint8', 'uint16'] as const;
    for (const dtype of kinds) {
      const data = await dataset(`other ${dtype}`, ['zarr', 'zarr', 'zarr'], () => ({ ...GREY, dtype }));
      const classes = [ground, { name: 'disc', values: [1, 2] }];
      await expectSame(data, { ...CONTINUED, patch: [32, 32], from, classes });
    }
  }, 120_000);

  test('data of the run that lie elsewhere are not rehearsed, which is said', async () => {
    const old = await dataset('old', ['zarr', 'zarr'], () => GREY);
    const { out: from } = await trained(old, MUCH);
    const next = await dataset('new', ['zarr', 'zarr'], () => GREY);
    const warnings: string[] = [];
    await trainNew(
      hostWith(LITTLE),
      next,
      { ...CONTINUED, from },
      { out: join(root, `run-${runs++}`), machine: { ...MACHINE, workers: 0 } },
      { warn: (line) => warnings.push(line) },
    );
    expect(warnings).toEqual(['Old data are not rehearsed: images that do not fit into memory are trained on alone.']);
  }, 120_000);
});

test('values that no network can take are refused where nothing else asks for them', async () => {
  const data = await dataset('infinite', ['zarr', 'zarr'], () => ({ ...GREY, dtype: 'float32' }));
  const { image } = blobs(0, { ...GREY, dtype: 'float32' });
  image.data[5000] = Number.NaN;
  await rm(join(data, 'image', 's0.ome.zarr'), { recursive: true });
  await writeStore(join(data, 'image', 's0.ome.zarr'), image);
  const normalisation = { kind: 'range', range: [-2000, 10_000] } as const;
  for (const free of [MUCH, LITTLE]) {
    await expect(trained(data, free, { normalisation })).rejects.toThrow(/s0\.ome\.zarr: .*NaN/s);
  }
}, 120_000);

test('what cannot be read by region is held, if it fits', async () => {
  const data = await dataset('mixed', ['zarr', 'png', 'zarr'], () => GREY);
  const pixels = GREY.height * GREY.width;
  // The stores would take 24 bytes per pixel, the picture 5.
  const { notes } = await trained(data, 10 * pixels);
  expect(notes).toContain('held in memory: 1 image');
  await expect(trained(data, 4 * pixels)).rejects.toThrow(
    /image\/s1\.png: this image cannot be read by region, .*lamella convert image\/s1\.png image\/s1\.ome\.zarr/s,
  );
}, 120_000);

test('what needs the whole is said', async () => {
  const data = await dataset('whole', ['zarr', 'zarr', 'zarr'], () => GREY);
  await expect(trained(data, LITTLE, { task: 'instances' })).rejects.toThrow(
    /`task: instances` does not go with images that/,
  );
  await expect(trained(data, LITTLE, { separation: { ...NONE, w0: 5 } })).rejects.toThrow(/`separation: 0`/);
}, 120_000);
