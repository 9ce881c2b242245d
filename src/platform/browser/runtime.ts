import type * as Ort from 'onnxruntime-common';
import { DeviceError } from '../../errors.ts';
import type { WinogradUse } from '../../lowering/conv/minimal-filters.ts';
import { ortRuntime } from '../../runtime/ort.ts';
import type { Runtime } from '../../runtime/runtime.ts';

/** Devices of a page. `wasm` is its CPU. */
export type BrowserDevice = 'wasm' | 'webgpu';

export interface OpenRuntimeOptions {
  /** Default `auto`: WebGPU where the page has an adapter, else WASM. */
  readonly device?: BrowserDevice | 'auto';
  /**
   * Threads of WASM. Default: one a core where the page is cross-origin isolated, else the one that is possible.
   * Fixed by the first runtime that the page opens.
   */
  readonly threads?: number;
  /**
   * Where ONNX Runtime's own files (`ort-wasm-simd-threaded*`) are served, a URL that ends in `/`. Default: where the
   * bundler put them. Fixed by the first runtime that the page opens.
   */
  readonly wasmPath?: string;
  /** Where 3x3 convolutions go by Winograd's algorithm; default: where faster on WASM, nowhere on a GPU. */
  readonly winograd?: WinogradUse;
}

/** The adapter that the browser would give, if there is one; a worker has the same `navigator.gpu`. */
async function hasAdapter(): Promise<boolean> {
  try {
    return ((await navigator.gpu?.requestAdapter()) ?? null) !== null;
  } catch {
    return false;
  }
}

/** Devices that this page can open. */
export async function availableDevices(): Promise<BrowserDevice[]> {
  return (await hasAdapter()) ? ['wasm', 'webgpu'] : ['wasm'];
}

/** Threads that WASM has here: shared memory, which they need, is only given to isolated pages. */
export function wasmThreads(wanted?: number): number {
  const most = globalThis.crossOriginIsolated ? navigator.hardwareConcurrency : 1;
  return Math.max(1, Math.min(wanted ?? most, most));
}

/** Each device has a build of ONNX Runtime of its own, loaded when it is first asked for: WASM alone is half the size. */
const BUILDS: { readonly [D in BrowserDevice]: () => Promise<typeof Ort> } = {
  wasm: () => import('onnxruntime-web/wasm'),
  webgpu: () => import('onnxruntime-web/webgpu'),
};

/**
 * Opens a device of the page, or of a worker.
 * @throws DeviceError that says what is present when the device is absent, or when ONNX Runtime's files do not load.
 */
export async function openRuntime({
  device = 'auto',
  threads,
  wasmPath,
  winograd,
}: OpenRuntimeOptions = {}): Promise<Runtime> {
  const present = await availableDevices();
  const name = device === 'auto' ? (present.includes('webgpu') ? 'webgpu' : 'wasm') : device;
  if (!present.includes(name)) {
    throw new DeviceError(`The device '${name}' is not available in this browser.`, {
      remedy: `Present: ${present.join(', ')}.`,
    });
  }
  let ort: typeof Ort;
  try {
    ort = await BUILDS[name]();
  } catch (cause) {
    throw new DeviceError('ONNX Runtime did not load.', { remedy: 'Check that its files are served.', cause });
  }
  const count = wasmThreads(threads);
  ort.env.wasm.numThreads = count;
  if (wasmPath !== undefined) ort.env.wasm.wasmPaths = wasmPath;
  return ortRuntime(ort, {
    device: name,
    description: name === 'webgpu' ? 'WebGPU' : `WASM, ${count} ${count === 1 ? 'thread' : 'threads'}`,
    sessionOptions: {
      executionProviders: [name],
      graphOptimizationLevel: 'all',
      // One block as large as all that is planned, made beside what the first run took.
      enableMemPattern: false,
      // Errors only: a fallback to WASM for a shape computation is no news to anyone.
      logSeverityLevel: 3,
    },
    target: {
      winograd: winograd ?? (name === 'wasm' ? 'auto' : 'never'),
      columns: name === 'wasm',
      hidesShapes: name === 'wasm',
    },
    stateMode: name === 'webgpu' ? 'device' : 'copy',
  });
}
