/** Label maps that are larger than memory among those that are measured. */

import { LamellaError } from '../../errors.ts';
import { baseName } from '../../files.ts';
import { matchInstances } from '../../metrics/instances.ts';
import { matchTable } from '../../metrics/match-objects.ts';
import { withClasses } from './classes.ts';
import type { MeasureItem, MeasureReader } from './inputs.ts';
import type { MeasuredKinds } from './label-objects.ts';
import { droppedFrom, type LargeMaps } from './map-kinds.ts';
import { pixelSizeText } from './map-pixel-size.ts';
import type { RegionMap } from './region-map.ts';
import { openRegions } from './regions.ts';

/** Counts the objects of all maps that do not fit into memory. */
async function countLarge(reader: MeasureReader): Promise<LargeMaps> {
  const large = new Map<MeasureItem, RegionMap | LamellaError>();
  for (const item of reader.inputs.items) {
    try {
      const opened = await openRegions(reader, item);
      if (opened !== undefined) large.set(item, await countedOrClosed(opened));
    } catch (cause) {
      if (!(cause instanceof LamellaError)) throw cause;
      large.set(item, cause);
    }
  }
  return large;
}

async function countedOrClosed(map: RegionMap): Promise<RegionMap> {
  try {
    await map.count();
    return map;
  } catch (cause) {
    await map.close();
    throw cause;
  }
}

/** The objects of a label map that is measured by region, per time point. */
async function measureLarge(
  reader: MeasureReader,
  { name, group, labels }: MeasureItem,
  map: RegionMap,
  kinds: MeasuredKinds,
) {
  const source = baseName(labels.path);
  const { image } = map.others;
  reader.noted.add({ ...map.info, source });
  if (image !== undefined) reader.noted.add({ ...image, source: baseName(image.source ?? '') });
  reader.noted.add({ source, notes: ['It was measured by region, and no picture of it is shown.'] });
  const found = await map.measure({ kinds, isDropped: droppedFrom(reader, labels.path, kinds) });
  const size = pixelSizeText(map.info);
  return found.map(({ compared, table, ...each }, t) => ({
    ...each,
    table: each.classes === undefined ? table : withClasses(table, each.classes),
    name: found.length > 1 ? `${name}[${t}]` : name,
    group,
    t: found.length > 1 ? t : undefined,
    channels: map.channels,
    pixelSize: size,
    match: compared && matchTable(compared),
    matching: compared && matchInstances(compared),
  }));
}

/** What measuring by region takes, which a page is built without. */
export const byRegion = { count: countLarge, measure: measureLarge };
export type MeasureByRegion = typeof byRegion;
