import { afterEach, describe, expect, test, vi } from 'vitest';
import { explainingLoss, findAdapter } from '../../src/platform/browser/adapter.ts';
import type { Program, Runtime } from '../../src/runtime/runtime.ts';
import { openBrowser, whyNoBrowser } from '../browser/harness.ts';

afterEach(() => {
  vi.unstubAllGlobals();
});

describe('the adapter of a page', () => {
  test.each([
    ['no WebGPU', {}, 'none'],
    ['WebGPU without adapter', { gpu: { requestAdapter: async () => null } }, 'none'],
    [
      'an adapter that fails',
      {
        gpu: {
          requestAdapter: async () => {
            throw new Error('blocked');
          },
        },
      },
      'none',
    ],
    ['SwiftShader', { gpu: { requestAdapter: async () => ({ info: { isFallbackAdapter: true } }) } }, 'software'],
    ['a GPU', { gpu: { requestAdapter: async () => ({ info: { isFallbackAdapter: false } }) } }, 'gpu'],
    ['a GPU of an older browser', { gpu: { requestAdapter: async () => ({ info: {} }) } }, 'gpu'],
  ])('%s', async (_, navigator, expected) => {
    vi.stubGlobal('navigator', navigator);
    expect(await findAdapter()).toBe(expected);
  });

  test('is asked for as the faster one', async () => {
    const requestAdapter = vi.fn(async () => null);
    vi.stubGlobal('navigator', { gpu: { requestAdapter } });
    await findAdapter();
    expect(requestAdapter).toHaveBeenCalledWith({ powerPreference: 'high-performance' });
  });
});

const absent = whyNoBrowser();
test.skipIf(absent !== undefined)(
  `Chromium's own software adapter is software, so that auto is WASM${absent === undefined ? '' : ` (${absent})`}`,
  async () => {
    const browser = await openBrowser({ webgpu: true });
    try {
      const { call } = await browser.newPage();
      expect(await call('src/platform/browser/adapter.ts', 'findAdapter')).toBe('software');
      expect(await call('src/platform/browser/runtime.ts', 'availableDevices')).toEqual(['wasm', 'webgpu']);
      expect(await call('src/platform/browser/runtime.ts', 'openRuntime')).toMatchObject({ device: 'wasm' });
    } finally {
      await browser.close();
    }
  },
);

test('a failure after the GPU was lost says so; one before, or after it was destroyed on purpose, is as it is', async () => {
  let lose: (info: GPUDeviceLostInfo) => void = () => {};
  const lost = new Promise<GPUDeviceLostInfo>((resolve) => {
    lose = resolve;
  });
  const failing: Program = {
    inputs: [],
    outputs: [],
    run: async () => {
      throw new Error('mapAsync failed');
    },
    writeState: async () => {},
    readState: async () => ({}),
    dispose: async () => {},
  };
  const runtime: Runtime = {
    device: 'webgpu',
    description: 'WebGPU',
    layout: 'nchw',
    compile: async () => failing,
    load: async () => failing,
    dispose: async () => {},
  };
  const destroyed = Promise.resolve({ reason: 'destroyed', message: 'Device was destroyed.' } as GPUDeviceLostInfo);
  const devices = [{ lost: destroyed }, { lost }];
  const watched = explainingLoss(runtime, async () => devices.shift() as Pick<GPUDevice, 'lost'>);
  const first = await watched.load(new Uint8Array());
  await expect(first.run({})).rejects.toThrow(/^mapAsync failed$/);
  const program = await watched.load(new Uint8Array());
  await expect(program.run({})).rejects.toThrow(/^mapAsync failed$/);
  lose({ reason: 'unknown', message: 'the driver was reset.' } as GPUDeviceLostInfo);
  await expect(program.run({})).rejects.toMatchObject({
    code: 'device-lost',
    message: expect.stringMatching(/The GPU was lost: the driver was reset\. Reload the page/),
  });
});
