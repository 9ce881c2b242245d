/** The setup of a classification recipe for running. */

import { type ClassAugment, classBatches } from '../../../augment/class-batch.ts';
import type { ClassSample } from '../../../dataset/classification/classes.ts';
import type { ClassSet } from '../../../dataset/classification/prepare.ts';
import { labelScores, mainLabelScores } from '../../../evaluate/classes.ts';
import { LABEL_SCORES } from '../../../metrics/scores.ts';
import { buildNetwork } from '../../../models/registry.ts';
import { classifyPages, openClassifier } from '../../../predict/classifier.ts';
import type { Recipe } from '../../config.ts';
import { convergence } from '../../convergence.ts';
import { exclude } from '../../excluded-batches.ts';
import type { ValidationResult } from '../../log.ts';
import { classModelWriter, type Provenance } from '../../model-file.ts';
import { openTrainStep, type StepPlace } from '../../open-step.ts';
import type { State } from '../../train-step.ts';
import { feedsOf } from '../../train-step.ts';
import type { ValidationMetric } from '../../validate.ts';
import type { TrainingSetup } from '../segmentation/setup.ts';

export interface ClassificationSetupOptions extends StepPlace {
  readonly set: ClassSet;
  readonly validation: readonly ClassSample[];
  readonly provenance: Provenance;
}

const UNCHANGED: ClassAugment = { mirror: false, shiftPx: 0, crops: false };

/** @throws UsageError if the network does not support the input; DeviceError if it does not compile. */
export async function openClassificationSetup(
  recipe: Recipe,
  metric: ValidationMetric | undefined,
  { set, validation, provenance, ...place }: ClassificationSetupOptions,
): Promise<TrainingSetup> {
  const { model, patch, batch, seed, augment, classes = UNCHANGED } = recipe;
  const { runtime } = place;
  const input = [batch, model.channels, ...patch] as const;
  const rosenblatt = recipe.loss.name === 'perceptron' && batch === 1;
  const build = (images: number) => buildNetwork(model, [images, model.channels, ...patch], { training: true });
  const opened = await openTrainStep(recipe, build, place, { measureNorm: rosenblatt });
  const write = classModelWriter(recipe);
  const bytesOf = (state: State, at: Provenance): Uint8Array =>
    write(opened.step.weightsOf(state), { ...provenance, ...at });
  const validate = async (state: State): Promise<ValidationResult> => {
    const classifier = await openClassifier(runtime, bytesOf(state, {}));
    try {
      // The centre crop only: ten views are for the final score.
      const probabilities = await classifyPages(classifier, validation, { views: 1 });
      const labels = validation.map(({ label }) => label);
      const found = labelScores(probabilities, labels, classifier.classes);
      return { score: found.top1, metric: LABEL_SCORES.top1.main, scores: mainLabelScores(found) };
    } finally {
      await classifier.program.dispose();
    }
  };
  return {
    ...opened,
    async *batches(from) {
      const draw = classBatches(set, { seed, batch, augment, classes });
      for (let at = from; ; at++) yield feedsOf(draw(at), input, [batch]);
    },
    validator: metric === undefined ? undefined : { run: validate },
    saveModel: (store) => (file, state, at) => store.write(file, bytesOf(state, { step: at })),
    weightsOf: opened.step.weightsOf,
    exclude: (store) => (batch, facts) =>
      exclude(store, batch, facts, { patch, channels: model.channels, outputMargin: 0 }),
    watch: rosenblatt ? convergence(set.images.length) : undefined,
  };
}
