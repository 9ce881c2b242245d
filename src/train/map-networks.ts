/**
 * What steps, files and validation need of networks of stars and flows, and of regions: programs that train classes only
 * have none of it.
 */

import type { ScorerOptions } from '../evaluate/scorer.ts';
import type { Graph } from '../graph/ir.ts';
import type { Loss } from '../nn/losses/loss.ts';
import type { Network } from '../nn/network.ts';
import type { MapKind, ObjectMaps } from '../objects/object-maps.ts';
import type { OpenedModel } from '../predict/own.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { Recipe } from './config.ts';

export interface MapNetworks {
  /** The network whose logits are the maps. */
  network(network: Network, maps: ObjectMaps): Network;
  /** What the file of a recipe of maps or regions gives. */
  graph(network: Network, recipe: Pick<Recipe, 'maps' | 'labels'>): Graph;
  loss(recipe: Pick<Recipe, 'maps' | 'labels' | 'loss'>): Loss;
  readonly scorer: NonNullable<ScorerOptions['byMaps']>;
  /** `openOwnMaps`. */
  open(runtime: Runtime, bytes: Uint8Array, by: MapKind): Promise<OpenedModel>;
}

/** Where maps may be learned. */
export interface MapPlace {
  readonly maps?: MapNetworks | undefined;
}
