import { describe, expect, test } from 'vitest';
import { float32 } from '../../src/array/ndarray.ts';
import { graphMacs } from '../../src/graph/analysis/cost.ts';
import { buildNetwork } from '../../src/models/registry.ts';
import { chooseUnet } from '../../src/models/unet.ts';
import { openRuntime } from '../../src/platform/node/runtime.ts';
import type { Program, Runtime } from '../../src/runtime/runtime.ts';
import { trainingFlops } from '../../src/train/device-speed.ts';

const NETWORK = { name: 'unet', channels: 1, numClasses: 2, baseChannels: 16, depth: 4, norm: 'weight' } as const;

/** A device on which every step takes so many milliseconds of its clock. */
function device(description: string, stepMs: number) {
  let nowMs = 0;
  const told = { compiled: 0, disposed: 0 };
  const program: Program = {
    inputs: [],
    outputs: [],
    async run() {
      nowMs += stepMs;
      return { loss: float32([], [1]) };
    },
    writeState: async () => {},
    readState: async () => ({}),
    dispose: async () => void told.disposed++,
  };
  const runtime: Runtime = {
    device: 'wasm',
    description,
    layout: 'nchw',
    async compile() {
      told.compiled++;
      return program;
    },
    load: async () => program,
    dispose: async () => {},
  };
  return { runtime, clock: { nowMs: () => nowMs }, told };
}

describe('the speed of a device', () => {
  test('is six operations per MAC of the forward pass over the time of a step', async () => {
    const { builder, logits } = buildNetwork(NETWORK, [1, 1, 128, 128]);
    const macs = graphMacs(builder.build([logits]));
    const { runtime, clock, told } = device('WASM, 1 thread', 250);
    expect(await trainingFlops(runtime, clock, new Map())).toBeCloseTo((6 * macs) / 0.25, 0);
    expect(told).toEqual({ compiled: 1, disposed: 1 });
  });

  test('is measured once for each description', async () => {
    const speeds = new Map<string, number>();
    const [slow, fast] = [device('WASM, 1 thread', 400), device('WebGPU', 20)];
    const first = await trainingFlops(slow.runtime, slow.clock, speeds);
    const again = await trainingFlops(slow.runtime, slow.clock, speeds);
    expect([again, slow.told.compiled]).toEqual([first, 1]);
    expect(await trainingFlops(fast.runtime, fast.clock, speeds)).toBeCloseTo(20 * first, 0);
    expect([...speeds.keys()]).toEqual(['WASM, 1 thread', 'WebGPU']);
  });

  test('is that of a step that runs', async () => {
    const runtime = await openRuntime({ device: 'cpu' });
    const flops = await trainingFlops(runtime, { nowMs: () => performance.now() }, new Map());
    await runtime.dispose();
    // From a phone's core to a large server.
    expect(flops).toBeGreaterThan(2e8);
    expect(flops).toBeLessThan(2e13);
  });

  test('decides the width, and is named with it', () => {
    const circumstances = { channels: 1, numClasses: 1, image: [512, 512], cores: 2, minutes: 15 } as const;
    const assumed = chooseUnet(circumstances);
    const measured = chooseUnet({ ...circumstances, flops: 160e9 });
    expect(measured.spec).toEqual(assumed.spec);
    expect(measured.reason).toBe(assumed.reason.replace('on 2 cores', 'at the 160 GFLOP/s measured here'));
    const phone = chooseUnet({ ...circumstances, flops: 8.3e9 });
    expect(phone.spec.baseChannels).toBe(8);
    expect(phone.reason).toContain('in 15 minutes at the 8.3 GFLOP/s measured here it sees');
    expect(chooseUnet({ ...circumstances, flops: 5e12 }).spec.baseChannels).toBe(64);
  });
});
