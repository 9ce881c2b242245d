/** Training of networks that give stars or flows, or regions that overlap. */

import { mapScorer } from '../../../evaluate/map-scorer.ts';
import { mapGraph, withMapHead } from '../../../models/map-head.ts';
import { regionGraph } from '../../../models/region-graph.ts';
import { MAP_LOSSES } from '../../../nn/losses/map-losses.ts';
import { openOwnMaps } from '../../../predict/own-maps.ts';
import { classLoss } from '../../class-loss.ts';
import type { MapTraining } from '../../maps.ts';
import { classRegions, trainedLabels } from '../../trained-regions.ts';
import { chooseMapRecipe, settingsForMaps } from './choose-recipe.ts';
import { prepareNumbered } from './prepare.ts';

export const MAPS: MapTraining = {
  settings: settingsForMaps,
  labels: { kind: 'objects' },
  prepare: prepareNumbered,
  chooseRecipe: chooseMapRecipe,
  trainedLabels,
  chooseMetric: (separate) => ({
    metric: { kind: 'ap', by: separate },
    reason: `validation score: AP at IoU 0.5 of the objects that ${separate} give; their threshold is tuned on it`,
  }),
  network: withMapHead,
  graph: (network, { maps, labels }) => (maps ? mapGraph(network, maps) : regionGraph(network, classRegions(labels))),
  loss: (recipe) => (recipe.maps ? MAP_LOSSES[recipe.maps.by]() : classLoss(recipe)),
  scorer: (by) => mapScorer(by),
  open: openOwnMaps,
};
