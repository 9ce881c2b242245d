/** The setup of a recipe for running: the compiled step, its batches, validation and saving. */

import type { PreparedDataset } from '../../../dataset/prepare.ts';
import type { RawDataset } from '../../../dataset/raw.ts';
import { type PageMetric, scorerFor } from '../../../evaluate/scorer.ts';
import type { InputSpec } from '../../../input/normalise.ts';
import { isPlain } from '../../../input/window.ts';
import { fitCalibration, noCounts } from '../../../predict/calibration.ts';
import type { Runtime } from '../../../runtime/runtime.ts';
import type { Recipe } from '../../config.ts';
import type { State, StepBatch, TrainOptions, TrainStep, Validator } from '../../loop.ts';
import { type FoundOnValidation, modelWriter, type Provenance } from '../../model-file.ts';
import { openTrainStep, type StepPlace } from '../../open-step.ts';
import type { TrainingStep } from '../../step.ts';
import type { Store } from '../../store.ts';
import { VALIDATION_THRESHOLDS, type ValidationMetric } from '../../validate.ts';
import { countPage, pagePredictor, samplePredictor } from '../../validation-predictor.ts';
import { openPatchSource, type PatchSourceOptions } from './batch-source.ts';
import { openPixelSource } from './pixel-source.ts';

export interface TrainingSetup {
  readonly runtime: Runtime;
  readonly step: TrainingStep;
  readonly trainStep: TrainStep;
  /** Of the step as executed: a different one changes the last bits. */
  readonly fingerprint: string | undefined;
  batches(from: number): AsyncIterator<StepBatch>;
  readonly validator: Validator | undefined;
  saveModel(store: Store): TrainOptions['saveModel'];
  exclude?(store: Store): NonNullable<TrainOptions['exclude']>;
  /** For a rule that detects when nothing is left to learn. */
  readonly watch?: {
    /** Receives every step; returns the reason if the run is complete. */
    readonly see: NonNullable<TrainOptions['endsEarly']>;
    /** The conclusion if it did not end by itself. */
    verdict(): string;
  };
  close(): Promise<void>;
}

export interface SetupOptions extends StepPlace, Pick<PatchSourceOptions, 'openSampler'> {
  readonly raw: RawDataset;
  readonly data: PreparedDataset;
  /** For model files. */
  readonly provenance: Provenance;
  /** The first step. Default 0. */
  readonly from?: number;
}

/** @throws UsageError if the patch does not match the network or the images; DeviceError if it does not compile. */
export async function openSetup(
  recipe: Recipe,
  metric: ValidationMetric | undefined,
  { raw, data, openSampler, provenance, from: first = 0, ...place }: SetupOptions,
): Promise<TrainingSetup> {
  const { model, seed } = recipe;
  const { runtime } = place;
  const { window } = recipe.input as InputSpec;
  const source =
    model.name === 'filter-bank'
      ? await openPixelSource(model, data.train, runtime, { seed })
      : openPatchSource(recipe, data.train, { openSampler, from: first });
  const { step, trainStep, fingerprint, close } = await openTrainStep(recipe, source.build, place).catch(
    async (cause) => {
      await source.close();
      throw cause;
    },
  );
  const weightsOf = (state: State) => source.exported(step.weightsOf(state));
  const write = modelWriter(recipe);
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
            const predictor = await (window === undefined || isPlain(window)
              ? pagePredictor(runtime, bytes)
              : samplePredictor(runtime, bytes, window));
            const counts = noCounts();
            const names = data.mapping.classes.map(({ name }) => name);
            // For segmentation never the accuracy of image classifiers.
            const scores = scorerFor(metric as PageMetric, names, { thresholds: VALIDATION_THRESHOLDS });
            try {
              for (const [i, page] of data.validation.entries()) {
                const source = raw.pages[data.split.validation[i] as number] as (typeof raw.pages)[number];
                const predicted = await predictor.predict(page, source);
                scores.add({ ...predicted, objects: source.label.values });
                if (recipe.data.balanced === true) countPage(counts, predicted);
              }
            } finally {
              await predictor.dispose();
            }
            const { separation, perImage: _, ...result } = scores.result();
            const calibration = recipe.data.balanced === true ? fitCalibration(counts) : undefined;
            found = { ...(calibration && { calibration }), ...(separation && { separation }) };
            return result;
          },
        };
  return {
    runtime,
    step,
    trainStep,
    fingerprint,
    batches: source.batches,
    validator,
    saveModel: (store) => (file, state, at) => store.write(file, bytesOf(state, { step: at })),
    exclude: source.exclude,
    async close() {
      await source.close();
      await close();
    },
  };
}
