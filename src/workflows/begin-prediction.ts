/** How a prediction begins: its options are checked, its models opened, its images listed. */

import { FormatError, option, UsageError } from '../errors.ts';
import type { WritableFiles } from '../files.ts';
import { millimetres } from '../image/geometry.ts';
import { nearestLevel } from '../input/pixel-size.ts';
import { requireSameClasses } from '../predict/average.ts';
import type { OpenModelOptions } from '../predict/open.ts';
import type { PredictOptions } from '../predict/predict.ts';
import type { DeviceName } from '../runtime/runtime.ts';
import type { Host } from './host.ts';
import { type ListedImage, listImages } from './image-list.ts';
import { isModel, type OpenedModelFile, openModelFile } from './model-files.ts';
import { defaultOut, writePredictionFile } from './prediction-file.ts';
import type { PredictionOutputs } from './prediction-outputs.ts';

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

/** What is told while a prediction begins. */
export interface OpenHooks {
  /** Called before the first image. */
  onOpen?(models: readonly OpenedModelFile[]): void;
  /** Progress of a patch classifier that is run window by window. */
  onWindow?(done: number, total: number): void;
}

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
  onProgress: OpenHooks['onWindow'],
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

/** A prediction whose models are open and whose images are listed, each with its level. */
export interface BegunPrediction {
  readonly out: string;
  readonly opened: readonly [OpenedModelFile, ...OpenedModelFile[]];
  readonly items: readonly ListedImage[];
}

/**
 * Opens the models of a prediction and lists its images; `opened` is to be closed.
 * @param hooks onFolder: called with the output folder before anything is opened
 * @throws as `predictFolder`
 */
export async function beginPrediction(
  host: Host,
  models: readonly [string, ...string[]],
  images: string,
  options: PredictFolderOptions,
  hooks: OpenHooks & { readonly onFolder: (out: string) => Promise<void> },
): Promise<BegunPrediction> {
  const { files } = host;
  const { threshold, level, pixelSize, probability, labels = true, overlay = true, objects = false } = options;
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
  await hooks.onFolder(out);
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
    return { out, opened, items: listed.map((item) => ({ ...item, level: levelFor(model, item.path, options) })) };
  } catch (cause) {
    for (const each of opened) await each.close();
    throw cause;
  }
}

/** Writes what was predicted, for `measure` and `evaluate`. @param levels, values as `PredictionFile` */
export async function describePrediction(
  files: WritableFiles,
  out: string,
  {
    opened,
    images,
    levels,
    values,
  }: Pick<BegunPrediction, 'opened'> & {
    readonly images: string;
    readonly levels: Readonly<Record<string, number>>;
    readonly values: readonly number[];
  },
): Promise<void> {
  await writePredictionFile(files, out, {
    models: opened.map(({ file }) => files.resolve(file)),
    images: files.resolve(images),
    ...(Object.keys(levels).length > 0 && { levels }),
    classes: opened[0].classes,
    values,
    ...(opened[0].metadata?.cleaning && { cleaned: true }),
  });
}
