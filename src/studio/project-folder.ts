/** A project as a folder: `lamella.json`, `images/`, `labels/`, `runs/`, `models/`, `predictions/`, `measures/` and `.studio/`. */

import { concatenate } from '../array/bytes.ts';
import { crc32, hex8 } from '../array/crc32.ts';
import { stemOf } from '../dataset/discover/names.ts';
import { UsageError } from '../errors.ts';
import { joinPath, type WritableFiles } from '../files.ts';
import {
  PROJECT_FILE,
  PROJECT_VERSION,
  type Project,
  type ProjectImage,
  parseProject,
  writeProject,
} from '../project/project.ts';
import type { ImageId } from './engine.ts';

/** Folders within a project. */
export const FOLDERS = {
  images: 'images',
  labels: 'labels',
  runs: 'runs',
  predictions: 'predictions',
  measures: 'measures',
  /** Models to train on from, which were handed in. */
  models: 'models',
  /** Journal, caches and the live session: may be deleted, and is not exported. */
  own: '.studio',
} as const;

/** Values of label files that mean "not annotated". */
export const IGNORED_IN_FILES = { classes: 255, objects: 65_535 } as const;

const KIND_AS_MADE = {
  task: 'classes',
  classes: [
    { name: 'background', value: 0 },
    { name: 'foreground', value: 1, colour: '#E69F00' },
  ],
  notAnnotated: IGNORED_IN_FILES.classes,
} as const;

/** A project without images: two classes, until it is changed. */
export function emptyProject(name: string, version: string): Project {
  return {
    version: PROJECT_VERSION,
    writtenBy: `lamella ${version}`,
    name,
    ...KIND_AS_MADE,
    images: [],
    revision: 0,
  };
}

/** Whether kind and classes are those of an empty project, which nobody chose. */
export const isKindAsMade = ({ task, classes }: Project): boolean =>
  JSON.stringify([task, classes]) === JSON.stringify([KIND_AS_MADE.task, KIND_AS_MADE.classes]);

/** @throws DatasetError as `parseProject`, or if there is no such file */
export async function readProjectFile(files: WritableFiles, folder: string): Promise<Project> {
  const file = joinPath(folder, PROJECT_FILE);
  const project = parseProject(new TextDecoder().decode(await files.read(file)), file);
  return { ...project, images: withIds(project.images) };
}

export async function writeProjectFile(files: WritableFiles, folder: string, project: Project): Promise<void> {
  await files.write(joinPath(folder, PROJECT_FILE), writeProject(project));
}

/** Every image with an id; those without one get the name of their file. */
export function withIds(images: readonly ProjectImage[]): readonly ProjectImage[] {
  const taken = takenNames(images.flatMap(({ id }) => id ?? []));
  return images.map((image) =>
    image.id === undefined ? { ...image, id: freeName(stemOf(image.file), taken) } : image,
  );
}

/** What names of one file have in common where the case of letters, or how they are encoded, tells no two apart. */
export const fileKey = (name: string): string => name.normalize('NFC').toLowerCase();

/** Names that are taken, for `freeName`. */
export const takenNames = (names: Iterable<string>): Set<string> => new Set(Array.from(names, fileKey));

/** The name, or with the next number behind it one that is not taken; it then is. @param taken of `takenNames` */
export function freeName(name: string, taken: Set<string>, extension = ''): string {
  let free = `${name}${extension}`;
  for (let number = 2; taken.has(fileKey(free)); number++) free = `${name}-${number}${extension}`;
  taken.add(fileKey(free));
  return free;
}

/** @throws UsageError if there is no such image */
export function imageOf({ images }: Pick<Project, 'images'>, id: ImageId): ProjectImage & { readonly id: ImageId } {
  const image = images.find((item) => item.id === id);
  if (image === undefined) throw new UsageError(`The project has no image '${id}'.`);
  return { ...image, id };
}

/**
 * A name for a folder: letters, digits, `-`, `_`, `.` and spaces of the given one.
 * @throws UsageError if nothing is left
 */
export function folderNameFor(name: string): string {
  const kept = name
    .normalize('NFC')
    .replace(/[^\p{L}\p{N}._ -]+/gu, '-')
    .replace(/^[. -]+|[. -]+$/g, '')
    .slice(0, 80);
  if (kept !== '') return kept;
  throw new UsageError(`'${name}' is no name for a project.`, { remedy: 'Use letters or digits.' });
}

/** Size and checksum of an image's files in their order, by which it is recognised. */
export function fileFacts(
  files: readonly { readonly bytes: Uint8Array }[],
): Required<Pick<ProjectImage, 'size' | 'crc32'>> {
  const size = files.reduce((sum, { bytes }) => sum + bytes.length, 0);
  return { size, crc32: hex8(crc32(concatenate(files.map(({ bytes }) => bytes)))) };
}
