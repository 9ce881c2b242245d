/** Post-processing chosen by cross-validation: on images that the network in question was not trained on. */

import { stream } from '../../array/random.ts';
import { bootstrapMeans, type Interval, meanInterval } from '../../metrics/bootstrap.ts';

/** An image that was predicted by the fold that did not see it. */
export interface HeldOutImage<C> {
  readonly fold: number;
  /** What is sampled as one: a stack, whose slices are alike, or the image itself. */
  readonly unit: string;
  /** Its score where the choice is applied; `undefined`: where none is. */
  score(choice: C | undefined): number;
}

/** How a choice is made from some of the images; `undefined` for none. */
export type Choose<C> = (some: readonly HeldOutImage<C>[]) => C | undefined;

export interface ChosenByFolds<C> {
  /** Means over units, each that of its images. */
  readonly before: Interval;
  /** With a choice for each fold that was made on the other folds alone. */
  readonly after: Interval;
  /** Of after and before, paired by unit. */
  readonly difference: Interval;
  /** The choice from all images, if the difference is above 0 by more than chance explains. */
  readonly choice: C | undefined;
  /** Number of units. */
  readonly units: number;
}

/** With fewer, improvements of all of them are still chance in more than one of 40 cases: 2^-5 > 0.025. */
export const LEAST_UNITS = 6;

/** Mean of the images of each unit, in the order of their first. */
function byUnit<C>(images: readonly HeldOutImage<C>[], values: readonly number[]): readonly number[] {
  const units = new Map<string, number[]>();
  images.forEach(({ unit }, i) => {
    const own = units.get(unit) ?? [];
    own.push(values[i] as number);
    units.set(unit, own);
  });
  return [...units.values()].map((own) => own.reduce((a, b) => a + b, 0) / own.length);
}

/** Mean with its 95 % interval: bootstrap over values, BCa, 10,000 resamples. */
function intervalOf(values: readonly number[]): Interval {
  const [means] = bootstrapMeans([values], stream(0, 'folds'));
  return meanInterval(values, means as Float64Array);
}

/** Whether scores are higher after than before by more than chance explains: the 95 % interval of the mean difference is above 0. */
export function improves<C>(
  images: readonly HeldOutImage<C>[],
  before: readonly number[],
  after: readonly number[],
): boolean {
  const differences = byUnit(
    images,
    after.map((score, i) => score - (before[i] as number)),
  );
  return differences.reduce((a, b) => a + b, 0) > 0 && intervalOf(differences).low > 0;
}

/**
 * Chooses from all images, and estimates without bias what that is worth: each fold is scored with what is chosen on the
 * others.
 */
export function chooseByFolds<C>(images: readonly HeldOutImage<C>[], choose: Choose<C>): ChosenByFolds<C> {
  const before = images.map((image) => image.score(undefined));
  const after = before.slice();
  for (const fold of new Set(images.map((image) => image.fold))) {
    const choice = choose(images.filter((image) => image.fold !== fold));
    if (choice === undefined) continue;
    images.forEach((image, i) => {
      if (image.fold === fold) after[i] = image.score(choice);
    });
  }
  const [old, fresh] = [byUnit(images, before), byUnit(images, after)];
  return {
    before: intervalOf(old),
    after: intervalOf(fresh),
    difference: intervalOf(fresh.map((score, i) => score - (old[i] as number))),
    choice: old.length >= LEAST_UNITS && improves(images, before, after) ? choose(images) : undefined,
    units: old.length,
  };
}
