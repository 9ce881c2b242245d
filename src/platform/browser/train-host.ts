/** A page or a worker as the place of training runs: in memory or in the page's storage. */

import { TrainingError } from '../../errors.ts';
import type { WritableFiles } from '../../files.ts';
import { memoryStore } from '../../train/memory-store.ts';
import type { FinishedTraining, TrainPlace } from '../../train/run.ts';
import type { SessionPlace } from '../../train/session.ts';
import { RUN_FILES, type Store } from '../../train/store.ts';
import type { TrainHost } from '../../workflows/train.ts';
import { deviceSpeeds } from './device-speeds.ts';
import { openOpfsRun } from './opfs-store.ts';
import { availableDevices, type OpenRuntimeOptions, openRuntime, wasmThreads } from './runtime.ts';
import { allocateShared, openPageSampler } from './sampler.ts';
import { VERSION } from './version.ts';

/** What a run uses of the browser. */
export interface PageOptions extends OpenRuntimeOptions, Pick<TrainPlace, 'checkpointEvery'> {
  /**
   * Web Workers that sample batches. Default: all cores but one, at most 3, if the page is cross-origin isolated, so that
   * they share the images; otherwise 0: batches are sampled between the steps. The batches are the same for any number.
   */
  readonly workers?: number;
}

/** The result of a training run and the model: the best by validation, or the last without validation. */
export interface TrainedInPage extends FinishedTraining {
  /** An ONNX file: for `openModelFile`, or for download. */
  readonly model: Uint8Array;
}

export interface SessionPlaceOptions extends PageOptions, Pick<TrainPlace, 'from'> {
  /** Where the session is kept, such as `await opfsStore('runs/live')`. Default: in memory. */
  readonly store?: Store;
}

/** A place for `openSession` in a page or a worker. */
export function sessionPlace(options: SessionPlaceOptions = {}): SessionPlace {
  const { from, store = memoryStore('the session in this page'), workers, checkpointEvery, ...device } = options;
  return {
    store,
    clock: { nowMs: () => performance.now() },
    openRuntime: () => openRuntime(device),
    openSampler: (set, sampling) => openPageSampler(set, sampling, workers),
    allocate: allocateShared(),
    cores: wasmThreads(device.threads),
    speeds: deviceSpeeds,
    machine: { cores: navigator.hardwareConcurrency, browser: navigator.userAgent },
    checkpointEvery,
    ...(from && { from }),
  };
}

type PageTrainHost = TrainHost<PageOptions, TrainedInPage>;

/** This page, with runs in its storage unless they are opened elsewhere. */
export function pageTrainHost(
  files: WritableFiles,
  given: Partial<Pick<PageTrainHost, 'openRun' | 'classifiers'>> = {},
): PageTrainHost {
  const host: PageTrainHost = {
    files,
    version: VERSION,
    nowMs: () => performance.now(),
    // As given: where a project lies is not known to a page, and differs on the machine that continues its runs.
    fullPath: (folder) => folder,
    openRun: openOpfsRun,
    async sameMachine({ machine: { device } }, machine) {
      if (machine.device !== undefined) return machine;
      const found = (await availableDevices()).find((name) => name === device);
      return { ...machine, device: found ?? 'auto' };
    },
    async onMachine(run, machine, { beganMs }, onPlace) {
      const finished = await onPlace({ ...sessionPlace({ ...machine, store: run }), clock: host, beganMs });
      const model = (await run.read(RUN_FILES.best)) ?? (await run.read(RUN_FILES.last));
      if (model === undefined) throw new TrainingError('The run ended without a model.', { step: finished.steps });
      return { ...finished, model };
    },
    ...given,
  };
  return host;
}
