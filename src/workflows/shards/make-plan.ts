/** Makes the plan: how each image is cut, and what is found of it by reading it. */

import { sha256 } from '@noble/hashes/sha2.js';
import { DatasetError, FormatError, LamellaError, option } from '../../errors.ts';
import { layoutOf } from '../../image/formats/zarr/write.ts';
import { sizes } from '../../image/image.ts';
import { type ImageInfo, type ImageSource, infoAt } from '../../image/source.ts';
import { type InputScan, openInputRegions } from '../../input/input-regions.ts';
import type { SeparationSettings } from '../../objects/instances.ts';
import { megabytes, tileWithin, wholeBytes } from '../../predict/memory.ts';
import { objectBlocks, objectsInfo, shapeAtTime } from '../../predict/object-regions.ts';
import { separationOf } from '../../predict/objects.ts';
import { outputInfo } from '../../predict/stream.ts';
import type { BegunPrediction, PredictFolderOptions } from '../begin-prediction.ts';
import type { Host } from '../host.ts';
import { type ListedImage, openListedImage } from '../image-list.ts';
import { readModel } from '../model-files.ts';
import { labelValues, separationFor } from '../predict.ts';
import {
  DEFAULT_BYTES,
  type MemoryPlan,
  objectPaths,
  planMemory,
  regionOutputs,
  tilesWithin,
  wholeNeeded,
} from '../predict-regions.ts';
import type { PlannedImage, PlannedObjects, PlannedOutput, PlannedParts, ShardPlan } from './plan.ts';
import { shardSides } from './units.ts';

/** Options that decide what is written; files and devices are known by their content. */
export function settingsOf(options: PredictFolderOptions): ShardPlan['settings'] {
  const { out: _, device: __, which: ___, signal: ____, ...settings } = options;
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));
}

/** What has to be the same for the same bits. */
export async function factsOf(host: Host, { opened }: Pick<BegunPrediction, 'opened'>): Promise<ShardPlan['facts']> {
  const [{ runtime }] = opened;
  const models: [string, string][] = [];
  for (const [i, { file }] of opened.entries()) {
    const hash = sha256(await readModel(host.files, file));
    const digits = [...hash.subarray(0, 8)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
    models.push([opened.length === 1 ? 'model' : `model ${i + 1}`, digits]);
  }
  return {
    ...Object.fromEntries(models),
    ...host.versions?.(),
    device: runtime.device,
    layout: runtime.layout,
  };
}

/** What the program takes without a model: a measured value would differ from process to process, and tiles with it. */
const PROGRAM_BYTES = 200e6;

/** What a process may take: the same on every machine. */
const memoryOf = ({ opened }: BegunPrediction, memory: number | undefined): MemoryPlan =>
  (memory === undefined
    ? undefined
    : planMemory({ memory: () => ({ used: PROGRAM_BYTES, free: Number.POSITIVE_INFINITY }) }, opened, memory)) ?? {
    tiles: DEFAULT_BYTES,
    whole: WHOLE_BYTES,
    isLimit: false,
  };

/** An image that takes less as a whole is not cut unless it is asked for. */
const WHOLE_BYTES = 1e9;
/** Of a limit, for the tiles of images that are predicted as a whole. */
const TILES_SHARE = 1 / 2;

/**
 * @param hooks onNote: called for an image that one job predicts by itself, although it is large
 * @throws LamellaError for an image that must be predicted as a whole and does not fit into `memory`; as
 * `openInputRegions`
 */
export async function makePlan(
  host: Host,
  begun: BegunPrediction,
  options: PredictFolderOptions,
  onNote: ((note: string) => void) | undefined,
): Promise<ShardPlan> {
  const memory = memoryOf(begun, options.memory);
  const { opened, items } = begun;
  const share = memory.isLimit ? TILES_SHARE * memory.tiles : memory.tiles;
  const images: PlannedImage[] = [];
  for (const item of items) {
    try {
      images.push({ name: item.name, parts: await planParts(host, begun, item, { options, memory, onNote }) });
    } catch (cause) {
      // One of several that cannot be read fails when its turn comes.
      if (items.length === 1 || !(cause instanceof FormatError || cause instanceof DatasetError)) throw cause;
      images.push({ name: item.name });
    }
  }
  return {
    version: 1,
    facts: await factsOf(host, begun),
    settings: settingsOf(options),
    tile: options.tile ?? Math.min(...opened.map((model) => tileWithin(model, share, { batch: options.batch }))),
    images,
  };
}

interface PartsOptions {
  readonly options: PredictFolderOptions;
  readonly memory: MemoryPlan;
  readonly onNote?: (note: string) => void;
}

/** Undefined for an image that is predicted as a whole. */
async function planParts(
  host: Host,
  { opened }: BegunPrediction,
  item: ListedImage,
  { options, memory, onNote }: PartsOptions,
): Promise<PlannedParts | undefined> {
  const source = await openListedImage(host.files, item);
  if (source === undefined) return undefined;
  try {
    const level = typeof item.level === 'function' ? item.level(source.levels) : (item.level ?? 0);
    // A level that does not exist is explained by the reader.
    if (source.levels[level] === undefined) return undefined;
    const info = infoAt(source, level);
    const [model] = opened;
    const outputs = regionOutputs(options, labelValues(model)).map(({ part, of }): PlannedOutput => {
      const { source: _, ...made } = outputInfo(model, info, of);
      const path = part === 'maps' ? objectPaths('', item.name).maps : `${part}/${item.name}.ome.zarr`;
      return { part, path, info: made };
    });
    const [first, ...more] = outputs;
    if (first === undefined) return undefined;
    const whole = opened.length * wholeBytes(model, info, { objects: options.objects });
    const isSmall = whole <= Math.min(WHOLE_BYTES, memory.whole) && !outputs.some(({ info }) => hasSeveralShards(info));
    if (isSmall && options.format !== 'zarr') return undefined;
    const isTiff = options.format === 'tiff';
    const separation = options.objects ? separationOf(model.classes, separationFor(model, options)) : undefined;
    const isOtsu = separation?.threshold === 'otsu';
    const alone = isTiff ? option('format', 'tiff') : isOtsu ? "Otsu's threshold for its objects" : undefined;
    const why = alone ?? wholeNeeded(opened, info, options);
    const scans = why === undefined ? await scansOf(source, model.input, { level, ...options }) : why;
    if (typeof scans === 'string') {
      const said = `it is predicted as a whole by one job because of ${scans}, which takes about ${megabytes(whole)}`;
      if (options.memory !== undefined && whole > memory.whole) {
        throw new LamellaError(`${said}, more than ${option('memory')} allows.`, {
          file: item.path,
          remedy: 'Remove it, or allow more memory.',
        });
      }
      if (!isSmall) onNote?.(`${item.name}: ${said}.`);
      return undefined;
    }
    const sinks = outputs.map((output) => {
      const { axes, shape } = output.info;
      return { info: output.info, unit: layoutOf(axes, shape).chunk, inOrder: false };
    });
    const { dtype, axes, shape, spacing, channels } = info;
    return {
      info: { dtype, axes, shape, spacing, ...(channels && { channels }) },
      level,
      ...tilesWithin(model, sinks, options, memory, shardSides(first.info)),
      scans,
      outputs: [first, ...more],
      ...(separation && { objects: planObjects(item.name, outputs, separation, memory) }),
    };
  } finally {
    await source.close();
  }
}

/** @param separation with a threshold that is a number */
function planObjects(
  name: string,
  outputs: readonly PlannedOutput[],
  { threshold = 0.5, ...settings }: SeparationSettings,
  memory: MemoryPlan,
): PlannedObjects {
  const maps = outputs.find(({ part }) => part === 'maps') as PlannedOutput;
  const info = objectsInfo(maps.info);
  return {
    path: `objects/${name}.ome.zarr`,
    between: objectPaths('', name).between,
    info,
    settings: { ...settings, threshold: Number(threshold) },
    ...objectBlocks(shapeAtTime(info), memory.tiles),
  };
}

function hasSeveralShards(info: ImageInfo): boolean {
  const { times, slices, height, width } = sizes(info);
  const { z, y, x } = shardSides(info);
  return times > 1 || slices > z || height > y || width > x;
}

/** What is found of each slice by reading it; or why the image has to be predicted as a whole. */
async function scansOf(
  source: ImageSource,
  input: BegunPrediction['opened'][0]['input'],
  { level, channel, signal }: Pick<PredictFolderOptions, 'channel' | 'signal'> & { readonly level: number },
): Promise<readonly InputScan[] | string> {
  const { times, slices } = sizes(infoAt(source, level));
  const scans: InputScan[] = [];
  for (let page = 0; page < times * slices; page++) {
    const at = { t: Math.floor(page / slices), z: page % slices };
    const regions = await openInputRegions(source, input, { level, ...at, channel, signal });
    if (regions === undefined) return 'numbers that only the whole of it gives';
    scans.push(regions.scan);
  }
  return scans;
}
