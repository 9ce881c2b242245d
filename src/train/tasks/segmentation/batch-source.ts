/** What the steps of a segmentation run learn from: patches of pages, or features of their pixels. */

import type { Batch } from '../../../augment/batch.ts';
import type { SampleOptions } from '../../../augment/sample.ts';
import { requirePatchFits, type TrainingSet } from '../../../dataset/patch-position.ts';
import type { InputSpec } from '../../../input/normalise.ts';
import { buildNetwork } from '../../../models/registry.ts';
import type { Network } from '../../../nn/network.ts';
import type { Recipe } from '../../config.ts';
import { exclude } from '../../excluded-batches.ts';
import type { State, StepBatch, TrainOptions } from '../../loop.ts';
import type { Store } from '../../store.ts';
import { feedsOf } from '../../train-step.ts';

export interface BatchSource {
  /** What is trained, for a number of images. */
  build(images: number): Network;
  /** Batches from a step on, without end. */
  batches(from: number): AsyncIterator<StepBatch>;
  /** From the weights that are trained to those of the network that is saved. */
  exported(weights: State): State;
  /** Writes a batch where a person can look at it. */
  exclude?(store: Store): NonNullable<TrainOptions['exclude']>;
  close(): Promise<void>;
}

/** Draws the batches of a run, in worker threads where the platform has them. */
export interface Sampler {
  /** Batches from a step on, without end; threads draw the first from now on. One iterator at a time. */
  batches(from: number): AsyncIterableIterator<Batch>;
  close(): Promise<void>;
}

export interface PatchSourceOptions {
  openSampler(set: TrainingSet, options: SampleOptions): Sampler;
  /** The step that comes first. */
  readonly from: number;
}

/**
 * Augmented patches, whose drawing begins now: threads draw the first while the step is compiled.
 * @throws UsageError when the patch does not fit the network or the images.
 */
export function openPatchSource(
  recipe: Recipe,
  set: TrainingSet,
  { openSampler, from: first }: PatchSourceOptions,
): BatchSource {
  const { model, patch, batch, seed } = recipe;
  const input = [batch, model.channels, ...patch] as const;
  const build = (images: number) => buildNetwork(model, [images, model.channels, ...patch], { training: true });
  const { logits } = build(batch);
  const output = [batch, logits.shape[2] as number, logits.shape[3] as number] as const;
  const outputMargin = (patch[0] - output[1]) / 2;
  requirePatchFits(set.pages, patch, outputMargin);
  const sampler = openSampler(set, {
    seed,
    patch,
    batch,
    outputMargin,
    focusShare: recipe.data.focusShare,
    augment: recipe.augment,
    balanced: recipe.data.balanced,
    window: (recipe.input as InputSpec).window,
  });
  let begun: AsyncIterableIterator<Batch> | undefined = sampler.batches(first);
  return {
    build,
    async *batches(from) {
      const source = from === first && begun !== undefined ? begun : sampler.batches(from);
      begun = undefined;
      for await (const drawn of source) yield feedsOf(drawn, input, output);
    },
    exported: (weights) => weights,
    exclude: (store) => (drawn, facts) =>
      exclude(store, drawn, facts, { patch, channels: model.channels, outputMargin }),
    close: () => sampler.close(),
  };
}
