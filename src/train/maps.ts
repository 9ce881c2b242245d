/** What training knows of stars, flows and regions: a program that trains classes only is built without the rest. */

import type { LabelOptions } from '../dataset/labels/labels.ts';
import type { prepareDataset } from '../dataset/prepare.ts';
import { option, UsageError } from '../errors.ts';
import type { PageMetric } from '../evaluate/scorer.ts';
import type { NetworkName } from '../models/registry.ts';
import type { MapKind } from '../objects/object-maps.ts';
import type { MapNetworks } from './map-networks.ts';
import type { StartModel } from './start.ts';
import type { chooseRecipe, TrainSettings } from './tasks/segmentation/choose-recipe.ts';
import type { trainedLabels } from './trained-regions.ts';

export interface MapTraining extends MapNetworks {
  /**
   * The settings with what maps need.
   * @throws UsageError for settings and networks that do not go with maps
   */
  settings(given: TrainSettings, network: NetworkName, start: StartModel | undefined): TrainSettings;
  /** How labels are to be read. */
  readonly labels: Pick<LabelOptions, 'kind'>;
  /** As `prepareDataset`; pages keep the numbers of their objects. @throws DatasetError for labels that number none */
  readonly prepare: typeof prepareDataset;
  readonly chooseRecipe: typeof chooseRecipe;
  readonly trainedLabels: typeof trainedLabels;
  /** With the reason as a printed line. */
  chooseMetric(separate: MapKind): { readonly metric: PageMetric; readonly reason: string };
}

/**
 * @returns undefined for classes
 * @throws UsageError where maps are not learned
 */
export function mapsOf(
  separate: MapKind | undefined,
  { maps }: { readonly maps?: MapTraining | undefined },
): MapTraining | undefined {
  if (separate === undefined || maps !== undefined) return separate && maps;
  throw new UsageError(`${option('separate', separate)} is for lamella train.`, { remedy: 'Remove it here.' });
}
