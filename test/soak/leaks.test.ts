/**
 * Memory stays flat over many steps and many predictions. `npm run soak` takes 5,000 steps and 2,000 predictions; the
 * software driver of WebGPU keeps its buffers in the process, so that device memory is seen there, too.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { trainRun } from '../../src/platform/node/train-run.ts';
import { phantomFolder } from '../support/phantom-folder.ts';
import { timeoutMs, timesOf } from '../support/soak.ts';
import { useVulkanDriver } from '../support/vulkan.ts';

const MB = 1e6;
const SAMPLES = 40;
const STEPS = timesOf('STEPS', 120);
const PREDICTIONS = timesOf('PREDICTIONS', 80);
const DIST = fileURLToPath(new URL('../../dist', import.meta.url));
const CHILD = fileURLToPath(new URL('../support/memory-child.mjs', import.meta.url));

let root: string;
let data: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'lamella-leaks-'));
  data = join(root, 'data');
  await phantomFolder(data, { side: 256 });
});
afterAll(() => rm(root, { recursive: true, force: true }));

type Sample = readonly [done: number, resident: number, held: number];

async function memoryOf(task: {
  readonly task: 'train' | 'predict';
  readonly run: string;
  readonly times: number;
  readonly device: 'cpu' | 'webgpu';
  /** Kept of each step or prediction on purpose. */
  readonly leakBytes?: number;
}): Promise<readonly Sample[]> {
  const { stdout } = await promisify(execFile)(process.execPath, [
    '--expose-gc',
    CHILD,
    DIST,
    JSON.stringify({ data, samples: SAMPLES, ...task }),
  ]);
  return JSON.parse(stdout) as readonly Sample[];
}

/** Theil and Sen's slope, the median over all pairs: a heap that grows or shrinks at once does not tilt it. */
function slope(points: readonly (readonly [number, number])[]): number {
  const slopes = points.flatMap(([x, y], i) => points.slice(i + 1).map(([u, v]) => (v - y) / (u - x)));
  slopes.sort((a, b) => a - b);
  return slopes[Math.floor(slopes.length / 2)] as number;
}

/** What memory grows by over the steady part of a task. */
function growthOf(samples: readonly Sample[], what: string): { readonly resident: number; readonly held: number } {
  // The first third fills caches and heaps.
  const steady = samples.slice(Math.floor(samples.length / 3));
  const times = (steady.at(-1) as Sample)[0] - (steady[0] as Sample)[0];
  const growth = (column: 1 | 2): number => times * slope(steady.map((sample) => [sample[0], sample[column]]));
  const [resident, held] = [growth(1), growth(2)];
  const sizes = steady.map(([, rss]) => rss / MB);
  console.log(
    `${what}, ${times} more: resident ${(resident / MB).toFixed(1)} MB of ${Math.max(...sizes).toFixed(0)} MB, held by JavaScript ${(held / MB).toFixed(1)} MB`,
  );
  return { resident, held };
}

/** Heaps of ONNX Runtime, V8 and the allocator come and go in pieces of up to 30 MB. */
const MOST_RESIDENT = 60 * MB;
/** Counted exactly after each collection; the log and the paces of a run take some. */
const MOST_HELD = 5 * MB;

function expectFlat(samples: readonly Sample[], what: string): void {
  const { resident, held } = growthOf(samples, what);
  expect(resident).toBeLessThan(MOST_RESIDENT);
  expect(held).toBeLessThan(MOST_HELD);
}

describe('slope', () => {
  test('of a line is its own, whatever single jumps there are', () => {
    const line = Array.from({ length: 30 }, (_, i) => [i, 3 * i + (i === 20 ? 1000 : 0)] as const);
    expect(slope(line)).toBe(3);
  });
});

test(`training, ${STEPS} steps`, { timeout: timeoutMs(STEPS, 0.1) }, async () => {
  expectFlat(await memoryOf({ task: 'train', run: join(root, 'a'), times: STEPS, device: 'cpu' }), 'steps');
});

test(`prediction, ${PREDICTIONS} times in one process`, { timeout: timeoutMs(PREDICTIONS, 0.1) }, async () => {
  const run = join(root, 'b');
  await trainRun(data, { out: run, steps: 1, baseChannels: 4, depth: 2, patch: [32, 32], workers: 0, device: 'cpu' });
  expectFlat(await memoryOf({ task: 'predict', run, times: PREDICTIONS, device: 'cpu' }), 'predictions');
});

test('a leak of a batch a step is seen', { timeout: timeoutMs(STEPS, 0.1) }, async () => {
  const times = Math.min(STEPS, 120);
  const leaking = { task: 'train', run: join(root, 'leak'), times, device: 'cpu', leakBytes: 1.5 * MB } as const;
  const { resident, held } = growthOf(await memoryOf(leaking), 'steps that leak 1.5 MB each');
  expect(resident).toBeGreaterThan(MOST_RESIDENT);
  expect(held).toBeGreaterThan(MOST_HELD);
});

useVulkanDriver();
const driver = existsSync(process.env.VK_ICD_FILENAMES ?? '/dev/dri/renderD128');
const why = STEPS < 1000 ? ' (SKIPPED: npm run soak has it)' : driver ? '' : ' (SKIPPED: there is no WebGPU driver)';
test.skipIf(why !== '')(`training on WebGPU${why}`, { timeout: timeoutMs(STEPS, 1) }, async () => {
  const times = Math.round(STEPS / 10);
  expectFlat(await memoryOf({ task: 'train', run: join(root, 'c'), times, device: 'webgpu' }), 'WebGPU steps');
});
