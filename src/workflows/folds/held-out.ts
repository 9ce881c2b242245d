/** The images of a run of folds, each predicted by the network that was not trained on it. */

import { scoredPart } from '../../dataset/hold-out.ts';
import { applyMapping, IGNORE } from '../../dataset/labels/labels.ts';
import type { RawDataset, RawPage } from '../../dataset/raw.ts';
import { stacksOf } from '../../dataset/split.ts';
import { RunError } from '../../errors.ts';
import type { PageMetric } from '../../evaluate/scorer.ts';
import { openOwnModel } from '../../predict/own.ts';
import { openOwnMaps } from '../../predict/own-maps.ts';
import { predictPage } from '../../predict/predict.ts';
import { volumeOf, volumesIn } from '../../train/tasks/volumes/prepare.ts';
import type { Host } from '../host.ts';
import type { RunResults } from '../read-run.ts';
import { collectorFor, type Found, type PredictedSlice } from './collect.ts';

/** A fold that was trained, and its number. */
export interface TrainedFold {
  readonly fold: number;
  readonly folder: string;
  readonly results: RunResults;
}

/** What cross-validation found. */
export interface CrossValidation extends Found {
  /** What is sampled as one for intervals. */
  readonly unit: 'image' | 'stack';
  /** Whether the images are slices of one stack, which are alike, so that intervals are too narrow. */
  readonly areAlike: boolean;
}

interface Options {
  readonly device?: Parameters<Host['openRuntime']>[0];
  readonly signal?: AbortSignal;
}

/** What is sampled as one: stacks where whole stacks were held out, otherwise pages. */
function unitsOf(pages: readonly RawPage[], folds: number) {
  const stacks = stacksOf(pages);
  const isByStack = stacks.length >= folds;
  const units = new Map(
    stacks.flatMap(({ name, items }) =>
      items.map((i) => {
        const page = pages[i] as RawPage;
        return [page.name, isByStack ? name : page.name] as const;
      }),
    ),
  );
  const unit = isByStack && stacks.length < pages.length ? ('stack' as const) : ('image' as const);
  return { of: ({ name }: RawPage) => units.get(name) as string, unit, areAlike: !isByStack };
}

/**
 * Scores the folds on what each held out, and chooses post-processing on it.
 * @param folds trained with one metric
 * @throws RunError for images that are gone; as `predictPage`
 */
export async function crossValidate(
  host: Host,
  raw: RawDataset,
  folds: readonly [TrainedFold, ...TrainedFold[]],
  metric: PageMetric,
  options: Options,
): Promise<CrossValidation> {
  const all = folds.flatMap(({ results }) => heldOutPages(raw, results));
  const { of: unitOf, ...units } = unitsOf(all, folds.length);
  const [{ results: first }] = folds;
  const { labels } = first.config.recipe;
  const found = collectorFor(metric, labels);
  for (const { fold, results } of folds) {
    const runtime = await host.openRuntime(options.device);
    try {
      const { bytes, file, config } = results;
      const by = config.recipe.maps?.by;
      const model = await (by === undefined
        ? openOwnModel(runtime, bytes, { file })
        : openOwnMaps(runtime, bytes, by, { file }));
      const held = heldOutPages(raw, results);
      const isOfVolumes = model.rule.z !== undefined;
      // All slices of a volume, since its parts are those of the whole.
      const names = new Set(held.map(volumeOf));
      const pages = isOfVolumes ? raw.pages.filter((page) => names.has(volumeOf(page))) : held;
      const predict = host.pagesOfVolumes?.(model, raw.pages, pages) ?? ((page: RawPage) => predictPage(model, page));
      const scored = new Map(held.map((page) => [page.name, page]));
      for (const slices of isOfVolumes ? volumesIn(pages).values() : pages.map((page) => [page])) {
        const made: PredictedSlice[] = [];
        for (const page of slices) {
          options.signal?.throwIfAborted();
          const { label } = scored.get(page.name) ?? page;
          const truth = scored.has(page.name)
            ? applyMapping(label, labels)
            : new Uint8Array(page.height * page.width).fill(IGNORE);
          made.push({ page, truth, probabilities: await predict(page) });
        }
        const unit = unitOf(slices.find(({ name }) => scored.has(name)) as RawPage);
        found.add({ fold, unit }, made as [PredictedSlice, ...PredictedSlice[]], isOfVolumes);
      }
    } finally {
      await runtime.dispose();
    }
  }
  return { ...found.result(), ...units };
}

/** The pages that a fold held out, with what of them is scored. */
function heldOutPages({ pages, folder }: RawDataset, { config }: RunResults): readonly RawPage[] {
  const byName = new Map(pages.map((page) => [page.name, page]));
  const [none = IGNORE] = config.recipe.labels.ignore;
  return config.validationImages.map((name) => {
    const page = byName.get(name);
    if (page !== undefined) return scoredPart(page, config.validationRegions, none);
    throw new RunError(`the image "${name}" of the run is no longer in its data folder.`, {
      file: folder,
      remedy: 'Put it back.',
    });
  });
}
