/** Which images are predicted by region, in how much memory, and where the results go. */

import { LamellaError, option, UsageError } from '../errors.ts';
import { joinPath, type WritableFiles } from '../files.ts';
import { writeOmeTiff } from '../image/formats/tiff/write-pyramid.ts';
import type { WriteOmeZarrOptions } from '../image/formats/zarr/write.ts';
import { sizes } from '../image/image.ts';
import type { ImageSink } from '../image/sink.ts';
import { type ImageInfo, type ImageSource, infoAt } from '../image/source.ts';
import { scaleToTrained } from '../input/pixel-size.ts';
import type { ObjectsByBlocks } from '../objects/blocks/by-blocks.ts';
import type { SeparationSettings } from '../objects/instances.ts';
import { megabytes, tileWithin, wholeBytes } from '../predict/memory.ts';
import type { SegmentationModel } from '../predict/model.ts';
import { objectsInfo, objectsToSink } from '../predict/object-regions.ts';
import { objectMaps, separationOf } from '../predict/objects.ts';
import { labelImage, probabilityImage } from '../predict/output.ts';
import { type PredictOptions, planPage } from '../predict/predict.ts';
import {
  type BlockSink,
  blockFor,
  type OutputOf,
  outputInfo,
  predictToSinks,
  sinkBytes,
  wholeFor,
} from '../predict/stream.ts';
import { DEFAULT_TILE, type TilingRule } from '../predict/tile-plan.ts';
import { blockFiles } from './block-files.ts';
import { openImageFile } from './image-files.ts';
import { DEPTHS, type PredictionOutputs } from './prediction-outputs.ts';

/** What tiles may take without being asked: more makes them larger, and gains little. */
export const DEFAULT_BYTES = 1.5 * 2 ** 30;
/** And of what is free, at most. */
const FREE_SHARE = 1 / 4;
/** What an image in memory may take of it. */
const WHOLE_SHARE = 1 / 2;
/** What tiles get at least of a limit, however large the image is, and objects of what tiles got. */
const SMALLEST_SHARE = 1 / 8;

/** Of the host: its files, and the memory if it can tell. */
interface Place {
  readonly files: WritableFiles;
  memory?(): { readonly used: number; readonly free: number };
}

/** Memory for predictions, in bytes. */
export interface MemoryPlan {
  /** For tiles and blocks. */
  readonly tiles: number;
  /** For an image as a whole; larger ones are predicted by region. */
  readonly whole: number;
  /** Whether both together must not be exceeded. */
  readonly isLimit: boolean;
}

/**
 * What was asked for without what the process has already, and what compiling takes; by default shares of what is free.
 * Undefined where the platform cannot tell what that is.
 * @throws UsageError if nothing is left
 */
export function planMemory(
  { memory }: Pick<Place, 'memory'>,
  models: readonly SegmentationModel[],
  asked: number | undefined,
): MemoryPlan | undefined {
  const now = memory?.();
  if (now === undefined) return asked === undefined ? undefined : { tiles: asked, whole: asked, isLimit: true };
  if (asked === undefined) {
    return { tiles: Math.min(DEFAULT_BYTES, FREE_SHARE * now.free), whole: WHOLE_SHARE * now.free, isLimit: false };
  }
  const compiled = models.reduce((sum, model) => sum + (model.memory?.compiled ?? 0), 0);
  const left = asked - now.used - compiled;
  if (left > 0) return { tiles: left, whole: left, isLimit: true };
  const takes = models.length === 0 ? 'the program takes' : 'the program and its model take';
  throw new UsageError(
    `Too little memory: ${megabytes(asked)} are allowed, but ${takes} ${megabytes(now.used + compiled)}.`,
    { remedy: `Set ${option('memory')} to at least ${megabytes(1.5 * (now.used + compiled))}.` },
  );
}

/** What is written of an image that is predicted by region; `maps` are what objects are found in, until they are. */
export type RegionPart = 'probability' | 'label' | 'maps';

interface RegionOutputOf {
  readonly part: RegionPart;
  readonly of: OutputOf;
}

/** What is asked for, and how it is made. @param values of the label maps */
export function regionOutputs(
  { probability = '8bit', labels = true, threshold, objects = false }: PredictionOutputs,
  values: readonly number[] | undefined,
): readonly RegionOutputOf[] {
  const made: RegionOutputOf[] = [];
  if (probability !== 'none') {
    made.push({ part: 'probability', of: (map) => probabilityImage(map, { depth: DEPTHS[probability] }) });
  }
  if (labels) made.push({ part: 'label', of: (map) => labelImage(map, { threshold, values }) });
  if (objects) made.push({ part: 'maps', of: objectMaps });
  return made;
}

/** Where what objects are found in is kept until they are, in a folder that is removed then. */
export function objectPaths(out: string, name: string): { readonly between: string; readonly maps: string } {
  const between = joinPath(out, 'objects', `${name}.unfinished`);
  return { between, maps: joinPath(between, 'maps.ome.zarr') };
}

/** A note on objects that may be others than those of the whole image; none if all are proved. */
export const openNotes = ({ openPixels, openObjects }: Omit<ObjectsByBlocks, 'count'>): readonly string[] =>
  openPixels === 0
    ? []
    : [
        `${openPixels} pixels of ${openObjects} objects could not be proved to be those of the whole image: set ${option('memory')} to more.`,
      ];

export interface RegionPrediction {
  readonly probability?: string;
  readonly label?: string;
  readonly objects?: string;
  readonly objectCount?: number;
  readonly notes: readonly string[];
  /** How it was tiled. */
  readonly plan: string;
}

export interface RegionRequest {
  readonly models: readonly [SegmentationModel, ...SegmentationModel[]];
  readonly level: number;
  /** Whether the image is in OME-Zarr; its results are then as well. */
  readonly isStore: boolean;
  readonly out: string;
  readonly name: string;
  readonly outputs: PredictionOutputs;
  /** Values of the label maps. */
  readonly values?: readonly number[];
  /** How objects are separated. */
  readonly separation?: Partial<SeparationSettings>;
  readonly predict: PredictOptions;
  readonly memory?: MemoryPlan;
  /** Called before an image is predicted as a whole that is too large for that. */
  readonly onNote?: (note: string) => void;
}

/**
 * Predicts an image by region if it is too large for the memory there is, or if results in OME-Zarr are asked for.
 * @returns undefined if it is to be predicted as a whole
 * @throws UsageError if it cannot be predicted by region and the format needs that; LamellaError if it cannot, and there is
 * not enough memory for the whole; as `predictToSinks`
 */
export async function predictByRegion(
  host: Place,
  source: ImageSource,
  request: RegionRequest,
): Promise<RegionPrediction | undefined> {
  const { models, level, outputs, memory, onNote } = request;
  const info = infoAt(source, level);
  const scale = outputs.resample === true ? scaleToTrained(models[0].input.pixelMm, info) : 1;
  const whole = models.length * wholeBytes(models[0], info, { objects: outputs.objects, scale });
  const tooLarge = memory !== undefined && whole > memory.whole;
  if (!tooLarge && outputs.format !== 'zarr') return undefined;
  const why = wholeNeeded(models, info, outputs);
  if (why === undefined) return predictInto(host, source, request);
  const file = info.source;
  if (outputs.format === 'zarr') {
    throw new UsageError(`OME-Zarr is written of images that are predicted by region, which ${why} does not allow.`, {
      file,
      remedy: `Remove it, or choose another ${option('format')}.`,
    });
  }
  const { free } = host.memory?.() ?? { free: Number.POSITIVE_INFINITY };
  const takes = `it is predicted as a whole because of ${why}, which takes about ${megabytes(whole)}`;
  if (whole > free) {
    throw new LamellaError(`${takes}, and ${megabytes(free)} are free.`, {
      file,
      remedy: `Remove it, or use a lower resolution of the image: ${option('level')}.`,
    });
  }
  onNote?.(`${request.name}: ${takes}.`);
  return undefined;
}

/** What of the request needs the whole image, as a noun. */
export function wholeNeeded(
  models: RegionRequest['models'],
  info: ImageInfo,
  { objects = false, median, probability, labels = true, format = 'same', spacing, resample }: PredictionOutputs,
): string | undefined {
  if (resample === true && models.some(({ input }) => scaleToTrained(input.pixelMm, info) !== 1))
    return option('resample');
  if (median !== undefined) return option('median');
  if (spacing !== undefined) return option('spacing');
  if (models.length > 1) return 'the mean of several models';
  if (format !== 'same' && format !== 'tiff' && format !== 'zarr') return option('format', format);
  if (probability === 'none' && !labels && !objects) return 'the overlay';
  return wholeFor(models[0], info);
}

/** Begins a store, loaded with the first one, in place of one that an earlier prediction left, which might be larger. */
async function newStore(
  files: WritableFiles,
  path: string,
  output: ImageInfo,
  options?: WriteOmeZarrOptions,
): Promise<ImageSink> {
  const { writeOmeZarr } = await import('../image/formats/zarr/write.ts');
  await files.remove?.(path);
  return writeOmeZarr(files, path, output, options);
}

/** Begins a result, in a format that holds it. */
async function newResult(
  files: WritableFiles,
  part: Exclude<RegionPart, 'maps'> | 'objects',
  output: ImageInfo,
  { out, name, outputs: { format = 'same' }, isStore }: RegionRequest,
): Promise<{ readonly path: string; readonly sink: ImageSink }> {
  // Channels of a TIFF are written one after the other, those of a block are predicted together.
  const isTiff = (format === 'tiff' || (format === 'same' && !isStore)) && sizes(output).channels === 1;
  const path = joinPath(out, part, `${name}.${isTiff ? 'tif' : 'ome.zarr'}`);
  return { path, sink: await (isTiff ? writeOmeTiff(files, path, output) : newStore(files, path, output)) };
}

async function predictInto(
  { files, memory: memoryNow }: Place,
  source: ImageSource,
  request: RegionRequest,
): Promise<RegionPrediction> {
  const { models, level, out, name, outputs, values, predict, memory } = request;
  const [model] = models;
  const { objects = false, overlay = true } = outputs;
  const info = infoAt(source, level);
  const made: { readonly of: OutputOf; readonly sink: ImageSink }[] = [];
  const paths: { [P in Exclude<RegionPart, 'maps'>]?: string } = {};
  // Said before the image is predicted.
  const separation = objects ? separationOf(model.classes, request.separation) : undefined;
  const { between, maps } = objectPaths(out, name);
  try {
    for (const { part, of } of regionOutputs(outputs, values)) {
      const output = outputInfo(model, info, of);
      if (part === 'maps') {
        made.push({ of, sink: await newStore(files, maps, output, { levels: 1 }) });
        continue;
      }
      const { path, sink } = await newResult(files, part, output, request);
      made.push({ of, sink });
      paths[part] = path;
    }
    const sinks = made.map(({ sink }) => sink);
    const before = memoryNow?.().used ?? 0;
    const options = { ...predict, level, ...tilesWithin(model, sinks, predict, memory) };
    const notes = await predictToSinks(model, source, made, options);
    const { height, width } = sizes(info);
    // A runtime keeps what it had for its tiles.
    const kept = memory?.isLimit === true ? Math.max(0, (memoryNow?.().used ?? 0) - before) : 0;
    const tiles = memory?.tiles ?? DEFAULT_BYTES;
    const bytes = Math.max(tiles - kept, SMALLEST_SHARE * tiles);
    const found = separation && (await separateInto(files, between, maps, separation, request, bytes));
    return {
      ...paths,
      ...found?.file,
      notes: [
        ...notes,
        ...(found?.notes ?? []),
        ...(overlay ? ['No overlay is drawn of an image that is predicted by region.'] : []),
      ],
      plan: planPage(model, height, width, options).description,
    };
  } finally {
    if (separation !== undefined) await files.remove?.(between);
  }
}

/** Separates the objects in the maps of a prediction by blocks, and writes them. */
async function separateInto(
  files: WritableFiles,
  between: string,
  maps: string,
  separation: SeparationSettings,
  request: RegionRequest,
  bytes: number,
): Promise<{ readonly file: Pick<RegionPrediction, 'objects' | 'objectCount'>; readonly notes: readonly string[] }> {
  const { predict } = request;
  const source = await openImageFile(files, maps);
  try {
    const { path, sink } = await newResult(files, 'objects', objectsInfo(source.info), request);
    try {
      const found = await objectsToSink(source, sink, separation, {
        bytes,
        store: blockFiles(files, joinPath(between, 'blocks')),
        signal: predict.signal,
      });
      await sink.finish();
      return { file: { objects: path, objectCount: found.count }, notes: openNotes(found) };
    } catch (cause) {
      await sink.abort();
      throw cause;
    }
  } finally {
    await source.close();
  }
}

/** Share of the memory for blocks that are collected and written, where units allow. */
const BLOCK_SHARE = 0.15;

/**
 * The largest tile and its blocks for this memory.
 * @param parts sides of the parts to predict one by one, which blocks divide
 */
export function tilesWithin(
  model: SegmentationModel,
  sinks: readonly BlockSink[],
  { tile, batch }: Pick<PredictOptions, 'tile' | 'batch'>,
  memory: MemoryPlan | undefined,
  parts?: Readonly<Record<'y' | 'x', number>>,
): Required<Pick<PredictOptions, 'block'>> & Pick<PredictOptions, 'tile'> {
  const forBlocks = memory && BLOCK_SHARE * memory.tiles;
  const blockOf = (side: number) => {
    const core = ({ halo, margin, multiple }: TilingRule): number =>
      Math.max(1, side - 2 * Math.max(halo, margin) - multiple);
    return blockFor(sinks, [core(model.rule.y), core(model.rule.x)], { bytes: forBlocks, parts });
  };
  if (memory === undefined || forBlocks === undefined || tile !== undefined) {
    return { tile, block: blockOf(tile ?? DEFAULT_TILE) };
  }
  const least = sinkBytes(sinks, blockOf(1));
  const largest = tileWithin(model, memory.tiles - Math.max(least, forBlocks), { batch, ...usual(memory) });
  return { tile: largest, block: blockOf(largest) };
}

/** Tiles have their usual size at least, unless memory is limited. */
const usual = ({ isLimit }: MemoryPlan): { readonly atLeast?: number } => (isLimit ? {} : { atLeast: DEFAULT_TILE });

/** The largest tile of an image in memory, for all of these models. */
export function tileBeside(
  models: readonly SegmentationModel[],
  image: ImageInfo,
  { objects, batch }: { readonly objects?: boolean; readonly batch?: number },
  memory: MemoryPlan,
): number {
  const tiles = models.map((model) => {
    const left = memory.tiles - (memory.isLimit ? wholeBytes(model, image, { objects }) : 0);
    return tileWithin(model, Math.max(left, SMALLEST_SHARE * memory.tiles), { batch, ...usual(memory) });
  });
  return Math.min(...tiles);
}
