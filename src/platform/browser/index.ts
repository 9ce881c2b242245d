/** Lamella in a page or a worker: devices, files, training. The platform-independent part is in `lamella`. */

export type { ModelOnDevice } from '../../workflows/model-files.ts';
export { chosenFiles, droppedFiles, filesOfDrop } from './chosen-files.ts';
export { drawImage, type FileSource, readImageFile } from './files.ts';
export { type BrowserHost, browserHost } from './host.ts';
export { openModelFile } from './model-files.ts';
export { exportRun, importRun, opfsStore, removeRun } from './opfs-store.ts';
export { availableDevices, type BrowserDevice, type OpenRuntimeOptions, openRuntime } from './runtime.ts';
export { type ResumeOptions, resumeTraining, type TrainOptions, train } from './train.ts';
export { type SessionPlaceOptions, sessionPlace, type TrainedInPage } from './train-host.ts';
