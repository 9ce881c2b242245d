/**
 * `lamella/workflows`: the function behind each command, over the `Host` of `lamella/node` or `lamella/browser`, or its
 * files.
 */

export {
  PROJECT_FILE,
  type Project,
  type ProjectClass,
  type ProjectImage,
  type ProjectRegion,
  parseProject,
  writeProject,
} from '../project/project.ts';
export { type DrawAugmentationOptions, drawAugmentation } from '../workflows/augment.ts';
export type { PredictFolderOptions } from '../workflows/begin-prediction.ts';
export {
  type ClassifiedFolder,
  type ClassifyFolderOptions,
  classifyFolder,
  scoreClassifiers,
  type TopK,
} from '../workflows/classify.ts';
export { type WriteComparisonOptions, writeComparison } from '../workflows/compare.ts';
export { type EightBitModel, type EightBitOptions, eightBitFileOf, exportEightBit } from '../workflows/eight-bit.ts';
export { evaluate } from '../workflows/evaluate.ts';
export type { EvaluateOptions } from '../workflows/evaluate-items.ts';
export type { Evaluation } from '../workflows/evaluation.ts';
export { type ExportedModel, type ExportModelOptions, exportBioImageIo } from '../workflows/export-model.ts';
export type { EnergyMeter, Host, Trace } from '../workflows/host.ts';
export { readImageFile } from '../workflows/image-files.ts';
export { inspect } from '../workflows/inspect.ts';
export type { Inspected, InspectOptions } from '../workflows/inspect-image.ts';
export type { MeasureFolderOptions, MeasureHooks } from '../workflows/measure/inputs.ts';
export { type MeasuredFolder, measureFolder } from '../workflows/measure/measure.ts';
export { type FileContent, type MemoryFiles, memoryFiles } from '../workflows/memory-files.ts';
export { modelFileOf, readModel } from '../workflows/model-files.ts';
export {
  type FailedFile,
  type PredictedFile,
  type PredictedFolder,
  type PredictHooks,
  predictFolder,
} from '../workflows/predict.ts';
export { type NetworkProfile, type ProfileOptions, profileNetwork } from '../workflows/profile.ts';
export { writeReport } from '../workflows/report.ts';
export type { ReportOptions } from '../workflows/segmentation-report.ts';
export {
  type EstimatedAccuracy,
  type SuggestedPlace,
  type Suggestions,
  type SuggestOptions,
  suggestPlaces,
} from '../workflows/suggest.ts';
export type { SuggestedObject, SuggestedObjects } from '../workflows/suggest-objects.ts';
