/** Choices for a network that learns stars or flows instead of classes. */

import { quantile } from '../../../array/quantile.ts';
import { objectSides } from '../../../dataset/object-sides.ts';
import type { TrainingPage } from '../../../dataset/patch-position.ts';
import { option, UsageError } from '../../../errors.ts';
import { isOfVolumes, type NetworkName, networkNamed } from '../../../models/registry.ts';
import { isWindowName } from '../../../models/sliding-window.ts';
import { type MapKind, mapChannels, type ObjectMaps } from '../../../objects/object-maps.ts';
import type { StartModel } from '../../start.ts';
import type { ChosenRecipe } from '../../task.ts';
import { chooseRecipe, NO_SEPARATION, type TrainSettings } from '../segmentation/choose-recipe.ts';

const RAYS = 32;
/** So large a part of objects is seen whole around a patch. */
const SEEN_WHOLE = 0.95;
/** Context is at most so much of a patch, since targets are made of it too. */
const MOST_CONTEXT = 0.25;

/** Channels of a network for these maps. */
const channelsFor = (by: MapKind): number => mapChannels({ by, rays: RAYS });

/** Settings that say how classes are learned. */
const OF_CLASSES = ['task', 'loss', 'separation', 'balance'] as const;

/**
 * The settings with what maps need: no class and no border weighs more.
 * @throws UsageError for settings and networks that do not go with maps
 */
export function settingsForMaps(
  settings: TrainSettings,
  network: NetworkName,
  start: StartModel | undefined,
): TrainSettings {
  const separate = settings.separate as MapKind;
  const other = OF_CLASSES.find((name) => settings[name] !== undefined);
  const isOtherStart = start !== undefined && start.maps?.by !== separate;
  if (other !== undefined || isOtherStart) {
    const what = isOtherStart
      ? `${option('from', start.name)}, which gives ${start.maps?.by ?? 'classes'},`
      : option(other as string);
    throw new UsageError(`${what} does not go with ${option('separate', separate)}.`, {
      remedy: 'Remove one of them.',
    });
  }
  const isOfImages = networkNamed(network).sizes !== undefined && !isOfVolumes(network) && !isWindowName(network);
  if (!isOfImages || network === 'filter-bank' || network === 'onnx') {
    throw new UsageError(`The network '${network}' does not learn ${separate}.`, {
      remedy: `Use ${option('network', 'unet')}, which sees images slice by slice.`,
    });
  }
  return { ...settings, balance: 0, separation: NO_SEPARATION };
}

/**
 * Maps for the objects of some pages.
 * @param patch side of the patches in pixels
 */
function chooseMaps(by: MapKind, pages: readonly TrainingPage[], patch: readonly [number, number]): ObjectMaps {
  const sides = objectSides(
    pages.flatMap(({ objects, ...page }) => (objects === undefined ? [] : [{ ...page, objects }])),
  );
  const whole = sides.length === 0 ? 0 : quantile(sides, SEEN_WHOLE);
  const contextPx = Math.min(Math.ceil(whole), Math.floor(MOST_CONTEXT * Math.min(...patch)));
  if (by === 'flows') return { by, contextPx };
  // About the mean distance from a pixel of a disc to its border.
  const scalePx = sides.length === 0 ? 1 : Math.max(1, Math.round(quantile(sides, 0.5) / 2));
  return { by, rays: RAYS, scalePx, contextPx };
}

/** As one printed line. */
const describeMaps = (maps: ObjectMaps): string =>
  `separation: ${maps.by === 'stars' ? `a probability and distances along ${maps.rays} rays, in units of ${maps.scalePx} px` : 'flows along y and x and whether a pixel belongs to an object'}; objects are seen ${maps.contextPx} px beyond a patch`;

/** As `chooseRecipe`, for maps. @throws as that */
export function chooseMapRecipe(...[data, settings, circumstances]: Parameters<typeof chooseRecipe>): ChosenRecipe {
  const by = settings.separate as MapKind;
  const known = circumstances.start?.maps;
  const learned = { loss: by, channels: known === undefined ? channelsFor(by) : mapChannels(known) };
  const { recipe, notes } = chooseRecipe(data, settings, { ...circumstances, learned, trained: undefined });
  const chosen = chooseMaps(by, data.train.pages, recipe.patch);
  // The weights give distances in the units that they were trained with.
  const maps = known === undefined ? chosen : { ...known, contextPx: chosen.contextPx };
  return { recipe: { ...recipe, maps }, notes: [...notes, describeMaps(maps)] };
}
