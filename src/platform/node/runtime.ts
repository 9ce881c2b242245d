/** Opens ONNX Runtime's devices in Node. */
import { existsSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import * as ort from 'onnxruntime-node';
import { DeviceError } from '../../errors.ts';
import type { WinogradUse } from '../../lowering/conv/minimal-filters.ts';
import { findBlockedKernels } from '../../runtime/block-size.ts';
import { ortRuntime } from '../../runtime/ort.ts';
import type { DeviceName, Runtime, TensorLayout } from '../../runtime/runtime.ts';
import { whyNotWorking } from '../../runtime/session.ts';

// ONNX Runtime's builds keep a device id and a database of events in the cache folder of the user, and send them to
// their maker, unless they are told not to before the first session. Whoever wants that says so with 0.
process.env.ORT_DISABLE_TELEMETRY ??= '1';

export type NodeDevice = Exclude<DeviceName, 'wasm'>;

export interface OpenRuntimeOptions {
  /** `auto`, the default, takes CUDA where it works and else the CPU. */
  readonly device?: NodeDevice | 'auto';
  /** Which of several devices of this kind, from 0 on; default: the first. */
  readonly index?: number;
  /** Threads of one operation on the CPU; default: one a core. */
  readonly threads?: number;
  /**
   * Used where the device supports it; `Runtime.layout` says which one is in use. Every device supports `nchw`; a
   * processor also has one block size, its default.
   */
  readonly layout?: TensorLayout;
  /** Where 3x3 convolutions go by Winograd's algorithm; default `auto` on a CPU, `never` on a GPU. */
  readonly winograd?: WinogradUse;
  /** Told, in a sentence, when a fast way is absent on this machine. */
  readonly log?: (line: string) => void;
}

const NAMES: { readonly [D in NodeDevice]: string } = {
  cpu: 'CPU',
  webgpu: 'WebGPU',
  cuda: 'CUDA',
  coreml: 'CoreML',
  dml: 'DirectML',
};

/** Devices for which this build of ONNX Runtime has a provider. A driver may still be missing: `workingDevices`. */
export function availableDevices(): NodeDevice[] {
  const listed = new Set<string>(ort.listSupportedBackends().map(({ name }) => name));
  // CUDA's library is no part of the npm package, and ONNX Runtime prints an error when asked for it in vain.
  if (!hasCudaLibrary()) listed.delete('cuda');
  return (Object.keys(NAMES) as NodeDevice[]).filter((name) => listed.has(name));
}

/** Devices that start: a small graph runs on each. */
export function workingDevices(): Promise<NodeDevice[]> {
  return workingAmong(availableDevices());
}

async function workingAmong(names: readonly NodeDevice[]): Promise<NodeDevice[]> {
  const working: NodeDevice[] = [];
  for (const name of names) {
    if ((await whyNotWorking(ort, { executionProviders: [name], logSeverityLevel: 4 })) === undefined) {
      working.push(name);
    }
  }
  return working;
}

/** Devices that work, for a message about one that does not. WebGPU is not tried: its drivers print on the way. */
async function presentBeside(absent: NodeDevice): Promise<string[]> {
  const others = availableDevices().filter((name) => name !== absent);
  const working = await workingAmong(others.filter((name) => name !== 'webgpu'));
  return others.includes('webgpu') ? [...working, 'webgpu where it finds a driver'] : working;
}

/**
 * Opens a device.
 * @throws DeviceError that says what is present when the device is absent or does not start.
 */
export async function openRuntime({
  device = 'auto',
  index = 0,
  threads,
  layout,
  winograd,
  log = () => {},
}: OpenRuntimeOptions = {}): Promise<Runtime> {
  const name = device === 'auto' ? await chooseDevice() : device;
  const count = threads ?? availableParallelism();
  const sessionOptions = {
    executionProviders: name === 'cpu' ? ['cpu'] : [providerOf(name, index), 'cpu'],
    graphOptimizationLevel: 'all',
    intraOpNumThreads: count,
    // One block as large as all that is planned, made beside what the first run took: 250 MiB more, no time less.
    enableMemPattern: false,
    // Errors only: a fallback to the CPU for a shape computation is no news to anyone.
    logSeverityLevel: 3,
  } as const;
  if (name !== 'cpu') {
    const why = availableDevices().includes(name)
      ? await whyNotWorking(ort, {
          ...sessionOptions,
          executionProviders: [providerOf(name, index)],
          logSeverityLevel: 4,
        })
      : 'this build of ONNX Runtime does not have it';
    if (why !== undefined) {
      throw new DeviceError(`The device '${index === 0 ? name : `${name}:${index}`}' does not work here: ${why}.`, {
        remedy: `Present: ${(await presentBeside(name)).join(', ')}.`,
      });
    }
  }
  const blocks =
    name === 'cpu' && layout !== 'nchw'
      ? await findBlockedKernels(ort, { ...sessionOptions, logSeverityLevel: 4 })
      : {};
  if (blocks.why !== undefined) log(`blocked convolutions are not used: ${blocks.why}`);
  const kernels = blocks.blockSize === undefined ? '' : `, blocks of ${blocks.blockSize} channels`;
  return ortRuntime(ort, {
    device: name,
    description: name === 'cpu' ? `CPU, ${count} ${count === 1 ? 'thread' : 'threads'}${kernels}` : NAMES[name],
    sessionOptions,
    target: {
      winograd: winograd ?? (name === 'cpu' ? 'auto' : 'never'),
      columns: name === 'cpu',
      hidesShapes: name === 'cpu',
      ...(blocks.blockSize !== undefined && { blockSize: blocks.blockSize }),
    },
    stateMode: name === 'webgpu' ? 'device' : 'swap',
  });
}

/** The execution provider of one of several devices of a kind. */
function providerOf(name: NodeDevice, index: number) {
  return index === 0 ? name : { name, deviceId: index };
}

/** CUDA where it works, else the CPU. WebGPU is for those who ask: it may be a software driver. */
async function chooseDevice(): Promise<NodeDevice> {
  if (!availableDevices().includes('cuda')) return 'cpu';
  const why = await whyNotWorking(ort, { executionProviders: ['cuda'], logSeverityLevel: 4 });
  return why === undefined ? 'cuda' : 'cpu';
}

/** ONNX Runtime prints an error of its own when it is asked for CUDA without the library, which is an extra download. */
function hasCudaLibrary(): boolean {
  const main = createRequire(import.meta.url).resolve('onnxruntime-node');
  const bin = join(dirname(main), '..', 'bin');
  const name = process.platform === 'win32' ? 'onnxruntime_providers_cuda.dll' : 'libonnxruntime_providers_cuda.so';
  return readdirSync(bin).some((api) => existsSync(join(bin, api, process.platform, process.arch, name)));
}
