/**
 * A prediction that several processes share, on one machine or many: `scan` makes the plan, `predict` writes a share of
 * the results, in any order, at once and as often as it likes, `objects` separates the objects of a share of their blocks,
 * `finish` does what needs all of them.
 */

import { DatasetError, FormatError, LamellaError, option, UsageError } from '../../errors.ts';
import { joinPath } from '../../files.ts';
import { finishShards, removeLeftovers, writeShards } from '../../image/formats/zarr/write-parts.ts';
import { sizes } from '../../image/image.ts';
import { type ImageSource, infoAt } from '../../image/source.ts';
import type { ObjectsByBlocks } from '../../objects/blocks/by-blocks.ts';
import type { SegmentationModel } from '../../predict/model.ts';
import type { PredictOptions } from '../../predict/predict.ts';
import { predictToSinks, regionOfPart } from '../../predict/stream.ts';
import {
  type BegunPrediction,
  beginPrediction,
  describePrediction,
  type PredictFolderOptions,
} from '../begin-prediction.ts';
import type { ShardStage, SharedStage } from '../choices.ts';
import type { Host } from '../host.ts';
import { type ListedImage, openListedImage } from '../image-list.ts';
import type { OpenedModelFile } from '../model-files.ts';
import { requireFreeFolder } from '../out-folder.ts';
import { labelValues, PARTS, type PredictHooks, predictWhole, writtenValues } from '../predict.ts';
import { openNotes, regionOutputs } from '../predict-regions.ts';
import { factsOf, makePlan, settingsOf } from './make-plan.ts';
import { BlockSeparator, findSeeds, joinObjects } from './object-blocks.ts';
import {
  type PlannedParts,
  readPlan,
  requirePlanned,
  requireSameImage,
  requireUnmeasured,
  type ShardPlan,
  storePlan,
  withObjects,
} from './plan.ts';
import { failuresOf, workStatus } from './status.ts';
import {
  badFiles,
  objectUnitsOf,
  readRecord,
  recordWhole,
  type ShardNumber,
  shareOf,
  type Unit,
  unitsOf,
} from './units.ts';

/** Which of the work a process does. */
export type ShardWork =
  | { readonly stage: Exclude<ShardStage, SharedStage> }
  | {
      readonly stage: SharedStage;
      readonly shard: ShardNumber;
      /** Skip what is there and sound. */
      readonly resume?: boolean;
    };

export interface ShardHooks extends Pick<PredictHooks, 'onOpen' | 'onWindow' | 'onNote' | 'onFailure'> {
  /** Called after each part, and each block of objects. */
  onUnit?(done: number, total: number, unit: { readonly name: string; readonly skipped: boolean }): void;
  /** Called when the objects of an image are numbered. */
  onObjects?(name: string, found: ObjectsByBlocks): void;
}

export interface ShardResult {
  readonly out: string;
  /** Parts of all images, or blocks of their objects. */
  readonly units: number;
  /** Of this process: written, and skipped because they were there. */
  readonly written: number;
  readonly skipped: number;
}

/**
 * Does one share of a prediction.
 * @throws UsageError where the plan was made for anything else, naming it; LamellaError from `finish` if something is
 * not there; as `predictFolder`
 *
 * @example await predictShards(nodeHost, ['runs/a'], 'slide.ome.zarr', { out: 'pred' }, { stage: 'predict', shard: { k: 3, n: 64 } });
 */
export async function predictShards(
  host: Host,
  models: readonly [string, ...string[]],
  images: string,
  options: PredictFolderOptions,
  work: ShardWork,
  hooks: ShardHooks = {},
): Promise<ShardResult> {
  const { files } = host;
  let plan: ShardPlan | undefined;
  const begun = await beginPrediction(host, models, images, options, {
    ...hooks,
    async onFolder(out) {
      plan = await readPlan(files, out);
      if (plan !== undefined) return;
      await requireUnmeasured(files, out);
      if (work.stage === 'finish' || work.stage === 'objects') {
        throw new UsageError('there is no plan here: nothing was predicted in shards.', {
          file: out,
          remedy: `Begin with ${option('stage', 'scan')}, or check ${option('out')}.`,
        });
      }
      try {
        await requireFreeFolder(files, out, { option: 'another output folder' });
      } catch (cause) {
        // Another process may have begun in the meantime.
        plan = await readPlan(files, out);
        if (plan === undefined) throw cause;
      }
    },
  });
  try {
    const { out, items } = begun;
    if (begun.opened[0].metadata?.cleaning) {
      hooks.onNote?.('Label maps are not cleaned where an image is predicted in parts.');
    }
    if (plan === undefined) plan = await storePlan(files, out, await makePlan(host, begun, options, hooks.onNote));
    const here = { facts: await factsOf(host, begun), settings: settingsOf(options) };
    requirePlanned(plan, { ...here, names: items.map(({ name }) => name) }, out);
    const units = work.stage === 'objects' ? objectUnitsOf(plan) : unitsOf(plan);
    if (work.stage === 'predict' || work.stage === 'objects') {
      const does = work.stage === 'predict' ? predictShare : separateShare;
      return { out, units: units.length, ...(await does(host, begun, { plan, units, options, work, hooks })) };
    }
    if (work.stage === 'finish') await finish(host, begun, { plan, images, options, hooks });
    return { out, units: units.length, written: 0, skipped: 0 };
  } finally {
    for (const each of begun.opened) await each.close();
  }
}

interface Share {
  readonly plan: ShardPlan;
  readonly units: readonly Unit[];
  readonly options: PredictFolderOptions;
  readonly work: Extract<ShardWork, { readonly stage: SharedStage }>;
  readonly hooks: ShardHooks;
}

type Done = Pick<ShardResult, 'written' | 'skipped'>;

/** Does a share, unit by unit, but what is there already if that is to be skipped. */
async function eachUnit(
  { files }: Host,
  out: string,
  { units, work, hooks }: Share,
  does: (unit: Unit) => Promise<void>,
): Promise<Done> {
  const share = shareOf(units, work.shard);
  let written = 0;
  let skipped = 0;
  for (const unit of share) {
    const isDone = work.resume === true && (await badFiles(files, out, unit)).length === 0;
    if (isDone) skipped++;
    else {
      await does(unit);
      written++;
    }
    hooks.onUnit?.(written + skipped, share.length, { name: unit.image.name, skipped: isDone });
  }
  return { written, skipped };
}

async function predictShare(host: Host, begun: BegunPrediction, share: Share): Promise<Done> {
  const { plan, options, hooks } = share;
  const { out, items } = begun;
  const byName = new Map(items.map((item) => [item.name, item]));
  const { tta, batch, channel, signal, resample } = options;
  const predict: PredictOptions = { tta, batch, channel, signal, resample };
  const models = begun.opened.map(alwaysCompiled) as [OpenedModelFile, ...OpenedModelFile[]];
  let open: { readonly item: ListedImage; readonly source: ImageSource } | undefined;
  try {
    return await eachUnit(host, out, share, async (unit) => {
      const { image, part } = unit;
      const item = byName.get(image.name) as ListedImage;
      if (image.parts === undefined || part === undefined) {
        return predictAlone(host, { models, item, out, plan, options, hooks }, unit);
      }
      if (open?.item !== item) {
        await open?.source.close();
        open = { item, source: await openPlanned(host, item, image.parts) };
      }
      await predictPart(host, models[0], { out, source: open.source, parts: image.parts, part, predict, options });
    });
  } finally {
    await open?.source.close();
  }
}

/** Separates the objects of a share of the blocks, when everything is predicted. */
async function separateShare(host: Host, { out }: BegunPrediction, share: Share): Promise<Done> {
  const { files } = host;
  const { plan, options } = share;
  await requireDone(files, out, unitsOf(plan), {
    what: 'parts',
    remedy: `Predict them with ${option('resume')} first.`,
  });
  let open: { readonly image: Unit['image']; readonly separator: BlockSeparator } | undefined;
  try {
    return await eachUnit(host, out, share, async ({ image, block }) => {
      if (open?.image !== image) {
        await open?.separator.close();
        open = { image, separator: new BlockSeparator({ files, out }, withObjects(image), options.signal) };
      }
      options.signal?.throwIfAborted();
      await open.separator.separate(block as NonNullable<Unit['block']>);
    });
  } finally {
    await open?.separator.close();
  }
}

/** @throws LamellaError naming what is missing or broken */
async function requireDone(
  files: Host['files'],
  out: string,
  units: readonly Unit[],
  { what, remedy }: { readonly what: string; readonly remedy: string },
): Promise<void> {
  const { done, bad } = await workStatus(files, out, units);
  if (done === units.length) return;
  const named = bad.slice(0, 3).map(({ file, why }) => `${file} (${why})`);
  throw new LamellaError(
    `${units.length - done} of ${units.length} ${what} are not there yet: ${named.join(', ')}${bad.length > 3 ? ', ...' : ''}.`,
    { file: out, remedy },
  );
}

/**
 * The model with every shape compiled, however few runs there are: compiled networks differ in the last bits, which
 * must not depend on what else a process does.
 */
function alwaysCompiled(model: OpenedModelFile): OpenedModelFile {
  const { prepare } = model;
  return prepare === undefined ? model : { ...model, prepare: (shape) => prepare(shape, Number.POSITIVE_INFINITY) };
}

async function openPlanned(host: Host, item: ListedImage, parts: PlannedParts): Promise<ImageSource> {
  const source = await openListedImage(host.files, item);
  if (source?.levels[parts.level] === undefined) {
    await source?.close();
    throw new UsageError('the image is not the one of the plan.', {
      file: item.path,
      remedy: `Use the same image for all jobs, or another ${option('out')}.`,
    });
  }
  try {
    requireSameImage(parts, infoAt(source, parts.level));
    return source;
  } catch (cause) {
    await source.close();
    throw cause;
  }
}

interface PartRequest {
  readonly out: string;
  readonly source: ImageSource;
  readonly parts: PlannedParts;
  readonly part: NonNullable<Unit['part']>;
  readonly predict: PredictOptions;
  readonly options: PredictFolderOptions;
}

async function predictPart(
  { files }: Host,
  model: SegmentationModel & Parameters<typeof labelValues>[0],
  { out, source, parts, part, predict, options }: PartRequest,
): Promise<void> {
  const { level, tile, block, scans, outputs } = parts;
  const { slices } = sizes(parts.info);
  const made = [];
  const ways = regionOutputs(options, labelValues(model));
  for (const [i, { path, info }] of outputs.entries()) {
    const { of } = ways[i] as (typeof ways)[number];
    made.push({ of, sink: await writeShards(files, joinPath(out, path), info, regionOfPart(info, part)) });
  }
  const scanOf = (t: number, z: number) => scans[t * slices + z];
  await predictToSinks(model, source, made, { ...predict, level, tile, block, part, scanOf });
  if (parts.objects !== undefined) await findSeeds(files, out, { ...parts, objects: parts.objects }, part);
}

interface AloneRequest {
  readonly models: readonly [OpenedModelFile, ...OpenedModelFile[]];
  readonly item: ListedImage;
  readonly out: string;
  readonly plan: ShardPlan;
  readonly options: PredictFolderOptions;
  readonly hooks: ShardHooks;
}

/** Predicts an image as a whole; among several, one that cannot be read is recorded as such. */
async function predictAlone(
  host: Host,
  { models, item, out, plan, options, hooks }: AloneRequest,
  { image }: Unit,
): Promise<void> {
  const { tta, batch, channel, signal, resample } = options;
  const predict = { tta, batch, channel, signal, resample, tile: plan.tile };
  try {
    const { file } = await predictWhole(host, models, item, { out, outputs: options, predict });
    const written = PARTS.flatMap((part) => file[part] ?? []).map((path) => path.slice(joinPath(out, '').length + 1));
    await recordWhole(host.files, out, image, { written, ...(file.level !== undefined && { level: file.level }) });
  } catch (cause) {
    if (plan.images.length === 1 || !(cause instanceof FormatError || cause instanceof DatasetError)) throw cause;
    await recordWhole(host.files, out, image, { written: [], failed: cause.message });
    hooks.onFailure?.({ image: item.path, reason: cause.message });
  }
}

interface FinishRequest {
  readonly plan: ShardPlan;
  readonly images: string;
  readonly options: PredictFolderOptions;
  readonly hooks: ShardHooks;
}

/** Joins objects, and writes the lower resolutions and what describes the results, when everything is there. */
async function finish(
  { files, segments }: Host,
  { out, opened }: BegunPrediction,
  { plan, images, options, hooks }: FinishRequest,
): Promise<void> {
  const repeat = option('resume');
  await requireDone(files, out, unitsOf(plan), { what: 'parts', remedy: `Predict them with ${repeat}, then finish.` });
  const blocks = {
    what: 'blocks of objects',
    remedy: `Separate them by ${option('stage', 'objects')} with ${repeat}, then finish.`,
  };
  await requireDone(files, out, objectUnitsOf(plan), blocks);
  const levels: Record<string, number> = {};
  for (const image of plan.images) {
    const record = image.parts ?? (await readRecord(files, out, image));
    if (record?.level !== undefined && record.level > 0) levels[image.name] = record.level;
    for (const { part, path, info } of image.parts?.outputs ?? []) {
      if (part === 'maps') continue;
      await removeLeftovers(files, joinPath(out, path), info);
      await finishShards(files, joinPath(out, path), info);
    }
    const objects = image.parts?.objects;
    const found = objects && (await joinObjects({ files, out, objects }, options.signal));
    if (found !== undefined) hooks.onObjects?.(image.name, found);
    for (const note of found === undefined ? [] : openNotes(found)) hooks.onNote?.(`${image.name}: ${note}`);
  }
  await describePrediction(files, out, {
    opened,
    images,
    levels,
    values: writtenValues({ segments }, opened[0], options.format),
  });
  for (const { parts } of plan.images) {
    if (parts?.objects !== undefined) await files.remove?.(joinPath(out, parts.objects.between));
  }
  const failed = await failuresOf(files, out, plan);
  if (failed.length > 0) {
    throw new DatasetError(`${failed.length} of ${plan.images.length} images could not be segmented: ${failed[0]}`, {
      remedy: 'Replace or remove them.',
    });
  }
}
