/** The images of a project, decoded when they are first needed and kept while there is room. */

import { missingListed, withProjectSpacing } from '../dataset/discover/project-files.ts';
import { type ImageListing, listImageSources, readListed } from '../dataset/discover/sources.ts';
import { factsOf } from '../errors.ts';
import { joinPath, type WritableFiles } from '../files.ts';
import type { Image } from '../image/image.ts';
import type { Project } from '../project/project.ts';
import { contentStamp } from '../workflows/content-stamp.ts';
import type { ImageId, ImageInfo } from './engine.ts';
import { describeForStudio, uprightImage } from './image-info.ts';
import { imageOf } from './project-folder.ts';

/** Decoded images that are kept, in bytes. */
const KEPT_BYTES = 2 ** 30;

/** What became of an image's file. */
export type Fate = 'same' | 'changed' | 'gone';

export interface LoadedImage {
  /** As in its file, with the project's pixel size. */
  readonly stored: Image;
  /** As it is looked at and painted on. */
  readonly upright: Image;
  readonly info: ImageInfo;
}

/**
 * Why an image or label file of a project cannot be read, where it is missing; otherwise what was thrown.
 * @param remedy default: as where no page is
 */
export const whyMissing = (folder: string, file: string, cause: unknown, remedy?: string): unknown =>
  factsOf(cause, 'no-file') === undefined ? cause : missingListed(folder, file, { cause, remedy });

export class ProjectImages {
  readonly #files: WritableFiles;
  readonly #folder: string;
  readonly #loaded = new Map<ImageId, Promise<LoadedImage>>();
  readonly #bytes = new Map<ImageId, number>();
  /** What tells the files of images, as they were read, from others. */
  readonly #stamps = new Map<ImageId, string | undefined>();
  #listing: Promise<ImageListing> | undefined;

  constructor(files: WritableFiles, folder: string) {
    this.#files = files;
    this.#folder = folder;
  }

  /**
   * @param known what its file holds, if it was read already
   * @throws UsageError if the project has no such image; DatasetError, FormatError if it cannot be read
   */
  load(project: Project, id: ImageId, known?: Image): Promise<LoadedImage> {
    const { file } = imageOf(project, id);
    const kept = this.#loaded.get(id);
    // The latest last, so that the first is the one to drop.
    this.#loaded.delete(id);
    const read = known && withProjectSpacing({ ...known, source: file }, project);
    const loading = kept ?? this.#read(id, file, read);
    this.#loaded.set(id, loading);
    // Tried again when it is next wanted.
    loading.catch(() => this.#loaded.get(id) === loading && this.#loaded.delete(id));
    return loading;
  }

  /** What became of an image's file since it was read. Of a series or store it is only seen that it is gone. */
  async fateOf(project: Project, id: ImageId): Promise<Fate> {
    const stamp = await this.#stampOf(imageOf(project, id).file);
    if (stamp === undefined) return 'gone';
    const first = this.#stamps.get(id);
    // Of one that was added since, which is not looked at then: a hundred would take seconds.
    if (first === undefined) this.#stamps.set(id, stamp);
    return first === undefined || first === stamp ? 'same' : 'changed';
  }

  /** An image as its file is now; the one that was read before stays the one that is shown. @throws as `load` */
  async readAnew(project: Project, id: ImageId): Promise<Image> {
    this.refresh();
    return this.#readFile(imageOf(project, id).file);
  }

  async #stampOf(file: string): Promise<string | undefined> {
    const path = joinPath(this.#folder, file);
    const kind = await this.#files.kind(path);
    // The many files of a series or store would take longer to look at than labels take to write.
    return kind === 'file' ? (await contentStamp(this.#files, path)).content : kind;
  }

  async #readFile(file: string): Promise<Image> {
    // One that was renamed or deleted must not keep the others from being opened.
    this.#listing ??= listImageSources(this.#files, this.#folder, { leaveOutMissing: true });
    const listing = await this.#listing;
    return readListed(this.#files, listing, file).catch((cause: unknown) => {
      throw whyMissing(this.#folder, file, cause, 'Put it back, or add this image again: its labels are kept.');
    });
  }

  async #read(id: ImageId, file: string, known?: Image): Promise<LoadedImage> {
    if (known === undefined) this.#stamps.set(id, await this.#stampOf(file));
    const stored = known ?? (await this.#readFile(file));
    const upright = uprightImage(stored);
    const info = describeForStudio(upright, { id, file });
    this.#bytes.set(id, stored.data.byteLength + (upright.data === stored.data ? 0 : upright.data.byteLength));
    this.#makeRoom();
    return { stored, upright, info };
  }

  /** An image that is in memory, whatever became of its file. */
  async inMemory(id: ImageId): Promise<Image | undefined> {
    return (await this.#loaded.get(id)?.catch(() => undefined))?.stored;
  }

  #makeRoom(): void {
    let kept = [...this.#bytes.values()].reduce((sum, bytes) => sum + bytes, 0);
    for (const id of this.#loaded.keys()) {
      if (kept <= KEPT_BYTES || this.#bytes.size <= 1) return;
      kept -= this.#bytes.get(id) ?? 0;
      this.#bytes.delete(id);
      this.#loaded.delete(id);
    }
  }

  /** Reads `lamella.json` again when the next image is read: images came or went. */
  refresh(): void {
    this.#listing = undefined;
  }

  /** Reads an image again when it is next needed; default: all of them. */
  forget(id?: ImageId): void {
    this.refresh();
    for (const each of id === undefined ? [...this.#loaded.keys()] : [id]) {
      this.#loaded.delete(each);
      this.#bytes.delete(each);
    }
  }
}
