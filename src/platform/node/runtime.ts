/** Opens ONNX Runtime's devices in Node. */
import { existsSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import * as ort from 'onnxruntime-node';
import { DeviceError } from '../../errors.ts';
import { StripNetwork } from '../../graph/strips.ts';
import type { WinogradUse } from '../../lowering/conv/minimal-filters.ts';
import { findBlockedKernels } from '../../runtime/block-size.ts';
import { ortRuntime } from '../../runtime/ort.ts';
import type { DeviceName, Runtime, TensorLayout } from '../../runtime/runtime.ts';
import { whyNotWorking } from '../../runtime/session.ts';
import { processors, threadsInWords } from './processors.ts';

// ONNX Runtime's builds store a device ID and a database of events in the user's cache folder and send them to its
// maker, unless disabled before the first session. Set the variable to 0 to allow it.
process.env.ORT_DISABLE_TELEMETRY ??= '1';

export type NodeDevice = Exclude<DeviceName, 'wasm'>;

export interface OpenRuntimeOptions {
  /** `auto`, the default, selects CUDA if it works and otherwise the CPU. */
  readonly device?: NodeDevice | 'auto';
  /** Index among several devices of this kind, from 0; default: the first. */
  readonly index?: number;
  /** Threads per operation on the CPU; default: `processors`. */
  readonly threads?: number;
  /**
   * Used if the device supports it; `Runtime.layout` states the one in use. Every device supports `nchw`; a CPU also
   * one block size, its default.
   */
  readonly layout?: TensorLayout;
  /** When to use Winograd's algorithm for 3x3 convolutions; default `auto` on a CPU, `never` on a GPU. */
  readonly winograd?: WinogradUse;
  /** Receives a sentence if a fast path is not available on this machine. */
  readonly log?: (line: string) => void;
}

const NAMES: { readonly [D in NodeDevice]: string } = {
  cpu: 'CPU',
  webgpu: 'WebGPU',
  cuda: 'CUDA',
  coreml: 'CoreML',
  dml: 'DirectML',
};

/** Devices for which this build of ONNX Runtime has a provider. A driver may still be missing: see `workingDevices`. */
export function availableDevices(): NodeDevice[] {
  const listed = new Set<string>(ort.listSupportedBackends().map(({ name }) => name));
  // CUDA's library is not part of the npm package, and ONNX Runtime prints an error if it is missing.
  if (!hasCudaLibrary()) listed.delete('cuda');
  return (Object.keys(NAMES) as NodeDevice[]).filter((name) => listed.has(name));
}

/** Devices that work: a small graph is run on each. */
export function workingDevices(): Promise<NodeDevice[]> {
  return workingAmong(availableDevices());
}

/** Whether a device, such as that of a run, works here. */
export async function isWorking(device: string): Promise<boolean> {
  return device === 'cpu' || (await workingAmong(availableDevices().filter((name) => name === device))).length > 0;
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

/**
 * Working devices, for a message about one that does not work. WebGPU is not tried, because its drivers print output.
 */
async function presentBeside(absent: NodeDevice): Promise<string[]> {
  const others = availableDevices().filter((name) => name !== absent);
  const working = await workingAmong(others.filter((name) => name !== 'webgpu'));
  return others.includes('webgpu') ? [...working, 'webgpu where it finds a driver'] : working;
}

/**
 * Opens a device.
 * @throws DeviceError if the device is not available or does not start, listing those that are.
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
  const own = threads === undefined ? processors() : { count: threads };
  const sessionOptions = {
    executionProviders: name === 'cpu' ? ['cpu'] : [providerOf(name, index), 'cpu'],
    graphOptimizationLevel: 'all',
    intraOpNumThreads: own.count,
    // A single block with the size of everything planned, in addition to what the first run took: 250 MiB more at the
    // same speed.
    enableMemPattern: false,
    // Products of unsigned by signed bytes, which x64 without VNNI cuts at 16 bits, are made of unsigned ones: slower, and
    // right. Of a network whose range is 0.64 they were off by 0.1 (ONNX Runtime 1.30, AVX2).
    extra: { session: { x64quantprecision: '1' } },
    // Errors only: a fallback to the CPU for a shape computation is expected.
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
  const { blocks, why } =
    name === 'cpu' && layout !== 'nchw'
      ? await findBlockedKernels(ort, { ...sessionOptions, logSeverityLevel: 4 })
      : {};
  if (why !== undefined) log(`blocked convolutions are not used: ${why}`);
  const kernels = blocks === undefined ? '' : `, blocks of ${blocks.size} channels`;
  return ortRuntime(ort, {
    ...(blocks !== undefined && { strips: StripNetwork.of }),
    device: name,
    description: name === 'cpu' ? `CPU, ${threadsInWords(own)}${kernels}` : NAMES[name],
    sessionOptions,
    target: {
      winograd: winograd ?? (name === 'cpu' ? 'auto' : 'never'),
      columns: name === 'cpu',
      hidesShapes: name === 'cpu',
      ...(blocks !== undefined && { blocks }),
    },
    stateMode: name === 'webgpu' ? 'device' : 'swap',
  });
}

/** The execution provider of one of several devices of a kind. */
function providerOf(name: NodeDevice, index: number) {
  return index === 0 ? name : { name, deviceId: index };
}

/** CUDA if it works, otherwise the CPU. WebGPU only on request: it may be a software driver. */
const chooseDevice = async (): Promise<NodeDevice> => ((await isWorking('cuda')) ? 'cuda' : 'cpu');

/** ONNX Runtime prints its own error when CUDA is requested without the library, which is a separate download. */
function hasCudaLibrary(): boolean {
  const main = createRequire(import.meta.url).resolve('onnxruntime-node');
  const bin = join(dirname(main), '..', 'bin');
  const name = process.platform === 'win32' ? 'onnxruntime_providers_cuda.dll' : 'libonnxruntime_providers_cuda.so';
  return readdirSync(bin).some((api) => existsSync(join(bin, api, process.platform, process.arch, name)));
}
