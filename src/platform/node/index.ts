/** Lamella in Node: devices, files, training on folders. What is the same everywhere is in `lamella`. */

export { type WriteComparisonOptions, writeComparison } from './compare.ts';
export { type WriteExplanationOptions, writeExplanation } from './explain.ts';
export { nodeFiles } from './files.ts';
export { type ReadFileOptions, readImageFile, writeImageFile } from './image-files.ts';
export { type ModelOnDevice, type OpenModelFileOptions, openModelFile } from './model-files.ts';
export { type ReportOptions, writeReport } from './report.ts';
export {
  availableDevices,
  type NodeDevice,
  type OpenRuntimeOptions,
  openRuntime,
  workingDevices,
} from './runtime.ts';
export {
  type FinishedRun,
  type MachineOptions,
  resumeRun as resumeTraining,
  type TrainRunOptions,
  trainRun as train,
} from './train-run.ts';
