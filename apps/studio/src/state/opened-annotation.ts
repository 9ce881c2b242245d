/** The annotation of a project as the engine keeps it: label files, and the edits since they were written. */

import {
  Annotations,
  type Engine,
  History,
  type HistoryOptions,
  type ImageInfo,
  LabelLayer,
  type ProjectState,
  regionOf,
  setPage,
  splitRecords,
} from 'lamella/studio';
import { nextTask } from '../next-task.ts';

export interface OpenedAnnotation {
  /** Of the project. */
  readonly id: string;
  readonly annotations: Annotations;
  readonly history: History;
}

/**
 * Opens what is annotated in a project; labels of an image are loaded when it is looked at.
 * @param problem is told when an edit could not be kept
 */
export async function openAnnotation(
  engine: Engine,
  { id, project, images, journal, readOnly }: ProjectState,
  problem: HistoryOptions['problem'],
): Promise<OpenedAnnotation> {
  const annotations = new Annotations(project.task, project.classes ?? []);
  for (const image of images) addImage(engine, annotations, image, project);
  const history = new History(annotations, {
    store: { write: (_, record) => engine.record(record) },
    pause: nextTask,
    problem,
  });
  // Only another tab's last edits are not yet in what the engine gives.
  await history.replay(splitRecords(journal).records, { apply: readOnly });
  return { id, annotations, history };
}

/** Adds an image whose labels the engine has. */
export function addImage(
  engine: Engine,
  annotations: Annotations,
  { id, width, height, pages }: ImageInfo,
  { images }: Pick<ProjectState['project'], 'images'>,
): void {
  const size = { width, height, slices: pages };
  const load = async (): Promise<LabelLayer> => {
    const layer = new LabelLayer(annotations.kind, size);
    for (let page = 0; page < pages; page++) {
      const labels = await engine.labels(id, page);
      if (labels !== undefined) setPage(layer, labels, page, layer.notAnnotated);
    }
    return layer;
  };
  const regions = images.find((image) => image.id === id)?.regions ?? [];
  annotations.addClosedImage(id, size, load, regions.map(regionOf));
}
