import type { Loss } from '../nn/losses/loss.ts';
import { byRegion } from '../nn/losses/regions.ts';
import { type LossSpec, lossOf } from '../nn/losses/registry.ts';
import type { Recipe } from './config.ts';
import { classRegions } from './trained-regions.ts';

/** The loss of a recipe of classes, or of regions in place of them. */
export function classLoss({ loss, labels }: Pick<Recipe, 'loss' | 'labels'>): Loss {
  const own = lossOf(loss as LossSpec);
  return labels.regions === undefined ? own : byRegion(own, classRegions(labels));
}
