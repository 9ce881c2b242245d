/** Lungs in thoracic CT: what the task `lungs` determines. */

import type { LabelOptions } from '../../../dataset/labels/labels.ts';
import type { RawDataset } from '../../../dataset/raw.ts';
import { DatasetError, option } from '../../../errors.ts';
import type { NormalisationOptions } from '../../../input/normalise.ts';
import type { Recipe } from '../../config.ts';

const LUNG = 'lung';

export const LUNGS_LABELS: LabelOptions = { task: 'semantic', classes: ['background', LUNG] };

/** From air to soft tissue, the same for every scanner and patient: HU are calibrated, and stay so. */
export const LUNGS_NORMALISATION: NormalisationOptions = { kind: 'range', range: [-1000, 400] };

/** Whether a run has the task `lungs`. */
export const isLungs = ({ labels }: Pick<Recipe, 'labels'>): boolean => labels.classes.at(-1)?.name === LUNG;

/** Lungs are near -800 HU; a thoracic image without anything below this is not a CT in HU. */
const AIR_HU = -300;

/** @throws DatasetError naming the first image that is not in Hounsfield units. */
export function requireHounsfield({ pages }: RawDataset): void {
  for (const { name, data } of pages) {
    if (data.some((value) => value < AIR_HU)) continue;
    throw new DatasetError(`no value is below ${AIR_HU}, so the values are not in Hounsfield units.`, {
      file: name,
      remedy: `Provide CT with its rescale slope and intercept applied, or leave out ${option('task', 'lungs')} for other images.`,
    });
  }
}
