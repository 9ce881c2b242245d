/** What training knows of networks of volumes: a program that trains on single slices is built without the rest. */

import type { PreparedDataset, PrepareOptions } from '../dataset/prepare.ts';
import type { RawDataset } from '../dataset/raw.ts';
import { UsageError } from '../errors.ts';
import { isOfVolumes, type NetworkName } from '../models/registry.ts';
import type { chooseRecipe, TrainSettings } from './tasks/segmentation/choose-recipe.ts';
import type { VolumeSetup } from './tasks/segmentation/setup.ts';

export interface VolumeTraining extends VolumeSetup {
  /** @throws UsageError for settings that do not apply to volumes yet, naming what does */
  requireSettings(settings: TrainSettings): void;
  /** As `prepareDataset`, split by volumes; the training set has its volumes. */
  prepare(raw: RawDataset, options: PrepareOptions): PreparedDataset;
  readonly chooseRecipe: typeof chooseRecipe;
}

/**
 * @returns undefined for networks of images
 * @throws UsageError where networks of volumes are not trained
 */
export function volumesOf(
  network: NetworkName,
  { volumes }: { readonly volumes?: VolumeTraining | undefined },
): VolumeTraining | undefined {
  if (!isOfVolumes(network) || volumes !== undefined) return isOfVolumes(network) ? volumes : undefined;
  throw new UsageError(`the network '${network}' takes volumes, which are not trained here.`, {
    remedy: 'Use a network of images, or lamella train.',
  });
}
