/** The project that is open: its file, images, labels and journal, and what changes them. */

import { type NdArray, ndarray } from '../array/ndarray.ts';
import { RunError, UsageError } from '../errors.ts';
import { joinPath } from '../files.ts';
import type { Project } from '../project/project.ts';
import { addFiles } from './add-files.ts';
import type { GivenFile, ImageId, ImageInfo, Problem, ProjectState } from './engine.ts';
import { problemOf } from './error-data.ts';
import type { JournalFile, StudioHost } from './host.ts';
import { ProjectImages } from './images.ts';
import { paintedClasses, storedClasses } from './label-files.ts';
import { FOLDERS, imageOf, NOT_ANNOTATED, readProjectFile, writeProjectFile } from './project-folder.ts';
import { ProjectLabels } from './project-labels.ts';

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
  readonly labels: ProjectLabels;
  /** Where the weights of the live session are put for a run that begins with them, in the project. */
  readonly liveModelFile = joinPath(FOLDERS.own, 'live.onnx');
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
    this.labels = new ProjectLabels(host.files, this.folder, this.images);
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

  /** As in `lamella.json`. */
  get project(): Project {
    return this.#project;
  }

  /** As a page paints it. */
  get shown(): Project {
    return { ...this.#project, classes: paintedClasses(this.#project) };
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
    const { id, shown: project, readOnly } = this;
    return { id, project, images: infos, readOnly, journal: await this.#journal.read(), problems };
  }

  /** Does one thing after another, so that no two write at a time. @throws RunError if others write */
  async #serially<T>(work: () => Promise<T>): Promise<T> {
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

  addFiles(
    given: readonly GivenFile[],
  ): Promise<{ readonly images: readonly ImageInfo[]; readonly problems: readonly Problem[] }> {
    return this.#serially(async () => {
      const isFresh = !(await this.#isAnnotated());
      const added = await addFiles(this.#host.files, this.folder, this.#project, given, { isFresh });
      await this.#save(added.project);
      this.images.refresh();
      const infos: ImageInfo[] = [];
      for (const { id } of added.images) infos.push((await this.images.load(this.#project, id)).info);
      return { images: infos, problems: added.problems };
    });
  }

  removeImage(id: ImageId): Promise<void> {
    return this.#serially(async () => {
      const { file, labels } = imageOf(this.#project, id);
      const images = this.#project.images.filter((image) => image.id !== id);
      await this.#save({ ...this.#project, images });
      this.images.forget(id);
      this.labels.forget(id);
      // Only copies: an image that lies elsewhere is not ours.
      if (file.startsWith(`${FOLDERS.images}/`)) await this.#host.remove(joinPath(this.folder, file));
      if (labels !== undefined) await this.#host.remove(joinPath(this.folder, labels));
    });
  }

  /** Labels of a page with every recorded edit; undefined if nothing is annotated in the image. */
  async pageOfLabels(id: ImageId, page: number): Promise<NdArray<'uint8' | 'uint32'> | undefined> {
    const layer = await this.labels.layer(this.#project, id);
    if (page >= layer.slices) throw new UsageError(`The image '${id}' has ${layer.slices} pages, not ${page + 1}.`);
    if (layer.annotatedSlices().length === 0) return undefined;
    const data = layer.read([0, 0, layer.width, layer.height], page);
    const shape = [layer.height, layer.width];
    return data instanceof Uint8Array ? ndarray('uint8', shape, data) : ndarray('uint32', shape, data);
  }

  record(entry: Uint8Array): Promise<{ readonly sequence: number }> {
    return this.#serially(async () => {
      await this.#journal.append(entry);
      return { sequence: ++this.#sequence };
    });
  }

  /** @throws UsageError for another kind of project once something is annotated */
  change(change: ProjectChange): Promise<Project> {
    return this.#serially(async () => {
      const given = Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined));
      const project: Project = { ...this.#project, ...given };
      const { task, classes = project.classes } = project;
      if (task === this.#project.task) {
        const stored = change.classes && storedClasses(this.#project, change.classes);
        await this.#save({ ...project, classes: stored ?? classes });
      } else {
        if (await this.#isAnnotated()) {
          throw new UsageError('The kind of a project cannot change once something is annotated.', {
            remedy: 'Make a new project and add the images to it.',
          });
        }
        await this.#save({ ...project, notAnnotated: NOT_ANNOTATED[task] });
      }
      if (change.spacing !== undefined) this.images.forget();
      return this.shown;
    });
  }

  /** Whether there are labels, in files or recorded since. */
  async #isAnnotated(): Promise<boolean> {
    const written = this.#project.images.some(({ labels }) => labels !== undefined);
    return written || (await this.#journal.read()).length > 0;
  }

  addRun(run: NonNullable<Project['runs']>[number]): Promise<void> {
    return this.#serially(() => this.#save({ ...this.#project, runs: [...(this.#project.runs ?? []), run] }));
  }

  /** Writes label files and `lamella.json`. */
  flush(): Promise<void> {
    return this.#serially(async () => {
      if (!this.labels.hasChanges) return this.#save(this.#project);
      const written = await this.labels.write(this.#project);
      await this.#save({ ...written, revision: (written.revision ?? 0) + 1 });
      await this.#journal.clear();
      this.labels.written();
      this.images.refresh();
    });
  }

  async close(): Promise<void> {
    await this.#work;
    await this.#journal.close();
    await this.#unlock?.();
  }
}
