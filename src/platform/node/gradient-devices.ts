/** Devices that share each batch in training: one thread with a session on each. */

import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { NdArray } from '../../array/ndarray.ts';
import { DeviceError, option, UsageError } from '../../errors.ts';
import type { Graph } from '../../graph/ir.ts';
import { type GradientDevices, type GradientWorker, openParallelStep } from '../../train/parallel.ts';
import { processors } from './processors.ts';
import { availableDevices, type NodeDevice, workingDevices } from './runtime.ts';
import { workerProgram } from './worker-program.ts';

/** One of several devices of a kind: `cuda:1`. For a CPU the numbers divide its cores. */
export interface DevicePlace {
  readonly device: NodeDevice;
  readonly index: number;
}

/** Start data, messages and answers of a worker. */
export interface GradientWorkerData extends DevicePlace {
  readonly graph: Graph;
  readonly exact: boolean;
  readonly threads: number;
}
export type Arrays = { readonly [name: string]: NdArray };
export type GradientAnswer = { readonly outputs: Arrays } | { readonly problem: string };

const nameOf = ({ device, index }: DevicePlace): string => `${device}:${index}`;

/**
 * Parses `cpu:0,cpu:1` or `cuda:0,cuda:1`.
 * @throws UsageError for an unknown device or a duplicate.
 */
export function parseDevices(text: string): readonly DevicePlace[] {
  const places = text.split(',').map((part): DevicePlace => {
    const found = /^(cpu|webgpu|cuda|coreml|dml):(\d+)$/.exec(part.trim());
    if (found === null) {
      throw new UsageError(`Unknown device "${part.trim()}".`, {
        remedy: `Use a kind and a number, such as ${option('devices', 'cpu:0,cpu:1')} or ${option('devices', 'cuda:0,cuda:1')}.`,
      });
    }
    return { device: found[1] as NodeDevice, index: Number(found[2]) };
  });
  const names = places.map(nameOf);
  const twice = names.find((name, i) => names.indexOf(name) < i);
  if (twice !== undefined) throw new UsageError(`The device ${twice} is listed twice.`, { remedy: 'List it once.' });
  return places;
}

/** @throws DeviceError for a device that is not present, listing those that are. */
async function requirePresent(places: readonly DevicePlace[]): Promise<void> {
  const cores = availableParallelism();
  const known = new Set(availableDevices());
  for (const place of places) {
    if (known.has(place.device) && (place.device !== 'cpu' || place.index < cores)) continue;
    const working = await workingDevices();
    throw new DeviceError(`The device ${nameOf(place)} is not available.`, {
      remedy: `There are cpu:0 to cpu:${cores - 1}${working
        .filter((name) => name !== 'cpu')
        .map((name) => `, ${name}:0`)
        .join('')}.`,
    });
  }
}

/**
 * Opens devices to share batches. Those on one CPU share its cores.
 * @throws DeviceError for a device that is not present.
 */
export async function gradientDevices(places: readonly DevicePlace[]): Promise<GradientDevices> {
  await requirePresent(places);
  const names = places.map(nameOf);
  return {
    names,
    openStep: (...step) =>
      openParallelStep(names, (graph, options) => openGradientWorkers(places, graph, options), ...step),
  };
}

/** @throws DeviceError if the graph does not compile on one of them */
export async function openGradientWorkers(
  places: readonly DevicePlace[],
  graph: Graph,
  { exact }: { readonly exact: boolean },
): Promise<readonly GradientWorker[]> {
  const onCpu = places.filter(({ device }) => device === 'cpu').length;
  const threads = Math.max(1, Math.floor(processors().count / Math.max(1, onCpu)));
  const workers = places.map((place) => startWorker({ ...place, graph, exact, threads }));
  try {
    await Promise.all(workers.map(({ ready }) => ready));
  } catch (cause) {
    for (const { close } of workers) await close();
    throw cause;
  }
  return workers;
}

/** Starts a thread with a session on one device; `ready` resolves when it is compiled. */
function startWorker(data: GradientWorkerData): GradientWorker & { readonly ready: Promise<void> } {
  const device = nameOf(data);
  const thread = new Worker(workerProgram('gradient-worker') as URL, { workerData: data, name: `gradient ${device}` });
  let waiting: { resolve: (outputs: Arrays) => void; reject: (cause: Error) => void } | undefined;
  let failure: Error | undefined;
  const fail = (how: string, cause?: unknown): void => {
    failure ??= new DeviceError(`the worker of ${device} ${how}.`, {
      remedy: `Everything up to the last checkpoint is saved: continue with ${option('resume')} on the remaining devices.`,
      cause,
    });
    waiting?.reject(failure);
    waiting = undefined;
  };
  const answered = (): Promise<Arrays> =>
    new Promise((resolve, reject) => {
      if (failure === undefined) waiting = { resolve, reject };
      else reject(failure);
    });
  thread.on('message', (answer: GradientAnswer) => {
    if ('problem' in answer) fail(`failed: ${answer.problem}`);
    else {
      waiting?.resolve(answer.outputs);
      waiting = undefined;
    }
  });
  thread.on('error', (cause) => fail(`stopped with "${cause.message}"`, cause));
  thread.on('exit', (code) => fail(`ended with code ${code}`));
  const ready = answered().then(() => undefined);
  ready.catch(() => {});
  return {
    device,
    ready,
    run(feeds) {
      const result = answered();
      if (failure === undefined) thread.postMessage(feeds);
      return result;
    },
    async close() {
      fail('was closed');
      await thread.terminate();
    },
  };
}
