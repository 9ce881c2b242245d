/** The setup of a recipe for running: the compiled step, its batches, validation and saving. */

import { hasRim, IGNORE, type LabelMapping } from '../../../dataset/labels/labels.ts';
import type { PreparedDataset } from '../../../dataset/prepare.ts';
import type { RawDataset } from '../../../dataset/raw.ts';
import { type PageMetric, type ScoredPage, scorerFor } from '../../../evaluate/scorer.ts';
import type { InputSpec } from '../../../input/normalise.ts';
import { isPlain } from '../../../input/window.ts';
import { fitCalibration, noCounts } from '../../../predict/calibration.ts';
import type { Runtime } from '../../../runtime/runtime.ts';
import type { Recipe } from '../../config.ts';
import type { ScoredOn } from '../../log.ts';
import type { LoopOptions, Validator } from '../../loop.ts';
import { type FoundOnValidation, modelWriter, type Provenance } from '../../model-file.ts';
import { type OpenedStep, openTrainStep, type StepPlace } from '../../open-step.ts';
import type { Store } from '../../store.ts';
import type { State, StepBatch } from '../../train-step.ts';
import { VALIDATION_THRESHOLDS, type ValidationMetric } from '../../validate.ts';
import { countPage, type PagePredictor, pagePredictor, samplePredictor } from '../../validation-predictor.ts';
import { type BatchSource, openPatchSource, type PatchSource, type PatchSourceOptions } from './batch-source.ts';
import { openPixelSource, type PixelOptions } from './pixel-source.ts';

/** Pages of one revision of the data. */
export interface LabelledPages {
  readonly raw: RawDataset;
  readonly data: PreparedDataset;
}

export interface TrainingSetup extends OpenedStep {
  batches(from: number): AsyncIterator<StepBatch>;
  readonly validator: Validator | undefined;
  saveModel(store: Store): LoopOptions['saveModel'];
  /** The weights of a state as model files have them, by parameter. */
  weightsOf(state: State): State;
  exclude?(store: Store): NonNullable<LoopOptions['exclude']>;
  /** For a rule that detects when nothing is left to learn. */
  readonly watch?: {
    /** Receives every step; returns the reason if the run is complete. */
    readonly see: NonNullable<LoopOptions['endsEarly']>;
    /** The conclusion if it did not end by itself. */
    verdict(): string;
  };
}

/** The setup of a run on labelled pages, which may change on the way. */
export interface SegmentationSetup extends TrainingSetup {
  /** @throws UsageError when the patch does not fit the images. */
  requireFits(pages: LabelledPages): void;
  /** Ends the batches that were begun. */
  setPages(pages: LabelledPages): void;
}

/** What differs for a network of volumes. */
export interface VolumeSetup {
  readonly openSource: typeof openPatchSource;
  /** Predicts pages held out as parts of their volumes. */
  openPredictor(runtime: Runtime, bytes: Uint8Array, pages: LabelledPages): Promise<PagePredictor>;
}

/** What differs where pages are read by region. */
export interface StreamedSetup {
  /** What the score rests on. */
  readonly on: ScoredOn;
  openPredictor(runtime: Runtime, bytes: Uint8Array): Promise<HeldOutPredictor>;
}

/** Predicts what is held out: whole pages, or parts of pages. */
export interface HeldOutPredictor {
  /** @param give takes each, with which of the pages that are held out it is of */
  predict(give: (scored: ScoredPage, page: number) => void): Promise<void>;
  dispose(): Promise<void>;
}

export interface SetupOptions
  extends StepPlace,
    Pick<PatchSourceOptions, 'openSampler'>,
    Pick<PixelOptions, 'filtered'> {
  /** Default: none until `setPages`. */
  readonly pages?: LabelledPages;
  /** For model files. */
  readonly provenance: Provenance;
  /** The first step. Default 0. */
  readonly from?: number;
  /** For a network of volumes. */
  readonly volumes?: VolumeSetup | undefined;
  /** For pages that are read by region. */
  readonly streamed?: StreamedSetup | undefined;
}

/** Predicts pages as wholes, one by one. */
function pageByPage({ predict, dispose }: PagePredictor, { raw, data }: LabelledPages): HeldOutPredictor {
  return {
    async predict(give) {
      for (const [i, page] of data.validation.entries()) {
        const source = raw.pages[data.split.validation[i] as number] as (typeof raw.pages)[number];
        give(await predict(page, source), i);
      }
    },
    dispose,
  };
}

/** @throws UsageError if the patch does not match the network or the images; DeviceError if it does not compile. */
export async function openSetup(
  recipe: Recipe,
  metric: ValidationMetric | undefined,
  { pages: firstPages, openSampler, provenance, filtered, from: first = 0, volumes, streamed, ...place }: SetupOptions,
): Promise<SegmentationSetup> {
  const { model, seed } = recipe;
  const { runtime } = place;
  const { window } = recipe.input as InputSpec;
  let pages = firstPages;
  const openSource = volumes?.openSource ?? openPatchSource;
  const ofPatches = () =>
    openSource(recipe, pages?.data.train, { openSampler, from: first, file: place.file, maps: place.maps });
  // Runs have their pages from the start; sessions, which have not, are of patches.
  const source: BatchSource & Partial<PatchSource> =
    model.name === 'filter-bank'
      ? await openPixelSource(model, (pages as LabelledPages).data.train, runtime, { seed, filtered })
      : ofPatches();
  const opened = await openTrainStep(recipe, source.build, place).catch(async (cause) => {
    await source.close();
    throw cause;
  });
  const weightsOf = (state: State) => source.exported(opened.step.weightsOf(state));
  const write = modelWriter(recipe, place.file, place.maps);
  // Of the state validated last: models are written directly afterwards.
  let found: FoundOnValidation = {};
  const bytesOf = (state: State, at: Provenance): Uint8Array =>
    write(weightsOf(state), { ...provenance, ...at }, found);
  const validator: Validator | undefined =
    metric === undefined
      ? undefined
      : {
          async run(state) {
            const bytes = write(weightsOf(state), {});
            const { raw, data } = pages as LabelledPages;
            const predictor =
              streamed === undefined
                ? pageByPage(
                    await (volumes !== undefined
                      ? volumes.openPredictor(runtime, bytes, { raw, data })
                      : window === undefined || isPlain(window)
                        ? pagePredictor(runtime, bytes, recipe.maps?.by, place.maps)
                        : samplePredictor(runtime, bytes, window)),
                    { raw, data },
                  )
                : await streamed.openPredictor(runtime, bytes);
            const counts = noCounts();
            const names = recipe.labels.classes.map(({ name }) => name);
            // For segmentation never the accuracy of image classifiers.
            const scorer = () =>
              scorerFor(metric as PageMetric, names, { thresholds: VALIDATION_THRESHOLDS, byMaps: place.maps?.scorer });
            const scores = scorer();
            const heldBefore = new Set(recipe.data.before?.validation);
            const isOld = data.validation.map(({ name }) => heldBefore.has(name));
            const on = streamed?.on ?? scoredOn({ raw, data }, recipe.labels);
            const parts =
              isOld.includes(true) && isOld.includes(false) ? { before: scorer(), new: scorer() } : undefined;
            try {
              await predictor.predict((scored, page) => {
                scores.add(scored);
                parts?.[isOld[page] === true ? 'before' : 'new'].add(scored);
                if (recipe.data.balanced === true) countPage(counts, scored);
              });
            } finally {
              await predictor.dispose();
            }
            const { separation, perImage: _, ...result } = scores.result();
            const calibration = recipe.data.balanced === true ? fitCalibration(counts) : undefined;
            found = { ...(calibration && { calibration }), ...(separation && { separation }) };
            if (parts === undefined) return { ...result, on };
            return { ...result, on, parts: { before: parts.before.result().score, new: parts.new.result().score } };
          },
        };
  return {
    ...opened,
    batches: source.batches,
    validator,
    saveModel: (store) => (file, state, at) => store.write(file, bytesOf(state, { step: at })),
    weightsOf,
    exclude: source.exclude,
    requireFits: ({ data }) => source.requireFits?.(data.train),
    setPages(next) {
      source.setPages?.(next.data.train);
      pages = next;
    },
    async close() {
      await source.close();
      await opened.close();
    },
  };
}

/** The annotated pixels of validation pages, and the objects that they belong to. */
function scoredOn({ raw, data }: LabelledPages, labels: LabelMapping): ScoredOn {
  let [pixels, objects] = [0, 0];
  for (const [i, { label }] of data.validation.entries()) {
    const { values } = (raw.pages[data.split.validation[i] as number] as RawDataset['pages'][number]).label;
    const found = new Set<number>();
    for (const [p, value] of label.entries()) {
      if (value === IGNORE) continue;
      pixels++;
      if (value > 0) found.add(values[p] as number);
    }
    objects += found.size;
  }
  return { pixels, ...(hasRim(labels) && { objects }) };
}
