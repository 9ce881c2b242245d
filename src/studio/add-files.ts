/** Files that are handed in, as images of a project with the labels that belong to them. */

import { addTo } from '../array/lists.ts';
import { baseName, extensionOf, folderOf, roleOf, stemOf } from '../dataset/discover/names.ts';
import { DATASET_JSON } from '../dataset/discover/nnunet.ts';
import { fileOf, pairFiles, readable } from '../dataset/discover/pair.ts';
import type { SeriesSource } from '../dataset/discover/series.ts';
import { isShapeLabel } from '../dataset/discover/shape-files.ts';
import { type ImageListing, listImageSources, pairListing, readListed } from '../dataset/discover/sources.ts';
import { fileOfLabels } from '../dataset/discover/stated-labels.ts';
import { storeFolders } from '../dataset/discover/zarr-stores.ts';
import { DatasetError, factsOf } from '../errors.ts';
import { joinPath, type WritableFiles } from '../files.ts';
import { READABLE_EXTENSIONS } from '../image/formats/registry.ts';
import { writeTiff } from '../image/formats/tiff/write.ts';
import type { Image } from '../image/image.ts';
import { readImage } from '../image/read.ts';
import type { Project, ProjectImage } from '../project/project.ts';
import { memoryFiles } from '../workflows/memory-files.ts';
import type { GivenFile, ImageId, Problem } from './engine.ts';
import { problemOf } from './error-data.ts';
import { isLabelMap, type LabelledSource, openLabels, ownRules, rulesFor } from './import-labels.ts';
import { labelFileOf, layerOf } from './label-files.ts';
import { FOLDERS, fileFacts, fileKey, freeName, takenNames } from './project-folder.ts';

/** What became of the files. */
export interface Added {
  readonly project: Project;
  /** Those that are new, in the order of the project's. `image`: what reading the copy would give, if that is sure. */
  readonly images: readonly { readonly id: ImageId; readonly image: Image | undefined }[];
  /** Images of before that have got labels. */
  readonly labelled: readonly ImageId[];
  readonly problems: readonly Problem[];
}

/** An image among the files, and its labels. */
interface Source extends Partial<LabelledSource> {
  readonly key: string;
  /** Of the image, if the project has it and only the labels are new. */
  readonly id?: ImageId;
}

/** What is known of the project that files are added to. */
export interface AddingTo {
  /** Nothing is annotated yet, so that kind and classes, if not chosen, are taken from labels among the files. */
  readonly isFresh: boolean;
  /** Of images that were removed, which new ones do not get. */
  readonly usedIds: ReadonlySet<ImageId>;
  /** Whether labels of an image would take the place of others, now or by undo and redo. */
  isAnnotated(id: ImageId): boolean;
  imageOf(id: ImageId): Promise<Image>;
}

const isLabelled = (source: Source): source is LabelledSource => source.label !== undefined;

/** Files with a record of what was read. */
function recording(files: WritableFiles): { readonly files: WritableFiles; taken(): readonly string[] } {
  let read = new Set<string>();
  return {
    files: {
      ...files,
      async read(folder, name) {
        const bytes = await files.read(folder, name);
        read.add(joinPath(folder, name ?? ''));
        return bytes;
      },
      async open(folder, name) {
        const source = await files.open(folder, name);
        read.add(joinPath(folder, name ?? ''));
        return source;
      },
    },
    taken() {
      const all = [...read];
      read = new Set();
      return all;
    },
  };
}

/** Images and labels by their names. @returns a problem where labels have no image */
function sourcesOf(listing: ImageListing): { sources: readonly Source[]; listing: ImageListing; problem?: Problem } {
  const { images } = readable(listing.paths, READABLE_EXTENSIONS);
  const plain = (keys: readonly string[]): readonly Source[] => keys.map((key) => ({ key }));
  if (images.length === 0) return { sources: [], listing };
  try {
    const { pairing, listing: used } = pairListing(listing, { mixed: true });
    const pairs = pairing.pairs.map(({ image, label }): Source => ({ key: image, label }));
    return { sources: [...pairs, ...plain(pairing.unlabelled)], listing: used };
  } catch (cause) {
    if (!(cause instanceof DatasetError)) throw cause;
    // No labels at all is how a project begins.
    if (factsOf(cause, 'no-labels') !== undefined) return { sources: plain(images), listing };
    const isLabel = (path: string) =>
      folderOf(path)
        .split('/')
        .some((part) => roleOf(part) === 'label');
    return { sources: plain(images.filter((path) => !isLabel(path))), listing, problem: problemOf(cause) };
  }
}

/**
 * Labels without images among the files, for images that the project has: by the names of both, as in one folder. Names
 * alone must say it, whatever other images there are.
 * @returns the id of the image of each label file
 */
function lateLabels(listing: ImageListing, images: readonly ProjectImage[]): Map<string, ImageId> {
  const groups = new Map<string, string[]>();
  for (const path of readable(listing.paths, READABLE_EXTENSIONS, isShapeLabel).images) {
    addTo(groups, fileOf(path).group, path);
  }
  const found = new Map<string, ImageId>();
  const shown = new Map(images.map(({ id }) => [`images/${id}.png`, id as ImageId]));
  for (const paths of groups.values()) {
    const byName = new Map(paths.map((path) => [`labels/${baseName(path)}`, path]));
    if (!paths.every(isLabelPath) || byName.size < paths.length) continue;
    try {
      // The one that no label belongs to: a single image and a single label would need no names.
      const all = [...shown.keys(), ...byName.keys(), 'images/-.png'];
      for (const { image, label } of pairFiles(all, { extensions: READABLE_EXTENSIONS }).pairs) {
        found.set(byName.get(label) as string, shown.get(image) as ImageId);
      }
    } catch (cause) {
      if (!(cause instanceof DatasetError)) throw cause;
    }
  }
  return found;
}

/** Whether a file is of labels by its name or its folder's. */
const isLabelPath = (path: string): boolean => {
  const { folderRole, stem } = fileOf(path);
  return folderRole === 'label' || isShapeLabel(path) || roleOf(stem) === 'label';
};

/**
 * Adds images to a project: each is read, copied into `images/`, and listed. A file that cannot be read is a problem of
 * its own; one that is in the project already is left out, and gets its labels if nothing is annotated in it.
 * @param folder the project's
 */
export async function addFiles(
  files: WritableFiles,
  folder: string,
  project: Project,
  given: readonly GivenFile[],
  to: AddingTo,
): Promise<Added> {
  const memory = memoryFiles(Object.fromEntries(withinDataset(given).map(({ path, content }) => [path, content])));
  const { files: source, taken } = recording({ ...memory, zlib: files.zlib, maxBytes: files.maxBytes });
  const problems: Problem[] = [];
  const say = (cause: unknown): void => void problems.push(problemOf(cause));
  const all = await listImageSources(source, '.');
  const late = lateLabels(all, project.images);
  const fresh = sourcesOf({ ...all, paths: all.paths.filter((path) => !late.has(path)) });
  const { listing, problem } = fresh;
  if (problem !== undefined) problems.push(problem);
  for (const { key, label } of fresh.sources) {
    const id = label === undefined ? await labelledBy(key).catch(() => undefined) : undefined;
    if (id !== undefined) late.set(key, id);
  }
  const ofLate = [...late].map(([label, id]): Source => ({ key: label, label, id, image: () => to.imageOf(id) }));
  const sources = [...fresh.sources.filter(({ key }) => !late.has(key)), ...ofLate];
  const labelled = sources.filter(isLabelled);
  const reader = await openLabels(source, listing, labelled);
  let rules = ownRules(project);
  if (labelled.length > 0) {
    try {
      rules = await rulesFor(project, to.isFresh, source, listing, labelled, reader);
    } catch (cause) {
      say(cause);
    }
  }
  const ids = takenNames([...to.usedIds, ...project.images.flatMap(({ id }) => id ?? [])]);
  // Also what is not listed: a user's own image that was taken off the list.
  const paths = takenNames([...project.images.map(({ file }) => file), ...(await filesThere(files, folder))]);
  const known = new Map(project.images.map(({ id, size, crc32 }) => [`${size} ${crc32}`, id as ImageId]));
  const lately = new Map<ImageId, Pick<ProjectImage, 'labels'>>();
  /** Images that the project lists and whose files were missing: where they are now. */
  const restored = new Map<ImageId, Pick<ProjectImage, 'file'>>();
  const added: ProjectImage[] = [];
  const images: { id: ImageId; image: Image | undefined }[] = [];
  /** The copy of one image is written while the next one is read. */
  let copying = Promise.resolve();
  const used = new Set<string>(labelled.map(({ label }) => fileOfLabels(label)));
  if (listing.json !== undefined) used.add(DATASET_JSON);
  for (const { key, label, id: ofProject } of sources) {
    taken();
    try {
      if (label !== undefined && ofProject !== undefined) {
        await addLabels(ofProject, label, await to.imageOf(ofProject));
        continue;
      }
      const image = await readListed(source, listing, key);
      const parts = taken();
      for (const part of parts) used.add(part);
      const own = await filesOf(source, listing, key, parts, image);
      const facts = fileFacts(own);
      await copying;
      const missing = await missingImage(facts, key);
      if (missing !== undefined) {
        paths.delete(fileKey(missing.file));
        const file = await copy(own, listing.series.get(key), missing.id);
        restored.set(missing.id, { file });
        images.push({ id: missing.id, image: undefined });
        if (label !== undefined) await addLabels(missing.id, label, image);
        continue;
      }
      const same = known.get(`${facts.size} ${facts.crc32}`);
      if (same !== undefined) {
        if (label === undefined) say(new DatasetError('the project has this image already.', { file: key }));
        else await addLabels(same, label, image);
        continue;
      }
      const id = freeName(stemOf(key), ids);
      const labels = label === undefined ? undefined : await labelsOf(label, image).catch(say);
      const isCopy = own.length === 1 && !listing.joined?.has(key) && !listing.json && !listing.project;
      copying = copy(own, listing.series.get(key), id).then(async (file) => {
        known.set(`${facts.size} ${facts.crc32}`, id);
        images.push({ id, image: isCopy ? image : undefined });
        added.push({ id, file, ...facts, ...(labels && (await writeLabels(id, labels).catch(say))) });
      }, say);
    } catch (cause) {
      say(cause);
      for (const part of taken()) used.add(part);
      used.add(key);
    }
  }
  await copying;
  for (const [store, paths] of storeFolders(memory.paths())) {
    const refused = listing.leftOut.find(({ file }) => file === store);
    if (refused !== undefined) say(new DatasetError(`this is ${refused.reason}.`, { file: store }));
    for (const path of paths) used.add(path);
  }
  for (const path of memory.paths()) {
    const hidden = path.split('/').some((part) => part.startsWith('.') || part === '__MACOSX');
    if (hidden || used.has(path) || baseName(path) === 'Thumbs.db') continue;
    const wrong = await whyNoImage(memory, path);
    if (wrong !== undefined) problems.push(wrong);
  }
  const before = project.images.map((one) => {
    const id = one.id as ImageId;
    return { ...one, ...restored.get(id), ...lately.get(id) };
  });
  const whole = { ...rules.project, images: [...before, ...added] };
  return { project: whole, images, labelled: [...lately.keys()], problems };

  /** The image of the project that has the file's name, if the file holds labels and the image does not. */
  async function labelledBy(key: string): Promise<ImageId | undefined> {
    const id = project.images.find((one) => one.id === stemOf(key))?.id;
    if (id === undefined) return undefined;
    const isLabels = isLabelMap(await readListed(source, listing, key, { palette: 'index' }));
    return isLabels && !isLabelMap(await to.imageOf(id)) ? id : undefined;
  }

  /**
   * The image of the project that a file is, if its own file is missing: by size and checksum, or by name where the project
   * has none of them.
   */
  async function missingImage(facts: ReturnType<typeof fileFacts>, key: string) {
    const isIt = ({ file, size, crc32 }: ProjectImage): boolean =>
      crc32 === undefined ? baseName(file) === baseName(key) : size === facts.size && crc32 === facts.crc32;
    for (const one of project.images.filter(isIt)) {
      const id = one.id as ImageId;
      if (!restored.has(id) && (await files.kind(joinPath(folder, one.file))) === undefined)
        return { id, file: one.file };
    }
    return undefined;
  }

  /** Gives labels to an image that was here before. @throws DatasetError if something is annotated in it */
  async function addLabels(id: ImageId, label: string, image: Image): Promise<void> {
    if (to.isAnnotated(id) || lately.has(id) || added.some((one) => one.id === id)) {
      throw new DatasetError(`something is annotated in the image "${id}" already, which stays.`, {
        file: label,
        remedy: 'To use these labels, remove the image, and add it together with them.',
      });
    }
    lately.set(id, await writeLabels(id, await labelsOf(label, image)));
  }

  /** @returns the path of the image in the project: its file, the first of several, or the folder of a series */
  async function copy(own: readonly NamedBytes[], series: SeriesSource | undefined, id: ImageId): Promise<string> {
    const [first] = own as readonly [NamedBytes, ...NamedBytes[]];
    const isSeries = series !== undefined;
    if (series?.format === 'OME-Zarr') {
      const store = freeName(joinPath(FOLDERS.images, id), paths, '.zarr');
      const prefix = series.folder === '' ? 0 : series.folder.length + 1;
      for (const { name, bytes } of own) await files.write(joinPath(folder, store, name.slice(prefix)), bytes);
      return store;
    }
    if (own.length === 1 && !isSeries) {
      const path = freeName(joinPath(FOLDERS.images, id), paths, `.${extensionOf(first.name)}`);
      await files.write(joinPath(folder, path), first.bytes);
      return path;
    }
    const within = freeName(joinPath(FOLDERS.images, id), paths);
    const names = new Set<string>();
    for (const { name, bytes } of own) {
      const plain = baseName(name);
      const extension = plain.includes('.') ? `.${extensionOf(plain)}` : '';
      const free = freeName(plain.slice(0, plain.length - extension.length), names, extension);
      await files.write(joinPath(folder, within, free), bytes);
    }
    return isSeries ? within : joinPath(within, baseName(first.name));
  }

  /** The project's label file. */
  async function labelsOf(label: string, image: Image): Promise<Uint8Array> {
    const found = await reader.read(label, image);
    const layer = layerOf(found, image, rules.project.task, rules.mapping, rules.labels);
    return labelFileOf(layer, image, rules.project);
  }

  async function writeLabels(id: ImageId, labels: Uint8Array): Promise<Pick<ProjectImage, 'labels'>> {
    const path = freeName(joinPath(FOLDERS.labels, id), paths, '.tif');
    await files.write(joinPath(folder, path), labels);
    return { labels: path };
  }
}

interface NamedBytes {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** The files to copy for an image, the one that names it first. Channels of several files become one. */
async function filesOf(
  source: WritableFiles,
  { series, joined }: ImageListing,
  key: string,
  parts: readonly string[],
  image: Image,
): Promise<readonly NamedBytes[]> {
  if (joined?.has(key) === true) return [{ name: `${stemOf(key)}.tif`, bytes: writeTiff(image) }];
  const folder = series.get(key);
  // Labels in a store become the project's own.
  const inStore = folder?.files.filter((file) => !file.startsWith(joinPath(folder.folder, 'labels/')));
  const ofSeries = folder?.format === 'OME-Zarr' ? inStore : folder && parts;
  const named = ofSeries ?? [key, ...parts.filter((part) => part !== key)];
  return Promise.all(named.map(async (name) => ({ name, bytes: await source.read(name) })));
}

/** Files in one folder that is a data set of nnU-Net, by their paths within it; others as they are. */
function withinDataset(given: readonly GivenFile[]): readonly GivenFile[] {
  const json = given.find(({ path }) => baseName(path) === DATASET_JSON)?.path ?? '';
  const top = json.slice(0, -DATASET_JSON.length);
  const isOne = given.every(({ path }) => path.startsWith(top));
  return isOne ? given.map((file) => ({ ...file, path: file.path.slice(top.length) })) : given;
}

/** What is in the folders of images and labels: files, and folders of images of several files. */
async function filesThere(files: WritableFiles, folder: string): Promise<readonly string[]> {
  const found: string[] = [];
  for (const part of [FOLDERS.images, FOLDERS.labels]) {
    const path = joinPath(folder, part);
    if ((await files.kind(path)) !== 'folder') continue;
    for (const name of await files.list(path)) found.push(joinPath(part, name.split('/', 1)[0] as string));
  }
  return found;
}

/** What is wrong with a file that is no image; undefined for one that belongs to another. */
async function whyNoImage(files: WritableFiles, path: string): Promise<Problem | undefined> {
  try {
    await readImage(await files.read(path), path, { zlib: files.zlib, maxBytes: files.maxBytes });
    return undefined;
  } catch (cause) {
    return problemOf(cause);
  }
}
