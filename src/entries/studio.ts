/**
 * `lamella/studio`: the annotation that Lamella Studio is built on, what computes for it, and how a page reaches that.
 * `openStudioEngine` of `lamella/studio/browser` starts an engine in a worker of a page; `studioHost` of `lamella/node` is this
 * machine as the place of one.
 */

export {
  type AcceptedWindow,
  acceptClasses,
  acceptedShape,
  acceptObjects,
  type FoundObjects,
} from '../annotate/accept.ts';
export type { AnnotationClass } from '../annotate/annotation-class.ts';
export { Annotations } from '../annotate/annotations.ts';
export { type BrushOptions, BrushStroke } from '../annotate/brush.ts';
export type { ChangeTracker, ChunkPlace, DirtyChunk } from '../annotate/changed-parts.ts';
export { CHUNK_SIZE, type Labels } from '../annotate/chunk.ts';
export type { ChunkRuns } from '../annotate/chunk-runs.ts';
export { continueFor } from '../annotate/continue-for.ts';
export type { AppliedEdit, Change, ChangedPlace, LabelChange } from '../annotate/edit.ts';
export {
  type FloodOptions,
  type FoundArea,
  flood,
  forEachRun,
  type Inside,
  type Pixel,
  sameLabel,
  similar,
  type ValueAt,
} from '../annotate/flood.ts';
export { History, type HistoryOptions } from '../annotate/history.ts';
export { isHeldOutNext, LEAST_PAGES, LEAST_REGIONS, regionsToHold } from '../annotate/hold-out-rule.ts';
export { Journal, type JournalStore, memoryJournal, type OpenedJournal } from '../annotate/journal.ts';
export { LabelLayer, type LayerSize } from '../annotate/label-layer.ts';
export { type LayerKind, NOT_ANNOTATED, type Over } from '../annotate/label-values.ts';
export {
  deleteObjects,
  fillObjectHoles,
  mergeObjects,
  nextObject,
  renumberObject,
  replaceLabels,
} from '../annotate/object-edits.ts';
export { pageOf, type StoredLabels, setPage, storedAs } from '../annotate/pages.ts';
export { type PaintOptions, painter, paintShape } from '../annotate/paint.ts';
export { splitRecords } from '../annotate/record.ts';
export type { RecordStore } from '../annotate/record-writer.ts';
export type { Box, Region, RegionShape } from '../annotate/region.ts';
export { copySlice, interpolateSlices, type SliceOptions } from '../annotate/slices.ts';
export { splitObject } from '../annotate/split-object.ts';
export { type WandOptions, wand } from '../annotate/wand.ts';
// For `Runtime`, which types of the engine name.
export type {} from '../graph/ops/table.ts';
export type { FoundRun } from '../objects/fill-polygon.ts';
export { projectRegionOf, regionOf } from '../project/regions.ts';
export { linearScale, niceInterval, type Scale } from '../report/kit/scales.ts';
export { connect } from '../studio/connect.ts';
export { createEngine } from '../studio/create-engine.ts';
export type {
  AddedFiles,
  ChannelInfo,
  CheckPlace,
  Engine,
  EngineDescription,
  EngineEvent,
  ExportedFile,
  ExportFormat,
  ExportOptions,
  GivenFile,
  ImageId,
  ImageInfo,
  LiveOptions,
  ObjectFilters,
  Plane,
  PreviewResult,
  Problem,
  ProjectState,
  ProjectSummary,
  Rect,
  RunDoubt,
  RunInfo,
  SegmentedImages,
  SegmentOptions,
  StudioTrainOptions,
  TablePage,
  TableQuery,
  TrainedRun,
  View,
  WindowObjects,
} from '../studio/engine.ts';
export type { OpenFile, StudioHost, StudioSessionPlace } from '../studio/host.ts';
export { type PortLike, portChannel } from '../studio/port-channel.ts';
export type { Channel, Message } from '../studio/protocol.ts';
export { serve } from '../studio/serve.ts';
export { type SocketLike, socketChannel } from '../studio/socket-channel.ts';
export type { ScoredOn } from '../train/log.ts';
