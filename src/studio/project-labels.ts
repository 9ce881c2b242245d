/** The label layers of a project, read when they are first needed and kept in step with what is recorded. */

import { isMadeOn } from '../annotate/edit.ts';
import { LabelLayer } from '../annotate/label-layer.ts';
import { DatasetError, factsOf, type LamellaError } from '../errors.ts';
import { joinPath, type WritableFiles } from '../files.ts';
import type { Image } from '../image/image.ts';
import type { Project, ProjectImage } from '../project/project.ts';
import { readImageFile } from '../workflows/image-files.ts';
import type { ImageId } from './engine.ts';
import { type Fate, type ProjectImages, whyMissing } from './images.ts';
import type { KnownFiles } from './known-files.ts';
import { classLabels, labelFileOf, layerOf, mappingOf, notAnnotatedFor, uprightSize } from './label-files.ts';
import { FOLDERS, imageOf } from './project-folder.ts';

/** What became of layers that were to be written. */
export interface WrittenLabels {
  /** Lists their files. */
  readonly project: Project;
  /** Why some could not be written, which still differ from their files. */
  readonly failed: readonly unknown[];
}

/** Label files for a copy of the project. */
export interface LabelCopies {
  readonly project: Project;
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly lost: readonly string[];
}

/** Is told what other programs did to label files and images meanwhile, each once. */
export type Found = (what: LamellaError) => void;

export class ProjectLabels {
  readonly #files: WritableFiles;
  readonly #folder: string;
  readonly #images: ProjectImages;
  readonly #known: KnownFiles;
  readonly #layers = new Map<ImageId, LabelLayer>();
  readonly #changed = new Set<ImageId>();
  /** Layers that could not be written. */
  readonly #left = new Set<ImageId>();
  /** Files that were chosen, also where they could not be written or listed. */
  readonly #chosen = new Map<ImageId, string>();
  /** Images that are known to be gone. */
  readonly #gone = new Set<ImageId>();

  constructor(files: WritableFiles, folder: string, images: ProjectImages, known: KnownFiles) {
    this.#files = files;
    this.#folder = folder;
    this.#images = images;
    this.#known = known;
  }

  /** @throws DatasetError, FormatError for labels that cannot be read or do not fit their image */
  async layer(project: Project, id: ImageId): Promise<LabelLayer> {
    const known = this.#layers.get(id);
    if (known !== undefined) return known;
    const { labels, file: image } = imageOf(project, id);
    const { stored } = await this.#images.load(project, id);
    let layer: LabelLayer;
    if (labels === undefined) layer = new LabelLayer(project.task, uprightSize(stored));
    else {
      const path = joinPath(this.#folder, labels);
      await this.#known.note(labels);
      const file = await readImageFile(this.#files, path, { palette: 'index' }).catch((cause: unknown) => {
        throw whyMissing(this.#folder, labels, cause);
      });
      const painted = project.task === 'objects' ? [] : classLabels(project).map(({ label }) => label);
      try {
        layer = layerOf(file, stored, project.task, mappingOf(project), painted);
      } catch (cause) {
        throw whyUnfit(image, labels, cause);
      }
    }
    // Whoever asked at the same time may have it by now, and have painted on it.
    const first = this.#layers.get(id);
    if (first !== undefined) return first;
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
   * Writes the label files of what changed, each beside one that another program wrote meanwhile. One whose image was
   * replaced by one of another size is not written: the image would open without labels.
   */
  async write(project: Project, found: Found): Promise<WrittenLabels> {
    const notAnnotated = this.#notAnnotatedIn(project);
    // Files hold one value for it, or another all together.
    const all = notAnnotated !== project.notAnnotated;
    const written = project.images.flatMap((image) => {
      const { id, labels } = image;
      return id !== undefined && (this.#changed.has(id) || (all && labels !== undefined)) ? { ...image, id } : [];
    });
    // Then none, if one must not be.
    if (all) for (const { id } of written) await this.#imageUnder(await this.layer(project, id), project, id);
    const failed: unknown[] = [];
    this.#left.clear();
    let { images } = project;
    for (const image of written) {
      const { id } = image;
      const layer = await this.layer(project, id);
      let under: { readonly stored: Image; readonly fate: Fate };
      try {
        under = await this.#imageUnder(layer, project, id);
      } catch (cause) {
        failed.push(cause);
        this.#left.add(id);
        continue;
      }
      const [file, others] = await this.#fileFor(image);
      await this.#known.write(file, labelFileOf(layer, under.stored, { ...project, notAnnotated }));
      if (others !== undefined) found(writtenBeside(others, file));
      const noticed = this.#noticed(id, image.file, under.fate);
      if (noticed !== undefined) found(noticed);
      images = images.map((other) => (other.id === id ? listedWith(image, file) : other));
    }
    return { project: { ...project, notAnnotated, images }, failed };
  }

  /** The value of "not annotated" that the files need once what changed is in them. */
  #notAnnotatedIn(project: Project): number {
    const changed = [...this.#layers].filter(([id]) => this.#changed.has(id)).map(([, layer]) => layer);
    return changed.reduce((value, layer) => Math.max(value, notAnnotatedFor(layer, project)), project.notAnnotated);
  }

  /**
   * The label files that `write` would write, and of layers in memory those that are missing, for a copy of the project.
   * @returns the files by their paths, the project that lists them, and which of them cannot be made
   */
  async copies(project: Project, isMissing: (file: string) => boolean): Promise<LabelCopies> {
    const notAnnotated = this.#notAnnotatedIn(project);
    const all = notAnnotated !== project.notAnnotated;
    const files = new Map<string, Uint8Array>();
    const lost: string[] = [];
    const images: ProjectImage[] = [];
    for (const image of project.images) {
      const { id, labels } = image;
      const isBehind = id !== undefined && (this.#changed.has(id) || (all && labels !== undefined));
      const isGone = id !== undefined && labels !== undefined && isMissing(labels);
      if (id === undefined || !(isBehind || isGone)) {
        images.push(image);
        continue;
      }
      const [file] = await this.#fileFor({ ...image, id });
      try {
        const layer = await this.layer(project, id);
        const { stored } = await this.#images.load(project, id);
        files.set(file, labelFileOf(layer, stored, { ...project, notAnnotated }));
        images.push(listedWith(image, file));
      } catch {
        lost.push(labels ?? file);
        images.push(image);
      }
    }
    return { project: { ...project, notAnnotated, images }, files, lost };
  }

  /**
   * The image that a layer is on, as it is now.
   * @throws DatasetError if it has another size than the layer
   */
  async #imageUnder(layer: LabelLayer, project: Project, id: ImageId): Promise<{ stored: Image; fate: Fate }> {
    const { file } = imageOf(project, id);
    const fate = await this.#images.fateOf(project, id);
    const load = async (): Promise<Image> => (await this.#images.load(project, id)).stored;
    const stored = await (fate === 'changed' ? this.#images.readAnew(project, id) : load());
    const { width, height, slices } = layer;
    const size = uprightSize(stored);
    if (!isMadeOn({ size: [width, height, slices] }, size)) {
      throw new DatasetError(
        `this image was replaced by one of another size, ${size.width} x ${size.height} x ${size.slices}: what was painted on its ${width} x ${height} x ${slices} pixels is kept, and not written.`,
        {
          file,
          remedy: 'Put the image back that was here, save, and add the new one under another name.',
          facts: { code: 'image-replaced' },
        },
      );
    }
    if (fate === 'changed') {
      this.#images.forget(id);
      await load();
    }
    return { stored, fate };
  }

  /** What is said of an image whose labels were saved. */
  #noticed(id: ImageId, file: string, fate: Fate): LamellaError | undefined {
    const wasGone = this.#gone.delete(id);
    if (fate === 'gone') this.#gone.add(id);
    if (fate === 'changed') {
      return new DatasetError('another program changed this image, and it is still shown as it was.', {
        file,
        remedy: 'Load the page again to see it.',
        facts: { code: 'image-changed' },
      });
    }
    if (fate === 'same' || wasGone) return undefined;
    return new DatasetError('this image is no longer here: it was renamed, moved or deleted. Its labels are saved.', {
      file,
      remedy: 'Put it back under this name: without it they cannot be used.',
      facts: { code: 'image-gone' },
    });
  }

  /**
   * The file that was written before, or a name that no file has: one that is there may be the only copy of its labels.
   * @returns also the file of another program that is in its place
   */
  async #fileFor({
    id,
    labels,
    crc32,
    keepLabels = crc32 === undefined,
  }: ProjectImage & { readonly id: ImageId }): Promise<readonly [file: string, others?: string]> {
    const path = joinPath(FOLDERS.labels, id);
    const isOwn =
      !keepLabels && labels?.startsWith(path) === true && /^(?:-\d+)?\.tif$/.test(labels.slice(path.length));
    const before = isOwn ? labels : this.#chosen.get(id);
    const isWritable = before !== undefined && (await this.#known.mayWrite(before));
    const file = isWritable ? before : await this.#known.freeName(path, '.tif');
    this.#chosen.set(id, file);
    if (labels !== undefined) return (await this.#known.isChanged(labels)) ? [file, labels] : [file];
    const usual = before ?? `${path}.tif`;
    return file === usual ? [file] : [file, usual];
  }

  /** Says that the files hold what changed and was not left. */
  written(): void {
    for (const id of this.#changed) if (!this.#left.has(id)) this.#changed.delete(id);
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

/** An image with the label file that was written for it. */
function listedWith({ crc32, keepLabels: _, ...image }: ProjectImage, labels: string): ProjectImage {
  // Of what is no copy they may be the user's own, unless it says otherwise.
  return { ...image, labels, ...(crc32 === undefined ? { keepLabels: false } : { crc32 }) };
}

const writtenBeside = (others: string, own: string): LamellaError =>
  new DatasetError(
    `another program wrote this file, which stays as it is: what is painted here is saved as "${own}".`,
    {
      file: others,
      remedy: `To use this file instead, close the project, and copy it to "${own}".`,
      facts: { code: 'labels-elsewhere', own },
    },
  );

/** What to do in Studio where labels have another size than their image; otherwise what was thrown. */
const whyUnfit = (image: string, labels: string, cause: unknown): unknown => {
  const facts = factsOf(cause, 'labels-of-other-size');
  if (facts === undefined) return cause;
  return new DatasetError((cause as LamellaError).problem, {
    file: labels,
    remedy: `Put the image back as "${image}" that they were made on. To paint on the new one: copy "${image}" and "${labels}" to another folder, remove the image here, and add its copy.`,
    facts,
    cause,
  });
};
