/**
 * Lamella without a platform, the same in Node, a page and a worker: read, train, predict, evaluate, write. Its parts
 * are in `lamella/graph`, `/nn`, `/image`, `/metrics`, `/objects`, `/measure`, `/predict`, `/report` and `/array`; files,
 * devices and whole training runs in `lamella/node` and `lamella/browser`. `lamella/explain`, `lamella/phantom` and
 * `lamella/demo` are extensions, which import these names alone.
 */

export { type DType, elementCount, float32, type NdArray, ndarray, type Shape } from './array/ndarray.ts';
export type { RawClasses, ReadClassesOptions } from './dataset/classification/classes.ts';
export { readClasses } from './dataset/classification/read.ts';
export { IGNORE, type LabelClass, type LabelMapping } from './dataset/labels/labels.ts';
export type { Annotation } from './dataset/labels/regions.ts';
export type { TrainingPage, TrainingSet } from './dataset/patch-position.ts';
export { type PreparedDataset, type PrepareOptions, prepareDataset, readDataset } from './dataset/prepare.ts';
export { type LabelledImage, type RawDataset, rawDataset } from './dataset/raw.ts';
export type { SplitChoice } from './dataset/split.ts';
export {
  DatasetError,
  DeviceError,
  type ErrorCode,
  type Facts,
  FormatError,
  factsOf,
  GraphError,
  Interrupted,
  LamellaError,
  ModelError,
  option,
  RunError,
  TrainingError,
  UsageError,
  writeOptions,
} from './errors.ts';
export { type ByteSource, baseName, type Files, joinPath, type WritableFiles } from './files.ts';
export { channel, page, pageCount } from './image/convert.ts';
export { describeImage, type ImageDescription } from './image/describe.ts';
export type { DicomFile } from './image/formats/dicom/series.ts';
export type { ReadOptions } from './image/formats/format.ts';
export { type WriteNiftiOptions, writeNifti } from './image/formats/nifti/write.ts';
export { writePng } from './image/formats/png/write.ts';
export { READABLE_EXTENSIONS } from './image/formats/registry.ts';
export { type WriteTiffOptions, writeTiff } from './image/formats/tiff/write.ts';
export { type WriteOmeTiffOptions, writeOmeTiff } from './image/formats/tiff/write-pyramid.ts';
export { type WriteOmeZarrOptions, writeOmeZarr } from './image/formats/zarr/write.ts';
export {
  type Geometry,
  type Image,
  type ImageLevel,
  type Sizes,
  type Spacing,
  type Spacings,
  sizes,
  type Vector3,
} from './image/image.ts';
export { openImage, openOmeZarr, readDicomSeries, readImage, readOmeZarr } from './image/read.ts';
export { type ImageSink, type MemorySink, memorySink } from './image/sink.ts';
export { type ImageInfo, type ImageSource, memorySource, type Region } from './image/source.ts';
export type { InputSpec, NormalisationOptions } from './input/normalise.ts';
export { predictAverage } from './predict/average.ts';
export {
  type Classifier,
  type ClassifyOptions,
  classifyPages,
  meanProbabilities,
  openClassifier,
} from './predict/classifier.ts';
export type { SegmentationModel } from './predict/model.ts';
export { type OpenModelOptions, openModel } from './predict/open.ts';
export {
  classOf,
  type LabelMapOptions,
  labelImage,
  overlayImage,
  type ProbabilityOptions,
  probabilityImage,
} from './predict/output.ts';
export type { OpenedModel } from './predict/own.ts';
export { type PageRegion, type PredictOptions, planPage, predictImage, predictPages } from './predict/predict.ts';
export {
  blockFor,
  type OutputOf,
  outputInfo,
  type PredictRegionsOptions,
  predictToSinks,
  type RegionOutput,
} from './predict/stream.ts';
export type {
  CompileOptions,
  DeviceName,
  Feeds,
  Program,
  Runtime,
  TensorLayout,
} from './runtime/runtime.ts';
export type { Recipe, RunConfig } from './train/config.ts';
export type { TrainEvent } from './train/loop.ts';
export { type QuickModel, type QuickOptions, trainQuick } from './train/quick.ts';
export type { TrainRunHooks } from './train/run.ts';
export {
  openSession,
  recipeFor,
  type Session,
  type SessionOptions,
  type SessionPlace,
  type SessionState,
} from './train/session.ts';
export type { StartFile } from './train/start.ts';
export type { TrainSettings } from './train/tasks/segmentation/choose-recipe.ts';
