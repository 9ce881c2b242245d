/** Inputs of measuring: label maps, their images, and ground truth. */

import { folderOf } from '../../dataset/discover/names.ts';
import { alignLabels } from '../../dataset/labels/align.ts';
import type { LabelKind } from '../../dataset/labels/label-kind.ts';
import { DatasetError, LamellaError, option } from '../../errors.ts';
import { maskOfValues } from '../../evaluate/ignore-mask.ts';
import { baseName, joinPath, type WritableFiles } from '../../files.ts';
import { dropAlpha, isGreyInColour, toFloat32, toGrey } from '../../image/convert.ts';
import { type Image, sizes } from '../../image/image.ts';
import { ImageNotes } from '../../image/notes.ts';
import { withoutIgnored } from '../../metrics/contingency.ts';
import type { IntegerArray } from '../../objects/grid.ts';
import type { Method } from '../../report/run/data.ts';
import type { MeasureFormat, MeasureTask } from '../choices.ts';
import type { Host } from '../host.ts';
import {
  atLevel,
  declaredOf,
  type ListedImage,
  listImages,
  listLabels,
  listPredicted,
  readListedImage,
} from '../image-list.ts';
import { requireSameGrid } from '../opened-images.ts';
import { MEASURES_FOLDER, type PredictionFile, partOf, readPredictionFile } from '../prediction-file.ts';
import { shortNames } from '../report-facts.ts';
import { predictedClasses } from './classes.ts';
import { withPixelSize } from './map-pixel-size.ts';
import type { MeasuredParts } from './parts.ts';

export interface MeasureFolderOptions {
  /** Default `objects`. */
  readonly task?: MeasureTask;
  /** Where to write; default: `measures` in a folder of predictions, or beside label maps. */
  readonly out?: string;
  /** The images of the label maps, a file or folder; default: those that were predicted, or those beside the maps. */
  readonly images?: string;
  /** The label maps to measure, and the image of each; default: all, paired by name. */
  readonly maps?: readonly { readonly path: string; readonly image: ListedImage }[];
  /** Ground-truth label maps with the same names. */
  readonly truth?: string;
  /** Which resolution of images and labels in OME-Zarr to read; default: what was predicted, or 0, the full one. */
  readonly level?: number;
  /** Label values to ignore, besides those that a `dataset.json` declares. */
  readonly ignore?: readonly number[];
  /** What the values of label maps are; default: inferred from files or values (`LabelKindSurvey`). */
  readonly as?: LabelKind;
  /** Voxel size [z, y, x], or pixel size, that overrides the files' value. Requires `unit` (lungs: mm). */
  readonly spacing?: readonly [number | undefined, number, number];
  readonly unit?: string;
  /** Default `csv`. */
  readonly format?: readonly MeasureFormat[];
  /** Objects of fewer pixels are excluded; default 0. */
  readonly minSize?: number;
  /** Bytes that the program may take: larger label maps are measured by region. Default: half of what is free. */
  readonly memory?: number;
  /** What the report calls what was measured; default: the name of `path`. */
  readonly title?: string;
  /** Whether `report.html` is written; default: yes. */
  readonly report?: boolean;
  /** The command that reproduces the report. */
  readonly command?: string;
  /** How a sentence of the report names options, which are in backticks by default (`writeOptions`). */
  readonly words?: (sentence: string) => string;
}

export interface MeasureHooks {
  /** Called before something that takes much memory. */
  onNote?(note: string): void;
  /** Called with one line per image. */
  onImage?(line: string): void;
  /** Called for a file that cannot be read; it is skipped. */
  onFailure?(failed: FailedMap): void;
}

export interface FailedMap {
  readonly file: string;
  readonly reason: string;
}

/** One label map with its image and ground truth. */
export interface MeasureItem {
  readonly name: string;
  /** Its folder; empty if all share one. */
  readonly group: string;
  readonly labels: ListedImage;
  readonly image?: ListedImage;
  readonly truth?: ListedImage;
  /** The label map of classes that was predicted with objects, if there are several. */
  readonly classes?: ListedImage;
  /** The image's file, or if there is none that of the label map, relative to the listed folder. */
  readonly fileName: string;
}

export interface MeasureInputs {
  readonly items: readonly MeasureItem[];
  /** Where results go by default. */
  readonly out: string;
  /** The folder or file of the label maps. */
  readonly labels: string;
  readonly prediction?: PredictionFile;
  /** The kind of values, if the folder states it. */
  readonly written?: LabelKind;
  /** What is missing, one sentence each. */
  readonly notes: readonly string[];
}

/** Finds the entry with a label map's name, or the only one that ends in it: `control/a` matches `a`. */
function finder(listed: readonly ListedImage[]): (name: string) => ListedImage | undefined {
  const exact = new Map(listed.map((item) => [item.name, item]));
  return (name) => {
    const own = exact.get(name);
    if (own !== undefined) return own;
    const ends = listed.filter((item) => item.name.endsWith(`/${name}`) || name.endsWith(`/${item.name}`));
    return ends.length === 1 ? ends[0] : undefined;
  };
}

/**
 * Pairs label maps, images and ground truth by name.
 * @throws DatasetError if there are no label maps, or no requested image or ground truth matches them.
 */
export async function measureInputs(
  files: WritableFiles,
  path: string,
  { images, truth, task, ...options }: Pick<MeasureFolderOptions, 'images' | 'maps' | 'truth' | 'task' | 'level'>,
): Promise<MeasureInputs> {
  const prediction = await readPredictionFile(files, path);
  const labels = await partOf(files, path, task === 'lungs' ? ['label'] : ['objects', 'label']);
  const levelOf = (name: string): number | undefined => options.level ?? prediction?.levels?.[name];
  const maps =
    options.maps?.map(({ path, image: { name } }): ListedImage => ({ path, name })) ??
    atLevel(await (prediction !== undefined && labels !== path ? listPredicted : listLabels)(files, labels), levelOf);
  const notes: string[] = [];
  const isOwnFolder = labels === path && (await files.kind(path)) === 'folder';
  const imagePath = images ?? prediction?.images ?? (isOwnFolder ? path : undefined);
  let pictureOf: (name: string) => ListedImage | undefined = () => undefined;
  if (options.maps !== undefined) {
    const own = new Map(
      atLevel(
        options.maps.map(({ image }) => image),
        levelOf,
      ).map((image) => [image.name, image]),
    );
    pictureOf = (name) => own.get(name);
  } else if (imagePath !== undefined) {
    try {
      const listed = atLevel(await listImages(files, imagePath), levelOf);
      const isMap = new Set(maps.map((item) => item.path));
      const others = listed.filter((item) => !isMap.has(item.path));
      pictureOf = others.length === 1 && maps.length === 1 ? () => others[0] : finder(others);
    } catch (cause) {
      if (images !== undefined || !(cause instanceof DatasetError)) throw cause;
      notes.push(`The predicted images are no longer at ${imagePath}; set ${option('images')}.`);
    }
  }
  const truths = truth === undefined ? undefined : atLevel(await listLabels(files, truth), levelOf);
  const truthOf = truths === undefined ? undefined : finder(truths);
  const alone = truths?.length === 1 && maps.length === 1 ? truths[0] : undefined;
  const isOfObjects = labels !== path && labels === joinPath(path, 'objects');
  const classOf = isOfObjects ? await classMaps(files, path, prediction) : undefined;
  const short = shortNames(maps.map(({ name }) => name));
  const items = maps.map((map, i): MeasureItem => {
    const name = short[i] as string;
    const image = pictureOf(map.name);
    const own = alone ?? truthOf?.(map.name);
    return {
      name,
      group: folderOf(name),
      labels: map,
      image,
      truth: own,
      classes: classOf?.(map.name),
      fileName: image === undefined ? relativeTo(labels, map.path) : relativeTo(imagePath ?? '', image.path),
    };
  });
  requireSome(items, images, 'image');
  requireSome(items, truth, 'truth');
  const without = items.filter(({ image }) => image === undefined).length;
  if (without > 0 && notes.length === 0) {
    notes.push(
      without === items.length
        ? `These label maps have no images, so intensities are not measured; set ${option('images')}.`
        : `${without} of ${items.length} label maps have no image of the same name, so their intensities are not measured.`,
    );
  }
  const untrue = truth === undefined ? 0 : items.filter((item) => item.truth === undefined).length;
  if (untrue > 0) notes.push(`${untrue} of ${items.length} label maps have no ground truth of the same name.`);
  const own = prediction !== undefined || labels !== path;
  return {
    items,
    labels,
    notes,
    out: own ? joinPath(path, MEASURES_FOLDER) : `${path.replace(/[/\\]+$/, '')}-${MEASURES_FOLDER}`,
    prediction,
    written: isOfObjects ? 'objects' : undefined,
  };
}

/** The label maps beside objects, where objects may be of several classes. */
async function classMaps(files: WritableFiles, path: string, prediction: PredictionFile | undefined) {
  if (predictedClasses(prediction) === undefined) return undefined;
  const folder = joinPath(path, 'label');
  return (await files.kind(folder)) === 'folder' ? finder(await listPredicted(files, folder)) : undefined;
}

/** The path of a file relative to a folder, or its name if it is elsewhere. */
function relativeTo(folder: string, path: string): string {
  const start = `${joinPath(folder).replace(/\/$/, '')}/`;
  return path.startsWith(start) ? path.slice(start.length) : baseName(path);
}

function requireSome(items: readonly MeasureItem[], asked: string | undefined, which: 'image' | 'truth'): void {
  if (asked === undefined || items.some((item) => item[which] !== undefined)) return;
  throw new DatasetError(`no file here matches the name of a label map, such as "${items[0]?.name}".`, {
    file: asked,
    remedy: 'Rename the files to match.',
  });
}

/**
 * The values to ignore: those declared for label maps or ground truth are in both, as in `evaluate`.
 * @returns `labels` for all label maps; `mask` for those with no other value, which is then their foreground; `objects`
 * for maps and ground truth that number objects, where what is declared for the other may be a number
 */
export function declaredIgnored(
  { items }: Pick<MeasureInputs, 'items'>,
  { ignore = [], truth }: Pick<MeasureFolderOptions, 'ignore' | 'truth'>,
): {
  readonly labels: readonly number[];
  readonly mask: readonly number[];
  readonly objects: { readonly labels: readonly number[]; readonly truth: readonly number[] };
} {
  const declared = (listed: readonly (ListedImage | undefined)[]): readonly number[] =>
    declaredOf(listed.filter((one) => one !== undefined))?.ignore ?? [];
  const own = declared(items.map(({ labels }) => labels));
  const others = declared(items.map((item) => item.truth));
  return {
    labels: [...new Set([...own, ...others, ...ignore])],
    mask: truth === undefined ? [...new Set([...own, ...ignore])] : own,
    objects: { labels: [...own, ...ignore], truth: [...others, ...ignore] },
  };
}

/** Replaces ignored values by 0. */
export function without(labels: IntegerArray, ignored: readonly number[]): IntegerArray {
  return withoutIgnored(labels, maskOfValues(labels, ignored));
}

/** A label map, and its image on the same grid. */
export interface ReadItem {
  readonly map: Image;
  readonly image?: Image;
  readonly truth?: Image;
  readonly classes?: Image;
}

/** @throws FormatError, DatasetError naming the file that is unreadable or does not match. */
async function readItem(
  files: WritableFiles,
  { labels, image, truth, classes }: MeasureItem,
  options: MeasureFolderOptions,
): Promise<ReadItem> {
  const picture = image === undefined ? undefined : simplest(await readListedImage(files, image));
  const readMap = async (listed: ListedImage, like: Image | undefined): Promise<Image> => {
    const map = await readListedImage(files, listed, { palette: 'index' });
    const aligned = like === undefined ? map : alignLabels(map, like);
    requireSameGrid(aligned, like);
    return aligned;
  };
  const map = withPixelSize(await readMap(labels, picture), picture, options);
  const other = (listed: ListedImage | undefined) =>
    listed === undefined ? undefined : readMap(listed, picture ?? map);
  return { map, image: picture, truth: await other(truth), classes: await other(classes) };
}

/** Reads the items of one measurement, and collects what its report says about them. */
export class MeasureReader {
  readonly host: Pick<Host, 'files' | 'memory'>;
  readonly files: WritableFiles;
  readonly inputs: MeasureInputs;
  readonly options: MeasureFolderOptions;
  readonly hooks: MeasureHooks;
  /** What processes keep of blocks, if several measure together. */
  readonly parts: MeasuredParts | undefined;
  readonly failed: FailedMap[] = [];
  readonly noted = new ImageNotes();

  constructor(
    host: Pick<Host, 'files' | 'memory'>,
    inputs: MeasureInputs,
    options: MeasureFolderOptions,
    hooks: MeasureHooks,
    parts?: MeasuredParts,
  ) {
    this.host = host;
    this.files = host.files;
    this.inputs = inputs;
    this.options = options;
    this.hooks = hooks;
    this.parts = parts;
  }

  /** `readItem`, with the readers' remarks for the report. */
  async read(item: MeasureItem): Promise<ReadItem> {
    const read = await readItem(this.files, item, this.options);
    const source = baseName(item.labels.path);
    this.noted.add({ ...read.map, source });
    if (sizes(simplest(read.map)).channels > 1) {
      this.noted.add({ source, notes: ['The label map is a colour picture: each colour is one value.'] });
    }
    if (item.image !== undefined && read.image !== undefined)
      this.noted.add({ ...read.image, source: baseName(item.image.path) });
    return read;
  }

  /** Measures one after the other. One bad file does not stop the others, unless it is the only one. */
  async each(items: readonly MeasureItem[], measure: (item: MeasureItem) => Promise<void>): Promise<void> {
    for (const item of items) {
      try {
        await measure(item);
      } catch (cause) {
        this.skip(item, cause);
      }
    }
  }

  /** Keeps and says, once, why a label map is skipped. @throws what is no LamellaError, or of the only label map */
  skip({ labels: { path: file } }: MeasureItem, cause: unknown): FailedMap {
    if (this.inputs.items.length === 1 || !(cause instanceof LamellaError)) throw cause;
    const known = this.failed.find((failed) => failed.file === file);
    if (known !== undefined) return known;
    const failed = { file, reason: cause.message };
    this.failed.push(failed);
    this.hooks.onFailure?.(failed);
    return failed;
  }

  /** The report's section on how results came about, given the remarks on the measurements. */
  method(notes: readonly string[]): Method {
    const { words = String, command, truth, images = this.inputs.prediction?.images } = this.options;
    const { labels, prediction } = this.inputs;
    const all = [...notes, ...this.inputs.notes, ...this.noted.lines()];
    return {
      notes: [...all, ...this.failed.map(({ reason }) => `Skipped: ${reason}`)].map(words),
      facts: [
        ['Label maps', labels],
        ...(images === undefined ? [] : ([['Images', images]] as const)),
        ...(prediction === undefined ? [] : ([['Model', prediction.models.join(', ')]] as const)),
        ...(truth === undefined ? [] : ([['Ground truth', truth]] as const)),
      ],
      commands: command === undefined ? [] : [command],
    };
  }
}

/** An image in a measurable dtype: 64-bit integers become float64, exact up to 2^53. */
export function measurable(image: Image): Image {
  if (image.dtype === 'float16') return toFloat32(image);
  const { data } = image;
  if (!(data instanceof BigInt64Array || data instanceof BigUint64Array)) return image;
  return { ...image, dtype: 'float64', data: Float64Array.from(data, Number) };
}

/** Without alpha; grey RGB becomes one channel. */
function simplest(image: Image): Image {
  const opaque = dropAlpha(image);
  return isGreyInColour(opaque) ? toGrey(opaque) : opaque;
}

/** `folder/name` for the report. */
export function titleOf(path: string): string {
  return baseName(path) || path;
}
