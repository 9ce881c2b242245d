/**
 * Every op's forward and gradient, and ten training steps of a small U-Net, on every device that this
 * machine has, against the reference decompositions on the CPU.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openRuntime, workingDevices } from '../../src/platform/node/runtime.ts';
import type { Runtime } from '../../src/runtime/runtime.ts';
import { openBrowser, whyNoBrowser } from '../browser/harness.ts';
import { expectAllClose } from '../support/expect-all-close.ts';
import { useVulkanDriver } from '../support/vulkan.ts';
import { JOBS, type Result, runJobs, STEPS, TRAINING } from './jobs.ts';

useVulkanDriver();
const working = await workingDevices();

const GROUPS_OF_VOLUMES = {
  'Conv of a volume, grouped, strided, dilated': /Conv3D does not support grouped convolution/,
} as const;
/** What a device cannot do, each verified: a gap that has closed fails the test. */
const GAPS: { readonly [device: string]: { readonly [job: string]: RegExp } } = {
  'Node WebGPU': GROUPS_OF_VOLUMES,
  'browser WebGPU': { 'Cast to float64 and back': /cannot run on WebGPU/, ...GROUPS_OF_VOLUMES },
};

/** Sums of at most a few hundred products of numbers near 1, in another order and with other exp and log. */
const OPS_CLOSE = { rtol: 1e-4, atol: 2e-5 };
/** Of sine and cosine WGSL demands an absolute error of 2^-11 only, from -pi to pi (W3C, WGSL, floating point accuracy). */
const TRIGONOMETRY_CLOSE = { rtol: 0, atol: 2 ** -11 };
/** Ten steps let a difference of 1e-7 grow; the losses are near 0.5. */
const TRAINING_CLOSE = { rtol: 1e-4, atol: 1e-5 };

type Results = { readonly [job: string]: Result };

let reference: Results;
let cpu: Runtime;
beforeAll(async () => {
  cpu = await openRuntime({ device: 'cpu', threads: 2 });
  reference = await runJobs(cpu, true);
});
afterAll(async () => {
  await cpu.dispose();
});

it('the reference itself runs every op, and learns', () => {
  expect(Object.keys(reference)).toEqual(JOBS);
  for (const [job, result] of Object.entries(reference)) {
    expect(result, job).not.toHaveProperty('error');
    expect(Object.values(result).flat().every(Number.isFinite), job).toBe(true);
  }
  const { losses } = reference[TRAINING] as { losses: number[] };
  expect(losses).toHaveLength(STEPS);
  expect(losses.at(-1)).toBeLessThan((losses[0] as number) * 0.9);
});

function compare(device: string, run: () => Results): void {
  it.each(JOBS)('%s', (job) => {
    const actual = run()[job] as Result;
    const gap = GAPS[device]?.[job];
    if (gap !== undefined) {
      expect(actual).toHaveProperty('error', expect.stringMatching(gap));
      return;
    }
    expectSameResult(actual, reference[job] as Result, toleranceOf(device, job));
  });
}

function toleranceOf(device: string, job: string): { readonly rtol: number; readonly atol: number } {
  if (job === TRAINING) return TRAINING_CLOSE;
  return device.endsWith('WebGPU') && (job === 'Sin' || job === 'Cos') ? TRIGONOMETRY_CLOSE : OPS_CLOSE;
}

function expectSameResult(actual: Result, expected: Result, tolerance: { rtol: number; atol: number }): void {
  expect(actual).not.toHaveProperty('error');
  expect(Object.keys(actual).sort()).toEqual(Object.keys(expected).sort());
  for (const [output, numbers] of Object.entries(expected as { [output: string]: number[] })) {
    expectAllClose((actual as { [output: string]: number[] })[output] as number[], numbers, tolerance);
  }
}

describe('Node CPU, its own formulations', () => {
  let results: Results;
  beforeAll(async () => {
    results = await runJobs(cpu);
  });
  compare('Node CPU', () => results);
});

const noWebgpu = working.includes('webgpu') ? '' : ' (skipped: no Vulkan, Metal or D3D12 driver on this machine)';
describe.skipIf(noWebgpu !== '')(`Node WebGPU${noWebgpu}`, () => {
  let results: Results;
  beforeAll(async () => {
    const runtime = await openRuntime({ device: 'webgpu' });
    results = await runJobs(runtime);
    await runtime.dispose();
  });
  compare('Node WebGPU', () => results);
});

const noBrowser = whyNoBrowser() === undefined ? '' : ` (skipped: ${whyNoBrowser()})`;
describe.skipIf(noBrowser !== '').each(['wasm', 'webgpu'] as const)(`browser %s${noBrowser}`, (device) => {
  let results: Results;
  beforeAll(async () => {
    const browser = await openBrowser({ webgpu: device === 'webgpu' });
    try {
      const page = await browser.newPage();
      results = await page.call<Results>('test/conformance/page.ts', 'runAll', device);
    } finally {
      await browser.close();
    }
  });
  compare(device === 'webgpu' ? 'browser WebGPU' : 'browser WASM', () => results);
});
