/** Segments the images of a file or folder and writes the requested outputs. */

import { DatasetError, FormatError, option, UsageError } from '../errors.ts';
import { joinPath } from '../files.ts';
import { withSpacingMm } from '../image/geometry.ts';
import { type Image, sizes } from '../image/image.ts';
import { displayMap, reorient } from '../image/orient.ts';
import { infoAt } from '../image/source.ts';
import { lengthText } from '../input/pixel-size.ts';
import type { SeparationSettings } from '../objects/instances.ts';
import { predictAverage } from '../predict/average.ts';
import { smoothed } from '../predict/median.ts';
import { objectsImage, separationSettings } from '../predict/objects.ts';
import { labelImage, overlayImage, probabilityImage } from '../predict/output.ts';
import type { OpenedModel } from '../predict/own.ts';
import { describeTiles, type PredictOptions } from '../predict/predict.ts';
import { takesVolumes } from '../predict/volume.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { beginPrediction, describePrediction, type OpenHooks, type PredictFolderOptions } from './begin-prediction.ts';
import { isSegmentFormat, type ResultFormat } from './choices.ts';
import { type Encoded, encodeResult } from './encode.ts';
import type { Host } from './host.ts';
import { type ListedImage, openListedImage, readListedImage } from './image-list.ts';
import type { OpenedModelFile } from './model-files.ts';
import { requireFreeFolder } from './out-folder.ts';
import { planMemory, tileBeside } from './predict-regions.ts';
import { MEASURES_FOLDER, PREDICTION_FILE } from './prediction-file.ts';
import { DEPTHS } from './prediction-outputs.ts';
import type { Segment } from './segments.ts';
import { requireUnmeasured, requireUnplanned } from './shards/plan.ts';

/** Output folders; a folder with nothing else may be overwritten. */
export const PARTS = ['probability', 'label', 'overlay', 'objects'] as const;
type Part = (typeof PARTS)[number];

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

export interface PredictHooks extends OpenHooks {
  /** Called after each image. @param plan a description of its tiling */
  onImage?(
    done: PredictedFile,
    progress: { readonly name: string; readonly index: number; readonly total: number; readonly plan: string },
  ): void;
  /** Called before something that takes much memory. */
  onNote?(note: string): void;
  /** Called for an unreadable image, which is skipped. */
  onFailure?(failed: FailedFile): void;
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
export function labelValues({ metadata }: OpenedModel): readonly number[] | undefined {
  const values = metadata?.classes.map(({ value }) => value);
  const fit = values?.every((value) => Number.isInteger(value) && value >= 0 && value <= 65_535) === true;
  return fit && new Set(values).size === values?.length ? values : undefined;
}

/** The value of each class in the label maps of a model that are written in this format. */
export function writtenValues(
  { segments }: Pick<Host, 'segments'>,
  model: OpenedModel,
  format: PredictFolderOptions['format'] = 'same',
): readonly number[] {
  const values = labelValues(model);
  return isSegmentFormat(format)
    ? required(segments).ofClasses(model, values).values
    : (values ?? model.classes.map((_, i) => i));
}

/** How objects are separated, if it is said. */
export const separationFor = (
  { metadata }: Pick<OpenedModel, 'metadata'>,
  { separation }: PredictFolderOptions,
): Partial<SeparationSettings> => ({ ...(metadata && separationSettings(metadata)), ...separation });

/** What of a host a prediction needs. */
type PredictHost = Pick<
  Host,
  'files' | 'nowMs' | 'memory' | 'segments' | 'encodeHdf5' | 'lostIn' | 'cleanedImage' | 'predictByRegion'
>;

export interface WriteOptions {
  readonly out: string;
  readonly outputs: PredictFolderOptions;
  readonly predict: PredictOptions;
  readonly memory?: number;
  readonly onNote?: (note: string) => void;
}

export interface Predicted {
  readonly file: PredictedFile;
  /** A description of its tiling. */
  readonly plan: string;
}

const chosenNote = (level: number, pixelSize: number | undefined): string =>
  `Level ${level} of it is predicted, whose pixels are nearest in size to ${pixelSize === undefined ? 'those of the training images' : lengthText(pixelSize)}; ${option('level')} chooses another.`;

const uncleanedNote = ({ metadata }: OpenedModel): readonly string[] =>
  metadata?.cleaning ? ['Its label map is not cleaned: that takes the whole image, in Node.'] : [];

/** Predicts one image by region and writes what is asked for; undefined if it is to be predicted as a whole. */
async function predictLarge(
  host: PredictHost,
  models: readonly [OpenedModelFile, ...OpenedModelFile[]],
  item: ListedImage,
  { out, outputs, predict, memory, onNote }: WriteOptions,
): Promise<Predicted | undefined> {
  const { pixelSize } = outputs;
  if (host.predictByRegion === undefined) return undefined;
  const began = host.nowMs();
  const source = await openListedImage(host.files, item);
  if (source === undefined) return undefined;
  try {
    const { path, name } = item;
    const level = typeof item.level === 'function' ? item.level(source.levels) : (item.level ?? 0);
    // A level that does not exist is explained by the reader.
    if (source.levels[level] === undefined) return undefined;
    const made = await host.predictByRegion(host, source, {
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
    const notes = [
      ...(isChosen && level > 0 ? [chosenNote(level, pixelSize)] : []),
      ...(info.notes ?? []),
      ...said,
      ...uncleanedNote(models[0]),
    ];
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

/** Predicts one image, by region if it is large, and writes the requested outputs. */
const predictFile = async (
  host: PredictHost,
  models: readonly [OpenedModelFile, ...OpenedModelFile[]],
  item: ListedImage,
  options: WriteOptions,
): Promise<Predicted> => (await predictLarge(host, models, item, options)) ?? predictWhole(host, models, item, options);

/** What a host encodes a format with. @throws UsageError if it does not */
export function required<T>(encode: T | undefined): T {
  if (encode !== undefined) return encode;
  throw new UsageError('this format is not written here.', { remedy: `Choose another ${option('format')}.` });
}

/** Predicts one image as a whole and writes the requested outputs. */
export async function predictWhole(
  host: PredictHost,
  models: readonly [OpenedModelFile, ...OpenedModelFile[]],
  item: ListedImage,
  options: WriteOptions,
): Promise<Predicted> {
  const { out, outputs } = options;
  if (outputs.format === 'zarr') {
    throw new UsageError('only images in TIFF and OME-Zarr have results in OME-Zarr.', {
      file: item.path,
      remedy: `Choose another ${option('format')}.`,
    });
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
  const lost = new Set<string>();
  const named = isSegmentFormat(format) ? { ...required(host.segments), format } : undefined;
  const encode = (picture: Image, as: ResultFormat, segments?: readonly Segment[]): Encoded | Promise<Encoded> => {
    if (named && segments) {
      const { format } = named;
      return named.encode(files, picture, { format, segments, image: item, by: 'program', patient: outputs.patient });
    }
    return as === 'hdf5' ? required(host.encodeHdf5)(picture, path) : encodeResult(picture, as, path, files.zlib);
  };
  const write = async (
    part: Part,
    picture: Image,
    as: ResultFormat = isSegmentFormat(format) ? 'same' : format,
    segments?: readonly Segment[],
  ): Promise<void> => {
    const { bytes, extension } = await encode(picture, as, segments);
    const file = joinPath(out, part, `${name}.${extension}`);
    await files.write(file, bytes);
    written[part] = file;
    if (segments === undefined) for (const note of host.lostIn?.(picture, `.${extension}`) ?? []) lost.add(note);
  };
  if (probability !== 'none') await write('probability', probabilityImage(prediction, { depth: DEPTHS[probability] }));
  const { metadata: { cleaning } = {}, rule } = models[0];
  // A page opens no model of folds.
  const clean = cleaning && host.cleanedImage;
  const labelsOf = (values?: readonly number[]) =>
    cleaning && clean
      ? clean(labelImage(prediction, { threshold }), cleaning, { volumes: rule.z !== undefined, values })
      : labelImage(prediction, { threshold, values });
  if (labels) {
    const own = labelValues(models[0]);
    const { values, segments = undefined } = named?.ofClasses(models[0], own) ?? { values: own };
    await write('label', labelsOf(values), undefined, segments);
  }
  if (overlay) {
    const picture = overlayImage(image, labelsOf());
    // For display: in viewing orientation, and in a common format.
    const map = displayMap(image);
    const { geometry, ...turned } = map === undefined ? picture : reorient(picture, map);
    const usual = format === 'hdf5' ? 'same' : undefined;
    await write('overlay', turned, geometry === undefined || format === 'png' ? usual : 'tiff');
  }
  const separation = separationFor(models[0], outputs);
  const objects = separate ? objectsImage(prediction, { separation }) : undefined;
  if (objects !== undefined) {
    await write('objects', objects.labels, undefined, named?.ofObjects(objects.labels));
  }
  const isChosen = typeof item.level === 'function' && read.level !== undefined;
  const notes = [
    ...(isChosen ? [chosenNote(read.level, options.outputs.pixelSize)] : []),
    ...(read.notes ?? []),
    ...(mean.notes ?? []),
    ...lost,
    ...(clean ? [] : uncleanedNote(models[0])),
    ...(named?.format === 'dicom-seg' && outputs.patient !== false ? [named.patientNote] : []),
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
  return { file, plan: describeTiles(models[0], image, predict) };
}

/** The largest tile for the memory there is; as it is set, or by default where that is not known or not of the CPU. */
function tileFor(
  host: Pick<Host, 'memory'>,
  models: readonly [OpenedModelFile, ...OpenedModelFile[]],
  image: Image,
  { predict: { tile, batch }, outputs: { objects }, memory }: WriteOptions,
): Pick<PredictOptions, 'tile'> {
  if (models.some(takesVolumes)) return { tile };
  const plan = planMemory(host, models, memory);
  const isKnown = plan !== undefined && (plan.isLimit || models[0].runtime.device === 'cpu');
  return { tile: tile === undefined && isKnown ? tileBeside(models, image, { objects, batch }, plan) : tile };
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
  const { tta, tile, batch, channel, signal, memory, resample } = options;
  const { out, opened, items } = await beginPrediction(host, models, images, options, {
    ...hooks,
    async onFolder(folder) {
      await requireFreeFolder(host.files, folder, {
        ignore: [...PARTS, PREDICTION_FILE, MEASURES_FOLDER],
        option: 'another output folder',
      });
      await requireUnplanned(host.files, folder);
      await requireUnmeasured(host.files, folder);
    },
  });
  try {
    const predict: PredictOptions = { tta, signal, tile, batch, channel, resample };
    const levels: Record<string, number> = {};
    const done: PredictedFile[] = [];
    const failed: FailedFile[] = [];
    for (const [index, item] of items.entries()) {
      let predicted: Predicted;
      try {
        const { onNote } = hooks;
        predicted = await predictFile(host, opened, item, { out, outputs: options, predict, memory, onNote });
      } catch (cause) {
        // One unreadable file among many does not stop the others.
        if (items.length === 1 || !(cause instanceof FormatError || cause instanceof DatasetError)) throw cause;
        failed.push({ image: item.path, reason: cause.message });
        hooks.onFailure?.({ image: item.path, reason: cause.message });
        continue;
      }
      const { file: result, plan } = predicted;
      done.push(result);
      if (result.level !== undefined) levels[item.name] = result.level;
      hooks.onImage?.(result, { name: item.name, index, total: items.length, plan });
    }
    const values = writtenValues(host, opened[0], options.format);
    await describePrediction(host.files, out, { opened, images, levels, values });
    const [{ runtime, classes }] = opened;
    return { out, models: opened.map(({ file }) => file), device: runtime.device, classes, images: done, failed };
  } finally {
    for (const each of opened) await each.close();
  }
}
