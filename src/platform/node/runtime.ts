/** Opens ONNX Runtime's devices in Node. */
import { availableParallelism } from 'node:os';
import * as ort from 'onnxruntime-node';
import { DeviceError } from '../../errors.ts';
import { findBlockedKernels } from '../../runtime/block-size.ts';
import { ortRuntime } from '../../runtime/ort.ts';
import type { DeviceName, Runtime } from '../../runtime/runtime.ts';

export type NodeDevice = Exclude<DeviceName, 'wasm'>;

export interface OpenRuntimeOptions {
  /** `auto`, the default, takes CUDA where it works and else the CPU. */
  readonly device?: NodeDevice | 'auto';
  /** Threads of one operation on the CPU; default: one a core. */
  readonly threads?: number;
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

/** Devices for which this build of ONNX Runtime has a provider. A driver may still be missing. */
export function availableDevices(): NodeDevice[] {
  const listed = new Set<string>(ort.listSupportedBackends().map(({ name }) => name));
  return (Object.keys(NAMES) as NodeDevice[]).filter((name) => listed.has(name));
}

/**
 * Opens a device.
 * @throws DeviceError that says what is present when the device is absent or does not start.
 */
export async function openRuntime({
  device = 'auto',
  threads,
  log = () => {},
}: OpenRuntimeOptions = {}): Promise<Runtime> {
  const name = device === 'auto' ? 'cpu' : device;
  const present = availableDevices();
  if (!present.includes(name)) {
    throw new DeviceError(`There is no device '${name}' here.`, { remedy: `Present: ${present.join(', ')}.` });
  }
  const count = threads ?? availableParallelism();
  const sessionOptions = {
    executionProviders: name === 'cpu' ? ['cpu'] : [name, 'cpu'],
    graphOptimizationLevel: 'all',
    intraOpNumThreads: count,
    // Errors only: a fallback to the CPU for a shape computation is no news to anyone.
    logSeverityLevel: 3,
  } as const;
  const blocks = name === 'cpu' ? await findBlockedKernels(ort, { ...sessionOptions, logSeverityLevel: 4 }) : {};
  if (blocks.why !== undefined) log(`Blocked convolutions are not used: ${blocks.why}.`);
  const kernels = blocks.blockSize === undefined ? '' : `, blocks of ${blocks.blockSize} channels`;
  return ortRuntime(ort, {
    device: name,
    description: name === 'cpu' ? `CPU, ${count} ${count === 1 ? 'thread' : 'threads'}${kernels}` : NAMES[name],
    sessionOptions,
    target: blocks.blockSize === undefined ? {} : { blockSize: blocks.blockSize },
    stateOnDevice: name === 'webgpu',
  });
}
