/**
 * Lamella without a platform: what is the same in Node, a page and a worker. Files, devices and whole training runs
 * are in `lamella/node` and `lamella/browser`.
 */

// Arrays and random numbers
export { type DType, float32, type NdArray, ndarray, type Shape } from './array/ndarray.ts';
export { type Random, stream } from './array/random.ts';
// Augmentation
export { type Batch, makeBatch } from './augment/batch.ts';
export { type AugmentOptions, type AugmentSettings, augmentSettings, NO_AUGMENTATION } from './augment/options.ts';
export type { SampleOptions } from './augment/sample.ts';
// Data sets
export type { RawClasses, ReadClassesOptions } from './dataset/classification/classes.ts';
export { readClasses } from './dataset/classification/read.ts';
export { alignLabels } from './dataset/labels/align.ts';
export { IGNORE, type LabelClass, type LabelMapping } from './dataset/labels/labels.ts';
export type { TrainingPage, TrainingSet } from './dataset/patch-position.ts';
export { type PreparedDataset, type PrepareOptions, prepareDataset, readDataset } from './dataset/prepare.ts';
export { type LabelledImage, type RawDataset, rawDataset } from './dataset/raw.ts';
export type { SplitChoice } from './dataset/split.ts';
// Errors
export {
  DatasetError,
  DeviceError,
  FormatError,
  GraphError,
  Interrupted,
  LamellaError,
  ModelError,
  RunError,
  TrainingError,
  UsageError,
} from './errors.ts';
// Explaining and comparing
export { type ExplainOptions, explain } from './explain/explain.ts';
export type { Explanation } from './explain/explanation.ts';
// Objects for other programs
export { type CocoImage, writeCoco } from './export/coco.ts';
export { writeCsv } from './export/csv.ts';
export { writeGeoJson } from './export/geojson.ts';
export { writeRoiZip } from './export/imagej-roi.ts';
export { writeLabelTiff } from './export/label-tiff.ts';
export { type OutlinedSlice, outlineSlices } from './export/outlined-slices.ts';
export { writeParquet } from './export/parquet.ts';
export type { Files } from './files.ts';
// Graphs and ONNX files
export { graphMacs, parameterCount } from './graph/analysis/cost.ts';
export { tileRule } from './graph/analysis/receptive-field.ts';
export { type Layer, layersOf } from './graph/analysis/summary.ts';
export { gradient } from './graph/autodiff.ts';
export { GraphBuilder } from './graph/builder.ts';
export { checkGraph } from './graph/check.ts';
export { constantsToInputs, inputsToConstants, parametersOf } from './graph/constants.ts';
export { networkSvg } from './graph/draw.ts';
export type { Graph, Node, Value } from './graph/ir.ts';
export { readSignature, type Signature } from './graph/onnx/model.ts';
export { readOnnx } from './graph/onnx/read.ts';
export { type WriteOptions, writeOnnx } from './graph/onnx/write.ts';
export type { Build } from './graph/op-row.ts';
export { printGraph } from './graph/print.ts';
export { bindShapes, decompose } from './graph/rewrite.ts';
export {
  castTo,
  channel,
  dropAlpha,
  page,
  pageCount,
  rescaleToUint8,
  stackPages,
  toFloat32,
  toGrey,
} from './image/convert.ts';
export { describeImage, type ImageDescription } from './image/describe.ts';
export { type DisplayWindow, displayWindow } from './image/display.ts';
export type { DicomFile } from './image/formats/dicom/series.ts';
// Images
export type { ReadOptions } from './image/formats/format.ts';
export { type WriteNiftiOptions, writeNifti } from './image/formats/nifti/write.ts';
export { writePng } from './image/formats/png/write.ts';
export { type WriteTiffOptions, writeTiff } from './image/formats/tiff/write.ts';
export { sliceExtentsMm, sliceOrigin, stepsOf, withSpacingMm } from './image/geometry.ts';
export { extent, type Geometry, type Image, type Spacing, type Spacings, type Vector3 } from './image/image.ts';
export { type AxisMap, displayMap, inverseMap, reorient } from './image/orient.ts';
export { type OverviewOptions, overviewPicture } from './image/overview.ts';
export { READABLE_EXTENSIONS, readDicomSeries, readImage } from './image/read.ts';
export type { InputSpec, NormalisationOptions } from './input/normalise.ts';
// Devices
export type { WinogradUse } from './lowering/conv/minimal-filters.ts';
// Measurements
export { LUNG_SIDE, type LungSidesOptions, lungSides } from './measure/lung-sides.ts';
export { type LungGeometry, type LungMeasures, measureLungs } from './measure/lungs.ts';
export { MEASURES, type MeasuredImage, type MeasureName, type MeasureOptions, measure } from './measure/measure.ts';
export { type Column, columnOf, headerOf, joinRows, type Table, withText } from './measure/table.ts';
// Scores
export { type Contingency, contingency } from './metrics/contingency.ts';
export { type ErrorMap, errorMap } from './metrics/error-map.ts';
export { type InstanceMatching, type InstanceScores, instanceScores, matchInstances } from './metrics/instances.ts';
export { ISBI_THRESHOLDS, type IsbiScores, isbiScores, isbiSliceScores } from './metrics/isbi.ts';
export { type MatchObjectsOptions, matchObjects, type ObjectMatches } from './metrics/match-objects.ts';
export {
  type ConfusionMatrix,
  confusionMatrix,
  dice as diceScore,
  iou as iouScore,
  type OverlapScores,
  overlapScores,
} from './metrics/overlap.ts';
export {
  averageSymmetricSurfaceDistance,
  contourDistances,
  edgeDistances,
  hausdorff,
  hausdorffMonai,
  hausdorffSurfaceDistance,
  surfaceDice,
} from './metrics/surface-distance.ts';
export { topKAccuracy } from './metrics/top-k.ts';
export {
  type TunedSeparation,
  type TuneSeparationOptions,
  type TuningImage,
  tuneSeparation,
} from './metrics/tune-separation.ts';
// Networks
export { chooseUnet } from './models/choose.ts';
export type { ModelMetadata } from './models/metadata.ts';
export { exportNetwork, predictionGraph } from './models/prediction.ts';
export { buildNetwork, sizesOf } from './models/registry.ts';
export type { Sizes } from './models/sizes.ts';
export type {
  AlexNetSpec,
  MlpSpec,
  ModelName,
  ModelSpec,
  PerceptronSpec,
  SlidingWindowSpec,
  Unet2015Spec,
  UnetSpec,
} from './models/spec.ts';
export { drawMasks } from './nn/dropout-masks.ts';
export * as init from './nn/initialise.ts';
export {
  type ConvOptions,
  centreCrop,
  concatCropped,
  conv2d,
  dense,
  dropout,
  flatten,
  instanceNorm,
  localResponseNorm,
  maxPool,
  relu,
  upConv,
  upsample,
} from './nn/layers.ts';
// Losses, optimisers, schedules
export { crossEntropy, sigmoidCrossEntropy } from './nn/losses/cross-entropy.ts';
export { type DiceOptions, dice as diceLoss, diceCrossEntropy } from './nn/losses/dice.ts';
export { type FocalOptions, focal as focalLoss } from './nn/losses/focal.ts';
export { isClass, type Loss, type Target, weightedMean } from './nn/losses/loss.ts';
export { perceptronCriterion } from './nn/losses/perceptron.ts';
export type { LossName, LossSpec } from './nn/losses/registry.ts';
export { type Initialiser, type Network, NetworkBuilder, type Parameter } from './nn/network.ts';
export { type AdamOptions, adam, adamW } from './nn/optimizers/adam.ts';
export type { Optimiser } from './nn/optimizers/optimizer.ts';
export type { OptimiserName, OptimiserSpec } from './nn/optimizers/registry.ts';
export { type SgdOptions, sgd } from './nn/optimizers/sgd.ts';
export { type Schedule, type ScheduleName, type ScheduleSpec, scheduleOf } from './nn/schedules.ts';
// Objects
export { type Components, connectedComponents as label } from './objects/connected-components.ts';
export {
  type DistanceTransform,
  distanceToNonzero,
  distanceToZero as distanceTransform,
} from './objects/distance-transform.ts';
export { fillHoles } from './objects/fill-holes.ts';
export { type FilteredObjects, type FilterObjectsOptions, filterObjects } from './objects/filter-objects.ts';
export { type HMaxima, hMaxima } from './objects/h-maxima.ts';
export {
  type PredictedMaps,
  type SeparatedObjects,
  type SeparationSettings,
  type SeparationWay,
  separateObjects,
} from './objects/instances.ts';
export { type Outline, type Polygon, type PolygonOptions, toPolygons } from './objects/polygons.ts';
export { relabelConsecutive } from './objects/relabel.ts';
export { type WatershedOptions, watershed } from './objects/seeded-watershed.ts';
export { aboveThreshold, otsuThreshold } from './objects/threshold.ts';
export { vincentSoilleWatershed, type Watershed } from './objects/watershed.ts';
export { type Phantom, type PhantomOptions, phantom } from './phantom/phantom.ts';
export { predictAverage } from './predict/average.ts';
// Prediction
export {
  type Classifier,
  type ClassifyOptions,
  classifyPages,
  meanProbabilities,
  openClassifier,
} from './predict/classifier.ts';
export { denseGraph } from './predict/dense.ts';
export type { SegmentationModel } from './predict/model.ts';
export { type OpenedModel, type OpenModelOptions, openModel } from './predict/open.ts';
export {
  classOf,
  type LabelMapOptions,
  labelImage,
  overlayImage,
  type ProbabilityOptions,
  probabilityImage,
} from './predict/output.ts';
export { type PredictOptions, planPage, predictImage, predictPages } from './predict/predict.ts';
export { type CompareOptions, type Comparison, compareRuns, type RunResult } from './report/compare/comparison.ts';
export type { CompileOptions, DeviceName, Feeds, Formulation, Program, Runtime } from './runtime/runtime.ts';
// Training
export type { RunConfig } from './train/config.ts';
export type { TrainEvent } from './train/loop.ts';
export type { TrainRunHooks } from './train/run.ts';
export { type StepOptions, type TrainingStep, trainingStep } from './train/step.ts';
export type { TrainSettings } from './train/tasks/segmentation/choose-recipe.ts';
export { feedsOf } from './train/train-step.ts';
