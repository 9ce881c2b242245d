/** The annotation of a page, as it is painted and kept by an engine. */
import { Annotations } from '../../src/annotate/annotations.ts';
import { BrushStroke } from '../../src/annotate/brush.ts';
import { History } from '../../src/annotate/history.ts';
import { setPage } from '../../src/annotate/pages.ts';
import { splitRecords } from '../../src/annotate/record.ts';
import type { Engine, ImageInfo, ProjectState } from '../../src/studio/engine.ts';

export interface Painter {
  readonly annotations: Annotations;
  readonly history: History;
  /** A stroke along points, as one edit. */
  stroke(
    image: string,
    value: number,
    points: readonly (readonly [number, number])[],
    diameter?: number,
  ): Promise<void>;
  add(images: readonly ImageInfo[]): Promise<void>;
}

/** Opens the labels of a project with their history, as the page does. */
export async function openPainter(
  engine: Engine,
  { project, images, journal, readOnly }: ProjectState,
): Promise<Painter> {
  const annotations = new Annotations(project.task, project.classes ?? []);
  const history = new History(annotations, { store: { write: (_, record) => engine.record(record) } });
  const add = async (more: readonly ImageInfo[]): Promise<void> => {
    for (const { id, width, height, pages } of more) {
      const layer = annotations.addImage(id, { width, height, slices: pages });
      for (let page = 0; page < pages; page++) {
        const labels = await engine.labels(id, page);
        if (labels !== undefined) setPage(layer, labels, page, layer.notAnnotated);
      }
      layer.takeChanges();
    }
  };
  await add(images);
  await history.replay(splitRecords(journal).records, { apply: readOnly });
  return {
    annotations,
    history,
    add,
    async stroke(image, value, points, diameter = 7) {
      const stroke = new BrushStroke(annotations.layer(image), { diameter, value });
      for (const [x, y] of points) stroke.moveTo(x, y);
      history.commit('brush');
      await history.settled();
    },
  };
}
