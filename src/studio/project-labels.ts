/** The label layers of a project, read when they are first needed and kept in step with what is recorded. */

import { LabelLayer } from '../annotate/label-layer.ts';
import { joinPath, type WritableFiles } from '../files.ts';
import type { Project } from '../project/project.ts';
import { readImageFile } from '../workflows/image-files.ts';
import type { ImageId } from './engine.ts';
import { type ProjectImages, whyMissing } from './images.ts';
import { classLabels, labelFileOf, layerOf, mappingOf, notAnnotatedFor, uprightSize } from './label-files.ts';
import { FOLDERS, imageOf } from './project-folder.ts';

export class ProjectLabels {
  readonly #files: WritableFiles;
  readonly #folder: string;
  readonly #images: ProjectImages;
  readonly #layers = new Map<ImageId, LabelLayer>();
  readonly #changed = new Set<ImageId>();
  /** Files that were chosen, also where they could not be written or listed. */
  readonly #chosen = new Map<ImageId, string>();

  constructor(files: WritableFiles, folder: string, images: ProjectImages) {
    this.#files = files;
    this.#folder = folder;
    this.#images = images;
  }

  /** @throws DatasetError, FormatError for labels that cannot be read or do not fit their image */
  async layer(project: Project, id: ImageId): Promise<LabelLayer> {
    const known = this.#layers.get(id);
    if (known !== undefined) return known;
    const { labels } = imageOf(project, id);
    const { stored } = await this.#images.load(project, id);
    let layer: LabelLayer;
    if (labels === undefined) layer = new LabelLayer(project.task, uprightSize(stored));
    else {
      const path = joinPath(this.#folder, labels);
      const file = await readImageFile(this.#files, path, { palette: 'index' }).catch((cause: unknown) => {
        throw whyMissing(this.#folder, labels, cause);
      });
      const painted = project.task === 'objects' ? [] : classLabels(project).map(({ label }) => label);
      layer = layerOf(file, stored, project.task, mappingOf(project), painted);
    }
    this.#layers.set(id, layer);
    return layer;
  }

  /** Notes that a layer differs from its file. */
  touch(id: ImageId): void {
    this.#changed.add(id);
  }

  get hasChanges(): boolean {
    return this.#changed.size > 0;
  }

  /** Whether a layer differs from its file. */
  isChanged(id: ImageId): boolean {
    return this.#changed.has(id);
  }

  /**
   * Writes the label files of what changed.
   * @returns the project that lists them
   */
  async write(project: Project): Promise<Project> {
    const layers = [...this.#layers].filter(([id]) => this.#changed.has(id)).map(([, layer]) => layer);
    const notAnnotated = layers.reduce(
      (value, layer) => Math.max(value, notAnnotatedFor(layer, project)),
      project.notAnnotated,
    );
    // Files hold one value for it, or another all together.
    const all = notAnnotated !== project.notAnnotated;
    let images = project.images;
    for (const { id, labels, crc32, keepLabels = crc32 === undefined } of project.images) {
      if (id === undefined || !(this.#changed.has(id) || (all && labels !== undefined))) continue;
      const layer = await this.layer(project, id);
      const { stored } = await this.#images.load(project, id);
      const file = await this.#fileFor(id, labels, keepLabels);
      await this.#files.write(joinPath(this.#folder, file), labelFileOf(layer, stored, { ...project, notAnnotated }));
      images = images.map((image) => {
        if (image.id !== id) return image;
        const { keepLabels: _, ...rest } = image;
        // Of what is no copy they may be the user's own, unless it says otherwise.
        return { ...rest, labels: file, ...(crc32 === undefined && { keepLabels: false }) };
      });
    }
    return { ...project, notAnnotated, images };
  }

  /** The file that was written before, or a name that no file has: one that is there may be the only copy of its labels. */
  async #fileFor(id: ImageId, labels = '', keepLabels = false): Promise<string> {
    const path = joinPath(FOLDERS.labels, id);
    if (!keepLabels && labels.startsWith(path) && /^(?:-\d+)?\.tif$/.test(labels.slice(path.length))) return labels;
    const isFree = async (file: string) => (await this.#files.kind(joinPath(this.#folder, file))) === undefined;
    let file = this.#chosen.get(id) ?? `${path}.tif`;
    if (!this.#chosen.has(id)) for (let number = 2; !(await isFree(file)); number++) file = `${path}-${number}.tif`;
    this.#chosen.set(id, file);
    return file;
  }

  /** Says that the files hold what changed. */
  written(): void {
    this.#changed.clear();
  }

  /** Forgets an image that is no longer in the project; default: all layers, of which none has changed. */
  forget(id?: ImageId): void {
    for (const each of id === undefined ? [...this.#layers.keys()] : [id]) {
      this.#layers.delete(each);
      this.#changed.delete(each);
      this.#chosen.delete(each);
    }
  }
}
