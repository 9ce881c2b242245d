/** What training knows of stars and flows: a program that trains classes only is built without the rest. */

import type { LabelMapping, LabelPage } from '../dataset/labels/labels.ts';
import { option, UsageError } from '../errors.ts';
import type { PageMetric } from '../evaluate/scorer.ts';
import type { NetworkName } from '../models/registry.ts';
import type { MapKind } from '../objects/object-maps.ts';
import type { MapNetworks } from './map-networks.ts';
import type { chooseRecipe, TrainSettings } from './tasks/segmentation/choose-recipe.ts';

export interface MapTraining extends MapNetworks {
  /**
   * The settings with what maps need.
   * @throws UsageError for settings and networks that do not go with maps
   */
  settings(given: TrainSettings, network: NetworkName, from: string | undefined): TrainSettings;
  /** @throws DatasetError for labels that do not number objects */
  requireNumbered(mapping: LabelMapping, labels: readonly LabelPage[], separate: MapKind): void;
  readonly chooseRecipe: typeof chooseRecipe;
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
  throw new UsageError(`${option('separate', separate)} is not supported here.`, { remedy: 'Use lamella train.' });
}
