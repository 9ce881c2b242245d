/** `lamella/studio`: the annotation that Lamella Studio is built on, for tools of one's own. */

export { type AnnotationClass, Annotations, type Change } from '../annotate/annotations.ts';
export { type BrushOptions, BrushStroke } from '../annotate/brush.ts';
export { CHUNK_SIZE, type Labels } from '../annotate/chunk.ts';
export { type AppliedEdit, type ChangedPlace, History } from '../annotate/history.ts';
export {
  type ChangeTracker,
  type ChunkPlace,
  type DirtyChunk,
  LabelLayer,
  type LayerSize,
} from '../annotate/label-layer.ts';
export { type LayerKind, NOT_ANNOTATED, type Over } from '../annotate/label-values.ts';
export { pageOf, type StoredLabels, setPage, storedAs } from '../annotate/pages.ts';
export { type PaintOptions, paintShape } from '../annotate/paint.ts';
export type { Box } from '../annotate/region.ts';
