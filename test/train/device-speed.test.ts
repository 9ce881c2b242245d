import { describe, expect, test } from 'vitest';
import { float32 } from '../../src/array/ndarray.ts';
import { graphMacs } from '../../src/graph/analysis/cost.ts';
import { buildNetwork } from '../../src/models/registry.ts';
import { chooseUnet } from '../../src/models/unet.ts';
import { openRuntime } from '../../src/platform/node/runtime.ts';
import type { Program, Runtime } from '../../src/runtime/runtime.ts';
import { trainingFlops } from '../../src/train/device-speed.ts';
import { keptSpeeds, type SpeedFile } from '../../src/train/kept-speeds.ts';

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

/** A file that a later process finds; its clock is set by hand. */
function fileInMemory(content?: string) {
  let bytes = content === undefined ? undefined : new TextEncoder().encode(content);
  const file = {
    atMs: Date.UTC(2026, 0, 1),
    text: () => new TextDecoder().decode(bytes),
    nameOf: ({ description }: { readonly description: string }): string | undefined => `${description}; a machine`,
    read: async (): Promise<Uint8Array | undefined> => bytes,
    async write(written: Uint8Array) {
      bytes = Uint8Array.from(written);
    },
    nowMs: () => file.atMs,
  };
  return file satisfies SpeedFile;
}

describe('a speed that was measured', () => {
  const HOUR = 3_600_000;
  const cpu = { device: 'cpu', description: 'CPU, 2 threads' } as const;

  test('is found by the next process, for a day', async () => {
    const file = fileInMemory();
    expect(await keptSpeeds(file).get(cpu)).toBeUndefined();
    await keptSpeeds(file).set(cpu, 3e10);
    file.atMs += 23 * HOUR;
    expect(await keptSpeeds(file).get(cpu)).toBe(3e10);
    expect(await keptSpeeds(file).get({ ...cpu, description: 'CPU, 4 threads' })).toBeUndefined();
    file.atMs += HOUR;
    expect(await keptSpeeds(file).get(cpu)).toBeUndefined();
    // A clock that was set back makes it no younger.
    file.atMs -= 100 * HOUR;
    expect(await keptSpeeds(file).get(cpu)).toBeUndefined();
  });

  test('stands beside those of others; old ones make way', async () => {
    const file = fileInMemory();
    await keptSpeeds(file).set({ ...cpu, description: 'old' }, 1e10);
    file.atMs += 20 * HOUR;
    await keptSpeeds(file).set({ ...cpu, description: 'other' }, 2e10);
    file.atMs += 20 * HOUR;
    await keptSpeeds(file).set(cpu, 3e10);
    expect(Object.keys(JSON.parse(file.text()))).toEqual(['other; a machine', 'CPU, 2 threads; a machine']);
  });

  test('of a device without a name is remembered by its own process alone', async () => {
    const file = { ...fileInMemory(), nameOf: () => undefined };
    const speeds = keptSpeeds(file);
    await speeds.set(cpu, 3e10);
    expect([await speeds.get(cpu), await keptSpeeds(file).get(cpu), file.text()]).toEqual([3e10, undefined, '']);
  });

  test.each([
    ['cut off', '{"CPU, 2 threads; a machine": {"flops": 3e10'],
    ['of another form', '[3e10]'],
    ['null', 'null'],
    ['an entry of null', '{"CPU, 2 threads; a machine": null}'],
    ['no number', '{"CPU, 2 threads; a machine": {"flops": "3e10", "measured": "2026-01-01T00:00:00.000Z"}}'],
    ['no date', '{"CPU, 2 threads; a machine": {"flops": 3e10}}'],
  ])('a damaged file (%s) is as good as none, and is replaced', async (_, text) => {
    const file = fileInMemory(text);
    expect(await keptSpeeds(file).get(cpu)).toBeUndefined();
    await keptSpeeds(file).set(cpu, 4e10);
    expect(await keptSpeeds(file).get(cpu)).toBe(4e10);
  });

  test('nothing is said of a file that cannot be read or written', async () => {
    const fail = async () => {
      throw new Error('permission denied');
    };
    const speeds = keptSpeeds({ ...fileInMemory(), read: fail, write: fail });
    expect(await speeds.get(cpu)).toBeUndefined();
    await speeds.set(cpu, 3e10);
    expect(await speeds.get(cpu)).toBe(3e10);
  });
});

describe('the speed of a device', () => {
  test('is six operations per MAC of the forward pass over the time of a step', async () => {
    const { builder, logits } = buildNetwork(NETWORK, [1, 1, 128, 128]);
    const macs = graphMacs(builder.build([logits]));
    const { runtime, clock, told } = device('WASM, 1 thread', 250);
    expect(await trainingFlops(runtime, clock, keptSpeeds(fileInMemory()))).toBeCloseTo((6 * macs) / 0.25, 0);
    expect(told).toEqual({ compiled: 1, disposed: 1 });
  });

  test('is measured once for each description', async () => {
    const file = fileInMemory();
    const speeds = keptSpeeds(file);
    const [slow, fast] = [device('WASM, 1 thread', 400), device('WebGPU', 20)];
    const first = await trainingFlops(slow.runtime, slow.clock, speeds);
    const again = await trainingFlops(slow.runtime, slow.clock, speeds);
    expect([again, slow.told.compiled]).toEqual([first, 1]);
    expect(await trainingFlops(fast.runtime, fast.clock, speeds)).toBeCloseTo(20 * first, 0);
    expect(Object.keys(JSON.parse(file.text()))).toEqual(['WASM, 1 thread; a machine', 'WebGPU; a machine']);
  });

  test('is that of a step that runs', async () => {
    const runtime = await openRuntime({ device: 'cpu' });
    const flops = await trainingFlops(runtime, { nowMs: () => performance.now() }, keptSpeeds(fileInMemory()));
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
