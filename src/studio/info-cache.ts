/** What is known of the images of a project, so that it opens without decoding them. */

import { joinPath } from '../files.ts';
import type { Project, ProjectImage } from '../project/project.ts';
import type { ImageInfo } from './engine.ts';
import type { StudioHost } from './host.ts';
import { FOLDERS } from './project-folder.ts';

const FILE = 'images.json';

interface Entry {
  /** What the description depends on. */
  readonly key: string;
  readonly info: ImageInfo;
}

export class InfoCache {
  readonly #host: StudioHost;
  readonly #path: string;
  #entries: Map<string, Entry>;
  #isChanged = false;

  private constructor(host: StudioHost, path: string, entries: Map<string, Entry>) {
    this.#host = host;
    this.#path = path;
    this.#entries = entries;
  }

  /** A cache that cannot be read is as good as none. */
  static async open(host: StudioHost, folder: string): Promise<InfoCache> {
    const path = joinPath(folder, FOLDERS.own, FILE);
    try {
      const entries = JSON.parse(new TextDecoder().decode(await host.files.read(path))) as Record<string, Entry>;
      return new InfoCache(host, path, new Map(Object.entries(entries)));
    } catch {
      return new InfoCache(host, path, new Map());
    }
  }

  /** Images that are no copies may change at any time: nothing is kept of them. */
  #keyOf({ file, crc32 }: ProjectImage, { spacing }: Project): string | undefined {
    return crc32 === undefined ? undefined : JSON.stringify([this.#host.version, file, crc32, spacing]);
  }

  get(image: ProjectImage, project: Project): ImageInfo | undefined {
    const entry = this.#entries.get(image.id ?? '');
    return entry !== undefined && entry.key === this.#keyOf(image, project) ? entry.info : undefined;
  }

  set(image: ProjectImage, project: Project, info: ImageInfo): void {
    const key = this.#keyOf(image, project);
    if (key === undefined || image.id === undefined) return;
    this.#entries.set(image.id, { key, info });
    this.#isChanged = true;
  }

  /** Writes what is new; without images that are gone. */
  async save({ images }: Project): Promise<void> {
    if (!this.#isChanged) return;
    const ids = new Set(images.map(({ id }) => id));
    this.#entries = new Map([...this.#entries].filter(([id]) => ids.has(id)));
    await this.#host.files.write(this.#path, JSON.stringify(Object.fromEntries(this.#entries)));
    this.#isChanged = false;
  }
}
