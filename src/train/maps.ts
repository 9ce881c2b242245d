/** What training knows of stars, flows and regions: a program that trains classes only is built without the rest. */

import type { LabelOptions } from '../dataset/labels/labels.ts';
import type { prepareDataset } from '../dataset/prepare.ts';
import type { RawDataset } from '../dataset/raw.ts';
import { option, UsageError } from '../errors.ts';
import type { PageMetric } from '../evaluate/scorer.ts';
import type { NetworkName } from '../models/registry.ts';
import type { MapKind } from '../objects/object-maps.ts';
import type { MapNetworks } from './map-networks.ts';
import type { StartModel } from './start.ts';
import type { chooseRecipe, TrainSettings } from './tasks/segmentation/choose-recipe.ts';
import type { trainedLabels } from './trained-regions.ts';

/** Settings with what maps need, and what was chosen, as printed lines. */
export interface ResolvedSettings {
  /** Without `separate` for classes. */
  readonly settings: Omit<TrainSettings, 'separate'> & { readonly separate?: MapKind };
  readonly notes: readonly string[];
}

export interface MapTraining extends MapNetworks {
  /**
   * @throws UsageError for settings and networks that do not go with maps; DatasetError for labels that number no objects,
   *   where the data are to choose
   */
  settings(
    given: TrainSettings,
    raw: RawDataset,
    network: NetworkName,
    start: StartModel | undefined,
  ): ResolvedSettings;
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
  separate: TrainSettings['separate'],
  { maps }: { readonly maps?: MapTraining | undefined },
): MapTraining | undefined {
  if (separate === undefined || maps !== undefined) return separate && maps;
  throw new UsageError(`${option('separate', separate)} is for lamella train.`, { remedy: 'Remove it here.' });
}
