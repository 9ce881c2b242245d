/** Runs on images that are held in memory and on the same that are read by region. */

import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect } from 'vitest';
import { stream } from '../../src/array/random.ts';
import { writePng } from '../../src/image/formats/png/write.ts';
import { writeTiff } from '../../src/image/formats/tiff/write.ts';
import { writeOmeZarr } from '../../src/image/formats/zarr/write.ts';
import type { Image } from '../../src/image/image.ts';
import { nodeFiles } from '../../src/platform/node/files.ts';
import { type MachineOptions, trainHost } from '../../src/platform/node/train-run.ts';
import { parseLog } from '../../src/train/log.ts';
import { streamedTraining } from '../../src/train/tasks/streamed/task.ts';
import { type RunSettings, trainNew } from '../../src/workflows/train.ts';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'lamella-streamed-'));
});
afterAll(() => rm(root, { recursive: true, force: true }));

export interface Kind {
  readonly height: number;
  readonly width: number;
  readonly dtype: 'uint8' | 'uint16' | 'float32';
  readonly channels: readonly string[];
  /** Dark objects on a bright ground. */
  readonly isDark?: boolean;
  /** Labels number the blobs, which then touch, by these numbers; default: classes. */
  readonly numbers?: (blob: number) => number;
  /** All that is annotated; default: every pixel. */
  readonly strokes?: readonly (readonly [top: number, left: number, height: number, width: number])[];
}

/** Blobs of class 1 with a few pixels of class 2, which is rare, in them. */
export function blobs(seed: number, { height, width, dtype, channels, isDark = false, numbers, strokes }: Kind) {
  const random = stream(seed, 'blobs');
  const pixels = height * width;
  const label = new Uint8Array(pixels);
  const blobAt = new Uint8Array(pixels);
  for (let blob = 0; blob < 12; blob++) {
    const [cy, cx, r] = [random.integer(height), random.integer(width), 8 + random.integer(14)];
    for (let y = Math.max(0, cy - r); y < Math.min(height, cy + r); y++) {
      for (let x = Math.max(0, cx - r); x < Math.min(width, cx + r); x++) {
        const d = Math.hypot(y - cy, x - cx);
        if (d >= r) continue;
        label[y * width + x] = d < 3 ? 2 : 1;
        blobAt[y * width + x] = blob + 1;
      }
    }
  }
  const top = dtype === 'uint8' ? 1 : 37;
  const levels = Array.from({ length: channels.length * pixels }, (_, i) => {
    const level = 40 + 60 * label[i % pixels] + 11 * Math.floor(i / pixels) + random.integer(20);
    return top * (isDark ? 255 - level : level) - (dtype === 'float32' ? 2000.5 : 0);
  });
  const of = { uint8: Uint8Array, uint16: Uint16Array, float32: Float32Array }[dtype];
  const axes = channels.length > 1 ? 'cyx' : 'yx';
  const shape = [...(channels.length > 1 ? [channels.length] : []), height, width];
  const spacing = { y: { value: 2, unit: 'µm' }, x: { value: 2, unit: 'µm' } };
  const image = { dtype, shape, data: of.from(levels), axes, spacing, channels } as unknown as Image;
  const isAnnotated = (y: number, x: number): boolean =>
    strokes?.some(([top, left, h, w]) => y >= top && x >= left && y < top + h && x < left + w) ?? true;
  const values =
    numbers === undefined ? label : Uint32Array.from(blobAt, (blob) => (blob === 0 ? 0 : numbers(blob - 1)));
  const annotated = values.map((value, p) => (isAnnotated(Math.floor(p / width), p % width) ? value : 255));
  const kind = { dtype: numbers === undefined ? 'uint8' : 'uint32', axes: 'yx', spacing };
  const labels = { ...kind, shape: [height, width], data: annotated } as unknown as Image;
  return { image, labels };
}

export async function writeStore(path: string, image: Image): Promise<void> {
  const { data, ...info } = image;
  const sink = await writeOmeZarr(nodeFiles, path, info);
  await sink.write({ start: image.shape.map(() => 0), shape: image.shape }, data);
  await sink.finish();
}

export type Format = 'zarr' | 'tif' | 'png';

export async function dataset(name: string, formats: readonly Format[], kindOf: (i: number) => Kind): Promise<string> {
  const data = join(root, name);
  for (const part of ['image', 'label']) await mkdir(join(data, part), { recursive: true });
  for (const [i, format] of formats.entries()) await addTo(data, i, format, kindOf(i));
  return data;
}

export async function addTo(data: string, i: number, format: Format, kind: Kind): Promise<void> {
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

/** As nnU-Net has it, with what `dataset.json` says of labels. */
export async function nnunetDataset(name: string, kind: Kind, said: object): Promise<string> {
  const data = join(root, name);
  for (const part of ['imagesTr', 'labelsTr']) await mkdir(join(data, part), { recursive: true });
  const json = { channel_names: { 0: 'grey' }, numTraining: 3, file_ending: '.png', ...said };
  await writeFile(join(data, 'dataset.json'), JSON.stringify(json));
  for (const i of [0, 1, 2]) {
    const { image, labels } = blobs(i, kind);
    await writeFile(join(data, 'imagesTr', `s${i}_0000.png`), writePng(image));
    await writeFile(join(data, 'labelsTr', `s${i}.png`), writePng(labels));
  }
  return data;
}

export const SMALL: RunSettings = { steps: 6, baseChannels: 4, depth: 2, patch: [48, 48], batch: 3, seed: 5 };
export const NONE = { w0: 0, sigmaPx: 5 };
export const MACHINE: MachineOptions = { device: 'cpu', checkpointEvery: { steps: 3 } };

/** Images are read by region, some 10 rows at once. */
export const LITTLE = 80_000;
export const MUCH = 1e9;

/** `bytes` of memory are free, of which images may take three quarters. */
export const hostWith = (bytes: number) => ({
  ...trainHost,
  streamed: streamedTraining(() => ({ used: 0, free: bytes })),
});

export interface Trained {
  readonly files: Readonly<Record<string, string>>;
  readonly notes: readonly string[];
  /** Losses and scores. */
  readonly log: readonly object[];
  readonly fingerprint: string;
  readonly out: string;
}

let runs = 0;
/** The folder of a new run. */
export const newRun = (): string => join(root, `run-${runs++}`);
export async function trained(
  data: string,
  free: number,
  { workers = 0, ...settings }: RunSettings & { readonly workers?: number } = {},
): Promise<Trained> {
  const out = newRun();
  const finished = await trainNew(
    hostWith(free),
    data,
    { ...('network' in settings || 'from' in settings ? {} : SMALL), ...settings },
    { out, machine: { ...MACHINE, workers } },
  );
  return { ...(await contentOf(out)), fingerprint: finished.config.recipe.data.fingerprint, out };
}

/** Checkpoints and models by name, and what was noted. */
export async function contentOf(out: string): Promise<Omit<Trained, 'fingerprint' | 'out'>> {
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
export const ofReading = (note: string): boolean => /^(read by region|held in memory)/.test(note);

export async function expectSame(data: string, settings: RunSettings = {}): Promise<Trained> {
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

export const GREY: Kind = { height: 150, width: 210, dtype: 'uint8', channels: ['grey'] };
