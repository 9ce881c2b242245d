/**
 * `lamella/objects`: thresholds, components, distance transforms, watersheds, instance separation, stars, flows,
 * outlines.
 */

export type { Box } from '../objects/blocks/block-grid.ts';
export type { BlockStore, ByBlocksOptions, ObjectsByBlocks } from '../objects/blocks/by-blocks.ts';
export { type ArrayByBox, componentsByBlocks as labelByBlocks } from '../objects/blocks/components-by-blocks.ts';
export type { MapsByBox, StoredMaps } from '../objects/blocks/separate-block.ts';
export { type SeparateByBlocksOptions, separateByBlocks } from '../objects/blocks/separate-by-blocks.ts';
export { type Components, connectedComponents as label } from '../objects/connected-components.ts';
export {
  type DistanceTransform,
  distanceToNonzero,
  distanceToZero as distanceTransform,
} from '../objects/distance-transform.ts';
export { fillHoles } from '../objects/fill-holes.ts';
export { type FilteredObjects, type FilterObjectsOptions, filterObjects } from '../objects/filter-objects.ts';
export { type FlowMaps, type FlowOptions, flowObjects } from '../objects/flows/flow-objects.ts';
export { labelFlows } from '../objects/flows/flow-targets.ts';
export { type HMaxima, hMaxima } from '../objects/h-maxima.ts';
export {
  type PredictedMaps,
  type ProbabilityMap,
  type SeparatedObjects,
  type SeparationSettings,
  type SeparationWay,
  separateObjects,
} from '../objects/instances.ts';
export { type Outline, type PolygonOptions, toPolygons } from '../objects/polygons.ts';
export { relabelConsecutive } from '../objects/relabel.ts';
export type { Polygon } from '../objects/rings.ts';
export { type WatershedOptions, watershed } from '../objects/seeded-watershed.ts';
export {
  type StarMaps,
  type StarObject,
  type StarObjects,
  type StarOptions,
  starObjects,
} from '../objects/stars/star-objects.ts';
export { type StarDistanceOptions, starDistances, starProbability } from '../objects/stars/star-targets.ts';
export { aboveThreshold, otsuThreshold } from '../objects/threshold.ts';
export { vincentSoilleWatershed, type Watershed } from '../objects/watershed.ts';
