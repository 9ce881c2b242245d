/** Whether a network has learned enough to be used at all: whether it finds what was painted for it. */

import { joinPath } from '../files.ts';
import { prepareInput } from '../input/network-input.ts';
import { argmaxClasses } from '../metrics/argmax.ts';
import { mapsOfRims } from '../objects/instances.ts';
import { aboveThreshold } from '../objects/threshold.ts';
import { openOwnModel } from '../predict/own.ts';
import { predictPlanes } from '../predict/predict.ts';
import { modelFileOf } from '../workflows/model-files.ts';
import type { ImageId, RunDoubt } from './engine.ts';
import type { StudioHost } from './host.ts';
import { type LiveData, LiveSource } from './live-data.ts';
import type { OpenProject } from './open-project.ts';

/** Images that are looked at, at most, spread over the project; and pieces for each class. */
const MOST_IMAGES = 8;
const PIECES_PER_CLASS = 2;
/** A network that finds less of a class than this, where it was painted, does not know it. */
const LEAST_FOUND = 0.5;

/**
 * The class of which a run's network finds least, if that is less than half of the painted pixels. Those are what it has learned
 * from: one that has learned enough finds most of them, one that calls everything by one name finds none of another.
 * @returns undefined if it finds half of each class or more, or has other classes than the project
 */
export async function doubtAbout(
  host: StudioHost,
  open: OpenProject,
  { run, steps }: { readonly run: string; readonly steps: number },
): Promise<RunDoubt | undefined> {
  const data = await new LiveSource(open).read(spreadOut(annotatedImages(open), MOST_IMAGES));
  const file = await modelFileOf(host.files, joinPath(open.folder, run));
  const runtime = await host.openRuntime();
  try {
    const model = await openOwnModel(runtime, await host.files.read(file), { file });
    const { classes } = data;
    if (classes.some(({ name }, i) => model.classes[i] !== name)) return undefined;
    const hasRims = model.classes.length > classes.length;
    const painted = classes.map(() => 0);
    const found = classes.map(() => 0);
    for (const { page, box, labels } of chosenPieces(data)) {
      const [x, y, width, height] = box;
      const planes = prepareInput(page, model.input);
      const region = { x, y, width, height };
      const probabilities = await predictPlanes(model, { ...page, planes }, { region });
      // A border behind the classes that are painted is of the objects, as where they are separated.
      const { data: predicted } = hasRims
        ? aboveThreshold(mapsOfRims(probabilities).foreground, 0.5)
        : argmaxClasses(probabilities);
      for (const [p, value] of labels.entries()) {
        const label = data.labelOf(value);
        const k = classes.findIndex((one) => one.label === label);
        if (k < 0) continue;
        painted[k] = (painted[k] as number) + 1;
        if (predicted[p] === k) found[k] = (found[k] as number) + 1;
      }
    }
    const shares = painted.map((count, k) => (count === 0 ? 1 : (found[k] as number) / count));
    const least = Math.min(...shares);
    if (least >= LEAST_FOUND) return undefined;
    return { steps, class: (classes[shares.indexOf(least)] as { name: string }).name, found: least };
  } finally {
    await runtime.dispose();
  }
}

const annotatedImages = (open: OpenProject): readonly ImageId[] =>
  open.project.images.flatMap(({ id, use }) =>
    id !== undefined && use !== 'predict' && open.isAnnotated(id) ? id : [],
  );

/** At most so many of a list, from its beginning to its end. */
function spreadOut<T>(items: readonly T[], most: number): readonly T[] {
  if (items.length <= most) return items;
  return Array.from({ length: most }, (_, i) => items[Math.floor((i * items.length) / most)] as T);
}

/** Some pieces in which each class is painted. */
function chosenPieces({ classes, pieces, labelOf }: LiveData): ReadonlySet<LiveData['pieces'][number]> {
  return new Set(
    classes.flatMap(({ label }) =>
      spreadOut(
        pieces.filter(({ labels }) => labels.some((value: number) => labelOf(value) === label)),
        PIECES_PER_CLASS,
      ),
    ),
  );
}
