import { readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
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
      DatasetError DeviceError FormatError GraphError IGNORE Interrupted LamellaError ModelError
      READABLE_EXTENSIONS RunError TrainingError UsageError channel classOf classifyPages describeImage blockFor
      baseName factsOf float32 joinPath labelImage memorySink openImage openOmeZarr option elementCount sizes meanProbabilities ndarray openClassifier openModel openSession overlayImage page pageCount memorySource
      planPage predictAverage predictImage predictPages prepareDataset probabilityImage rawDataset outputInfo predictToSinks
      readClasses readDataset readDicomSeries readImage readOmeZarr recipeFor trainQuick writeNifti writeOmeTiff writeOmeZarr writeOptions writePng writeTiff
    `),
    types: words(`
      Classifier ClassifyOptions CompileOptions DType DeviceName DicomFile Feeds Files Geometry WritableFiles
      Annotation ByteSource Image ImageDescription ImageInfo ImageLevel ImageSink ImageSource InputSpec LabelClass LabelMapOptions LabelMapping LabelledImage MemorySink NdArray
      NormalisationOptions OpenModelOptions OpenedModel OutputOf PageRegion PredictOptions PredictRegionsOptions RegionOutput PrepareOptions
      PreparedDataset ProbabilityOptions Program RawClasses RawDataset ReadClassesOptions ReadOptions ErrorCode Facts Recipe Region RunConfig Session SessionOptions SessionPlace SessionState StartFile Runtime SegmentationModel Shape Sizes Spacing Spacings SplitChoice TensorLayout TrainEvent TrainRunHooks
      QuickModel QuickOptions TrainSettings TrainingPage TrainingSet Vector3 WriteNiftiOptions WriteOmeTiffOptions WriteOmeZarrOptions WriteTiffOptions
    `),
  },
  'src/entries/graph.ts': {
    values: words(`
      GraphBuilder bindShapes checkGraph constantsToInputs convGeometry graphCost decompose denseGraph dependsOn gradient
      graphMacs inputsToConstants opKind graphLayers networkSvg parameterCount parametersOf printGraph readOnnx readSignature
      receptiveField tileRule traceDependence writeOnnx
    `),
    types: words(`
      Build ConvGeometry Dependence Graph GraphCost Layer Node NodeCost OpKind ReceptiveField Signature Value WinogradUse WriteOptions
    `),
  },
  'src/entries/nn.ts': {
    values: words(`
      NO_AUGMENTATION NetworkBuilder adam adamW augmentSettings buildNetwork centreCrop chooseUnet
      concatCropped conv2d conv3d convergence crossEntropy dense diceCrossEntropy diceLoss drawMasks dropout exportNetwork
      feedsOf flatten focalLoss init instanceNorm isClass localResponseNorm makeBatch maxPool openOnnxNetwork
      perceptronCriterion planUnet3d predictionGraph relu scheduleOf sgd sigmoidCrossEntropy sizesOf trainingStep
      unet3d upConv upsample weightedMean
    `),
    types: words(`
      AdamOptions AlexNetSpec AugmentOptions AugmentSettings Batch Conv3dOptions ConvOptions DiceOptions FocalOptions
      Initialiser Loss LossName LossSpec MlpSpec ModelMetadata ModelName ModelSpec Network OnnxNetwork Optimizer
      OptimizerName OptimizerSpec Parameter PerceptronSpec SampleOptions Schedule ScheduleName
      ScheduleSpec SgdOptions SizeConstraints SlidingWindowSpec StepOptions Target TrainingStep Unet2015Spec Unet3dSpec UnetSpec
    `),
  },
  'src/entries/image.ts': {
    values: words(`
      alignLabels castTo displayMap displayWindow dropAlpha inverseMap overviewPicture reorient rescaleToUint8
      sliceExtentsMm sliceOrigin stackPages voxelSteps toFloat32 toGrey withSpacingMm
    `),
    types: words(`
      AxisMap DisplayWindow OverviewOptions
    `),
  },
  'src/entries/metrics.ts': {
    values: words(`
      ISBI_THRESHOLDS averageSymmetricSurfaceDistance confusionMatrix contingency contourDistances cremiAdaptedRand
      diceScore edgeDistances errorMap hausdorff hausdorffMonai hausdorffPooled hausdorffSurfaceDistance instanceScores
      iouScore isbiScores isbiSliceScores isbiWholeImageVariationOfInformation matchInstances matchObjects
      meanSurfaceDistance overlapScores scikitImageAdaptedRand surfaceDice topKAccuracy tuneSeparation
      variationOfInformationBits wholeImageRand
    `),
    types: words(`
      AdaptedRand ConfusionMatrix Contingency ErrorMap InstanceMatching InstanceScores IsbiScores MatchObjectsOptions
      ObjectMatches OverlapScores PairCounts SplitMergeEntropy TuneSeparationOptions TunedSeparation TuningImage
      VariationOfInformationOptions
    `),
  },
  'src/entries/objects.ts': {
    values: words(`
      aboveThreshold distanceToNonzero distanceTransform fillHoles filterObjects flowObjects hMaxima label labelFlows
      otsuThreshold labelByBlocks relabelConsecutive separateByBlocks separateObjects starDistances starObjects
      starProbability toPolygons vincentSoilleWatershed watershed
    `),
    types: words(`
      ArrayByBox BlockStore Box ByBlocksOptions Components DistanceTransform FilterObjectsOptions FilteredObjects FlowMaps
      FlowOptions HMaxima StarDistanceOptions StarMaps StarObject StarObjects StarOptions
      MapsByBox ObjectsByBlocks Outline Polygon PolygonOptions PredictedMaps ProbabilityMap SeparateByBlocksOptions
      SeparatedObjects SeparationSettings SeparationWay StoredMaps Watershed WatershedOptions
    `),
  },
  'src/entries/measure.ts': {
    values: words(`
      LUNG_SIDE LabelBlock MEASURES ObjectMeasurer tableColumn headerOf joinRows lungSides measure measureLungs outlineSlices
      withText writeCoco writeCsv writeGeoJson writeLabelTiff writeParquet writeRoiZip
    `),
    types: words(`
      CocoImage Column LungGeometry LungMeasures LungSidesOptions MeasureName MeasureOptions MeasuredGrid MeasuredImage
      OutlinedSlice Table
    `),
  },
  'src/entries/array.ts': {
    values: words('bicubicField gaussianBlur stream'),
    types: words('GridPlacement Random'),
  },
  'src/entries/predict.ts': {
    values: words(`
      DIVIDED_BY_255 cleanedImage readMetadata inputAt inputNotes inputPages predictAt viewAt
    `),
    types: words('Activation ChannelChoice ClassInput Page PixelInput Point Rectangle'),
  },
  'src/entries/report.ts': {
    values: words(`
      compareRuns crop dataUri factTable greyPicture heatOver html imagePicture largest magnitude renderPage
      reproduce section shrink signedPicture trusted withPrefix
    `),
    types: words(`
      CompareOptions Comparison FactRows Figure Markup PageHead PageOptions Picture RunResult
    `),
  },
  'src/entries/studio.ts': {
    values: words(`
      Annotations BrushStroke CHUNK_SIZE History Journal LabelLayer NOT_ANNOTATED continueFor copySlice deleteObjects
      fillObjectHoles flood forEachRun interpolateSlices memoryJournal mergeObjects nextObject pageOf paintShape painter
      projectRegionOf regionOf renumberObject replaceLabels sameLabel setPage similar splitObject splitRecords storedAs
      LEAST_PAGES LEAST_REGIONS acceptClasses acceptObjects acceptedShape isHeldOutNext regionsToHold
      linearScale niceInterval
      wand connect createEngine portChannel serve socketChannel
    `),
    types: words(`
      AddedFiles AnnotationClass AppliedEdit Box BrushOptions Change ChangeTracker ChangedPlace ChunkPlace ChunkRuns DirtyChunk
      FloodOptions FoundArea FoundRun HistoryOptions Inside JournalStore LabelChange Labels LayerKind LayerSize
      OpenedJournal Over PaintOptions Pixel RecordStore Region RegionShape RunInfo Scale SliceOptions StoredLabels ValueAt WandOptions
      Channel ChannelInfo CheckPlace Engine EngineDescription EngineEvent ExportFormat ExportOptions ExportedFile GivenFile
      ImageId ImageInfo LiveOptions ObjectFilters OpenFile StudioSessionPlace Message Plane PortLike PreviewResult Problem ProjectState ProjectSummary Rect
      SegmentOptions SegmentedImages SocketLike StudioHost StudioTrainOptions TablePage TableQuery TrainedRun View
      AcceptedWindow FoundObjects RunDoubt ScoredOn WindowObjects
    `),
  },
  'packages/demo/index.ts': {
    values: words('PERCEPTRON_FILES perceptronDemo'),
    types: words('PerceptronDemo'),
  },
  'packages/explain/index.ts': {
    values: words('explain writeExplanation'),
    types: words('ExplainOptions Explanation WriteExplanationOptions'),
  },
  'packages/phantom/index.ts': {
    values: words('nuclei phantom writeSlices'),
    types: words('Nuclei NucleiOptions Phantom PhantomOptions'),
  },
  'src/entries/workflows.ts': {
    values: words(`
      suggestPlaces
      PROJECT_FILE classifyFolder drawAugmentation eightBitFileOf evaluate exportBioImageIo exportEightBit inspect measureFolder memoryFiles modelFileOf parseProject predictFolder profileNetwork
      readImageFile readModel scoreClassifiers writeComparison writeProject writeReport
    `),
    types: words(`
      EstimatedAccuracy SuggestOptions SuggestedObject SuggestedObjects SuggestedPlace Suggestions
      ClassifiedFolder ClassifyFolderOptions DrawAugmentationOptions EnergyMeter EvaluateOptions Evaluation ExportModelOptions ExportedModel FailedFile FileContent Host
      EightBitModel EightBitOptions InspectOptions Inspected MeasureFolderOptions MeasureHooks MeasuredFolder MemoryFiles NetworkProfile PredictFolderOptions PredictHooks PredictedFile
      PredictedFolder ProfileOptions Project ProjectClass ProjectImage ProjectRegion ReportOptions TopK Trace WriteComparisonOptions
    `),
  },
  'src/platform/node/index.ts': {
    values: words(`
      availableDevices nodeFiles nodeHost openImageFile openModelFile openRuntime readImageFile resumeTraining sessionPlace studioHost train workingDevices writeImageFile
    `),
    types: words(
      'FinishedRun FolderPlace FolderPlaceOptions MachineOptions NodeDevice OpenModelFileOptions OpenRuntimeOptions TrainRunOptions',
    ),
  },
  'src/platform/browser/studio-entry.ts': {
    values: words('allowLinkedFolder connectStudioServer openStudioEngine putFolderAtHand'),
    types: [],
  },
  'src/platform/browser/index.ts': {
    values: words(`
      availableDevices browserHost chosenFiles drawImage droppedFiles filesOfDrop exportRun importRun openModelFile openRuntime opfsStore
      readImageFile removeRun resumeTraining sessionPlace train
    `),
    types: words(`
      BrowserDevice BrowserHost FileSource ModelOnDevice OpenRuntimeOptions ResumeOptions SessionPlaceOptions TrainOptions
      TrainedInPage
    `),
  },
};

/** The files of declarations that the built entry point reaches by its imports, below dist. */
function declarationsFrom(entry: string): ReadonlySet<string> {
  const reached = new Set<string>();
  const visit = (file: string): void => {
    if (reached.has(file)) return;
    reached.add(file);
    for (const { fileName } of ts.preProcessFile(readFileSync(join(ROOT, 'dist', file), 'utf8')).importedFiles)
      if (fileName.startsWith('.')) visit(normalize(join(dirname(file), fileName.replace(/\.ts$/, '.d.ts'))));
  };
  visit(entry);
  return reached;
}

describe('public names', () => {
  it.each(Object.entries(PUBLIC))('%s exports these and no others', (file, expected) => {
    expect(exportsOf(file)).toEqual(expected);
  });

  // graph/ops/table.ts adds the ops to a type of graph/attributes.ts, which has none without it.
  it.each(Object.keys(PUBLIC))('types of %s that name ops name all of them', (file) => {
    const reached = declarationsFrom(file.replace(/^(src|packages)\//, '').replace(/\.ts$/, '.d.ts'));
    expect(reached.has('graph/ops/table.d.ts')).toBe(reached.has('graph/attributes.d.ts'));
  });
});
