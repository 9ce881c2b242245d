/** What the steps of a segmentation run learn from: patches of pages, or features of their pixels. */

import type { Batch } from '../../../augment/batch.ts';
import type { SampleOptions } from '../../../augment/sample.ts';
import type { Sampler, SamplerThreads } from '../../../augment/sampler.ts';
import { requirePatchFits, type TrainingSet } from '../../../dataset/patch-position.ts';
import type { InputSpec } from '../../../input/normalise.ts';
import type { BuildOptions } from '../../../models/definition.ts';
import { buildNetwork } from '../../../models/registry.ts';
import type { Network } from '../../../nn/network.ts';
import type { Recipe } from '../../config.ts';
import { exclude } from '../../excluded-batches.ts';
import type { LoopOptions } from '../../loop.ts';
import type { MapNetworks, MapPlace } from '../../map-networks.ts';
import { ratesOf } from '../../start-recipe.ts';
import type { Store } from '../../store.ts';
import { feedsOf, type State, type StepBatch } from '../../train-step.ts';

export interface BatchSource {
  /** What is trained, for a number of images. */
  build(images: number): Network;
  /** Batches from a step on, without end. */
  batches(from: number): AsyncIterator<StepBatch>;
  /** From the weights that are trained to those of the network that is saved. */
  exported(weights: State): State;
  /** Writes a batch where a person can look at it. */
  exclude?(store: Store): NonNullable<LoopOptions['exclude']>;
  close(): Promise<void>;
}

/** Patches of pages that may change on the way. */
export interface PatchSource extends BatchSource {
  /** @throws UsageError when the patch does not fit the images. */
  requireFits(set: TrainingSet): void;
  /** Ends the batches that were begun. */
  setPages(set: TrainingSet): void;
}

export interface PatchSourceOptions extends Pick<BuildOptions, 'file'>, MapPlace {
  /** @param place as `SamplerThreads.place` */
  openSampler(set: TrainingSet, options: SampleOptions, place?: SamplerThreads['place']): Sampler;
  /** The step that comes first. */
  readonly from: number;
}

/**
 * Augmented patches, whose drawing begins now: threads draw the first while the step is compiled.
 * @param set nothing: there are none until `setPages`
 * @throws UsageError when the patch does not fit the network or the images.
 */
export function openPatchSource(recipe: Recipe, set: TrainingSet | undefined, place: PatchSourceOptions): PatchSource {
  const { model, patch, batch, seed, maps } = recipe;
  const input = [batch, model.channels, ...patch] as const;
  const rateOf = recipe.start && ratesOf(recipe.start, recipe.learningRate);
  const isFrozen = (parameter: string): boolean => rateOf?.(parameter) === 0;
  const build = (images: number) => {
    const shape = [images, model.channels, ...patch] as const;
    const network = buildNetwork(model, shape, { training: true, file: place.file, isFrozen });
    return maps === undefined ? network : (place.maps as MapNetworks).network(network, maps);
  };
  const { logits } = build(batch);
  const output = [batch, logits.shape[2] as number, logits.shape[3] as number] as const;
  const outputMargin = (patch[0] - output[1]) / 2;
  const requireFits = ({ pages }: TrainingSet): void => requirePatchFits(pages, patch, outputMargin);
  const options: SampleOptions = {
    seed,
    patch,
    batch,
    outputMargin,
    focusFraction: recipe.data.focusFraction,
    augment: recipe.augment,
    balanced: recipe.data.balanced,
    window: (recipe.input as InputSpec).window,
    maps,
  };
  return {
    ...sampledBatches(set, options, place, { input, output, requireFits }),
    build,
    exported: (weights) => weights,
    exclude: (store) => (drawn, facts) =>
      exclude(store, drawn, facts, { patch, channels: model.channels, outputMargin }),
  };
}

/** Batches as a sampler draws them, from now on. @param shapes of what the step takes, as `feedsOf` */
export function sampledBatches(
  set: TrainingSet | undefined,
  options: SampleOptions,
  { openSampler, from: first }: PatchSourceOptions,
  { input, output, requireFits }: SampledShapes,
): Pick<PatchSource, 'batches' | 'requireFits' | 'setPages' | 'close'> {
  let sampler: Sampler | undefined;
  let begun: AsyncIterableIterator<Batch> | undefined;
  if (set !== undefined) {
    requireFits(set);
    sampler = openSampler(set, options);
    begun = sampler.batches(first);
  }
  return {
    requireFits,
    async *batches(from) {
      const source = from === first && begun !== undefined ? begun : (sampler as Sampler).batches(from);
      begun = undefined;
      for await (const drawn of source) yield feedsOf(drawn, input, output);
    },
    setPages(next) {
      begun = undefined;
      if (sampler === undefined) sampler = openSampler(next, options);
      else sampler.setPages(next);
    },
    close: async () => sampler?.close(),
  };
}

interface SampledShapes extends Pick<PatchSource, 'requireFits'> {
  readonly input: readonly number[];
  readonly output: readonly number[];
}
