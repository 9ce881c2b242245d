import { counted } from '../../errors.ts';
import type { WinogradUse } from '../../lowering/conv/minimal-filters.ts';
import { ortRuntime } from '../../runtime/ort.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import type { OrtModule } from '../../runtime/tensors.ts';
import { OrtLibrary, type OrtWasm } from '../../runtime/wasm/library.ts';
import { wasmModule } from '../../runtime/wasm/session.ts';

/** How ONNX Runtime's script starts its WebAssembly. */
export type StartWasm = (options: {
  readonly numThreads: number;
  /** Where a file of its folder is. Default: where the bundler put it. */
  readonly locateFile?: (name: string) => string;
}) => Promise<OrtWasm>;

export interface WasmOptions {
  readonly threads: number;
  /** See `OpenRuntimeOptions`. */
  readonly wasmPath?: string;
  /** Default `auto`. */
  readonly winograd?: WinogradUse;
}

/** A slow network loads ONNX Runtime's 14 MB within this. */
const START_MS = 120_000;
const WARNINGS = 2;
const ERRORS = 3;

/** One for the page, or the worker, as are its threads. */
let loaded: Promise<OrtModule> | undefined;

/**
 * ONNX Runtime's WebAssembly, as pages use it; also in Node. The first call fixes threads and path.
 * @throws Error if it does not load; the next call tries again.
 */
export async function openWasm({ winograd = 'auto', ...options }: WasmOptions): Promise<Runtime> {
  loaded ??= start(options).catch((cause) => {
    loaded = undefined;
    throw cause;
  });
  return ortRuntime(await loaded, {
    device: 'wasm',
    description: `WASM, ${counted(options.threads, 'thread')}`,
    sessionOptions: {
      // A single block with the size of everything planned, allocated in addition to what the first run took.
      enableMemPattern: false,
      logSeverityLevel: ERRORS,
    },
    target: { winograd, columns: true, hidesShapes: true },
    stateMode: 'device',
  });
}

async function start({ threads, wasmPath }: Omit<WasmOptions, 'winograd'>): Promise<OrtModule> {
  const { default: startWasm }: { readonly default: StartWasm } =
    wasmPath === undefined
      ? await import('onnxruntime-web/ort-wasm-simd-threaded.mjs')
      : await import(/* @vite-ignore */ `${wasmPath}ort-wasm-simd-threaded.mjs`);
  const starting = startWasm({
    numThreads: threads,
    ...(wasmPath !== undefined && { locateFile: (name: string) => `${wasmPath}${name}` }),
  });
  const wasm = await inTime(starting);
  const library = new OrtLibrary(wasm);
  library.check(wasm._OrtInit(threads, WARNINGS));
  return wasmModule(library);
}

/** Threads whose program the page may not load never report; without a limit everything would wait for them. */
async function inTime<T>(started: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`It did not start within ${START_MS / 1000} s.`)), START_MS);
  });
  try {
    return await Promise.race([started, late]);
  } finally {
    clearTimeout(timer);
  }
}
