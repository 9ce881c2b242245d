/** The project that is open: its file, images, labels and journal, and what changes them. */

import { type NdArray, ndarray } from '../array/ndarray.ts';
import { RunError, UsageError } from '../errors.ts';
import { joinPath } from '../files.ts';
import { pageCount } from '../image/convert.ts';
import type { Project } from '../project/project.ts';
import { readImageFile } from '../workflows/image-files.ts';
import { addFiles } from './add-files.ts';
import type { GivenFile, ImageId, ImageInfo, Problem, ProjectState } from './engine.ts';
import { problemOf } from './error-data.ts';
import type { JournalFile, StudioHost } from './host.ts';
import { ProjectImages } from './images.ts';
import { layersOf } from './label-files.ts';
import { FOLDERS, imageOf, NOT_ANNOTATED, readProjectFile, writeProjectFile } from './project-folder.ts';

const JOURNAL = 'journal';

/** A journal that others write. */
async function writtenJournal({ files }: StudioHost, path: string): Promise<JournalFile> {
  const bytes = (await files.kind(path)) === 'file' ? await files.read(path) : new Uint8Array();
  const never = async (): Promise<never> => {
    throw new RunError('the journal of another program is not written.', { file: path });
  };
  return { read: async () => bytes, append: never, clear: never, close: async () => {} };
}

/** What `change` may change. */
export type ProjectChange = Partial<Pick<Project, 'name' | 'task' | 'classes' | 'spacing' | 'settings'>>;

export class OpenProject {
  readonly id: string;
  readonly folder: string;
  readonly images: ProjectImages;
  readonly #host: StudioHost;
  readonly #journal: JournalFile;
  readonly #unlock: (() => Promise<void>) | undefined;
  #project: Project;
  #sequence = 0;
  #work: Promise<unknown> = Promise.resolve();

  private constructor(
    host: StudioHost,
    id: string,
    project: Project,
    journal: JournalFile,
    unlock: (() => Promise<void>) | undefined,
  ) {
    this.#host = host;
    this.id = id;
    this.folder = host.folderOf(id);
    this.images = new ProjectImages(host.files, this.folder);
    this.#project = project;
    this.#journal = journal;
    this.#unlock = unlock;
  }

  /** @throws DatasetError if the folder is no project or its file cannot be read */
  static async open(host: StudioHost, id: string): Promise<OpenProject> {
    const folder = host.folderOf(id);
    const project = await readProjectFile(host.files, folder);
    const unlock = await host.lock(folder);
    try {
      const path = joinPath(folder, FOLDERS.own, JOURNAL);
      const journal = unlock === undefined ? await writtenJournal(host, path) : await host.openJournal(path);
      return new OpenProject(host, id, project, journal, unlock);
    } catch (cause) {
      await unlock?.();
      throw cause;
    }
  }

  get project(): Project {
    return this.#project;
  }

  get readOnly(): boolean {
    return this.#unlock === undefined;
  }

  /** @param onImage called after each image */
  async state(onImage: (done: number, total: number) => void): Promise<ProjectState> {
    const infos: ImageInfo[] = [];
    const problems: Problem[] = [];
    for (const [i, { id }] of this.#project.images.entries()) {
      try {
        infos.push((await this.images.load(this.#project, id as ImageId)).info);
      } catch (cause) {
        problems.push(problemOf(cause));
      }
      onImage(i + 1, this.#project.images.length);
    }
    const { id, project, readOnly } = this;
    return { id, project, images: infos, readOnly, journal: await this.#journal.read(), problems };
  }

  /** Does one thing after another, so that no two write at a time. @throws RunError if others write */
  #serially<T>(work: () => Promise<T>): Promise<T> {
    if (this.readOnly) {
      throw new RunError('this project is open in another tab or program, which writes to it.', {
        file: this.id,
        remedy: 'Close it there, then open it again.',
      });
    }
    const done = this.#work.then(work);
    this.#work = done.catch(() => undefined);
    return done;
  }

  async #save(project: Project): Promise<void> {
    await writeProjectFile(this.#host.files, this.folder, project);
    this.#project = project;
  }

  async addFiles(
    given: readonly GivenFile[],
  ): Promise<{ readonly images: readonly ImageInfo[]; readonly problems: readonly Problem[] }> {
    return this.#serially(async () => {
      const added = await addFiles(this.#host.files, this.folder, this.#project, given);
      await this.#save(added.project);
      this.images.forget();
      const infos: ImageInfo[] = [];
      for (const { id } of added.images) infos.push((await this.images.load(this.#project, id)).info);
      return { images: infos, problems: added.problems };
    });
  }

  async removeImage(id: ImageId): Promise<void> {
    return this.#serially(async () => {
      const { file, labels } = imageOf(this.#project, id);
      const images = this.#project.images.filter((image) => image.id !== id);
      await this.#save({ ...this.#project, images });
      this.images.forget(id);
      // Only copies: an image that lies elsewhere is not ours.
      if (file.startsWith(`${FOLDERS.images}/`)) await this.#host.remove(joinPath(this.folder, file));
      if (labels !== undefined) await this.#host.remove(joinPath(this.folder, labels));
    });
  }

  /** Labels of a page as last written. */
  async labels(id: ImageId, page: number): Promise<NdArray<'uint8' | 'uint32'> | undefined> {
    const { stored, upright, info } = await this.images.load(this.#project, id);
    if (page >= pageCount(upright)) throw new UsageError(`The image '${id}' has ${info.pages} pages, not ${page + 1}.`);
    const { labels } = imageOf(this.#project, id);
    if (labels === undefined) return undefined;
    const file = await readImageFile(this.#host.files, joinPath(this.folder, labels), { palette: 'index' });
    const data = layersOf(file, stored, this.#project)[page] as Uint8Array | Uint32Array;
    const shape = [info.height, info.width];
    return data instanceof Uint8Array ? ndarray('uint8', shape, data) : ndarray('uint32', shape, data);
  }

  record(entry: Uint8Array): Promise<{ readonly sequence: number }> {
    return this.#serially(async () => {
      await this.#journal.append(entry);
      return { sequence: ++this.#sequence };
    });
  }

  change(change: ProjectChange): Promise<Project> {
    return this.#serially(async () => {
      const given = Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined));
      const project: Project = { ...this.#project, ...given };
      if (project.task === this.#project.task) await this.#save(project);
      else {
        if (
          this.#project.images.some(({ labels }) => labels !== undefined) ||
          (await this.#journal.read()).length > 0
        ) {
          throw new UsageError('The kind of a project cannot change once something is annotated.', {
            remedy: 'Make a new project and add the images to it.',
          });
        }
        await this.#save({ ...project, notAnnotated: NOT_ANNOTATED[project.task] });
      }
      this.images.forget();
      return this.#project;
    });
  }

  flush(): Promise<void> {
    return this.#serially(() => this.#save(this.#project));
  }

  async close(): Promise<void> {
    await this.#work;
    await this.#journal.close();
    await this.#unlock?.();
  }
}
