import { DeviceError } from '../../errors.ts';
import type { WinogradUse } from '../../lowering/conv/minimal-filters.ts';
import { ortRuntime } from '../../runtime/ort.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import { explainingLoss, findAdapter } from './adapter.ts';

/** Devices in a page. `wasm` is its CPU. */
export type BrowserDevice = 'wasm' | 'webgpu';

export interface OpenRuntimeOptions {
  /** Default `auto`: WebGPU if the page has an adapter, otherwise WASM. */
  readonly device?: BrowserDevice | 'auto';
  /**
   * Threads of WASM. Default: one per core if the page is cross-origin isolated, otherwise a single one. Fixed by the
   * first runtime that the page opens.
   */
  readonly threads?: number;
  /**
   * Where ONNX Runtime's own files (`ort-wasm-simd-threaded*`) are served, a URL ending in `/`. Default: where the
   * bundler put them. Fixed by the first runtime that the page opens.
   */
  readonly wasmPath?: string;
  /** When to use Winograd's algorithm for 3x3 convolutions; default: where faster on WASM, never on a GPU. */
  readonly winograd?: WinogradUse;
}

/** Devices that this page can open, WebGPU also where software stands behind it. */
export async function availableDevices(): Promise<BrowserDevice[]> {
  return (await findAdapter()) === 'none' ? ['wasm'] : ['wasm', 'webgpu'];
}

/** Threads available to WASM: they require shared memory, which only isolated pages have. */
export function wasmThreads(wanted?: number): number {
  const most = globalThis.crossOriginIsolated ? navigator.hardwareConcurrency : 1;
  return Math.max(1, Math.min(wanted ?? most, most));
}

/** A slow network loads ONNX Runtime's 27 MB for WebGPU within this. */
const START_MS = 120_000;

/**
 * Opens a device of the page, or of a worker.
 * @throws DeviceError if the device is not available, listing those that are, or if ONNX Runtime's files do not load.
 */
export async function openRuntime({
  device = 'auto',
  threads,
  wasmPath,
  winograd,
}: OpenRuntimeOptions = {}): Promise<Runtime> {
  const adapter = device === 'wasm' ? 'none' : await findAdapter();
  const name = device === 'auto' ? (adapter === 'gpu' ? 'webgpu' : 'wasm') : device;
  if (name === 'webgpu' && adapter === 'none') {
    throw new DeviceError(`The device '${name}' is not available in this browser.`, { remedy: 'Present: wasm.' });
  }
  const count = wasmThreads(threads);
  // Each device has its own build of ONNX Runtime, loaded on first use: WASM alone is half the size.
  if (name === 'wasm') {
    return loading(import('./web-assembly.ts').then((wasm) => wasm.openWasm({ threads: count, wasmPath, winograd })));
  }
  const ort = await loading(import('onnxruntime-web/webgpu'));
  if (wasmPath !== undefined) ort.env.wasm.wasmPaths = wasmPath;
  ort.env.wasm.numThreads = count;
  // Threads whose program the page may not load never report; without a limit everything would wait for them.
  ort.env.wasm.initTimeout = START_MS;
  ort.env.webgpu.powerPreference = 'high-performance';
  const runtime = ortRuntime(ort, {
    device: name,
    description: adapter === 'software' ? 'WebGPU in software' : 'WebGPU',
    // Errors only: a fallback to WASM for a shape computation is expected.
    sessionOptions: { executionProviders: [name], logSeverityLevel: 3 },
    target: { winograd: winograd ?? 'never' },
    stateMode: 'device',
  });
  return explainingLoss(runtime, async () => ort.env.webgpu.device);
}

async function loading<T>(loaded: Promise<T>): Promise<T> {
  try {
    return await loaded;
  } catch (cause) {
    throw new DeviceError('ONNX Runtime did not load.', {
      remedy: 'Check the network, and that its files are served.',
      cause,
    });
  }
}
