/** Runs compared on the same images: scores with confidence intervals and tests, and the cost of each. Plain data. */

import { stream } from '../../array/random.ts';
import { counted, UsageError } from '../../errors.ts';
import { bootstrapMeans, type Interval, meanInterval } from '../../metrics/bootstrap.ts';
import { holm, leastSignFlipP, signFlipTest, type TestResult, wilcoxonTest } from '../../metrics/paired-tests.ts';
import type { Series } from '../run/data.ts';

/** A run after scoring on the compared images. */
export interface RunResult {
  readonly name: string;
  /** `unet (base channels 16, depth 4)`. */
  readonly network: string;
  /** Runs of the same recipe differ only by their random seed. */
  readonly recipe?: string;
  readonly seed?: number;
  /** The score per image; the same for all runs. */
  readonly metric: string;
  /** Score per image, higher is better, NaN if it has none. The same images in the same order for all runs. */
  readonly perImage: readonly { readonly name: string; readonly score: number }[];
  /** Scores pooled over all images, by name, as in `report`. */
  readonly scores: { readonly [name: string]: number };
  readonly parameters: number;
  /** MACs per image, computed from the graph; the mean if images differ in size. */
  readonly macs: number;
  /** Peak memory in bytes for a tile, including weights, computed from the graph. */
  readonly peakBytes: number;
  /** Time per image on the comparing machine. */
  readonly predictionMs: number;
  /** Energy per image, if the machine reports it. */
  readonly predictionJoules?: number;
  /** Undefined, as what follows, for a model whose training is not known. */
  readonly steps?: number;
  readonly trainingMs?: number;
  readonly trainingImages?: number;
  /** The machine it was trained on. */
  readonly machine?: string;
  /** Validation score over training time in minutes, with the name of the score. */
  readonly learning?: Series & { readonly metric: string };
}

export interface ComparedRun extends Omit<RunResult, 'perImage' | 'metric' | 'recipe'> {
  /** Mean over the images, with its confidence interval. */
  readonly score: Interval;
  /** Per image, in the order of `images`. */
  readonly perImage: readonly number[];
  /** Score per million parameters (Canziani et al. 2016, figure 10). */
  readonly efficiency: number;
}

/** Two runs, by their indices in `runs`: b minus a. */
export interface ComparedPair {
  readonly a: number;
  readonly b: number;
  readonly difference: Interval;
  /** Number of images on which each is ahead; the others are ties. */
  readonly ahead: readonly [a: number, b: number];
  readonly signFlip: TestResult;
  readonly wilcoxon: TestResult;
  /** p of the sign-flip test, Holm-corrected over all pairs. */
  readonly adjustedP: number;
  /** Whether `b` is better or worse than `a` by both the test and the interval. */
  readonly verdict: 'better' | 'worse' | 'undecided';
}

/** Runs that differ only by their random seed: the spread of one training recipe. */
export interface SeedGroup {
  /** Indices in `runs`. */
  readonly runs: readonly number[];
  readonly network: string;
  /** Mean of the runs' scores. */
  readonly mean: number;
  /** Standard deviation of the runs' scores, with n - 1. */
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
  /** Best first. */
  readonly runs: readonly ComparedRun[];
  readonly pairs: readonly ComparedPair[];
  /** Best first; empty if every run has its own recipe. */
  readonly seeds: readonly SeedGroup[];
  /** The smallest p possible with this number of images. */
  readonly leastP: number;
  /** Caveats. */
  readonly notes: readonly string[];
}

export interface CompareOptions {
  readonly seed?: number;
  /** Default 10,000. */
  readonly resamples?: number;
  /** Confidence level of intervals and tests; default 0.95. */
  readonly level?: number;
}

/**
 * Compares runs by the mean score over the images: BCa bootstrap intervals over images, paired differences by the same
 * samples, with a sign-flip permutation test and Wilcoxon's test. Images without a score in any of the runs are
 * excluded. The same seed produces the same numbers.
 * @throws UsageError for fewer than two runs, different metrics or images, or if no image remains.
 */
export function compareRuns(results: readonly RunResult[], options: CompareOptions = {}): Comparison {
  const { seed = 0, resamples = 10_000, level = 0.95 } = options;
  const [first] = results;
  if (first === undefined || results.length < 2) {
    throw new UsageError('A comparison needs at least two runs.', { remedy: 'Provide two or more.' });
  }
  for (const result of results) requireSame(first, result);
  const kept = first.perImage.flatMap((_, i) =>
    results.every(({ perImage }) => Number.isFinite(perImage[i]?.score)) ? [i] : [],
  );
  if (kept.length === 0) {
    throw new UsageError('None of the images has a score in every run.', { remedy: 'Use images with ground truth.' });
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
  const images = kept.map((i) => first.perImage[i]?.name as string);
  const compared = { metric: first.metric, images, level, resamples, runs: sorted, pairs, seeds, leastP };
  return { ...compared, notes: notesOn(results, left, compared) };
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
      remedy: 'Compare runs that use the same score.',
    });
  }
  const at = first.perImage.findIndex(({ name }, i) => other.perImage[i]?.name !== name);
  if (at >= 0 || first.perImage.length !== other.perImage.length) {
    throw new UsageError(`${first.name} and ${other.name} were scored on different images.`, {
      remedy: 'Score both on the same images.',
    });
  }
}

function notesOn(
  results: readonly RunResult[],
  left: number,
  { images: { length: images }, leastP, level, pairs, seeds }: Omit<Comparison, 'notes'>,
): string[] {
  const notes: string[] = [];
  if (left > 0) notes.push(`${left} ${left === 1 ? 'image is' : 'images are'} excluded: no score in at least one run.`);
  if (leastP > 1 - level) {
    notes.push(
      `With ${counted(images, 'image')} the permutation test cannot give a p below ${Number(leastP.toPrecision(2))}, so no difference can be significant. More held-out images are needed.`,
    );
  } else if (leastP * pairs.length > 1 - level) {
    notes.push(
      `With ${counted(images, 'image')} and ${counted(pairs.length, 'pair')}, not all differences can be significant after correction.`,
    );
  }
  if (images < 10)
    notes.push(
      `Intervals from ${images} images are rough: with few samples, bootstrap intervals tend to be too narrow.`,
    );
  const kind = 'The intervals and tests cover variation over images of the same kind, not over training runs';
  const widest = Math.max(...seeds.map(({ lowest, highest }) => highest - lowest));
  notes.push(
    seeds.length === 0
      ? `${kind}: another random seed gives other weights. Train each network several times with different random seeds to see how much.`
      : `${kind}: scores of the same training with different random seeds differ by up to ${widest.toFixed(4)} here, so a difference of that size between two runs may be chance.`,
  );
  const machines = new Set(results.flatMap(({ machine }) => machine ?? []));
  if (machines.size > 1)
    notes.push('The runs were trained on different machines: their training times are not comparable.');
  return notes;
}
