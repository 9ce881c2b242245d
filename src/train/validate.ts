/** The score that selects the best model: the final metric, on whole images. */

import { backgroundOf, hasRim, type LabelMapping } from '../dataset/labels/labels.ts';
import { insideOfCells } from '../dataset/labels/membranes.ts';
import type { TrainingPage } from '../dataset/patch-position.ts';
import { option } from '../errors.ts';
import type { PageMetric } from '../evaluate/scorer.ts';

/** How validation images are scored. JSON, kept in the run's configuration. */
export type ValidationMetric =
  | PageMetric
  /** For image classification. */
  | { readonly kind: 'accuracy' };

/** Around the best threshold of most networks; a finer or wider range hardly changes the ranking of models. */
export const VALIDATION_THRESHOLDS = [0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9];

/**
 * V-Rand for cells separated by membranes, where a gap in a membrane matters more than its width; otherwise the mean
 * Dice of the foreground classes. With the reason as a printed line.
 * @param options separates: whether touching objects could be learned to be told apart
 */
export function chooseMetric(
  pages: readonly Pick<TrainingPage, 'height' | 'width' | 'label'>[],
  mapping: LabelMapping,
  { separates = true }: { readonly separates?: boolean } = {},
): { readonly metric: PageMetric; readonly reason: string } {
  const { kind, classes } = mapping;
  if (hasRim(mapping)) {
    return {
      metric: { kind: 'ap' },
      reason:
        'validation score: AP at IoU 0.5, since the labels number objects; how these are told apart is tuned on it',
    };
  }
  const inside = classes.length === 2 && kind !== 'instances' ? insideOfCells(pages) : undefined;
  if (inside !== undefined) {
    return {
      metric: { kind: 'v-rand', inside },
      reason: 'validation score: V-Rand, since the labels are cells parted by connected membranes',
    };
  }
  const background = backgroundOf(mapping);
  const foreground = classes.length === 2 ? 'of the foreground' : 'over the foreground classes';
  const which = background.length === 0 ? 'over all classes, since none is the background' : foreground;
  const hint =
    kind === 'instances' && separates ? `; ${option('task', 'instances')} learns to separate touching objects` : '';
  const metric: PageMetric = background.length === 0 ? { kind: 'dice', leaveOut: [] } : { kind: 'dice' };
  return { metric, reason: `validation score: mean Dice ${which}${hint}` };
}
