/** The project that is open: its file, images, labels and journal, and what changes them. */

import type { Side } from '../annotate/chunk-runs.ts';
import { applyLabels, type Change, isMadeOn } from '../annotate/edit.ts';
import type { LabelLayer } from '../annotate/label-layer.ts';
import { changesOf, readHeader, splitRecords } from '../annotate/record.ts';
import type { Region } from '../annotate/region.ts';
import { type NdArray, ndarray } from '../array/ndarray.ts';
import { DatasetError, FormatError, factsOf, LamellaError, RunError, UsageError } from '../errors.ts';
import { joinPath } from '../files.ts';
import { PROJECT_FILE, type Project, type ProjectClass, writeProject } from '../project/project.ts';
import { projectRegionOf, regionOf } from '../project/regions.ts';
import { addFiles } from './add-files.ts';
import type { AddedFiles, GivenFile, ImageId, ImageInfo, Problem, ProjectState } from './engine.ts';
import { problemOf } from './error-data.ts';
import type { StudioHost } from './host.ts';
import { ProjectImages } from './images.ts';
import { readIncoming } from './incoming.ts';
import { InfoCache } from './info-cache.ts';
import { KnownFiles } from './known-files.ts';
import { type ClassLabel, missingClasses, paintedClasses, storedClasses } from './label-files.ts';
import { modelsOf, takeModels } from './models.ts';
import { FOLDERS, IGNORED_IN_FILES, imageOf, readProjectFile } from './project-folder.ts';
import { ProjectJournal } from './project-journal.ts';
import { type LabelCopies, ProjectLabels } from './project-labels.ts';

const JOURNAL = 'journal';

/** What `change` may change. */
export type ProjectChange = Partial<Pick<Project, 'name' | 'task' | 'classes' | 'spacing' | 'settings'>>;

/** What is told of a project while it is open. */
export interface ProjectEvents {
  /** Labels, regions or classes changed. @param isAccepted whether predictions were taken over, rather than painted */
  onAnnotation(change: { readonly isAccepted: boolean }): void;
  /** Other programs changed its files. */
  onProblem(problem: Problem): void;
}

export const openElsewhere = (id: string): RunError =>
  new RunError('this project is open in another tab or program, which writes to it.', {
    file: id,
    remedy: 'Close it there, then open it again.',
  });

/** What lets others write to a project again; or why nothing is written here. */
type Lock = (() => Promise<void>) | LamellaError;

async function lockOf(host: StudioHost, id: string): Promise<Lock> {
  try {
    return (await host.lock(host.folderOf(id))) ?? openElsewhere(id);
  } catch (cause) {
    if (cause instanceof LamellaError && cause.code === 'folder-read-only') return cause;
    throw cause;
  }
}

/** What is wrong is said once. */
function say(problems: Problem[], problem: Problem): void {
  if (!problems.some(({ file, message }) => file === problem.file && message === problem.message))
    problems.push(problem);
}

export class OpenProject {
  readonly id: string;
  readonly folder: string;
  readonly images: ProjectImages;
  readonly labels: ProjectLabels;
  /** Where the live models are put, in the project: the network for a run that begins with it, the quick one for export. */
  readonly liveModelFiles = {
    network: joinPath(FOLDERS.own, 'live.onnx'),
    quick: joinPath(FOLDERS.own, 'quick.onnx'),
  } as const;
  readonly #host: StudioHost;
  readonly #events: ProjectEvents;
  readonly #journal: ProjectJournal;
  readonly #known: KnownFiles;
  readonly #lock: Lock;
  /** What was found wrong when it was opened. */
  readonly #problems: Problem[] = [];
  /** Images of which there may be edits, also those that were removed: no other one may get their id. */
  readonly #usedIds: Set<ImageId>;
  #project: Project;
  /** Whether regions or classes differ from the file. */
  #isChanged = false;
  /** Whether edits are in the journal alone, since their image or labels could not be read. */
  #hasLeftOut = false;
  #work: Promise<unknown> = Promise.resolve();

  private constructor(
    host: StudioHost,
    id: string,
    project: Project,
    journal: ProjectJournal,
    known: KnownFiles,
    lock: Lock,
    events: ProjectEvents,
  ) {
    this.#host = host;
    this.#events = events;
    this.id = id;
    this.folder = host.folderOf(id);
    this.images = new ProjectImages(host.files, this.folder);
    this.labels = new ProjectLabels(host.files, this.folder, this.images, known);
    this.#project = project;
    this.#journal = journal;
    this.#usedIds = new Set(journal.images);
    this.#known = known;
    this.#lock = lock;
  }

  /**
   * Opens a project with what was recorded since its files were written, as after a crash. Edits that cannot be made are left
   * out, which `state` says.
   * @throws DatasetError if the folder is no project or its file cannot be read
   */
  static async open(host: StudioHost, id: string, events: ProjectEvents): Promise<OpenProject> {
    const folder = host.folderOf(id);
    const known = new KnownFiles(host.files, folder);
    await known.note(PROJECT_FILE);
    const project = await readProjectFile(host.files, folder);
    const lock = await lockOf(host, id);
    const isWritable = !(lock instanceof LamellaError);
    let journal: ProjectJournal | undefined;
    try {
      const path = joinPath(folder, FOLDERS.own, JOURNAL);
      journal = isWritable
        ? await ProjectJournal.open(await host.openFile(path))
        : await ProjectJournal.read(host.files, path);
      const open = new OpenProject(host, id, project, journal, known, lock, events);
      if (isWritable) {
        for (const record of journal.unsaved) await open.#restore(record);
        await open.#takeIncoming();
      } else if (lock.code === 'folder-read-only') open.#problems.push(problemOf(lock));
      return open;
    } catch (cause) {
      await journal?.close();
      if (isWritable) await lock();
      throw cause;
    }
  }

  /** Takes what a page had kept and could not hand over any more. */
  async #takeIncoming(): Promise<void> {
    try {
      for (const record of await readIncoming(this.#host.files, this.folder)) {
        // One that cannot be made is kept as well, since those behind it count on it.
        await this.#take(record, (one) => this.#restore(one));
      }
    } catch (cause) {
      this.#problems.push(problemOf(cause));
    }
  }

  /** As in `lamella.json`, with what was recorded since it was written. */
  get project(): Project {
    return this.#project;
  }

  /** As a page paints it. */
  get shown(): Project {
    return { ...this.#project, classes: paintedClasses(this.#project) };
  }

  get readOnly(): boolean {
    return this.#lock instanceof LamellaError;
  }

  /** Number of the last edit, undo or redo. */
  get sequence(): number {
    return this.#journal.sequence;
  }

  /** @param onImage called after each image */
  async state(onImage: (done: number, total: number) => void): Promise<ProjectState> {
    const infos: ImageInfo[] = [];
    const problems = [...this.#problems];
    const cache = await InfoCache.open(this.#host, this.folder);
    for (const [i, image] of this.#project.images.entries()) {
      try {
        const known = cache.get(image, this.#project);
        const info = known ?? (await this.images.load(this.#project, image.id as ImageId)).info;
        if (known === undefined) cache.set(image, this.#project, info);
        infos.push(info);
      } catch (cause) {
        say(problems, problemOf(cause));
      }
      onImage(i + 1, this.#project.images.length);
    }
    if (!this.readOnly) await cache.save(this.#project);
    const { id, shown: project, readOnly } = this;
    const models = await modelsOf(this.#host.files, this.folder);
    return { id, project, images: infos, models, readOnly, journal: await this.#journal.bytes(), problems };
  }

  /** @throws RunError if others write to the project, or nobody may */
  requireWritable(): void {
    if (this.#lock instanceof LamellaError) throw this.#lock;
  }

  /** Does one thing after another, so that no two write at a time. @throws as `requireWritable` */
  async #serially<T>(work: () => Promise<T>): Promise<T> {
    this.requireWritable();
    const done = this.#work.then(work);
    this.#work = done.catch(() => undefined);
    return done;
  }

  async #save(project: Project): Promise<void> {
    const isThere = await this.#isThere(PROJECT_FILE);
    await this.#keepProjectOfOthers();
    await this.#known.write(PROJECT_FILE, new TextEncoder().encode(writeProject(project)));
    this.#project = project;
    this.#isChanged = false;
    if (!isThere) await this.#tellWhatIsGone();
  }

  async #isThere(file: string): Promise<boolean> {
    return (await this.#host.files.kind(joinPath(this.folder, file))) !== undefined;
  }

  async #tellWhatIsGone(): Promise<void> {
    const present = await Promise.all(this.#project.images.map(({ file }) => this.#isThere(file)));
    if (!present.includes(false)) return;
    this.#found(
      new DatasetError(
        'the files of this project are gone: its folder was emptied, or the data of this page were cleared.',
        {
          file: this.id,
          remedy: 'Export the project before you close it: what is still in memory is kept so.',
          facts: { code: 'files-gone' },
        },
      ),
    );
  }

  /** Copies what another program made of `lamella.json`, which is about to be written. */
  async #keepProjectOfOthers(): Promise<void> {
    if (await this.#known.mayWrite(PROJECT_FILE)) return;
    const copy = await this.#known.freeName('lamella', '.json');
    await this.#known.write(copy, await this.#host.files.read(joinPath(this.folder, PROJECT_FILE)));
    await this.#known.note(PROJECT_FILE);
    this.#found(
      new DatasetError(
        `another program changed this file: what it wrote is now in "${copy}", and not in this project.`,
        {
          file: PROJECT_FILE,
          remedy: `To use it instead, close the project, and copy "${copy}" to "${PROJECT_FILE}".`,
          facts: { code: 'project-elsewhere', own: copy },
        },
      ),
    );
  }

  #found(what: unknown): void {
    this.#events.onProblem(problemOf(what));
  }

  addFiles(given: readonly GivenFile[]): Promise<AddedFiles> {
    return this.#serially(async () => {
      const { files } = this.#host;
      const { models, problems, rest } = await takeModels(files, this.folder, given);
      if (rest.length === 0) return { project: this.shown, images: [], labelled: [], models, problems };
      const edited = await this.#editedImages();
      const added = await addFiles(files, this.folder, this.#project, rest, {
        isFresh: this.#isFresh,
        usedIds: this.#usedIds,
        isAnnotated: (id) => this.isAnnotated(id) || edited.has(id),
        imageOf: async (id) => (await this.images.load(this.#project, id)).stored,
      });
      const isOfOtherKind = added.project.task !== this.#project.task;
      await this.#save(added.project);
      this.images.refresh();
      if (isOfOtherKind) this.labels.forget();
      for (const id of added.labelled) this.labels.forget(id);
      const infos: ImageInfo[] = [];
      for (const { id, image } of added.images) {
        infos.push((await this.images.load(this.#project, id, image)).info);
      }
      this.#events.onAnnotation({ isAccepted: false });
      const { labelled } = added;
      return { project: this.shown, images: infos, labelled, models, problems: [...problems, ...added.problems] };
    });
  }

  /** Images whose labels have edits that can be undone or redone. */
  async #editedImages(): Promise<ReadonlySet<ImageId>> {
    const headers = splitRecords(await this.#journal.bytes()).records.map(readHeader);
    return new Set(
      headers.flatMap((header) =>
        header.kind === 'edit' ? header.changes.flatMap((made) => (made.kind === 'labels' ? made.image : [])) : [],
      ),
    );
  }

  removeImage(id: ImageId): Promise<void> {
    return this.#serially(async () => {
      const { file, labels, crc32 } = imageOf(this.#project, id);
      const images = this.#project.images.filter((image) => image.id !== id);
      await this.#save({ ...this.#project, images });
      this.#usedIds.add(id);
      this.images.forget(id);
      this.labels.forget(id);
      this.#events.onAnnotation({ isAccepted: false });
      // Only copies: an image that was here before is not ours. One of several files has a folder.
      const copied = crc32 !== undefined && file.startsWith(`${FOLDERS.images}/`);
      if (copied) await this.#host.remove(joinPath(this.folder, ...file.split('/').slice(0, 2)));
      // Nor are labels that another program wrote.
      if (copied && labels !== undefined && !(await this.#known.isChanged(labels)))
        await this.#host.remove(joinPath(this.folder, labels));
    });
  }

  /** Labels of a page with every recorded edit; undefined if nothing is annotated in the image. */
  async pageOfLabels(id: ImageId, page: number): Promise<NdArray<'uint8' | 'uint32'> | undefined> {
    await this.#work;
    const layer = await this.labels.layer(this.#project, id);
    if (page >= layer.slices) throw new UsageError(`The image '${id}' has ${layer.slices} pages, not ${page + 1}.`);
    if (layer.annotatedSlices().length === 0) return undefined;
    const data = layer.read([0, 0, layer.width, layer.height], page);
    const shape = [layer.height, layer.width];
    return data instanceof Uint8Array ? ndarray('uint8', shape, data) : ndarray('uint32', shape, data);
  }

  /** The regions of an image. */
  regions(id: ImageId): readonly Region[] {
    return imageOf(this.#project, id).regions?.map(regionOf) ?? [];
  }

  /** Whether an image has labels or regions. */
  isAnnotated(id: ImageId): boolean {
    const { labels, regions = [] } = imageOf(this.#project, id);
    return labels !== undefined || regions.length > 0 || this.labels.isChanged(id);
  }

  /** Nothing was ever annotated. */
  get #isFresh(): boolean {
    return this.#journal.isEmpty && !this.#project.images.some(({ labels }) => labels !== undefined);
  }

  /**
   * Keeps an edit, undo or redo. A record that is there already, as when its acknowledgement was lost, is left out.
   * @throws UsageError for bytes that are no record, a step without its edit, or where records before it are missing;
   * FormatError for an edit of images of other sizes. Nothing is kept then.
   */
  record(entry: Uint8Array): Promise<{ readonly sequence: number }> {
    return this.#serially(async () => {
      const { records, end } = splitRecords(entry);
      const [record] = records;
      if (record === undefined || records.length > 1 || end !== entry.length) {
        throw new UsageError('These bytes are no record of an edit.');
      }
      const { sequence } = readHeader(record);
      const taken = await this.#take(record);
      if (taken !== undefined) this.#events.onAnnotation(taken);
      return { sequence };
    });
  }

  /** Makes what a record says and writes it to the journal. @returns undefined if it is there already */
  async #take(
    record: Uint8Array,
    make = (one: Uint8Array) => this.#apply(one),
  ): Promise<{ readonly isAccepted: boolean } | undefined> {
    const { sequence, kind } = readHeader(record);
    if (kind === 'saved') throw new UsageError('Only the engine says what is saved.');
    if (await this.#journal.hasOther(sequence, record)) {
      throw new UsageError(`Edit ${sequence} cannot be kept: the project was edited in another tab or program since.`, {
        remedy: 'Load the page again to go on with what is there, and make this edit anew.',
      });
    }
    if (this.#journal.has(sequence)) return undefined;
    const next = this.#journal.next;
    if (sequence > next) {
      throw new UsageError(`Edit ${sequence} cannot be kept: those from ${next} on are missing.`, {
        remedy: 'Hand them in first.',
      });
    }
    // What cannot be made here must not get into the journal, and what was made is not made again over what came after it.
    const isAccepted = !this.#journal.isHeld(sequence, record) && (await make(record));
    await this.#journal.write(sequence, record);
    return { isAccepted };
  }

  /** Makes what a record says when the project is opened, or says why it cannot. */
  async #restore(record: Uint8Array): Promise<boolean> {
    try {
      return await this.#apply(record);
    } catch (cause) {
      const mayFit = await this.#mayFit(record);
      const remedy = `This is left out${mayFit ? ' until its image is back' : ''}; all the rest is there.`;
      say(this.#problems, { ...problemOf(cause), remedy });
      // What never fits counts as done with the files; what cannot be read now may be read later.
      if (cause instanceof FormatError && !mayFit && (await this.#canRead(record))) this.#isChanged = true;
      else this.#hasLeftOut = true;
      return false;
    }
  }

  /** The images of the project of which a record changes labels. */
  async #labelledBy(record: Uint8Array): Promise<readonly ImageId[]> {
    const changes = await this.#changesOf(record).catch(() => []);
    return changes.flatMap((change) => (change.kind === 'labels' && this.#has(change.image) ? change.image : []));
  }

  /** Whether an image may be put back that was replaced by one of another size: of the user's own, which are no copies. */
  async #mayFit(record: Uint8Array): Promise<boolean> {
    const ids = await this.#labelledBy(record);
    return ids.some((id) => imageOf(this.#project, id).crc32 === undefined);
  }

  /** Whether the labels that a record changes can be read. */
  async #canRead(record: Uint8Array): Promise<boolean> {
    const ids = await this.#labelledBy(record);
    return Promise.all(ids.map((id) => this.labels.layer(this.#project, id))).then(
      () => true,
      () => false,
    );
  }

  async #changesOf(record: Uint8Array): Promise<readonly Change[]> {
    const header = readHeader(record);
    if (header.kind === 'saved') return [];
    return changesOf(header.kind === 'edit' ? record : await this.#journal.read(header.edit));
  }

  /** Makes what a record says. @returns whether it takes predictions over */
  async #apply(record: Uint8Array): Promise<boolean> {
    const header = readHeader(record);
    if (header.kind === 'saved') return false;
    const side: Side = header.kind === 'undo' ? 'before' : 'after';
    let changes = await this.#changesOf(record);
    // As in the history of the page.
    if (header.kind !== 'edit') changes = await this.#ofSameImages(changes);
    for (const change of changes) await this.#applyChange(change, side);
    return changes.some(
      (change) => change.kind === 'regions' && change.after.some(({ origin }) => origin === 'proofread'),
    );
  }

  /** Without those of images that were removed, whose id another one has, and of images that are missing. */
  async #ofSameImages(changes: readonly Change[]): Promise<readonly Change[]> {
    const others = new Set<ImageId>();
    for (const change of changes) {
      if (change.kind === 'classes' || !this.#has(change.image)) continue;
      const layer = await this.#layerIfThere(change.image);
      if (layer === undefined || (change.kind === 'labels' && !isMadeOn(change, layer))) others.add(change.image);
    }
    return changes.filter((change) => change.kind === 'classes' || !others.has(change.image));
  }

  /** Undefined for an image whose file is missing, which the page does not have either. */
  async #layerIfThere(id: ImageId): Promise<LabelLayer | undefined> {
    try {
      return await this.labels.layer(this.#project, id);
    } catch (cause) {
      const isThere = await this.images.load(this.#project, id).then(
        () => true,
        () => false,
      );
      if (isThere) throw cause;
      return undefined;
    }
  }

  #has(id: ImageId): boolean {
    return this.#project.images.some((image) => image.id === id);
  }

  async #applyChange(change: Change, side: Side): Promise<void> {
    if (change.kind === 'classes') {
      // What is annotated stays readable, whatever the page knew.
      const kept = await this.#annotatedOf(missingClasses(this.#project, change[side]));
      const isLost = this.#project.task === 'objects' && kept.length > 0;
      const classes = isLost ? this.#project.classes : [...storedClasses(this.#project, change[side]), ...kept];
      this.#project = { ...this.#project, classes };
      this.#isChanged = true;
      return;
    }
    const { image: id } = change;
    this.#usedIds.add(id);
    // Of images that were removed nothing is left to change.
    if (!this.#has(id)) return;
    if (change.kind === 'labels') {
      applyLabels(await this.labels.layer(this.#project, id), change, side);
      this.labels.touch(id);
      return;
    }
    const regions = change[side].map(projectRegionOf);
    const images = this.#project.images.map((image) => (image.id === id ? { ...image, regions } : image));
    this.#project = { ...this.#project, images };
    this.#isChanged = true;
  }

  /** Which of these classes are annotated, or may be. */
  async #annotatedOf(classes: readonly ClassLabel[]): Promise<readonly ProjectClass[]> {
    if (this.#project.task === 'objects') return this.#isFresh ? [] : classes.map(({ label: _, ...item }) => item);
    const found = new Set<number>();
    for (const { id, labels } of classes.length === 0 ? [] : this.#project.images) {
      const layer = await this.labels.layer(this.#project, id as ImageId).catch(() => undefined);
      // Labels that cannot be read now may be of any class.
      if (layer === undefined && labels !== undefined) return classes.map(({ label: _, ...item }) => item);
      for (const label of layer?.labels() ?? []) found.add(label);
    }
    return classes.flatMap(({ label, ...item }) => (found.has(label) ? item : []));
  }

  /** @throws UsageError for another kind of project once something is annotated, and without a class that is */
  change(change: ProjectChange): Promise<Project> {
    return this.#serially(async () => {
      const given = Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined));
      const project: Project = { ...this.#project, ...given };
      const { task, classes = project.classes } = project;
      if (task === this.#project.task) {
        const [lost] = await this.#annotatedOf(
          change.classes === undefined ? [] : missingClasses(this.#project, change.classes),
        );
        if (lost !== undefined) {
          throw new UsageError(`The class '${lost.name}' is annotated, and would be missing.`, {
            remedy: 'Keep it, under any name.',
          });
        }
        const stored = change.classes && storedClasses(this.#project, change.classes);
        await this.#save({ ...project, classes: stored ?? classes });
      } else {
        if (!this.#isFresh) {
          throw new UsageError('The kind of a project cannot change once something is annotated.', {
            remedy: 'Make a new project and add the images to it.',
          });
        }
        await this.#save({ ...project, notAnnotated: IGNORED_IN_FILES[task] });
        this.labels.forget();
      }
      if (change.spacing !== undefined) this.images.forget();
      this.#events.onAnnotation({ isAccepted: false });
      return this.shown;
    });
  }

  /** Keeps a live model as it is now, an ONNX file, in `liveModelFiles`. */
  keepLiveModel(kind: 'network' | 'quick', model: Uint8Array): Promise<void> {
    return this.#serially(() => this.#host.files.write(joinPath(this.folder, this.liveModelFiles[kind]), model));
  }

  /** Lists a run; of one that is listed already, what it started from stays. */
  keepRun(run: NonNullable<Project['runs']>[number]): Promise<void> {
    return this.#serially(() => {
      const { runs = [] } = this.#project;
      const isListed = runs.some(({ folder }) => folder === run.folder);
      const kept = runs.map((own) =>
        own.folder === run.folder ? { ...run, from: own.from, labels: own.labels } : own,
      );
      return this.#save({ ...this.#project, runs: isListed ? kept : [...runs, run] });
    });
  }

  /** Whether something was recorded that the files do not have. */
  get hasChanges(): boolean {
    return this.#isChanged || this.labels.hasChanges;
  }

  /** Whether files lack something that was recorded, here or by whoever writes the project. */
  get hasUnsaved(): boolean {
    return this.hasChanges || (this.readOnly && this.#journal.unsaved.length > 0);
  }

  /** Writes label files and `lamella.json`. @throws DatasetError for labels that must not be written, once all others are */
  async flush(): Promise<void> {
    const [why, ...others] = await this.#write();
    for (const one of others) this.#found(one);
    if (why !== undefined) throw why;
  }

  /** @returns why labels were not written, which the journal has */
  #write(): Promise<readonly unknown[]> {
    return this.#serially(async () => {
      if (!this.hasChanges) return [];
      const { project, failed } = await this.labels.write(this.#project, (what) => this.#found(what));
      await this.#save({ ...project, revision: (project.revision ?? 0) + 1 });
      if (!this.#hasLeftOut && failed.length === 0) await this.#journal.saved();
      this.labels.written();
      this.images.refresh();
      return failed;
    });
  }

  /** As `ProjectLabels.copies`. */
  labelCopies(isMissing: (file: string) => boolean): Promise<LabelCopies> {
    return this.#serially(() => this.labels.copies(this.#project, isMissing));
  }

  /** Moves the files of the project to where there may be more room for what cannot be written here. */
  async moveFiles(move: () => Promise<void>): Promise<void> {
    await this.flush().catch((cause: unknown) => {
      if (factsOf(cause, 'no-space') === undefined) throw cause;
    });
    await this.#serially(move);
    await this.flush().catch((cause: unknown) => this.#found(cause));
  }

  /** Writes what is not written yet, and lets others open the project. */
  async close(): Promise<void> {
    try {
      if (this.readOnly) await this.#work;
      else for (const one of await this.#write()) this.#found(one);
    } finally {
      await this.#journal.close();
      if (!(this.#lock instanceof LamellaError)) await this.#lock();
    }
  }
}
