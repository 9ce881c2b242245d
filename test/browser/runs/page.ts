/** What `runs.test.ts` does in a page. */
import { phantom } from '../../../packages/phantom/phantom.ts';
import { rawDataset } from '../../../src/dataset/raw.ts';
import { page } from '../../../src/image/convert.ts';
import { writePng } from '../../../src/image/formats/png/write.ts';
import { deviceSpeeds } from '../../../src/platform/browser/device-speeds.ts';
import { exportRun, importRun, opfsStore, removeRun } from '../../../src/platform/browser/opfs-store.ts';
import { resumeTraining, type TrainOptions, train } from '../../../src/platform/browser/train.ts';
import { sessionPlace } from '../../../src/platform/browser/train-host.ts';
import { openSession, recipeFor } from '../../../src/train/session.ts';
import { type MemoryFiles, memoryFiles } from '../../../src/workflows/memory-files.ts';

/** The files of `phantomFolder`. */
function dataFiles(): MemoryFiles {
  const { image, label } = phantom({ width: 64, height: 64, depth: 4, cellPx: 20, seed: 3 });
  const slices = [0, 1, 2, 3].flatMap((z) => [
    [`data/image/${z}.png`, writePng(page(image, z))],
    [`data/label/${z}.png`, writePng(page(label, z))],
  ]);
  return memoryFiles(Object.fromEntries(slices));
}

const WASM = { device: 'wasm', description: 'WASM, 2 threads' } as const;

/** The speed that the page finds, or keeps. */
export async function speedHere(flops?: number): Promise<number | null> {
  if (flops !== undefined) await deviceSpeeds.set(WASM, flops);
  return (await deviceSpeeds.get(WASM)) ?? null;
}

interface Stop {
  /** Ends the page's own thread at this step, so that the page can be killed there. */
  readonly hangAt?: number;
  /** Interrupts the run at this step. */
  readonly stopAt?: number;
}

export interface Told {
  readonly losses: readonly number[];
  readonly warnings: readonly string[];
  readonly problem?: string;
}

async function watched(
  { hangAt, stopAt }: Stop,
  body: (hooks: NonNullable<Parameters<typeof train>[2]>) => Promise<unknown>,
): Promise<Told> {
  const stop = new AbortController();
  const losses: number[] = [];
  const warnings: string[] = [];
  try {
    await body({
      signal: stop.signal,
      warn: (line) => warnings.push(line),
      onEvent: (event) => {
        if (event.kind !== 'step') return;
        losses.push(event.loss);
        if (event.step === stopAt) stop.abort();
        if (event.step === hangAt) {
          console.log('here');
          for (;;) Math.random();
        }
      },
    });
    return { losses, warnings };
  } catch (cause) {
    return { losses, warnings, problem: String(cause) };
  }
}

export const trainHere = (options: TrainOptions, stop: Stop = {}): Promise<Told> =>
  watched(stop, (hooks) => train('data', { files: dataFiles(), ...options }, hooks));

export const resumeHere = (out: string, workers: number, stop: Stop = {}): Promise<Told> =>
  watched(stop, (hooks) => resumeTraining(out, { files: dataFiles(), workers, threads: 1 }, hooks));

const base64 = (bytes: Uint8Array): string => btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''));

/** Names and contents of a run's files. */
export async function filesOf(out: string): Promise<Readonly<Record<string, string>>> {
  const files = await exportRun(out);
  const read = async (path: string): Promise<[string, string]> => [path, base64(await files.read(path))];
  return Object.fromEntries(await Promise.all(files.paths().map(read)));
}

export async function zipOf(out: string): Promise<string> {
  return base64(await (await exportRun(out)).zip());
}

export function putRun(contents: Readonly<Record<string, string>>, out: string): Promise<void> {
  const bytes = Object.entries(contents).map(([name, text]): [string, Uint8Array] => [
    `run/${name}`,
    Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)),
  ]);
  return importRun(memoryFiles(Object.fromEntries(bytes)), 'run', out);
}

/** Leaves two files half written, an old one and a new one. */
export async function tear(out: string): Promise<void> {
  const store = await opfsStore(out);
  await store.write('config.json', '{}');
  await store.write('best.onnx', Uint8Array.of(1, 2, 3));
  await store.write('checkpoints/step-000000001.ckpt', Uint8Array.of(1));
  await store.remove('checkpoints/step-000000001.ckpt');
  let folder = await navigator.storage.getDirectory();
  for (const name of out.split('/')) folder = await folder.getDirectoryHandle(name);
  const checkpoints = await folder.getDirectoryHandle('checkpoints');
  for (const [within, name] of [
    [folder, 'best.onnx'],
    [checkpoints, 'step-000000002.ckpt'],
  ] as const) {
    const handle = await within.getFileHandle(name, { create: true });
    await (await handle.createWritable()).write(new Uint8Array(1000));
  }
}

/** Takes steps in a session, and says at which it was before and after. */
export async function takeSteps(out: string, count: number): Promise<readonly number[]> {
  const { image, label } = phantom({ width: 64, height: 64, depth: 2, cellPx: 20 });
  const data = rawDataset([{ image, label }]);
  const store = await opfsStore(out);
  const place = sessionPlace({ store, device: 'wasm', threads: 1, workers: 0 });
  const { recipe } = recipeFor(data, { baseChannels: 4, depth: 1, patch: [32, 32] }, place);
  const session = await openSession(recipe, place);
  await session.setData(data);
  const before = session.state().step;
  await session.steps(count);
  const after = session.state().step;
  await session.close();
  await store.close();
  return [before, after];
}

const ACTIONS = {
  open: async (out: string) => void (await opfsStore(out)),
  remove: removeRun,
  export: async (out: string) => void (await exportRun(out)),
  import: (out: string) => importRun(memoryFiles({ 'run/a.png': new Uint8Array(1) }), 'run', out),
  fill: async (out: string) => {
    const store = await opfsStore(out);
    try {
      await store.write('best.onnx', new Uint8Array(10).fill(7));
      await store.write('best.onnx', new Uint8Array(4e6));
    } finally {
      await store.close();
    }
  },
};

/** What an action says is wrong. */
export async function problemOf(action: keyof typeof ACTIONS, out: string): Promise<string> {
  try {
    await ACTIONS[action](out);
    return 'nothing';
  } catch (cause) {
    return String(cause);
  }
}

export async function bytesOf(out: string, file: string): Promise<number[] | undefined> {
  const store = await opfsStore(out);
  try {
    return [...((await store.read(file)) ?? [])];
  } finally {
    await store.close();
  }
}
