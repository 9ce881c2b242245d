/** Label maps measured by several processes, on one machine or many. */

import { Interrupted, LamellaError, option, UsageError } from '../../errors.ts';
import { sizes } from '../../image/image.ts';
import type { ImageInfo } from '../../image/source.ts';
import type { SharedMeasureStage } from '../choices.ts';
import { contentStamp } from '../content-stamp.ts';
import type { Host } from '../host.ts';
import type { ListedImage } from '../image-list.ts';
import { requireFreeFolder } from '../out-folder.ts';
import { type ShardNumber, shareOf } from '../shards/units.ts';
import { counted, countLarge, droppedFrom, LargeMaps } from './by-region.ts';
import {
  type MeasureFolderOptions,
  type MeasureHooks,
  type MeasureItem,
  MeasureReader,
  measureInputs,
} from './inputs.ts';
import { kindsOf } from './map-kinds.ts';
import { requireUnit } from './map-pixel-size.ts';
import { type Measured, measureBy } from './measure-by.ts';
import { measureObjects, type ObjectsResult } from './objects.ts';
import { MEASURE_OUTPUTS } from './outputs.ts';
import type { PartPlace } from './part-records.ts';
import { MeasuredParts, type MeasurePlan, type PartState, type PlannedInput } from './parts.ts';
import type { RegionMap, RegionWork } from './region-map.ts';
import { OUTLINES, openRegions, sharedBytes } from './regions.ts';

/** Which of the work a process does: `count` in all shares before `values`, both before `measureParts`. */
export interface MeasureWork {
  readonly stage: SharedMeasureStage;
  readonly shard: ShardNumber;
  /** Skip what is there and sound. */
  readonly resume?: boolean;
  /** Stops after the block that is being measured. */
  readonly signal?: AbortSignal;
}

export interface MeasuredShare {
  readonly out: string;
  /** Blocks of all label maps. */
  readonly units: number;
  /** Of this process: measured, and skipped because they were there. */
  readonly written: number;
  readonly skipped: number;
}

/**
 * Does one share of a measurement; when all are done, `measureParts` makes the tables. Label maps that cannot be measured
 * are skipped, unless there is only one, and kept as such.
 * @throws UsageError for label maps that need one process, or where another measurement was begun; LamellaError if blocks
 * are not counted yet; Interrupted; as `measureFolder`
 * @example await measureShare(nodeHost, 'slide.ome.zarr', { as: 'objects', out: 'm' }, { stage: 'count', shard: { k: 3, n: 64 } });
 */
export async function measureShare(
  host: Pick<Host, 'files' | 'memory' | 'versions'>,
  path: string,
  options: MeasureFolderOptions,
  { stage, shard, resume = false, signal }: MeasureWork,
  hooks: MeasureHooks & { onUnit?(done: number, total: number): void } = {},
): Promise<MeasuredShare> {
  const { files } = host;
  requireUnit(options);
  const inputs = await measureInputs(files, path, options);
  const out = options.out ?? inputs.out;
  await requireFreeFolder(files, out, { ignore: MEASURE_OUTPUTS, option: 'another folder' });
  const parts = new MeasuredParts(files, out);
  const reader = new MeasureReader(host, inputs, options, hooks, parts);
  const maps = await describedMaps(host, reader);
  let open: RegionMap | undefined;
  try {
    const units = [...maps].flatMap(([item, map]) => map.places.map((place) => ({ item, map, place })));
    const works = stage === 'values' ? await countAll(reader, maps) : undefined;
    const part = stage === 'count' ? 'counts' : 'values';
    const share = shareOf(units, shard);
    let written = 0;
    let skipped = 0;
    for (const { item, map, place } of share) {
      if (signal?.aborted === true) throw new Interrupted('Measuring was stopped.');
      if (map !== open) await open?.close();
      open = map;
      // What failed may do so no more.
      const { lack, failed }: PartState = resume ? await parts.state(part, place) : { lack: 'missing' };
      if (lack === undefined && failed === undefined) skipped++;
      else {
        const keep = await orFailure(async () => {
          const work = works?.get(item);
          if (work instanceof LamellaError) throw work;
          if (work === undefined) {
            const counts = await map.countsOf(place);
            return () => parts.writeCounts(place, counts);
          }
          const values = await map.valuesOf(place, work);
          return () => parts.writeValues(place, values);
        });
        if (keep instanceof LamellaError) await parts.writeFailed(part, place, reader.skip(item, keep).reason);
        else await keep();
        written++;
      }
      hooks.onUnit?.(written + skipped, share.length);
    }
    return { out, units: units.length, written, skipped };
  } finally {
    await open?.close();
  }
}

/**
 * As `measureFolder`, of what all shares measured. Repeated, it does the same again.
 * @throws LamellaError if something is not measured yet; as `measureShare`
 */
export const measureParts = (
  host: Pick<Host, 'files' | 'memory' | 'versions'>,
  path: string,
  options: MeasureFolderOptions,
  hooks: MeasureHooks = {},
): Promise<Measured<ObjectsResult>> =>
  measureBy(
    async (labels, { inputs }, outputs) => {
      const parts = new MeasuredParts(host.files, options.out ?? inputs.out);
      const reader = new MeasureReader(host, inputs, options, hooks, parts);
      await requireMeasured(host, reader);
      const result = await measureObjects(labels, reader, outputs, countLarge);
      await parts.finish();
      return result;
    },
    host,
    path,
    options,
    hooks,
  );

async function requireMeasured(host: Pick<Host, 'versions'>, reader: MeasureReader): Promise<void> {
  const maps = await describedMaps(host, reader);
  const places = [...maps.values()].flatMap((map) => map.places);
  for (const part of ['counts', 'values'] as const) await requireParts(reader.parts as MeasuredParts, part, places);
}

/** All label maps, which have to be those of the other processes, closed. */
async function describedMaps(
  { versions }: Pick<Host, 'versions'>,
  reader: MeasureReader,
): Promise<ReadonlyMap<MeasureItem, RegionMap>> {
  const { task = 'objects', minSize = 0, ignore = [], as, spacing, unit, level, format = [] } = reader.options;
  const outlines = OUTLINES.filter((name) => format.includes(name));
  if (task === 'lungs') {
    throw new UsageError('lungs are measured by one process.', { remedy: `Remove ${option('shard')}.` });
  }
  const maps = new Map<MeasureItem, RegionMap>();
  const described: Record<string, MeasurePlan['maps'][string]> = {};
  for (const item of reader.inputs.items) {
    const map = (await openRegions(reader, item)) as RegionMap;
    await map.close();
    maps.set(item, map);
    const labels = await planned(reader, item.labels, map.info);
    const others: { -readonly [which in keyof RegionMap['others']]?: PlannedInput } = {};
    for (const which of ['image', 'truth', 'classes'] as const) {
      const [listed, info] = [item[which], map.others[which]];
      if (listed !== undefined && info !== undefined) others[which] = await planned(reader, listed, info);
    }
    const { times } = sizes(map.info);
    described[item.name] = { labels, ...others, times, blocks: map.places.length / times };
  }
  await reader.parts?.requireSame({
    version: 1,
    facts: { 'version of Lamella': versions?.().Lamella },
    settings: {
      ...{ minSize, ignore, as, spacing, unit, level },
      format: outlines.length > 0 ? outlines : undefined,
      memory: sharedBytes(reader.options),
    },
    maps: described,
  });
  return maps;
}

/** What a label map or an image has to be in every process. */
async function planned(
  { files }: MeasureReader,
  { path }: ListedImage,
  { dtype, axes, shape, spacing }: ImageInfo,
): Promise<PlannedInput> {
  return { path: files.resolve(path), dtype, axes, shape, spacing, ...(await contentStamp(files, path)) };
}

/**
 * Counts all objects by what the processes of the stage before kept, and selects those that are measured.
 * @returns by label map, or why it cannot be measured
 */
async function countAll(
  reader: MeasureReader,
  maps: ReadonlyMap<MeasureItem, RegionMap>,
): Promise<ReadonlyMap<MeasureItem, RegionWork | LamellaError>> {
  const places = [...maps.values()].flatMap((map) => map.places);
  await requireParts(reader.parts as MeasuredParts, 'counts', places);
  const all = new Map<MeasureItem, RegionMap | LamellaError>();
  for (const [item, map] of maps) {
    all.set(item, await orFailure(() => counted(map)));
  }
  const kinds = await kindsOf(reader, new LargeMaps(all));
  const works = new Map<MeasureItem, RegionWork | LamellaError>();
  for (const [item, map] of all) {
    const selecting = async () => {
      if (map instanceof LamellaError) throw map;
      const work = { kinds, isDropped: droppedFrom(reader, item.labels.path, kinds) };
      map.select(work);
      return work;
    };
    works.set(item, await orFailure(selecting));
  }
  return works;
}

/** What it gives, or why that is impossible. */
async function orFailure<T>(get: () => Promise<T>): Promise<T | LamellaError> {
  try {
    return await get();
  } catch (cause) {
    if (cause instanceof LamellaError) return cause;
    throw cause;
  }
}

/** @throws LamellaError naming what is missing */
async function requireParts(
  parts: MeasuredParts,
  part: 'counts' | 'values',
  places: readonly PartPlace[],
): Promise<void> {
  const missing: string[] = [];
  for (const place of places)
    if ((await parts.state(part, place)).lack !== undefined) missing.push(parts.file(part, place));
  if (missing.length === 0) return;
  const stage = part === 'counts' ? 'count' : 'values';
  throw new LamellaError(
    `${missing.length} of ${places.length} blocks are not ${part === 'counts' ? 'counted' : 'measured'} yet, or damaged: ${missing.slice(0, 3).join(', ')}${missing.length > 3 ? ', ...' : ''}.`,
    { remedy: `Run ${option('stage', stage)} with ${option('resume')} first.` },
  );
}
