import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { ROOT } from './snippets.ts';

interface Exported {
  readonly values: readonly string[];
  readonly types: readonly string[];
}

/** The names that an entry point gives, sorted. */
function exportsOf(file: string): Exported {
  const source = ts.createSourceFile(file, readFileSync(join(ROOT, file), 'utf8'), ts.ScriptTarget.ESNext);
  const values: string[] = [];
  const types: string[] = [];
  for (const statement of source.statements) {
    if (!ts.isExportDeclaration(statement) || statement.exportClause === undefined) {
      throw new Error(`${file} has a statement that is not an export of names.`);
    }
    const { exportClause, isTypeOnly } = statement;
    if (ts.isNamespaceExport(exportClause)) values.push(exportClause.name.text);
    else
      for (const item of exportClause.elements) (isTypeOnly || item.isTypeOnly ? types : values).push(item.name.text);
  }
  return { values: values.sort(), types: types.sort() };
}

const words = (text: string): string[] => text.trim().split(/\s+/).sort();

/** A name that appears, vanishes or changes here is a change of the public interface: CHANGELOG.md. */
const PUBLIC: { readonly [file: string]: Exported } = {
  'src/index.ts': {
    values: words(`
      DatasetError DeviceError FormatError GraphError Interrupted LamellaError ModelError RunError TrainingError UsageError
      float32 ndarray stream
      READABLE_EXTENSIONS castTo channel describeImage dropAlpha extent page pageCount readImage rescaleToUint8 stackPages
      toFloat32 toGrey writePng writeTiff
      alignLabels displayMap displayWindow inverseMap overviewPicture readDicomSeries reorient sliceExtentsMm sliceOrigin
      stepsOf withSpacingMm writeNifti
      IGNORE NO_AUGMENTATION augmentSettings makeBatch phantom prepareDataset rawDataset readClasses readDataset
      GraphBuilder bindShapes checkGraph constantsToInputs decompose gradient inputsToConstants parametersOf printGraph
      layersOf networkSvg readOnnx readSignature tileRule writeOnnx
      NetworkBuilder buildNetwork chooseUnet exportNetwork graphMacs parameterCount predictionGraph sizesOf
      centreCrop concatCropped conv2d dense drawMasks dropout flatten init instanceNorm localResponseNorm maxPool relu upConv
      upsample
      crossEntropy diceCrossEntropy diceLoss focalLoss isClass perceptronCriterion sigmoidCrossEntropy weightedMean
      adam adamW scheduleOf sgd feedsOf trainingStep
      classifyPages meanProbabilities openClassifier topKAccuracy
      compareRuns explain
      classOf denseGraph labelImage openModel overlayImage planPage predictAverage predictImage predictPages probabilityImage
      ISBI_THRESHOLDS averageSymmetricSurfaceDistance confusionMatrix contingency contourDistances diceScore edgeDistances
      errorMap hausdorff hausdorffMonai hausdorffSurfaceDistance instanceScores iouScore isbiScores isbiSliceScores
      overlapScores surfaceDice
      outlineSlices toPolygons writeCoco writeCsv writeGeoJson writeLabelTiff writeParquet writeRoiZip
      matchInstances matchObjects tuneSeparation
      aboveThreshold distanceToNonzero distanceTransform fillHoles filterObjects hMaxima label otsuThreshold
      relabelConsecutive separateObjects vincentSoilleWatershed watershed
      LUNG_SIDE MEASURES columnOf headerOf joinRows lungSides measure measureLungs withText
    `),
    types: words(`
      DType NdArray Random Shape
      Image ImageDescription ReadOptions Spacing Spacings WriteTiffOptions
      AxisMap DicomFile DisplayWindow Geometry OverviewOptions Vector3 WriteNiftiOptions
      AugmentOptions AugmentSettings Batch Files InputSpec LabelClass LabelMapping LabelledImage NormalisationOptions
      Phantom PhantomOptions PrepareOptions PreparedDataset RawDataset SampleOptions SplitChoice TrainingPage TrainingSet
      Build Graph Node Signature Value WriteOptions
      AlexNetSpec Classifier ClassifyOptions MlpSpec PerceptronSpec RawClasses ReadClassesOptions
      ConvOptions Initialiser ModelMetadata ModelName ModelSpec Network Parameter Sizes SlidingWindowSpec Unet2015Spec UnetSpec
      AdamOptions DiceOptions FocalOptions Loss LossName LossSpec Optimiser OptimiserName OptimiserSpec Schedule
      ScheduleName ScheduleSpec SgdOptions Target
      CompareOptions Comparison ExplainOptions Explanation RunResult
      RunConfig StepOptions TrainEvent TrainRunHooks TrainSettings TrainingStep
      LabelMapOptions Layer OpenModelOptions OpenedModel PredictOptions ProbabilityOptions SegmentationModel
      Components ConfusionMatrix Contingency DistanceTransform ErrorMap InstanceScores IsbiScores OverlapScores Watershed
      InstanceMatching MatchObjectsOptions ObjectMatches TunedSeparation TuneSeparationOptions TuningImage
      FilteredObjects FilterObjectsOptions HMaxima PredictedMaps SeparatedObjects SeparationSettings SeparationWay
      WatershedOptions
      LungGeometry LungMeasures LungSidesOptions MeasureName MeasureOptions MeasuredImage
      CocoImage Column Outline OutlinedSlice Polygon PolygonOptions Table
      CompileOptions DeviceName Feeds Formulation Program Runtime WinogradUse
    `),
  },
  'src/platform/node/index.ts': {
    values: words(`
      availableDevices nodeFiles openModelFile openRuntime readImageFile resumeTraining train workingDevices writeImageFile
      writeComparison writeExplanation writeReport
    `),
    types: words(`
      FinishedRun MachineOptions ModelOnDevice NodeDevice OpenModelFileOptions OpenRuntimeOptions ReadFileOptions ReportOptions TrainRunOptions
      WriteComparisonOptions WriteExplanationOptions
    `),
  },
  'src/platform/browser/index.ts': {
    values: words('availableDevices drawImage openModelFile openRuntime readImageFile train'),
    types: words('BrowserDevice FileSource ModelOnDevice OpenRuntimeOptions TrainOptions TrainedInPage'),
  },
};

describe('public names', () => {
  it.each(Object.entries(PUBLIC))('%s exports these and no others', (file, expected) => {
    expect(exportsOf(file)).toEqual(expected);
  });
});
