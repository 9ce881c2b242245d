import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { stream } from '../../src/array/random.ts';
import { Interrupted } from '../../src/errors.ts';
import { writePng } from '../../src/image/formats/png/write.ts';
import { writeTiff } from '../../src/image/formats/tiff/write.ts';
import { writeOmeZarr } from '../../src/image/formats/zarr/write.ts';
import type { Image } from '../../src/image/image.ts';
import { nodeFiles } from '../../src/platform/node/files.ts';
import { type MachineOptions, trainHost } from '../../src/platform/node/train-run.ts';
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
}

/** Blobs of class 1 with a few pixels of class 2, which is rare, in them. */
function blobs(seed: number, { height, width, dtype, channels, isDark = false }: Kind) {
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
  const labels = { dtype: 'uint8', shape: [height, width], data: label, axes: 'yx', spacing } as Image;
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
  for (const [i, format] of formats.entries()) {
    const { image, labels } = blobs(i, kindOf(i));
    for (const [part, one] of [
      ['image', image],
      ['label', labels],
    ] as const) {
      const path = join(data, part, `s${i}`);
      if (format === 'zarr') await writeStore(`${path}.ome.zarr`, one);
      else await writeFile(`${path}.${format}`, format === 'tif' ? writeTiff(one) : writePng(one));
    }
  }
  return data;
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
  readonly fingerprint: string;
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
    { ...('network' in settings ? {} : SMALL), ...settings },
    { out, machine: { ...MACHINE, workers } },
  );
  return { ...(await contentOf(out)), fingerprint: finished.config.recipe.data.fingerprint };
}

/** Checkpoints and models by name, and what was noted. */
async function contentOf(out: string): Promise<Omit<Trained, 'fingerprint'>> {
  const names = [...(await readdir(join(out, 'checkpoints'))).map((name) => `checkpoints/${name}`), 'last.onnx'];
  const content = await Promise.all(names.map(async (name) => (await readFile(join(out, name))).toString('base64')));
  const config = JSON.parse(await readFile(join(out, 'config.json'), 'utf8')) as { readonly notes: readonly string[] };
  return {
    files: Object.fromEntries(
      names.map((name, i) => [name, content[i] as string]).filter(([name]) => name !== 'last.onnx'),
    ),
    notes: config.notes,
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
  await expect(trained(data, LITTLE, { ignore: [2] })).rejects.toThrow(/pixels that are not annotated/);
}, 120_000);
