/** Training of networks that give stars or flows. */

import { mapScorer } from '../../../evaluate/map-scorer.ts';
import { mapGraph, withMapHead } from '../../../models/map-head.ts';
import { MAP_LOSSES } from '../../../nn/losses/map-losses.ts';
import { openOwnMaps } from '../../../predict/own-maps.ts';
import type { MapTraining } from '../../maps.ts';
import { chooseMapRecipe, settingsForMaps } from './choose-recipe.ts';
import { prepareNumbered } from './prepare.ts';

export const MAPS: MapTraining = {
  settings: settingsForMaps,
  labels: { kind: 'objects' },
  prepare: prepareNumbered,
  chooseRecipe: chooseMapRecipe,
  chooseMetric: (separate) => ({
    metric: { kind: 'ap', by: separate },
    reason: `validation score: AP at IoU 0.5 of the objects that ${separate} give; their threshold is tuned on it`,
  }),
  network: withMapHead,
  graph: mapGraph,
  loss: (kind) => MAP_LOSSES[kind](),
  scorer: (by) => mapScorer(by),
  open: openOwnMaps,
};
