/** The images, labels and annotation that a `lamella.json` lists. */

import { counted, DatasetError } from '../../errors.ts';
import type { Files } from '../../files.ts';
import { joinPath } from '../../files.ts';
import type { Image } from '../../image/image.ts';
import { isUsedFor, PROJECT_FILE, type Project, type ProjectImage, parseProject } from '../../project/project.ts';
import { regionOf } from '../../project/regions.ts';
import type { LabelClass } from '../labels/labels.ts';
import type { Annotation } from '../labels/regions.ts';
import type { RawDataset } from '../raw.ts';
import { labelFinder } from './labels-of-image.ts';
import type { Pairing } from './pairing.ts';

/**
 * The project of a folder.
 * @param all every file of the folder
 * @param options leaveOutMissing: only the images that are there, without labels
 * @returns undefined if it has none
 * @throws DatasetError as `parseProject`, and otherwise for a listed image or label file that is not there
 */
export async function readProject(
  files: Files,
  root: string,
  all: readonly string[],
  { leaveOutMissing = false }: { readonly leaveOutMissing?: boolean } = {},
): Promise<Project | undefined> {
  if (!all.includes(PROJECT_FILE)) return undefined;
  const file = joinPath(root, PROJECT_FILE);
  const project = parseProject(new TextDecoder().decode(await files.read(root, PROJECT_FILE)), file);
  const known = new Set(all);
  // Only files of the folder are known; others are found missing when they are read.
  const isMissing = (path: string) => !known.has(path) && !path.startsWith('../') && filesBelow(path, all).length === 0;
  if (leaveOutMissing) {
    const images = project.images.filter((image) => !isMissing(image.file));
    return { ...project, images: images.map(({ labels: _, ...image }) => image) };
  }
  const missing = projectFiles(project).find(isMissing);
  if (missing === undefined) return project;
  throw missingListed(root, missing);
}

/** The error for an image or label file that the project of a folder lists and that is not there. */
export const missingListed = (
  root: string,
  path: string,
  {
    cause,
    remedy = `Put it back, or remove it from ${PROJECT_FILE}. Paths are relative to its folder.`,
  }: { readonly cause?: unknown; readonly remedy?: string | undefined } = {},
): DatasetError =>
  new DatasetError(`there is no file "${path}", which the project lists.`, {
    file: joinPath(root, PROJECT_FILE),
    remedy,
    facts: { code: 'no-file' },
    cause,
  });

const filesBelow = (folder: string, all: readonly string[]): readonly string[] =>
  all.filter((path) => path.startsWith(`${folder}/`));

/** The images and labels that are folders, a DICOM series or an OME-Zarr store each: their files, by the folder's path. */
export function projectSeries(project: Project, all: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const known = new Set(all);
  const others = projectFiles(project).filter((file) => !known.has(file));
  const folders = others.map((file) => [file, filesBelow(file, all)] as const);
  return new Map(folders.filter(([, files]) => files.length > 0));
}

/**
 * The project with labels by the paths that they are read by, where a file has those of many images, or of a series.
 * @throws as `labelFinder`
 */
export async function withLabelPaths(files: Files, root: string, project: Project): Promise<Project> {
  const find = labelFinder(files, root);
  const images: ProjectImage[] = [];
  for (const image of project.images) {
    const { file, labels } = image;
    images.push(labels === undefined ? image : { ...image, labels: await find(labels, file) });
  }
  return { ...project, images };
}

/** Every image and label file. */
export const projectFiles = ({ images }: Project): readonly string[] =>
  images.flatMap(({ file, labels }) => (labels === undefined ? [file] : [file, labels]));

/**
 * The images to train on with their labels.
 * @throws DatasetError if there are none
 */
export function pairProject({ images }: Project, root: string): Pairing {
  const used = images.filter((image) => isUsedFor(image, 'train'));
  const pairs = used.flatMap(({ file, labels }) => (labels === undefined ? [] : [{ image: file, label: labels }]));
  if (pairs.length === 0) {
    throw new DatasetError(`the project lists ${counted(images.length, 'image')}, but none to train on with labels.`, {
      file: joinPath(root, PROJECT_FILE),
      remedy: 'Annotate one of them.',
      facts: { code: 'no-labels', images: images.length },
    });
  }
  const paired = new Set(pairs.map(({ image }) => image));
  return { pairs, unlabelled: images.map(({ file }) => file).filter((file) => !paired.has(file)), leftOut: [] };
}

/** The images to predict. */
export const imagesToPredict = ({ images }: Project): readonly string[] =>
  images.filter((image) => isUsedFor(image, 'predict')).map(({ file }) => file);

/** What the labels mean. */
export function declaredByProject({ task, classes, notAnnotated }: Project): NonNullable<RawDataset['declared']> {
  return {
    kind: task,
    ignore: [notAnnotated],
    ...(classes && {
      classes: classes.map(({ name, value }): LabelClass => ({ name, values: value === 'rest' ? value : [value] })),
    }),
  };
}

/** What labels mean: as the project says, and what their files mark as not annotated. */
export function declaredWith(stated: RawDataset['declared'], project: Project): NonNullable<RawDataset['declared']> {
  const own = declaredByProject(project);
  return {
    ...stated,
    ...own,
    ...(own.classes && { regions: undefined }),
    ignore: [...new Set([...(own.ignore ?? []), ...(stated?.ignore ?? [])])],
  };
}

/** The regions of the images with labels that are trained on. */
export function annotationOf({ images, notAnnotated }: Project): Annotation {
  const trained = images.filter((image) => isUsedFor(image, 'train') && (image.regions ?? []).length > 0);
  return {
    notAnnotated,
    regions: Object.fromEntries(trained.map(({ file, regions = [] }) => [file, regions.map(regionOf)])),
  };
}

/** An image or label image with the project's pixel size, which overrides that of its file. */
export function withProjectSpacing(image: Image, { spacing }: Pick<Project, 'spacing'>): Image {
  if (spacing === undefined) return image;
  const { x, y, z, unit } = spacing;
  const of = (value: number) => ({ value, unit });
  return { ...image, spacing: { ...image.spacing, x: of(x), y: of(y), ...(z === undefined ? {} : { z: of(z) }) } };
}

/** Printed lines. @param folder name of the project's folder */
export function describeProject(project: Project, folder: string): readonly string[] {
  const { images, task, notAnnotated, spacing, settings = {}, name = folder } = project;
  const regions = images.flatMap((image) => image.regions ?? []);
  const parts = [
    `${task}, ${notAnnotated} is not annotated`,
    `${counted(images.length, 'image')}, ${images.filter(({ labels }) => labels !== undefined).length} with labels`,
    ...(regions.length > 0
      ? [
          `${counted(regions.length, 'region')}, ${regions.filter(({ complete }) => complete).length} complete, ${regions.filter(({ held }) => held).length} held out`,
        ]
      : []),
    ...(spacing === undefined ? [] : [`pixel ${spacing.x} x ${spacing.y} ${spacing.unit}`]),
    ...Object.entries(settings).map(([key, value]) => `${key} ${JSON.stringify(value)}`),
  ];
  return [`project: ${name} (${PROJECT_FILE})`, `  ${parts.join('; ')}`];
}
