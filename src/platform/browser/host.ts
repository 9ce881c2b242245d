import type { Host } from '../../workflows/host.ts';
import { type MemoryFiles, memoryFiles } from '../../workflows/memory-files.ts';
import { predictByRegion } from '../../workflows/predict-regions.ts';
import { type BrowserDevice, type OpenRuntimeOptions, openRuntime } from './runtime.ts';

/** A page as host: files chosen by the user or written by workflows, its devices and its clock. */
export interface BrowserHost extends Host {
  readonly files: MemoryFiles;
}

/**
 * The host for `lamella/workflows` in a page or a worker.
 *
 * @example
 *   const host = browserHost(chosenFiles(input.files));
 *   const { images } = await predictFolder(host, ['model.onnx'], 'images', { out: 'pred' });
 *   const zip = await host.files.zip('pred');
 */
export function browserHost(files: MemoryFiles = memoryFiles(), options: OpenRuntimeOptions = {}): BrowserHost {
  return { ...pageHost(options), files, predictByRegion };
}

/** Devices and clock of a page, which has no images larger than memory. */
export function pageHost(options: OpenRuntimeOptions): Omit<Host, 'files'> {
  return {
    nowMs: () => performance.now(),
    // An unsupported device is rejected by its name.
    openRuntime: (device) =>
      openRuntime({ ...options, device: (device as BrowserDevice | 'auto' | undefined) ?? options.device }),
  };
}
