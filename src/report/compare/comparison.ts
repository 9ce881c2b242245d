/** Runs beside each other on the same images: scores with what chance leaves open, and what each costs. Plain data. */

import { stream } from '../../array/random.ts';
import { UsageError } from '../../errors.ts';
import { bootstrapMeans, type Interval, meanInterval } from '../../metrics/bootstrap.ts';
import { holm, leastSignFlipP, signFlipTest, type TestResult, wilcoxonTest } from '../../metrics/paired-tests.ts';
import type { Series } from '../run/data.ts';

/** What is known of a run after it was judged on the images that are compared. */
export interface RunResult {
  readonly name: string;
  /** `unet (base channels 16, depth 4)`. */
  readonly network: string;
  /** Runs of the same recipe differ by nothing but their seed. */
  readonly recipe?: string;
  readonly seed?: number;
  /** What every image was scored by; the same for all runs. */
  readonly metric: string;
  /** Score of each image, higher is better, NaN where it has none. The same images in the same order for all runs. */
  readonly perImage: readonly { readonly name: string; readonly score: number }[];
  /** Of all images together, by name, as `report` gives them. */
  readonly scores: { readonly [name: string]: number };
  readonly parameters: number;
  /** Multiplications with addition for one of the images, counted from the graph; of images of several sizes the mean. */
  readonly macs: number;
  /** Bytes of what lives at one time when the network runs on a tile, counted from the graph; weights among them. */
  readonly peakBytes: number;
  /** Of one image, on the machine that compared. */
  readonly predictionMs: number;
  /** Of one image, where the machine counts joules. */
  readonly predictionJoules?: number;
  readonly steps: number;
  readonly trainingMs: number;
  readonly trainingImages: number;
  /** Where it was trained. */
  readonly machine: string;
  /** The validation score over minutes of training, with the name of the score. */
  readonly learning?: Series & { readonly metric: string };
}

export interface ComparedRun extends Omit<RunResult, 'perImage' | 'metric' | 'recipe'> {
  /** Mean over the images, with its interval. */
  readonly score: Interval;
  /** By image, in the order of `images`. */
  readonly perImage: readonly number[];
  /** Score per million parameters (Canziani et al. 2016, figure 10). */
  readonly efficiency: number;
}

/** Two runs, by their places in `runs`: b less a. */
export interface ComparedPair {
  readonly a: number;
  readonly b: number;
  readonly difference: Interval;
  /** On how many images each is ahead; the others are equal. */
  readonly ahead: readonly [a: number, b: number];
  readonly signFlip: TestResult;
  readonly wilcoxon: TestResult;
  /** p of the sign-flip test, corrected for all pairs (Holm). */
  readonly adjustedP: number;
  /** `b` better or worse than `a` where the test and the interval both say so. */
  readonly verdict: 'better' | 'worse' | 'undecided';
}

/** Runs that differ by their seed only: how far apart the same training lies by itself. */
export interface SeedGroup {
  /** Places in `runs`. */
  readonly runs: readonly number[];
  readonly network: string;
  /** Of the runs' scores. */
  readonly mean: number;
  /** Of the runs' scores, with n - 1. */
  readonly deviation: number;
  readonly lowest: number;
  readonly highest: number;
}

export interface Comparison {
  readonly metric: string;
  /** Names of the images. */
  readonly images: readonly string[];
  readonly level: number;
  readonly resamples: number;
  /** The best first. */
  readonly runs: readonly ComparedRun[];
  readonly pairs: readonly ComparedPair[];
  /** The best first; none where every run has a recipe of its own. */
  readonly seeds: readonly SeedGroup[];
  /** The least p that so many images can give. */
  readonly leastP: number;
  /** What a reader has to know before believing a difference. */
  readonly notes: readonly string[];
}

export interface CompareOptions {
  readonly seed?: number;
  /** Default 10,000. */
  readonly resamples?: number;
  /** Of the intervals and tests; default 0.95. */
  readonly level?: number;
}

/**
 * Compares runs by the mean score over the images: intervals by bootstrap over images (BCa), differences of pairs by the
 * same draws, with a permutation test of signs and Wilcoxon's test. Images without a score in some run are left out.
 * The same seed gives the same numbers.
 * @throws UsageError for fewer than two runs, other metrics or other images, and where no image is left.
 */
export function compareRuns(results: readonly RunResult[], options: CompareOptions = {}): Comparison {
  const { seed = 0, resamples = 10_000, level = 0.95 } = options;
  const [first] = results;
  if (first === undefined || results.length < 2) {
    throw new UsageError('There is nothing to compare with fewer than two runs.', { remedy: 'Give two or more.' });
  }
  for (const result of results) requireSame(first, result);
  const kept = first.perImage.flatMap((_, i) =>
    results.every(({ perImage }) => Number.isFinite(perImage[i]?.score)) ? [i] : [],
  );
  if (kept.length === 0) {
    throw new UsageError('None of the images has a score in every run.', { remedy: 'Give images with truth.' });
  }
  const left = first.perImage.length - kept.length;
  const columns = results.map(({ perImage }) => Float64Array.from(kept, (i) => perImage[i]?.score as number));
  const means = bootstrapMeans(columns, stream(seed, 'compare'), { resamples });
  const rows = results.map(({ perImage: _, metric: __, recipe: ___, ...rest }, k): ComparedRun => {
    const score = meanInterval(columns[k] as Float64Array, means[k] as Float64Array, { level });
    return {
      ...rest,
      score,
      perImage: Array.from(columns[k] as Float64Array),
      efficiency: score.value / (rest.parameters / 1e6),
    };
  });
  const order = rows
    .map((_, k) => k)
    .sort((a, b) => (rows[b] as ComparedRun).score.value - (rows[a] as ComparedRun).score.value);
  const undecided = order.flatMap((a, i) =>
    order.slice(i + 1).map((b, j) => {
      const pair = { a: i, b: i + 1 + j };
      const differences = (columns[b] as Float64Array).map(
        (value, n) => value - ((columns[a] as Float64Array)[n] as number),
      );
      const drawn = (means[b] as Float64Array).map((value, r) => value - ((means[a] as Float64Array)[r] as number));
      return {
        ...pair,
        difference: meanInterval(differences, drawn, { level }),
        ahead: [differences.filter((d) => d < 0).length, differences.filter((d) => d > 0).length] as const,
        signFlip: signFlipTest(differences, stream(seed, 'signs', pair.a, pair.b)),
        wilcoxon: wilcoxonTest(differences),
      };
    }),
  );
  const adjusted = holm(undecided.map(({ signFlip }) => signFlip.p));
  const pairs = undecided.map((pair, i): ComparedPair => {
    const adjustedP = adjusted[i] as number;
    const { low, high } = pair.difference;
    const decided = adjustedP <= 1 - level && (low > 0 || high < 0);
    return { ...pair, adjustedP, verdict: decided ? (low > 0 ? 'better' : 'worse') : 'undecided' };
  });
  const leastP = leastSignFlipP(kept.length);
  const sorted = order.map((k) => rows[k] as ComparedRun);
  const seeds = seedGroups(
    sorted,
    order.map((k) => results[k]?.recipe),
  );
  return {
    metric: first.metric,
    images: kept.map((i) => first.perImage[i]?.name as string),
    level,
    resamples,
    runs: sorted,
    pairs,
    seeds,
    leastP,
    notes: notesOn(results, { images: kept.length, left, leastP, level, pairs: pairs.length, seeds }),
  };
}

/** Groups of two or more. */
function seedGroups(runs: readonly ComparedRun[], recipes: readonly (string | undefined)[]): readonly SeedGroup[] {
  return [...new Set(recipes)].flatMap((recipe): SeedGroup[] => {
    const group = runs.map((_, i) => i).filter((i) => recipe !== undefined && recipes[i] === recipe);
    const members = group.map((i) => runs[i] as ComparedRun);
    if (new Set(members.map(({ seed }) => seed)).size < 2) return [];
    const scores = members.map(({ score }) => score.value);
    const mean = scores.reduce((a, b) => a + b, 0) / scores.length;
    const deviation = Math.sqrt(scores.reduce((sum, score) => sum + (score - mean) ** 2, 0) / (scores.length - 1));
    const [lowest, highest] = [Math.min(...scores), Math.max(...scores)];
    return [{ runs: group, network: (members[0] as ComparedRun).network, mean, deviation, lowest, highest }];
  });
}

function requireSame(first: RunResult, other: RunResult): void {
  if (first.metric !== other.metric) {
    throw new UsageError(`${first.name} is scored by ${first.metric}, ${other.name} by ${other.metric}.`, {
      remedy: 'Compare runs that are scored alike.',
    });
  }
  const at = first.perImage.findIndex(({ name }, i) => other.perImage[i]?.name !== name);
  if (at >= 0 || first.perImage.length !== other.perImage.length) {
    throw new UsageError(`${first.name} and ${other.name} are judged on other images.`, {
      remedy: 'Judge both on the same ones.',
    });
  }
}

function notesOn(
  results: readonly RunResult[],
  {
    images,
    left,
    leastP,
    level,
    pairs,
    seeds,
  }: {
    images: number;
    left: number;
    leastP: number;
    level: number;
    pairs: number;
    seeds: readonly SeedGroup[];
  },
): string[] {
  const notes: string[] = [];
  if (left > 0) notes.push(`${left} ${left === 1 ? 'image is' : 'images are'} left out: no score in some run.`);
  if (leastP > 1 - level) {
    notes.push(
      `With ${images} ${images === 1 ? 'image' : 'images'} the permutation test cannot give a p below ${Number(leastP.toPrecision(2))}, whatever the scores: no difference can count as shown. More held-out images are needed.`,
    );
  } else if (leastP * pairs > 1 - level) {
    notes.push(
      `With ${images} images and ${pairs} pairs, not all differences could count as shown after the correction.`,
    );
  }
  if (images < 10)
    notes.push(`Intervals from ${images} images are rough: a bootstrap of few is too narrow rather than too wide.`);
  const kind = 'The intervals and tests speak of other images of the same kind. They say nothing of another training';
  const widest = Math.max(...seeds.map(({ lowest, highest }) => highest - lowest));
  notes.push(
    seeds.length === 0
      ? `${kind}: another seed gives other weights. Train each network several times with different random seeds to see how much.`
      : `${kind}: the same training with another seed lies up to ${widest.toFixed(4)} apart here, so that a difference of that size between two runs may be luck.`,
  );
  const machines = new Set(results.map(({ machine }) => machine));
  if (machines.size > 1)
    notes.push('The runs were trained on different machines: their training times do not compare.');
  return notes;
}
