/** Lamella in Node: devices, files, training on folders. The platform-independent part is in `lamella`. */

export { nodeFiles } from './files.ts';
export { nodeHost } from './host.ts';
export { openImageFile, readImageFile, writeImageFile } from './image-files.ts';
export { type OpenModelFileOptions, openModelFile } from './model-files.ts';
export {
  availableDevices,
  type NodeDevice,
  type OpenRuntimeOptions,
  openRuntime,
  workingDevices,
} from './runtime.ts';
export { type FolderPlace, type FolderPlaceOptions, sessionPlace } from './session-place.ts';
export { studioHost } from './studio-host.ts';
export {
  type FinishedRun,
  type MachineOptions,
  resumeRun as resumeTraining,
  type TrainRunOptions,
  trainRun as train,
} from './train-run.ts';
