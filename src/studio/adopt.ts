/** A folder of images and labels, as it is, becomes a project. */

import { naturalOrder } from '../dataset/discover/names.ts';
import { readable } from '../dataset/discover/pair.ts';
import { isShapeLabel } from '../dataset/discover/shape-files.ts';
import { listImageSources, pairListing } from '../dataset/discover/sources.ts';
import { DatasetError, factsOf } from '../errors.ts';
import type { WritableFiles } from '../files.ts';
import { READABLE_EXTENSIONS } from '../image/formats/registry.ts';
import type { Project, ProjectClass } from '../project/project.ts';
import { classColours, inferMapping, openLabels } from './import-labels.ts';
import { emptyProject, IGNORED_IN_FILES, withIds, writeProjectFile } from './project-folder.ts';

/**
 * Writes the `lamella.json` of a folder that has none. Its images and labels stay as they are: what is painted goes into
 * `labels/`, in files of its own (`keepLabels`).
 * @throws DatasetError for a folder that a `lamella.json` cannot describe, with the remedy to import it as a copy
 */
export async function adoptFolder(files: WritableFiles, folder: string, name: string, version: string): Promise<void> {
  const listing = await listImageSources(files, folder);
  const refuse = (problem: string): DatasetError =>
    new DatasetError(problem, { file: folder, remedy: 'Make a new project, and add this folder to it: it is copied.' });
  const pairs = new Map<string, string>();
  let { images } = readable(listing.paths, READABLE_EXTENSIONS);
  try {
    const { pairing, listing: used } = pairListing(listing, { mixed: true });
    if ((used.joined?.size ?? 0) > 0) throw refuse('an image or its labels consist of several files here.');
    for (const { image, label } of pairing.pairs) pairs.set(image, label);
    images = [...pairs.keys(), ...pairing.unlabelled].sort(naturalOrder);
  } catch (cause) {
    if (factsOf(cause, 'no-labels') === undefined) throw cause;
  }
  if ([...pairs.values()].some(isShapeLabel)) throw refuse('labels here are shapes of another program.');
  const project = emptyProject(name, version);
  const labels = pairs.size === 0 ? {} : await labelsOf();
  const all = await files.list(folder);
  const place = (key: string): string => {
    const series = listing.series.get(key);
    if (series === undefined) return key;
    // A project lists a series or store by its folder.
    const others = all.filter((path) => path.startsWith(`${series.folder}/`)).length - series.files.length;
    if (series.folder !== '' && others === 0) return series.folder;
    throw refuse(`an image here (${series.format}) shares its folder with other files.`);
  };
  await writeProjectFile(files, folder, {
    ...project,
    ...labels,
    images: withIds(
      images.map((key) => ({
        file: place(key),
        ...(pairs.has(key) && { labels: place(pairs.get(key) as string), keepLabels: true }),
      })),
    ),
  });

  async function labelsOf(): Promise<Partial<Project>> {
    const sources = [...pairs].map(([key, label]) => ({ key, label }));
    const { mapping, values: used } = await inferMapping(
      files,
      listing,
      sources,
      await openLabels(files, listing, sources),
    );
    if (mapping.ignore.length > 1) throw refuse(`labels here have ${mapping.ignore.length} values to ignore.`);
    const [ignored] = mapping.ignore;
    const free = [IGNORED_IN_FILES.classes, IGNORED_IN_FILES.objects, 0x7fffffff].find((value) => !used.has(value));
    const notAnnotated = ignored ?? (mapping.kind === 'instances' && free === 255 ? IGNORED_IN_FILES.objects : free);
    if (notAnnotated === undefined || mapping.kind === 'colour')
      throw refuse('labels here are colours or use every value.');
    const classes = mapping.classes.map(({ name: called, values }, i): ProjectClass => {
      if (values === 'rest') return { name: called, value: values, ...classColours(i) };
      const [value] = values as readonly number[];
      if (values === 'rim' || value === undefined || values.length > 1)
        throw refuse(`the class "${called}" has several values.`);
      return { name: called, value, ...classColours(i) };
    });
    return { task: mapping.kind === 'instances' ? 'objects' : 'classes', classes, notAnnotated };
  }
}
