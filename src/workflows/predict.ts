/** Segments the images of a file or folder and writes the requested outputs. */

import { DatasetError, FormatError, option, UsageError } from '../errors.ts';
import { joinPath, type WritableFiles } from '../files.ts';
import { millimetres, withSpacingMm } from '../image/geometry.ts';
import { type Image, sizes } from '../image/image.ts';
import { displayMap, reorient } from '../image/orient.ts';
import { infoAt } from '../image/source.ts';
import { lengthText, nearestLevel } from '../input/pixel-size.ts';
import type { SeparationSettings } from '../objects/instances.ts';
import { predictAverage, requireSameClasses } from '../predict/average.ts';
import { smoothed } from '../predict/median.ts';
import { objectsImage, separationSettings } from '../predict/objects.ts';
import type { OpenModelOptions } from '../predict/open.ts';
import { labelImage, overlayImage, probabilityImage } from '../predict/output.ts';
import type { OpenedModel } from '../predict/own.ts';
import { type PredictOptions, planPage } from '../predict/predict.ts';
import type { DeviceName, Runtime } from '../runtime/runtime.ts';
import { encodeResult } from './encode.ts';
import type { Host } from './host.ts';
import { type ListedImage, listImages, openListedImage, readListedImage } from './image-list.ts';
import { isModel, type OpenedModelFile, openModelFile } from './model-files.ts';
import { requireFreeFolder } from './out-folder.ts';
import { planMemory, predictByRegion, tileBeside } from './predict-regions.ts';
import { defaultOut, MEASURES_FOLDER, PREDICTION_FILE, writePredictionFile } from './prediction-file.ts';
import { DEPTHS, type PredictionOutputs } from './prediction-outputs.ts';

/** Output folders; a folder with nothing else may be overwritten. */
const PARTS = ['probability', 'label', 'overlay', 'objects'] as const;
type Part = (typeof PARTS)[number];

export interface PredictFolderOptions
  extends PredictionOutputs,
    Pick<PredictOptions, 'tta' | 'tile' | 'batch' | 'channel' | 'signal'>,
    Pick<OpenModelOptions, 'evaluation' | 'output'> {
  /** Where to write; default: `pred` in the run, or beside the model. */
  readonly out?: string;
  readonly device?: DeviceName | 'auto';
  /** For a run folder: its best model (default) or its last. */
  readonly which?: 'best' | 'last';
  /**
   * Bytes that the process may take, which decides the size of tiles, and which images of TIFF and OME-Zarr are predicted by
   * region. Default: 1.5 GiB for tiles, or a quarter of what is free, and half of it for an image.
   */
  readonly memory?: number;
  /**
   * Which resolution of the images to predict, counted from 0, the full one; default: that whose pixels are nearest in
   * size to those of the training images.
   */
  readonly level?: number;
  /** Side of a pixel in mm: of images at several resolutions that with the nearest is predicted. Instead of `level`. */
  readonly pixelSize?: number;
}

/** The files written for one image. */
export interface PredictedFile extends Readonly<Partial<Record<Part, string>>> {
  readonly image: string;
  readonly widthPx: number;
  readonly heightPx: number;
  readonly pages: number;
  readonly objectCount?: number;
  readonly ms: number;
  /** Which resolution of the image it is, if not the full one. */
  readonly level?: number;
  /** Remarks from reading the image. */
  readonly notes?: readonly string[];
}

export interface FailedFile {
  readonly image: string;
  readonly reason: string;
}

export interface PredictHooks {
  /** Called before the first image. */
  onOpen?(models: readonly OpenedModelFile[]): void;
  /** Called after each image. @param plan a description of its tiling */
  onImage?(
    done: PredictedFile,
    progress: { readonly name: string; readonly index: number; readonly total: number; readonly plan: string },
  ): void;
  /** Called before something that takes much memory. */
  onNote?(note: string): void;
  /** Called for an unreadable image, which is skipped. */
  onFailure?(failed: FailedFile): void;
  /** Progress of a patch classifier that is run window by window. */
  onWindow?(done: number, total: number): void;
}

export interface PredictedFolder {
  readonly out: string;
  /** The ONNX files. */
  readonly models: readonly string[];
  readonly device: Runtime['device'];
  readonly classes: readonly string[];
  readonly images: readonly PredictedFile[];
  /** Images that could not be read. */
  readonly failed: readonly FailedFile[];
}

/**
 * Values of the label maps: those of the training labels, if they fit into 16 bits and are distinct; otherwise class
 * numbers.
 */
function labelValues({ metadata }: OpenedModel): readonly number[] | undefined {
  const values = metadata?.classes.map(({ value }) => value);
  const fit = values?.every((value) => Number.isInteger(value) && value >= 0 && value <= 65_535) === true;
  return fit && new Set(values).size === values?.length ? values : undefined;
}

/** How objects are separated, if it is said. */
const separationFor = (
  { metadata }: OpenedModel,
  { separation }: PredictFolderOptions,
): SeparationSettings | undefined => separation ?? (metadata && separationSettings(metadata));

interface WriteOptions {
  readonly out: string;
  readonly outputs: PredictFolderOptions;
  readonly predict: PredictOptions;
  readonly memory?: number;
  readonly onNote?: (note: string) => void;
}

interface Predicted {
  readonly file: PredictedFile;
  /** A description of its tiling. */
  readonly plan: string;
}

const chosenNote = (level: number, pixelSize: number | undefined): string =>
  `Level ${level} of it is predicted, whose pixels are nearest in size to ${pixelSize === undefined ? 'those of the training images' : lengthText(pixelSize)}; ${option('level')} chooses another.`;

/** Chooses a level of an image. @throws FormatError if a pixel size is asked for and a level has none */
const levelFor = (
  model: OpenedModelFile,
  file: string,
  { level, pixelSize }: PredictFolderOptions,
): ListedImage['level'] =>
  level ??
  ((levels) => {
    if (pixelSize === undefined) return nearestLevel(model.input.pixelMm, levels);
    if (levels.every(({ spacing }) => millimetres(spacing.x) !== undefined && millimetres(spacing.y) !== undefined)) {
      return nearestLevel([pixelSize, pixelSize], levels);
    }
    throw new FormatError('it states no pixel size by which one of its resolutions could be chosen.', {
      file,
      remedy: `Use ${option('level')} instead.`,
    });
  });

/** Predicts one image by region and writes what is asked for; undefined if it is to be predicted as a whole. */
async function predictLarge(
  host: Pick<Host, 'files' | 'nowMs' | 'memory'>,
  models: readonly [OpenedModelFile, ...OpenedModelFile[]],
  item: ListedImage,
  { out, outputs, predict, memory, onNote }: WriteOptions,
): Promise<Predicted | undefined> {
  const { pixelSize } = outputs;
  const began = host.nowMs();
  const source = await openListedImage(host.files, item);
  if (source === undefined) return undefined;
  try {
    const { path, name } = item;
    const level = typeof item.level === 'function' ? item.level(source.levels) : (item.level ?? 0);
    // A level that does not exist is explained by the reader.
    if (source.levels[level] === undefined) return undefined;
    const made = await predictByRegion(host, source, {
      ...{ models, level, out, name, outputs, predict, onNote, isStore: item.listed !== undefined },
      values: labelValues(models[0]),
      separation: separationFor(models[0], outputs),
      memory: planMemory(host, models, memory),
    });
    if (made === undefined) return undefined;
    const { notes: said, plan, ...written } = made;
    const info = infoAt(source, level);
    const { times, slices, height, width } = sizes(info);
    const isChosen = typeof item.level === 'function' && source.levels.length > 1;
    const notes = [...(isChosen && level > 0 ? [chosenNote(level, pixelSize)] : []), ...(info.notes ?? []), ...said];
    const file: PredictedFile = {
      image: path,
      widthPx: width,
      heightPx: height,
      pages: times * slices,
      ...written,
      ms: host.nowMs() - began,
      ...(level > 0 && { level }),
      ...(notes.length > 0 && { notes }),
    };
    return { file, plan };
  } finally {
    await source.close();
  }
}

/** Predicts one image and writes the requested outputs. */
async function predictFile(
  host: Pick<Host, 'files' | 'nowMs' | 'memory'>,
  models: readonly [OpenedModelFile, ...OpenedModelFile[]],
  item: ListedImage,
  options: WriteOptions,
): Promise<Predicted> {
  const large = await predictLarge(host, models, item, options);
  if (large !== undefined) return large;
  const { out, outputs } = options;
  if (outputs.format === 'zarr') {
    throw new UsageError(
      'results are written as OME-Zarr only for images that are read by region: TIFF and OME-Zarr.',
      {
        file: item.path,
        remedy: `Choose another ${option('format')}.`,
      },
    );
  }
  const { files, nowMs } = host;
  const began = nowMs();
  const { path, name } = item;
  const read = await readListedImage(files, item);
  const {
    probability = '8bit',
    labels = true,
    overlay = true,
    objects: separate = false,
    format = 'same',
    spacing,
    threshold,
    median,
  } = outputs;
  const image = spacing === undefined ? read : withSpacingMm(read, spacing);
  const predict = { ...options.predict, ...tileFor(host, models, image, options) };
  const mean = await predictAverage(models, image, predict);
  const prediction = median === undefined ? mean : smoothed(mean, median);
  const written: { [P in Part]?: string } = {};
  const write = async (part: Part, picture: Image, as = format): Promise<void> => {
    const { bytes, extension } = encodeResult(picture, as, path, files.zlib);
    const file = joinPath(out, part, `${name}.${extension}`);
    await files.write(file, bytes);
    written[part] = file;
  };
  if (probability !== 'none') await write('probability', probabilityImage(prediction, { depth: DEPTHS[probability] }));
  if (labels) {
    await write('label', labelImage(prediction, { threshold, values: labelValues(models[0]) }));
  }
  if (overlay) {
    const picture = overlayImage(image, labelImage(prediction, { threshold }));
    // For display: in viewing orientation, and in a common format.
    const map = displayMap(image);
    const { geometry, ...turned } = map === undefined ? picture : reorient(picture, map);
    await write('overlay', turned, geometry === undefined || format === 'png' ? format : 'tiff');
  }
  const separation = separationFor(models[0], outputs);
  const objects = separate ? objectsImage(prediction, separation && { separation }) : undefined;
  if (objects !== undefined) await write('objects', objects.labels);
  const isChosen = typeof item.level === 'function' && read.level !== undefined;
  const notes = [
    ...(isChosen ? [chosenNote(read.level, options.outputs.pixelSize)] : []),
    ...(read.notes ?? []),
    ...(mean.notes ?? []),
  ];
  const { times, slices, height, width } = sizes(image);
  const file: PredictedFile = {
    image: path,
    widthPx: width,
    heightPx: height,
    pages: times * slices,
    ...written,
    ...(objects === undefined ? {} : { objectCount: objects.count }),
    ms: nowMs() - began,
    ...(read.level === undefined ? {} : { level: read.level }),
    ...(notes.length === 0 ? {} : { notes }),
  };
  return { file, plan: planPage(models[0], height, width, predict).description };
}

/** The largest tile for the memory there is; as it is set, or by default where that is not known or not of the CPU. */
function tileFor(
  host: Pick<Host, 'memory'>,
  models: readonly [OpenedModelFile, ...OpenedModelFile[]],
  image: Image,
  { predict: { tile, batch }, outputs: { objects }, memory }: WriteOptions,
): Pick<PredictOptions, 'tile'> {
  const plan = planMemory(host, models, memory);
  const isKnown = plan !== undefined && (plan.isLimit || models[0].runtime.device === 'cpu');
  return { tile: tile === undefined && isKnown ? tileBeside(models, image, { objects, batch }, plan) : tile };
}

/** @throws UsageError if the model stands where the images belong, and the other way round */
async function requireOrder(files: WritableFiles, model: string, images: string): Promise<void> {
  if (!(await isModel(files, images)) || (await isModel(files, model))) return;
  throw new UsageError('this is a model, where images are expected.', {
    file: images,
    remedy: 'Put the run, ONNX file or package first, then the images.',
  });
}

/** Opens all models, or none if one fails. */
async function openAll(
  host: Host,
  paths: readonly string[],
  { device, which, evaluation, output, signal }: PredictFolderOptions,
  onProgress: PredictHooks['onWindow'],
): Promise<readonly [OpenedModelFile, ...OpenedModelFile[]]> {
  const opener = { files: host.files, openRuntime: () => host.openRuntime(device) };
  const models: OpenedModelFile[] = [];
  try {
    for (const path of paths) {
      models.push(await openModelFile(opener, path, { which, evaluation, output, patches: { onProgress, signal } }));
    }
    requireSameClasses(models);
  } catch (cause) {
    for (const model of models) await model.close();
    throw cause;
  }
  return models as [OpenedModelFile, ...OpenedModelFile[]];
}

/**
 * Predicts an image, or every image of a folder, by one model or the mean of several, and writes the results.
 * @param models run folders or ONNX files
 * @throws UsageError for options that leave nothing to write or do not match the model; LamellaError if `out` contains
 * other files; as `openModelFile`; for a single image also reading errors. Among several, unreadable images are skipped
 * and
 *   returned as `failed`.
 *
 * @example await predictFolder(nodeHost, ['runs/a'], 'new-images', { objects: true });
 */
export async function predictFolder(
  host: Host,
  models: readonly [string, ...string[]],
  images: string,
  options: PredictFolderOptions = {},
  hooks: PredictHooks = {},
): Promise<PredictedFolder> {
  const { files } = host;
  const { tta, tile, batch, channel, signal, threshold, level, pixelSize, memory } = options;
  const { probability, labels = true, overlay = true, objects = false } = options;
  if (probability === 'none' && !labels && !overlay && !objects) {
    throw new UsageError('All outputs are disabled.', {
      remedy: 'Enable probabilities, label maps, overlays or objects.',
    });
  }
  if (level !== undefined && pixelSize !== undefined) {
    throw new UsageError(`${option('level')} and ${option('pixelSize')} exclude each other.`, {
      remedy: 'Remove one of them.',
    });
  }
  await requireOrder(files, models[0], images);
  const out = options.out ?? (await defaultOut(files, models));
  await requireFreeFolder(files, out, {
    ignore: [...PARTS, PREDICTION_FILE, MEASURES_FOLDER],
    option: 'another output folder',
  });
  const opened = await openAll(host, models, options, hooks.onWindow);
  const [model] = opened;
  try {
    const listed = await listImages(files, images, { channels: model.input.channels.count });
    if (threshold !== undefined && model.classes.length !== 2) {
      throw new UsageError(
        `${option('threshold')} applies to two-class models; this model has ${model.classes.length} classes.`,
        { remedy: 'Remove the option.' },
      );
    }
    hooks.onOpen?.(opened);
    const predict: PredictOptions = { tta, signal, tile, batch, channel };
    const levels: Record<string, number> = {};
    const done: PredictedFile[] = [];
    const failed: FailedFile[] = [];
    for (const [index, listedItem] of listed.entries()) {
      const item = { ...listedItem, level: levelFor(model, listedItem.path, options) };
      let predicted: Predicted;
      try {
        const { onNote } = hooks;
        predicted = await predictFile(host, opened, item, { out, outputs: options, predict, memory, onNote });
      } catch (cause) {
        // One unreadable file among many does not stop the others.
        if (listed.length === 1 || !(cause instanceof FormatError || cause instanceof DatasetError)) throw cause;
        failed.push({ image: item.path, reason: cause.message });
        hooks.onFailure?.({ image: item.path, reason: cause.message });
        continue;
      }
      const { file: result, plan } = predicted;
      done.push(result);
      if (result.level !== undefined) levels[item.name] = result.level;
      hooks.onImage?.(result, { name: item.name, index, total: listed.length, plan });
    }
    const paths = opened.map(({ file }) => file);
    await writePredictionFile(files, out, {
      models: paths.map((file) => files.resolve(file)),
      images: files.resolve(images),
      ...(Object.keys(levels).length > 0 && { levels }),
      classes: model.classes,
    });
    return { out, models: paths, device: model.runtime.device, classes: model.classes, images: done, failed };
  } finally {
    for (const each of opened) await each.close();
  }
}
