/** Projects and data folders that are handed in, as projects of their own. */

import { baseName } from '../dataset/discover/names.ts';
import { type Facts, FormatError } from '../errors.ts';
import { type BlobLike, joinPath } from '../files.ts';
import { MAX_BYTES } from '../image/read.ts';
import { blobOf, isPlainPath, isZip, readZip } from '../image/zip.ts';
import { PROJECT_FILE, parseProject } from '../project/project.ts';
import type { GivenFile, Problem } from './engine.ts';
import { problemOf } from './error-data.ts';
import type { StudioHost } from './host.ts';
import { emptyProject, FOLDERS, fileFacts, folderNameFor, freeName, writeProjectFile } from './project-folder.ts';

/** A file that is handed in, read when it is copied. */
interface ImportedFile {
  readonly path: string;
  readonly content: GivenFile['content'];
  read(): Promise<Uint8Array>;
}

/** Takes the files of the one zip that is given, or the files themselves. @throws FormatError as `readZip` */
async function unpacked(given: readonly GivenFile[], maxBytes: number): Promise<readonly ImportedFile[]> {
  const plain = given.map(({ path, content }) => ({ path, content, read: () => bytesOf(content) }));
  const [only] = given;
  if (only === undefined || given.length > 1) return plain;
  const { path, content } = only;
  const zip = content instanceof Uint8Array ? blobOf(content) : content;
  if (!(await isZip(zip))) return plain;
  const entries = await readZip(zip, path, maxBytes);
  // Of shapes, which are labels.
  if (entries.every((entry) => /\.roi$/i.test(entry.path))) return plain;
  return entries.map(({ path: inner, size, read }) => {
    const slice = (from: number, to: number) => ({
      arrayBuffer: async () => (await read()).slice(from, to).buffer as ArrayBuffer,
    });
    return { path: inner, content: { size, slice, arrayBuffer: slice(0, size).arrayBuffer } as BlobLike, read };
  });
}

async function bytesOf(content: GivenFile['content']): Promise<Uint8Array> {
  return content instanceof Uint8Array ? content : new Uint8Array(await content.arrayBuffer());
}

/** What an import made. */
export interface Imported {
  readonly id: string;
  /** Files to be added to the project, which is empty: they were no project. */
  readonly files: readonly GivenFile[];
  readonly problems: readonly Problem[];
}

/**
 * Copies a project, or makes an empty one for a data folder.
 * @param name used if the project has none
 * @throws FormatError for a zip that cannot be read; DatasetError for a `lamella.json` that is invalid. Nothing is left then.
 */
export async function importProject(host: StudioHost, given: readonly GivenFile[], name: string): Promise<Imported> {
  const { files } = host;
  const entries = await unpacked(given, files.maxBytes ?? MAX_BYTES);
  const lists = entries.map(({ path }) => path).filter((path) => baseName(path) === PROJECT_FILE);
  // The outermost, such as in the one folder of an archive.
  const list = lists.sort((a, b) => a.length - b.length)[0];
  const taken = new Set(await host.ids());
  if (list === undefined) {
    if (entries.length === 0) throw new FormatError('there are no files to import.', { file: name });
    const id = freeName(folderNameFor(name), taken);
    await writeProjectFile(files, host.folderOf(id), emptyProject(name, host.version));
    return { id, files: entries.map(({ path, content }) => ({ path, content })), problems: [] };
  }
  const prefix = list.slice(0, list.length - PROJECT_FILE.length);
  const text = await (entries.find(({ path }) => path === list) as ImportedFile).read();
  const project = parseProject(new TextDecoder().decode(text), list);
  const id = freeName(folderNameFor(project.name ?? name), taken);
  const folder = host.folderOf(id);
  const problems: Problem[] = [];
  try {
    for (const { path, read } of entries) {
      const own = path.slice(prefix.length);
      const isOurs = path.startsWith(prefix) && path !== list && !own.startsWith(`${FOLDERS.own}/`);
      if (!isOurs || own.split('/').some((part) => part === '__MACOSX' || part === 'lock')) continue;
      const bytes = await read();
      const image = project.images.find(({ file }) => file === own);
      if (image?.crc32 !== undefined && image.crc32 !== fileFacts([{ bytes }]).crc32) {
        problems.push(problemOf(new FormatError('this differs from what the project says of it.', { file: own })));
      }
      await files.write(joinPath(folder, own), bytes);
    }
    const present = new Set(await files.list(folder));
    const isThere = (path: string) => present.has(path) || [...present].some((other) => other.startsWith(`${path}/`));
    const say = (problem: string, details: { file: string; remedy: string; facts?: Facts }): void =>
      void problems.push(problemOf(new FormatError(problem, details)));
    const images = project.images.flatMap((image) => {
      const { labels, ...unlabelled } = image;
      // What an archive lists elsewhere is no part of it. Other images that it lacks may be added later.
      if (!isPlainPath(image.file)) {
        say('the project lists this file, but it is missing.', {
          file: image.file,
          remedy: 'Add the image to the project.',
        });
        return [];
      }
      if (labels === undefined || isThere(labels)) return [image];
      say('the project lists these labels, but they are missing: their image is here without any.', {
        file: labels,
        remedy: 'Add this label file to the project, or paint anew.',
        facts: { code: 'labels-missing' },
      });
      return [unlabelled];
    });
    await writeProjectFile(files, folder, { ...project, name: project.name ?? name, images });
    return { id, files: [], problems };
  } catch (cause) {
    await host.remove(folder);
    throw cause;
  }
}
