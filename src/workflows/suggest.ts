/** Where to annotate next: the windows of images that a model is uncertain about, with some at random to judge it by. */

import { ndarray } from '../array/ndarray.ts';
import { alignLabels } from '../dataset/labels/align.ts';
import { applyMapping, IGNORE, type LabelMapping, labelPages } from '../dataset/labels/labels.ts';
import { counted, DatasetError, option } from '../errors.ts';
import { joinPath, type WritableFiles } from '../files.ts';
import { writePng } from '../image/formats/png/write.ts';
import { ImageNotes } from '../image/notes.ts';
import { readImage } from '../image/read.ts';
import { type Page, pagesOf } from '../input/planes.ts';
import { argmaxClasses } from '../metrics/argmax.ts';
import type { Interval } from '../metrics/bootstrap.ts';
import { shareInterval } from '../metrics/share-interval.ts';
import { separationSettings } from '../predict/objects.ts';
import type { OpenedModel } from '../predict/own.ts';
import {
  ANNOTATED_FRACTION,
  type CandidatePage,
  candidatesOf,
  meanWithin,
  type Place,
  randomPlaces,
  rankPlaces,
  uncertaintyOf,
} from '../predict/places.ts';
import { type PredictOptions, predictPages } from '../predict/predict.ts';
import { crop, dataUri, imagePicture, probabilityPicture, shrink } from '../report/kit/pictures.ts';
import { renderPlaces, type ShownPlace } from '../report/places/page.ts';
import type { DeviceName } from '../runtime/runtime.ts';
import type { Host } from './host.ts';
import { type ListedImage, listImages, listLabels, readListedImage } from './image-list.ts';
import { type OpenedModelFile, openModelFile } from './model-files.ts';
import { requireFreeFolder } from './out-folder.ts';
import { objectsOf, rankObjects, type SuggestedObject, type SuggestedObjects } from './suggest-objects.ts';

/** Of a model that says how label maps are cleaned. */
const UNCLEANED = 'places and accuracy are of maps that are not cleaned.';

export interface SuggestOptions extends Pick<PredictOptions, 'tta' | 'signal'> {
  /** What is annotated so far: label maps of the images' names. Default: nothing is. */
  readonly labels?: string;
  /** Label values that mean not annotated, besides those that the model's training ignored. */
  readonly ignore?: readonly number[];
  /** Number of places; default 20. */
  readonly limit?: number;
  /** Suggest objects, too. */
  readonly objects?: boolean;
  /** Side of the windows in pixels; default 128. */
  readonly side?: number;
  /** Draws every tenth place; default 0. */
  readonly seed?: number;
  /** Default: `suggest` in the run, or beside the model. */
  readonly out?: string;
  readonly device?: DeviceName | 'auto';
  /** For a run folder: its best model (default) or its last. */
  readonly which?: 'best' | 'last';
}

/** A place as it is printed and written. */
export interface SuggestedPlace extends ShownPlace {
  /** Number of the slice in its file, from 0. */
  readonly slice: number;
  /** Fraction that is annotated, 0..1. */
  readonly annotated: number;
  /** Of a random one: a map of the predicted classes, kept until it is annotated. */
  readonly predicted?: string;
}

/** The accuracy on places that were drawn at random before and have been annotated since. */
export interface EstimatedAccuracy extends Interval {
  /** Number of places that the estimate rests on. */
  readonly places: number;
}

export interface Suggestions {
  readonly out: string;
  /** The page that shows the places. */
  readonly page: string;
  readonly model: string;
  readonly device: string;
  /** In the order in which to annotate them. */
  readonly places: readonly SuggestedPlace[];
  /** If asked for. */
  readonly objects?: SuggestedObjects;
  /** Of the model that made the suggestions found in `out`; absent without any, or without annotations. */
  readonly accuracy?: EstimatedAccuracy;
  /** What is to be said of the model and the images, and why there is no accuracy where it was asked for. */
  readonly notes: readonly string[];
}

const LIST_FILE = 'suggest.json';
const PAGE_FILE = 'suggest.html';
const RANDOM_FOLDER = 'random';
const DEFAULT_LIMIT = 20;
/** Longest side of the pictures. */
const PICTURE_PX = 256;

/** A slice with its windows, and where it is from. */
interface SourcePage extends CandidatePage {
  readonly item: ListedImage;
  readonly t: number;
  readonly z: number;
  /** 1 where a pixel is annotated; absent without labels. */
  readonly annotated?: Uint8Array;
}

/** Classes of an image's annotated pixels, slice by slice; undefined without label file. */
type ClassesOf = (item: ListedImage) => Promise<readonly Uint8Array[] | undefined>;

/** Classes of annotated pixels, slice by slice; `IGNORE` elsewhere. */
async function annotatedClasses(
  host: Host,
  label: ListedImage,
  item: ListedImage,
  mapping: LabelMapping,
): Promise<readonly Uint8Array[]> {
  const image = await readListedImage(host.files, item);
  const read = await readListedImage(host.files, label, { palette: 'index' });
  return labelPages(alignLabels(read, image)).map((page) => applyMapping(page, mapping));
}

function mappingOf({ metadata, file }: OpenedModelFile, ignore: readonly number[]): LabelMapping {
  const labels = metadata?.training?.labels as unknown as LabelMapping | undefined;
  if (labels === undefined) {
    throw new DatasetError('this model does not say which label values are which class.', {
      file,
      remedy: `Use a run of this version of Lamella, or leave out ${option('labels')}.`,
    });
  }
  return { ...labels, ignore: [...new Set([...labels.ignore, ...ignore])] };
}

/**
 * Suggests where to annotate next, writes a page with pictures and a list, and estimates the accuracy from the random
 * places of an earlier call that have been annotated since. Images are predicted twice, so that not all have to be
 * kept.
 * @param images a file or folder
 * @throws DatasetError, FormatError: images or labels that cannot be read or do not fit; ModelError; DeviceError
 */
export async function suggestPlaces(
  host: Host,
  path: string,
  images: string,
  options: SuggestOptions = {},
): Promise<Suggestions> {
  const { files } = host;
  const { limit = DEFAULT_LIMIT, side, seed = 0, which, device, tta, signal, ignore = [] } = options;
  const folder = (await files.kind(path)) === 'folder';
  const out = options.out ?? (folder ? joinPath(path, 'suggest') : `${path.replace(/\.onnx$/i, '')}-suggest`);
  await requireFreeFolder(files, out, {
    ignore: [LIST_FILE, PAGE_FILE, RANDOM_FOLDER],
    option: 'another output folder',
  });
  const model = await openModelFile({ files, openRuntime: () => host.openRuntime(device) }, path, { which });
  try {
    if (model.classes.length < 2) throw new DatasetError('the model has one class only.', { file: model.file });
    const listed = await listImages(files, images, { channels: model.input.channels.count });
    const labels = options.labels === undefined ? [] : await listLabels(files, options.labels);
    const mapping = labels.length === 0 ? undefined : mappingOf(model, ignore);
    requireSomeLabels(listed, labels, options.labels);
    const classesOf: ClassesOf = async (item) => {
      const label = labels.find(({ name }) => name === item.name);
      return label && mapping && annotatedClasses(host, label, item, mapping);
    };
    const { accuracy, drawn } = await estimate(files, out, listed, classesOf);
    const noted = new ImageNotes();

    const pages: SourcePage[] = [];
    const objects: Omit<SuggestedObject, 'unusual'>[] = [];
    const { metadata } = model;
    const separation = metadata === undefined ? undefined : separationSettings(metadata);
    const how: HowPredicted = { predict: { tta, signal }, classesOf };
    for (const item of listed) {
      for await (const { t, z, slice, probabilities, annotated, notes } of predictedSlices(host, model, item, how)) {
        noted.add({ source: item.name, notes });
        const { height, width } = slice;
        const uncertainty = uncertaintyOf(probabilities);
        const candidates = candidatesOf(uncertainty, [height, width], { side, annotated });
        pages.push({ item, image: item.path, t, z, height, width, candidates, annotated });
        if (options.objects !== true) continue;
        const where = { image: item.name, t, z };
        objects.push(...objectsOf(where, slice, probabilities, uncertainty, model.classes, separation));
      }
    }
    const ranked = rankPlaces(pages, randomPlaces(pages, Math.floor(limit / 10), { side, seed }), limit);
    const described = await describe(host, model, ranked, pages, out, how);
    const places = described.map(({ place }) => place);
    const suggested = {
      places,
      ...(options.objects === true && { objects: rankObjects(objects, limit) }),
    };
    await files.write(joinPath(out, LIST_FILE), `${JSON.stringify({ model: model.file, ...suggested }, null, 2)}\n`);
    const page = joinPath(out, PAGE_FILE);
    const createdAt = new Date().toISOString();
    const figures = described.map(({ place, ...pictures }) => ({ ...place, ...pictures }));
    await files.write(page, renderPlaces({ model: model.file, createdAt, accuracy, figures }));
    return {
      out,
      page,
      model: model.file,
      device: model.runtime.description,
      ...suggested,
      ...(accuracy && { accuracy }),
      notes: [
        ...model.notes,
        ...(model.metadata?.cleaning ? [UNCLEANED] : []),
        ...noted.lines(),
        ...(labels.length > 0 && drawn > 0 && accuracy === undefined ? [noEstimate(drawn)] : []),
      ],
    };
  } finally {
    await model.close();
  }
}

interface HowPredicted {
  readonly predict: PredictOptions;
  readonly classesOf: ClassesOf;
}

/** The slices of an image, with what the model predicts there and where they are annotated. */
async function* predictedSlices(
  host: Host,
  model: OpenedModel,
  item: ListedImage,
  { predict, classesOf }: HowPredicted,
) {
  const known = (await classesOf(item))?.map(annotatedMap);
  const image = await readListedImage(host.files, item);
  const slices = pagesOf(image);
  let index = 0;
  for await (const predicted of predictPages(model, image, predict)) {
    const notes = [...(image.notes ?? []), ...predicted.notes];
    yield { ...predicted, index, slice: slices[index] as Page, annotated: known?.[index], notes };
    index++;
  }
}

const noEstimate = (drawn: number): string =>
  `No estimate of the accuracy yet: of the last list's ${counted(drawn, 'place')} at random, none has been annotated by half since.`;

/** 1 where a pixel is annotated. */
const annotatedMap = (classes: Uint8Array): Uint8Array => classes.map((value) => (value === IGNORE ? 0 : 1));

/** @throws DatasetError if label maps are given and none is of these images: a typing error, not a fresh start. */
function requireSomeLabels(
  images: readonly ListedImage[],
  labels: readonly ListedImage[],
  path: string | undefined,
): void {
  if (path === undefined || labels.some(({ name }) => images.some((image) => image.name === name))) return;
  throw new DatasetError(`none of the label maps has the name of an image, such as "${images[0]?.name}".`, {
    file: path,
    remedy: `Name label maps like their images, or leave out ${option('labels')}.`,
  });
}

interface Described {
  readonly place: SuggestedPlace;
  readonly picture: string;
  readonly uncertain: string;
}

/** What is said and shown of each place; images that have any are predicted again. */
async function describe(
  host: Host,
  model: OpenedModelFile,
  places: readonly Place[],
  pages: readonly SourcePage[],
  out: string,
  how: HowPredicted,
): Promise<readonly Described[]> {
  const described: Described[] = [];
  const items = new Set(places.map((place) => (pages[place.page] as SourcePage).item));
  for (const item of items) {
    const first = pages.findIndex((page) => page.item === item);
    for await (const { index, t, z, slice, probabilities, annotated } of predictedSlices(host, model, item, how)) {
      const here = places.flatMap((place, rank) => (place.page === first + index ? [{ place, rank }] : []));
      if (here.length === 0) continue;
      const { data, channels, height, width } = slice;
      const uncertainty = uncertaintyOf(probabilities);
      const planes = Array.from({ length: channels }, (_, c) =>
        Float32Array.from({ length: height * width }, (__, p) => data[c * height * width + p] as number),
      );
      const shown = imagePicture(planes, height, width);
      for (const { place, rank } of here) {
        const { random, x, y, width: wide, height: tall } = place;
        const window = { x, y, width: wide, height: tall };
        const predicted = random ? joinPath(RANDOM_FOLDER, `${rank + 1}.png`) : undefined;
        if (predicted !== undefined) {
          const classes = crop({ planes: [argmaxClasses(probabilities).data], height, width }, window);
          const map = ndarray('uint8', [tall, wide], classes.planes[0] as Uint8Array);
          await host.files.write(joinPath(out, predicted), writePng({ ...map, axes: 'yx', spacing: {} }));
        }
        described[rank] = {
          place: {
            image: item.name,
            t,
            z,
            slice: index,
            ...window,
            uncertainty: meanWithin(uncertainty, width, window),
            annotated: annotated === undefined ? 0 : meanWithin(annotated, width, window),
            random,
            ...(predicted !== undefined && { predicted }),
          },
          picture: dataUri(shrink(crop(shown, window), PICTURE_PX)),
          uncertain: dataUri(shrink(crop(probabilityPicture(uncertainty, height, width), window), PICTURE_PX)),
        };
      }
    }
  }
  return described;
}

/**
 * The accuracy on the random places of an earlier call that have been annotated since. Their predictions were kept, so
 * it does not matter that the model may have learned from them meanwhile.
 * @returns also how many were drawn
 */
async function estimate(
  files: WritableFiles,
  out: string,
  images: readonly ListedImage[],
  classesOf: ClassesOf,
): Promise<{ readonly accuracy?: EstimatedAccuracy; readonly drawn: number }> {
  const file = joinPath(out, LIST_FILE);
  if ((await files.kind(file)) === undefined) return { drawn: 0 };
  const { places } = JSON.parse(new TextDecoder().decode(await files.read(file))) as Pick<Suggestions, 'places'>;
  const shares: number[] = [];
  for (const { image, predicted, x, y, width, height, slice, annotated: before } of places) {
    const item = images.find(({ name }) => name === image);
    const slices = item === undefined || predicted === undefined ? undefined : await classesOf(item);
    if (item === undefined || predicted === undefined || slices === undefined) continue;
    const classes = slices[slice];
    const stride = (await readListedImage(files, item)).shape.at(-1) as number;
    const bytes = await files.read(joinPath(out, predicted));
    const found = await readImage(bytes, predicted);
    let [right, counted] = [0, 0];
    for (let p = 0; p < width * height; p++) {
      const label = classes?.[(y + Math.floor(p / width)) * stride + x + (p % width)];
      if (label === undefined || label === IGNORE) continue;
      counted++;
      if (label === Number(found.data[p])) right++;
    }
    if (counted >= ANNOTATED_FRACTION * width * height && before < ANNOTATED_FRACTION) shares.push(right / counted);
  }
  const interval = shareInterval(shares);
  const drawn = places.filter(({ random }) => random).length;
  return { drawn, ...(interval && { accuracy: { ...interval, places: shares.length } }) };
}
