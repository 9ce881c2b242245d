/**
 * Every formulation against the reference decompositions, over random shapes, on every device that it may be
 * chosen for: those of standard ops everywhere, those of blocked kernels on Node's CPU.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Graph } from '../../src/graph/ir.ts';
import { printGraph } from '../../src/graph/print.ts';
import { decompose } from '../../src/graph/rewrite.ts';
import { volumesAsSlices } from '../../src/lowering/passes/volumes.ts';
import { lowerBlocked, lowerStandard } from '../../src/lowering/walk.ts';
import { openRuntime, workingDevices } from '../../src/platform/node/runtime.ts';
import type { Runtime } from '../../src/runtime/runtime.ts';
import { openBrowser, whyNoBrowser } from '../browser/harness.ts';
import { expectAllClose } from '../support/expect-all-close.ts';
import { useVulkanDriver } from '../support/vulkan.ts';
import {
  GRADIENT_NAMES,
  type GradientName,
  graphOf,
  LAYER_NAMES,
  type LayerName,
  runKind,
  VOLUME_NAMES,
  type VolumeName,
} from './formulations.ts';
import type { Result } from './jobs.ts';

useVulkanDriver();
const working = await workingDevices();

const CPU_CASES = 40;
/** A software adapter compiles shaders for every new shape, half a second a case. */
const WEBGPU_CASES = 8;
/** Volumes have many more. */
const WEBGPU_VOLUMES = 3;
const BLOCK = 16;

/** Sums of up to a few thousand products of numbers below 1 in another order: errors near sqrt(n) 2^-24. */
const ORDER_OF_SUMMATION = { rtol: 1e-4, atol: 5e-5 };
/** F(4x4, 3x3) errs by up to 2e-5 of the largest value, which is about 20 here. */
const WINOGRAD = { rtol: 1e-4, atol: 4e-4 };

const reference = new Map<string, readonly Result[]>();
let blocked: Runtime;
let standard: Runtime;
beforeAll(async () => {
  blocked = await openRuntime({ device: 'cpu', threads: 2 });
  standard = await openRuntime({ device: 'cpu', threads: 2, layout: 'nchw' });
  expect(standard.layout).toBe('nchw');
  for (const kind of [...GRADIENT_NAMES, ...LAYER_NAMES, ...VOLUME_NAMES]) {
    reference.set(kind, await runKind(standard, kind, CPU_CASES, true));
  }
});
afterAll(async () => {
  await blocked.dispose();
  await standard.dispose();
});

function expectReference(
  kind: GradientName | LayerName | VolumeName,
  actual: readonly Result[],
  count: number,
  tolerance = ORDER_OF_SUMMATION,
): void {
  expect(actual).toHaveLength(count);
  for (const [i, result] of actual.entries()) {
    const expected = reference.get(kind)?.[i] as Result;
    expect(expected, `reference of case ${i}`).not.toHaveProperty('error');
    expect(Object.keys(result), `case ${i}`).toEqual(Object.keys(expected));
    for (const [output, numbers] of Object.entries(expected as { [output: string]: number[] })) {
      expectAllClose((result as { [output: string]: number[] })[output] as number[], numbers, tolerance);
    }
  }
}

describe('the cases reach the formulations', () => {
  const shareOf = (lowered: (index: number) => boolean) =>
    Array.from({ length: WEBGPU_CASES }, (_, i) => lowered(i)).filter(Boolean).length / WEBGPU_CASES;

  it.each(GRADIENT_NAMES)('standard: %s', (kind) => {
    const differs = (i: number) =>
      printGraph(lowerStandard(graphOf(kind, i))) !== printGraph(lowerStandard(decompose(graphOf(kind, i))));
    expect(shareOf(differs)).toBeGreaterThanOrEqual(0.5);
  });
  it.each([...LAYER_NAMES, "gradient of a convolution's weights"] as const)('blocked: %s', (kind) => {
    const usesBlocks = (i: number) =>
      lowerBlocked(graphOf(kind, i), BLOCK).graph.nodes.some(({ op }) => op.startsWith('nchwc.'));
    expect(shareOf(usesBlocks)).toBeGreaterThanOrEqual(0.5);
  });
});

describe('volumes by slices', () => {
  const opsOf = (kind: VolumeName, i: number, rank: number) =>
    volumesAsSlices(graphOf(kind, i))
      .nodes.filter(({ inputs: [x] }) => x?.shape.length === rank)
      .map(({ op }) => op);
  it('have gradients of kernels, transposed convolutions and upsampling of images only', () => {
    for (let i = 0; i < WEBGPU_CASES; i++) {
      for (const kind of ['convolution of a volume', 'up-convolution of a volume'] as const) {
        expect(opsOf(kind, i, 5)).not.toContain('lamella.ConvGradWeight');
        expect(opsOf(kind, i, 4)).toContain('lamella.ConvGradWeight');
      }
      expect(opsOf('up-convolution of a volume', i, 5)).not.toContain('ConvTranspose');
      expect(opsOf('upsampling of a volume', i, 5)).not.toContain('Resize');
    }
  });
});

describe.each(['blocked', 'standard'] as const)('Node CPU, %s', (formulation) => {
  it.each([...GRADIENT_NAMES, ...LAYER_NAMES, ...VOLUME_NAMES])(`${CPU_CASES} shapes: %s`, async (kind) => {
    const runtime = formulation === 'blocked' ? blocked : standard;
    expectReference(kind, await runKind(runtime, kind, CPU_CASES), CPU_CASES);
  });
});

describe.each(['blocked', 'standard'] as const)("Node CPU, %s, by Winograd's algorithm", (formulation) => {
  const kind = '3 x 3 convolution';

  it(`${CPU_CASES} shapes: ${kind}`, async () => {
    const runtime = await openRuntime({
      device: 'cpu',
      threads: 2,
      winograd: 'always',
      ...(formulation === 'standard' && { layout: 'nchw' as const }),
    });
    const tolerance = formulation === 'blocked' ? ORDER_OF_SUMMATION : WINOGRAD;
    expectReference(kind, await runKind(runtime, kind, CPU_CASES), CPU_CASES, tolerance);
    await runtime.dispose();
  });
  it('is what the cases are lowered to', () => {
    const count = (graph: Graph) => graph.nodes.filter(({ op }) => op === 'MatMul').length;
    const used = (i: number) => {
      const graph = graphOf(kind, i);
      const options = { winograd: 'always' } as const;
      // Three products for each of forward and the gradient of the input; in standard ops also that of the weights.
      return count(
        formulation === 'blocked' ? lowerBlocked(graph, BLOCK, options).graph : lowerStandard(graph, options),
      );
    };
    const uses = Array.from({ length: CPU_CASES }, (_, i) => used(i));
    expect(uses.filter((n) => n >= 5).length).toBeGreaterThan(CPU_CASES / 3);
  });
});

const noWebgpu = working.includes('webgpu') ? '' : ' (skipped: no Vulkan, Metal or D3D12 driver on this machine)';
describe.skipIf(noWebgpu !== '')(`Node WebGPU${noWebgpu}`, () => {
  let runtime: Runtime;
  beforeAll(async () => {
    runtime = await openRuntime({ device: 'webgpu' });
  });
  afterAll(() => runtime?.dispose());
  it.each(GRADIENT_NAMES)(`${WEBGPU_CASES} shapes: %s`, async (kind) => {
    expectReference(kind, await runKind(runtime, kind, WEBGPU_CASES), WEBGPU_CASES);
  });
  it.each(VOLUME_NAMES)(`${WEBGPU_VOLUMES} shapes: %s`, async (kind) => {
    expectReference(kind, await runKind(runtime, kind, WEBGPU_VOLUMES), WEBGPU_VOLUMES);
  });
});

const noBrowser = whyNoBrowser() === undefined ? '' : ` (skipped: ${whyNoBrowser()})`;
describe.skipIf(noBrowser !== '').each([
  ['WASM', 'wasm', CPU_CASES, CPU_CASES],
  ['WebGPU', 'webgpu', WEBGPU_CASES, WEBGPU_VOLUMES],
] as const)(`browser %s${noBrowser}`, (_, device, count, volumes) => {
  let results: { readonly [kind in GradientName | VolumeName | '3 x 3 convolution']?: readonly Result[] };
  beforeAll(async () => {
    const browser = await openBrowser({ webgpu: device === 'webgpu' });
    try {
      const page = await browser.newPage();
      results = await page.call('test/conformance/page.ts', 'runGradients', device, count, volumes);
    } finally {
      await browser.close();
    }
  });
  it.each(GRADIENT_NAMES)(`${count} shapes: %s`, (kind) => {
    expectReference(kind, results[kind] ?? [], count);
  });
  it.each(VOLUME_NAMES)(`${volumes} shapes: %s`, (kind) => {
    expectReference(kind, results[kind] ?? [], volumes);
  });
  // On GPUs convolutions stay direct.
  if (device === 'wasm') {
    it(`${WEBGPU_CASES} shapes: 3 x 3 convolution by Winograd's algorithm`, () => {
      expectReference('3 x 3 convolution', results['3 x 3 convolution'] ?? [], WEBGPU_CASES, WINOGRAD);
    });
  }
});
