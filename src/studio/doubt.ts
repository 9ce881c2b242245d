/** Whether a network has learned enough to be used: whether it finds what was painted for it, and the quick model no more. */

import { joinPath } from '../files.ts';
import { prepareInput } from '../input/network-input.ts';
import { argmaxClasses } from '../metrics/argmax.ts';
import { mapsOfRims } from '../objects/instances.ts';
import { aboveThreshold } from '../objects/threshold.ts';
import { openOwnModel } from '../predict/own.ts';
import { predictPlanes } from '../predict/predict.ts';
import { modelFileOf } from '../workflows/model-files.ts';
import { addCounts, better, type Counts, diceOf, meanDice } from './contest.ts';
import type { ImageId, TrainedRun } from './engine.ts';
import type { StudioHost } from './host.ts';
import { type LiveData, LiveSource } from './live-data.ts';
import type { LiveModel } from './live-models.ts';
import type { OpenProject } from './open-project.ts';

/** Images that are looked at, at most, spread over the project; and pieces for each class. */
const MOST_IMAGES = 8;
const PIECES_PER_CLASS = 2;
/** A network that finds less of a class than this, where it was painted, does not know it. */
const LEAST_FOUND = 0.5;
/** Two models that agree on less of a class than this (Dice) see different things: one of them is wrong. */
const LEAST_ALIKE = 0.75;

/** What is to be said of a run's network. */
export type Judgement = Pick<TrainedRun, 'doubt' | 'behindQuick' | 'unlikeQuick'>;

/**
 * Judges a run's network by what was painted, and beside it the quick model of the live preview, if that has learned. Both
 * have learned from those pixels: one that has learned enough finds most of them, one that calls everything by one name
 * finds none of another.
 * What is painted is mostly far from borders, where both are right: so they are also compared where nothing is painted.
 * @returns the class of which the network finds least, if that is less than half of the painted pixels; the mean Dice of
 * both models on these, if the quick model's is the better one; and the class on which both agree least, if that is little.
 * Nothing if the network has other classes than the project
 */
export async function judgeRun(
  host: StudioHost,
  open: OpenProject,
  { run, steps }: { readonly run: string; readonly steps: number },
  quick: LiveModel | undefined,
): Promise<Judgement> {
  const data = await new LiveSource(open).read(spreadOut(annotatedImages(open), MOST_IMAGES));
  const file = await modelFileOf(host.files, joinPath(open.folder, run));
  const runtime = await host.openRuntime();
  try {
    const model = await openOwnModel(runtime, await host.files.read(file), { file });
    const { classes } = data;
    if (classes.some(({ name }, i) => model.classes[i] !== name)) return {};
    const hasRims = model.classes.length > classes.length;
    const [ofNetwork, ofQuick, ofBoth]: readonly [Counts, Counts, Counts] = [new Map(), new Map(), new Map()];
    const labelAt =
      ({ data: indices }: { readonly data: ArrayLike<number> }) =>
      (p: number) =>
        classes[indices[p] as number]?.label ?? 0;
    for (const { page, box, labels } of chosenPieces(data)) {
      const [x, y, width, height] = box;
      const region = { x, y, width, height };
      const painted = [...labels].flatMap((value, p): (readonly [number, number])[] => {
        const label = data.labelOf(value);
        return label === undefined ? [] : [[p, label]];
      });
      const planes = prepareInput(page, model.input);
      const probabilities = await predictPlanes(model, { ...page, planes }, { region });
      // A border behind the classes that are painted is of the objects, as where they are separated.
      const predicted = hasRims
        ? aboveThreshold(mapsOfRims(probabilities).foreground, 0.5)
        : argmaxClasses(probabilities);
      addCounts(ofNetwork, painted, labelAt(predicted));
      if (quick === undefined) continue;
      const quickly = labelAt(argmaxClasses(await quick.predict(page, region)));
      addCounts(ofQuick, painted, quickly);
      const all = Array.from(labels, (_, p) => [p, quickly(p)] as const);
      addCounts(ofBoth, all, labelAt(predicted));
    }
    const shares = classes.map(({ label }) => {
      const { both, user } = ofNetwork.get(label) ?? { both: 0, user: 0 };
      return user === 0 ? 1 : both / user;
    });
    const found = Math.min(...shares);
    const { name } = classes[shares.indexOf(found)] as { readonly name: string };
    const alike = classes.flatMap(({ name: of, label }) => {
      const counts = ofBoth.get(label);
      return counts === undefined ? [] : { class: of, dice: diceOf(counts) };
    });
    const [least] = alike.sort((a, b) => a.dice - b.dice);
    const dice = { network: meanDice(ofNetwork), quick: meanDice(ofQuick) };
    return {
      ...(found < LEAST_FOUND && { doubt: { steps, class: name, found } }),
      ...(better(dice.network, dice.quick) < 0 && { behindQuick: dice }),
      ...(least !== undefined && least.dice < LEAST_ALIKE && { unlikeQuick: least }),
    };
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
