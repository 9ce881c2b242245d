/** `lamella/metrics`: scores from two arrays. */

export {
  type AdaptedRand,
  cremiAdaptedRand,
  isbiWholeImageVariationOfInformation,
  type PairCounts,
  type SplitMergeEntropy,
  scikitImageAdaptedRand,
  type VariationOfInformationOptions,
  variationOfInformationBits,
  wholeImageRand,
} from '../metrics/clustering.ts';
export { type Contingency, contingency } from '../metrics/contingency.ts';
export { type ErrorMap, errorMap } from '../metrics/error-map.ts';
export { type InstanceMatching, type InstanceScores, instanceScores, matchInstances } from '../metrics/instances.ts';
export { ISBI_THRESHOLDS, type IsbiScores, isbiScores, isbiSliceScores } from '../metrics/isbi.ts';
export { type MatchObjectsOptions, matchObjects, type ObjectMatches } from '../metrics/match-objects.ts';
export {
  type ConfusionMatrix,
  confusionMatrix,
  dice as diceScore,
  iou as iouScore,
  type OverlapScores,
  overlapScores,
} from '../metrics/overlap.ts';
export {
  averageSymmetricSurfaceDistance,
  contourDistances,
  edgeDistances,
  hausdorff,
  hausdorffMonai,
  hausdorffPooled,
  hausdorffSurfaceDistance,
  meanSurfaceDistance,
  surfaceDice,
} from '../metrics/surface-distance.ts';
export { topKAccuracy } from '../metrics/top-k.ts';
export {
  type TunedSeparation,
  type TuneSeparationOptions,
  type TuningImage,
  tuneSeparation,
} from '../metrics/tune-separation.ts';
