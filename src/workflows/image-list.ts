import { folderOf, roleOf, stemOf } from '../dataset/discover/names.ts';
import { DATASET_JSON } from '../dataset/discover/nnunet.ts';
import { noImages, readable } from '../dataset/discover/pair.ts';
import type { Pair } from '../dataset/discover/pairing.ts';
import { annotationOf, declaredWith, imagesToPredict, pairProject } from '../dataset/discover/project-files.ts';
import {
  type ImageListing,
  listImageSources,
  openListed,
  pairListing,
  readListed,
} from '../dataset/discover/sources.ts';
import type { LabelKind } from '../dataset/labels/label-kind.ts';
import type { LabelOptions } from '../dataset/labels/labels.ts';
import type { PageAnnotation } from '../dataset/labels/regions.ts';
import { readShapeLabels, type ShapeLabels } from '../dataset/labels/shape-labels.ts';
import { DatasetError } from '../errors.ts';
import { baseName, folderName, joinPath, type WritableFiles } from '../files.ts';
import type { ReadOptions } from '../image/formats/format.ts';
import { READABLE_EXTENSIONS } from '../image/formats/registry.ts';
import type { Image } from '../image/image.ts';
import { openStoredImage } from '../image/read.ts';
import type { ImageSource } from '../image/source.ts';
import { PROJECT_FILE } from '../project/project.ts';
import { readImageFile } from './image-files.ts';

/** An image to read, and the name that its outputs have: a relative path without extension. */
export interface ListedImage {
  /** The file, or the folder of a DICOM series or OME-Zarr store. */
  readonly path: string;
  readonly name: string;
  /** If one path represents several files, or has additional information elsewhere. */
  readonly listed?: { readonly listing: ImageListing; readonly key: string };
  /** Which of several resolutions to read; default 0, the full one. */
  readonly level?: ReadOptions['level'];
  /** For labels that are shapes or masks of another program: how to read them, and the image that they are of. */
  readonly shapes?: { readonly labels: ShapeLabels; readonly key: string; readonly image: ListedImage };
  /** For labels of a project that says which parts of their image are annotated: these parts, and the image. */
  readonly annotated?: PageAnnotation & { readonly image: ListedImage };
}

/** Names of nnU-Net's image folders. */
const IMAGES_FOLDER = /(^|[/\\])images(tr|ts|val)[/\\]*$/i;

/** What a file beside listed labels, or the labels themselves, state about their values. */
export function declaredOf(
  labels: readonly ListedImage[],
): (Pick<LabelOptions, 'classes' | 'ignore'> & { readonly kind: LabelKind; readonly by: string }) | undefined {
  const [first] = labels;
  const { json, project } = first?.listed?.listing ?? {};
  const shapes = labels.find((label) => label.shapes !== undefined)?.shapes?.labels.declared;
  if (project !== undefined) return { ...declaredWith(shapes, project), kind: project.task, by: PROJECT_FILE };
  if (json !== undefined) return { classes: json.classes, ignore: json.ignore, kind: 'classes', by: DATASET_JSON };
  return shapes?.kind && { ...shapes, kind: shapes.kind, by: 'the file of shapes' };
}

/** The images of a project that has no labels of them to train on, by name; none where labels are not of a project. */
export function unlabelledOf(labels: readonly ListedImage[]): readonly string[] {
  const listing = labels[0]?.listed?.listing;
  if (listing?.project === undefined) return [];
  return named(listing, pairProject(listing.project, listing.root).unlabelled).map(({ name }) => name);
}

/** Whether one of the file's folders is named as one of labels. */
const isInLabels = (file: string): boolean =>
  folderOf(file)
    .split('/')
    .some((part) => roleOf(part) === 'label');

/**
 * The items with a resolution for those that may have several, OME-Zarr stores, and the images that they are labels of.
 * Others, such as what `predict` wrote at that resolution, are read as they are.
 * @param levelOf an image, by its name; undefined for the full resolution
 */
export function atLevel(
  items: readonly ListedImage[],
  levelOf: (name: string) => number | undefined,
): readonly ListedImage[] {
  const isStore = ({ listed }: ListedImage): boolean => listed?.listing.series.get(listed.key)?.format === 'OME-Zarr';
  const one = (item: ListedImage, level: number | undefined): ListedImage =>
    isStore(item) ? { ...item, level } : item;
  return items.map((item) => {
    const level = levelOf(item.name);
    return {
      ...one(item, level),
      ...(item.shapes && { shapes: { ...item.shapes, image: one(item.shapes.image, level) } }),
      ...(item.annotated && { annotated: { ...item.annotated, image: one(item.annotated.image, level) } }),
    };
  });
}

/** Reads a listed image. @throws as `readImageFile` */
export function readListedImage(
  files: WritableFiles,
  { path, listed, shapes, level }: ListedImage,
  given: ReadOptions = {},
): Promise<Image> {
  const options = { level, ...given };
  if (shapes !== undefined) {
    return readListedImage(files, shapes.image).then((image) => shapes.labels.image(shapes.key, image));
  }
  return listed === undefined
    ? readImageFile(files, path, options)
    : readListed(files, listed.listing, listed.key, options);
}

/**
 * Opens a listed image to read it by region; undefined if it has to be read as a whole.
 * @throws as `openOmeZarr` and `readImage`
 */
export async function openListedImage(
  files: WritableFiles,
  { path, listed, shapes, annotated }: ListedImage,
  options: Pick<ReadOptions, 'palette'> = {},
): Promise<ImageSource | undefined> {
  if (shapes !== undefined || annotated !== undefined) return undefined;
  return listed === undefined ? openStoredImage(files, path, options) : openListed(files, listed.listing, listed.key);
}

function named(listing: ImageListing, paths: readonly string[]): readonly ListedImage[] {
  const { root, place = root, series, joined, json, project } = listing;
  // `image/00.png` and `image/01.png` become `00` and `01`: a common folder carries no information. An image of a project
  // has one name, whichever others are listed beside it.
  const folders = new Set((project?.images.map(({ file }) => file) ?? paths).map(folderOf));
  const shared = folders.size === 1;
  const listed = paths.map((file): ListedImage => {
    // nnU-Net appends a channel number to the names of images, even of single-channel ones, but not to those of labels
    // and predictions.
    const stem = IMAGES_FOLDER.test(folderOf(file) || place) ? stemOf(file).replace(/_0000$/, '') : stemOf(file);
    // Images of a project may lie outside of its folder.
    const folder = folderOf(file).replace(/^(\.\.(\/|$))+/, '');
    const name = shared || folder === '' ? stem : `${folder}/${stem}`;
    const path = joinPath(root, series.get(file)?.folder ?? file);
    const plain = !series.has(file) && joined?.has(file) !== true && json === undefined && project === undefined;
    return plain ? { path, name } : { path, name, listed: { listing, key: file } };
  });
  const seen = new Map<string, string>();
  for (const { path, name } of listed) {
    const other = seen.get(name);
    if (other !== undefined) {
      throw new DatasetError(`the outputs of this file and "${other}" would have the same name.`, {
        file: path,
        remedy: 'Rename one of them.',
      });
    }
    seen.set(name, path);
  }
  return listed;
}

/**
 * The images of a path: a file, or a folder of any depth, excluding labels.
 * @param options channels: number of channels of the network that they are for
 * @throws DatasetError if there is nothing to read.
 */
export async function listImages(
  files: WritableFiles,
  path: string,
  { channels }: { readonly channels?: number | undefined } = {},
): Promise<readonly ListedImage[]> {
  const listing = await listImageSources(files, path, { channels });
  if ((await files.kind(path)) === 'file') return [{ path, name: stemOf(baseName(path)) }];
  if (listing.project !== undefined) return named(listing, imagesToPredict(listing.project));
  const { images } = readable(listing.paths, READABLE_EXTENSIONS);
  if (images.length === 0) throw noImages(path, { leftOut: listing.leftOut, extensions: READABLE_EXTENSIONS });
  const byFolder = images.filter((file) => !isInLabels(file));
  const told = byFolder.length > 0 && byFolder.length < images.length;
  try {
    const { pairing, listing: used } = pairListing(listing, { mixed: true });
    if (!told) return named(used, [...pairing.pairs.map(({ image }) => image), ...pairing.unlabelled]);
    const labels = new Set(pairing.pairs.map(({ label }) => label));
    return named(
      listing,
      byFolder.filter((file) => !labels.has(file)),
    );
  } catch (cause) {
    if (!(cause instanceof DatasetError)) throw cause;
    return named(listing, told ? byFolder : images);
  }
}

/**
 * The label files of a path, named after their images if there are any.
 * @throws DatasetError if there is nothing to read.
 */
export async function listLabels(files: WritableFiles, path: string): Promise<readonly ListedImage[]> {
  const listing = await listImageSources(files, path);
  if ((await files.kind(path)) === 'file') {
    const key = baseName(path);
    const declared =
      listing.json === undefined
        ? undefined
        : { ...listing, root: folderName(path), place: folderName(listing.place ?? path) };
    return [{ path, name: stemOf(key), listed: declared && { listing: declared, key } }];
  }
  const { images } = readable(listing.paths, READABLE_EXTENSIONS);
  if (images.length === 0) throw noImages(path, { leftOut: listing.leftOut, extensions: READABLE_EXTENSIONS });
  try {
    const { pairing, listing: used } = pairListing(listing, { mixed: true });
    const byImage = named(
      used,
      pairing.pairs.map(({ image }) => image),
    );
    const labels = pairing.pairs.map(({ label }) => label);
    const shapes = await readShapeLabels(files, path, labels, { project: used.project });
    const { notAnnotated, regions } = (used.project && annotationOf(used.project)) ?? { notAnnotated: 0, regions: {} };
    return labels.map((label, i) => {
      const [one] = named(used, [label]) as [ListedImage];
      const image = byImage[i] as ListedImage;
      const own = regions[(pairing.pairs[i] as Pair).image];
      return {
        ...one,
        name: image.name,
        ...(shapes?.has(label) && { shapes: { labels: shapes, key: label, image } }),
        ...(own && { annotated: { notAnnotated, regions: own, image } }),
      };
    });
  } catch (cause) {
    if (!(cause instanceof DatasetError)) throw cause;
    const inLabels = images.filter(isInLabels);
    return named(listing, inLabels.length > 0 ? inLabels : images);
  }
}

/**
 * What `predict` wrote of each image: all that a folder has, also where a name is that of an image and its mask.
 * @throws DatasetError if there is nothing to read.
 */
export async function listPredicted(files: WritableFiles, path: string): Promise<readonly ListedImage[]> {
  const listing = await listImageSources(files, path);
  const { images } = readable(listing.paths, READABLE_EXTENSIONS);
  if (images.length === 0) throw noImages(path, { leftOut: listing.leftOut, extensions: READABLE_EXTENSIONS });
  return named(listing, images);
}

/**
 * The files to score: those of a path, or the labels of a data set, so that two annotators can be compared.
 * @throws DatasetError if there is nothing to read.
 */
export async function listPredictions(files: WritableFiles, path: string): Promise<readonly ListedImage[]> {
  const images = await listImages(files, path);
  const labels = await listLabels(files, path).catch(() => images);
  const isDataset = labels.length === images.length && labels.some((label, i) => label.path !== images[i]?.path);
  return isDataset ? labels : images;
}
