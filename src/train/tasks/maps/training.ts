/** Training of networks that give stars or flows. */

import { mapGraph, withMapHead } from '../../../models/map-head.ts';
import { MAP_LOSSES } from '../../../nn/losses/map-losses.ts';
import { decodeMaps } from '../../../objects/decode-maps.ts';
import type { MapTraining } from '../../maps.ts';
import { chooseMapRecipe, requireNumbered, settingsForMaps } from './choose-recipe.ts';

export const MAPS: MapTraining = {
  settings: settingsForMaps,
  requireNumbered,
  chooseRecipe: chooseMapRecipe,
  chooseMetric: (separate) => ({
    metric: { kind: 'ap', by: separate },
    reason: `validation score: AP at IoU 0.5 of the objects that ${separate} give`,
  }),
  network: withMapHead,
  graph: mapGraph,
  loss: (kind) => MAP_LOSSES[kind](),
  decode: decodeMaps,
};
