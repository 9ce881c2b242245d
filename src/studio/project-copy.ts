/** A copy of a project for a zip: its files and, in place of those that are missing or behind, what is in memory. */

import { folderOf, stemOf } from '../dataset/discover/names.ts';
import { DatasetError, factsOf } from '../errors.ts';
import { baseName, joinPath } from '../files.ts';
import { writeTiff } from '../image/formats/tiff/write.ts';
import { isPlainPath } from '../image/zip.ts';
import { PROJECT_FILE, type Project, type ProjectImage, writeProject } from '../project/project.ts';
import type { Problem } from './engine.ts';
import { problemOf } from './error-data.ts';
import type { StudioHost } from './host.ts';
import type { OpenProject } from './open-project.ts';
import { FOLDERS, fileFacts, fileKey, freeName, takenNames } from './project-folder.ts';

export interface ProjectCopy {
  /** What there is of each file by its path in the project: its path in the host's files, or its bytes. */
  readonly files: ReadonlyMap<string, string | Uint8Array>;
  /** What could not be written, but for want of space, and files that the project lists and the copy lacks. */
  readonly problems: readonly Problem[];
}

/** Every file of the project but what it can do without, and images that lie elsewhere. */
export async function copyOfProject(host: StudioHost, open: OpenProject): Promise<ProjectCopy> {
  const told: Problem[] = [];
  // What there is no space for is in memory, and in the copy.
  const failed = (cause: unknown): void => {
    if (factsOf(cause, 'no-space') === undefined) told.push(problemOf(cause));
  };
  if (!open.readOnly) await open.flush().catch(failed);
  const { folder } = open;
  const names = (await host.files.kind(folder)) === undefined ? [] : await host.files.list(folder);
  const own = names.filter((file) => !file.startsWith(`${FOLDERS.own}/`) && baseName(file) !== 'lock');
  const files = new Map<string, string | Uint8Array>(own.map((file) => [file, joinPath(folder, file)]));
  const isMissing = (path: string): boolean =>
    isPlainPath(path) && !files.has(path) && !own.some((file) => file.startsWith(`${path}/`));
  const lost = listedFiles(open.project).filter(isMissing);
  if (open.readOnly || (lost.length === 0 && !open.hasChanges))
    return { files, problems: [...told, ...lost.map(notCopied)] };
  const labels = await open.labelCopies(isMissing);
  for (const [path, bytes] of labels.files) files.set(path, bytes);
  const taken = takenNames([...files.keys(), ...listedFiles(labels.project)]);
  const images: ProjectImage[] = [];
  for (const image of labels.project.images) {
    const { id = '', file, crc32 } = image;
    const stored = isMissing(file) ? await open.images.inMemory(id) : undefined;
    if (stored === undefined) {
      images.push(image);
      continue;
    }
    const bytes = writeTiff(stored);
    taken.delete(fileKey(file));
    const path = freeName(joinPath(folderOf(file), stemOf(file)), taken, '.tif');
    files.set(path, bytes);
    images.push({ ...image, file: path, ...(crc32 !== undefined && fileFacts([{ bytes }])) });
  }
  const project = { ...labels.project, images };
  files.set(PROJECT_FILE, new TextEncoder().encode(writeProject(project)));
  const missing = new Set([...labels.lost, ...listedFiles(project).filter(isMissing)]);
  return { files, problems: [...told, ...[...missing].map(notCopied)] };
}

const listedFiles = ({ images, runs = [] }: Project): readonly string[] => [
  PROJECT_FILE,
  ...images.flatMap(({ file, labels }) => (labels === undefined ? [file] : [file, labels])),
  ...runs.map(({ folder }) => folder),
];

const notCopied = (file: string): Problem =>
  problemOf(
    new DatasetError('the project lists this, but it is missing, and not in the copy.', {
      file,
      remedy: 'Add it again from where you have it, then save once more.',
      facts: { code: 'not-copied' },
    }),
  );
