/** Training runs in Node: from a folder of images and labels to a run folder with models. */

import { availableParallelism, cpus, totalmem } from 'node:os';
import { resolve } from 'node:path';
import { performance } from 'node:perf_hooks';
import type { Profile } from '../../runtime/profile.ts';
import type { TensorLayout } from '../../runtime/runtime.ts';
import type { RunConfig } from '../../train/config.ts';
import type { LoopOptions } from '../../train/loop.ts';
import type { FinishedTraining, TrainPlace, TrainRunHooks } from '../../train/run.ts';
import type { Store } from '../../train/store.ts';
import { CLASSIFIERS } from '../../train/tasks/classification/task.ts';
import { MAPS } from '../../train/tasks/maps/training.ts';
import { streamedTraining } from '../../train/tasks/streamed/task.ts';
import { VOLUMES } from '../../train/tasks/volumes/training.ts';
import {
  type RunSettings,
  type RunTarget,
  repeatTraining,
  resumeOrTrainNew,
  resumeTraining,
  type TrainHost,
  trainNew,
} from '../../workflows/train.ts';
import { deviceSpeeds } from './device-speeds.ts';
import { nodeFiles } from './files.ts';
import { type DevicePlace, gradientDevices, parseDevices } from './gradient-devices.ts';
import type { Ranks } from './mpi/job.ts';
import { processors } from './processors.ts';
import { openTrace } from './profile.ts';
import { openRunFolder } from './run-folder.ts';
import { isWorking, type NodeDevice, openRuntime } from './runtime.ts';
import { allocateShared, openSampler } from './sampler.ts';
import { packageVersion } from './version.ts';

export interface MachineOptions {
  readonly device?: NodeDevice | 'auto';
  /** Devices that share each batch, instead of one. */
  readonly devices?: readonly DevicePlace[];
  /** Processes that share each batch, instead. */
  readonly ranks?: Ranks | undefined;
  /** Data-loading threads. */
  readonly workers?: number;
  readonly checkpointEvery?: LoopOptions['checkpointEvery'];
  /** Record how the time of the first steps is distributed, in the run folder. */
  readonly profile?: boolean;
  /** Of a new run; default: the fastest of the device. `nchw` can be resumed on any CPU. */
  readonly layout?: TensorLayout;
}

export interface TrainRunOptions extends RunSettings, MachineOptions, Pick<RunTarget<MachineOptions>, 'memory'> {
  /** Run folder to create. */
  readonly out: string;
}

export interface FinishedRun extends FinishedTraining {
  readonly folder: string;
  /** If requested. */
  readonly profile: Profile | undefined;
}

/** This machine: run folders on disk, its devices, and threads that draw samples. */
export const trainHost: TrainHost<MachineOptions, FinishedRun> = {
  files: nodeFiles,
  get version() {
    return packageVersion();
  },
  classifiers: CLASSIFIERS,
  volumes: VOLUMES,
  maps: MAPS,
  streamed: streamedTraining(() => ({ used: process.memoryUsage.rss(), free: process.availableMemory() })),
  nowMs: () => performance.now(),
  fullPath: (folder) => resolve(folder),
  openRun: openRunFolder,
  async sameMachine({ machine }, options) {
    if (options.devices !== undefined || options.device !== undefined) return options;
    if (options.ranks === undefined && typeof machine.devices === 'string')
      return { ...options, devices: parseDevices(machine.devices) };
    // A run of a page, or of a machine with a GPU: continueTraining warns of the difference.
    return { ...options, device: (await isWorking(machine.device)) ? (machine.device as NodeDevice) : 'auto' };
  },
  async onMachine(run, options, { beganMs, say }, train) {
    const devices = options.devices === undefined ? options.ranks?.devices : await gradientDevices(options.devices);
    const place = { ...placeOf(run, options, beganMs, say), ...(devices === undefined ? {} : { devices }) };
    if (options.profile !== true) return { ...(await train(place)), folder: run.name, profile: undefined };
    const trace = await openTrace();
    try {
      const finished = await train({ ...place, profile: trace.request });
      return { ...finished, folder: run.name, profile: await trace.keep(run) };
    } finally {
      await trace.close();
    }
  },
};

/** This machine, with a run folder on it. */
export function placeOf(
  store: Store,
  { device = 'auto', devices, ranks, workers, checkpointEvery, layout }: MachineOptions,
  beganMs: number,
  log: (line: string) => void,
): TrainPlace {
  // Validation and the update of shared batches run on the first device.
  const [first] = devices ?? [];
  const alone = ranks === undefined ? { device } : { device, threads: ranks.threads, index: ranks.index };
  const on = first === undefined ? alone : first.device === 'cpu' ? { device: first.device } : first;
  return {
    store,
    clock: { nowMs: () => performance.now() },
    beganMs,
    openRuntime: (kept = layout) => openRuntime({ ...on, log, ...(kept === undefined ? {} : { layout: kept }) }),
    openSampler: (set, options, place) =>
      openSampler(set, options, { place, ...(workers === undefined ? {} : { workers }) }),
    allocate: allocateShared,
    cores: processors().count,
    memoryBytes: () => process.availableMemory(),
    speeds: deviceSpeeds,
    machine: {
      processor: cpus()[0]?.model ?? 'unknown',
      cores: availableParallelism(),
      memoryGiB: Math.round(totalmem() / 2 ** 30),
      system: `${process.platform} ${process.arch}`,
      node: process.version,
      ...(devices === undefined ? {} : { devices: devices.map((one) => `${one.device}:${one.index}`).join() }),
      ...(ranks === undefined ? {} : { ranks: ranks.devices.names.length }),
    },
    checkpointEvery,
  };
}

/** Separates the settings, which determine the result, from the folder and the machine. */
function partsOf({
  out,
  device,
  devices,
  ranks,
  workers,
  checkpointEvery,
  profile,
  layout,
  memory,
  ...settings
}: TrainRunOptions) {
  return [
    settings,
    { out, memory, machine: { device, devices, ranks, workers, checkpointEvery, profile, layout } },
  ] as const;
}

/** Trains on a folder of images and labels, as `trainNew`. */
export const trainRun = (folder: string, options: TrainRunOptions, hooks?: TrainRunHooks): Promise<FinishedRun> =>
  trainNew(trainHost, folder, ...partsOf(options), hooks);

/** Resumes the run in `options.out`, or starts it if there is none, as `resumeOrTrainNew`. */
export const resumeOrTrain = (folder: string, options: TrainRunOptions, hooks?: TrainRunHooks): Promise<FinishedRun> =>
  resumeOrTrainNew(trainHost, folder, ...partsOf(options), hooks);

/** Resumes an interrupted run, as `resumeTraining`. @param options folder: current location of the data, if they were moved */
export const resumeRun = (
  out: string,
  {
    folder,
    settings,
    memory,
    ...machine
  }: MachineOptions &
    Pick<TrainRunOptions, 'memory'> & { readonly folder?: string; readonly settings?: RunSettings } = {},
  hooks?: TrainRunHooks,
): Promise<FinishedRun> => resumeTraining(trainHost, { out, machine, memory, data: folder, settings }, hooks);

/** Repeats a run from its configuration into the new folder `options.out`, as `repeatTraining`. */
export const repeatRun = (
  config: RunConfig,
  {
    out,
    folder,
    from,
    memory,
    ...machine
  }: MachineOptions & Pick<TrainRunOptions, 'out' | 'from' | 'memory'> & { readonly folder?: string },
  hooks?: TrainRunHooks,
): Promise<FinishedRun> => repeatTraining(trainHost, config, { out, machine, memory, folder, from }, hooks);
