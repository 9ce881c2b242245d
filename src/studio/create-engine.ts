import { UsageError } from '../errors.ts';
import { joinPath } from '../files.ts';
import { PROJECT_FILE } from '../project/project.ts';
import { adoptFolder } from './adopt.ts';
import { Autosave } from './autosave.ts';
import { surviving } from './device.ts';
import type { Engine, EngineEvent, ProjectState, ProjectSummary } from './engine.ts';
import { forgetProject } from './forget.ts';
import type { StudioHost } from './host.ts';
import { planeOf, thumbnailOf } from './image-info.ts';
import { importProject } from './import-project.ts';
import { Live } from './live.ts';
import { Measurements } from './measurements.ts';
import { OpenProject } from './open-project.ts';
import { findPlaces } from './places.ts';
import { emptyProject, folderNameFor, freeName, readProjectFile, writeProjectFile } from './project-folder.ts';
import { filtersOf, lastMeasured, segmentedPage, segmentImages } from './segmenting.ts';
import { Tasks } from './tasks.ts';
import { resumeOn, runsOf, trainCommandOf, trainOn } from './training.ts';

// Reports and charts are most of the program's size, and a page loads them when it needs them.
const measuring = () => import('./measuring.ts');
const exporting = () => import('./exporting.ts');

/**
 * The engine of Studio on a host. It has one project open at a time.
 *
 * @example const engine = createEngine(studioHost('my-projects'));
 */
export function createEngine(host: StudioHost): Engine {
  const listeners = new Set<(event: EngineEvent) => void>();
  const emit = (event: EngineEvent): void => {
    for (const listener of listeners) listener(event);
  };
  const tasks = new Tasks();
  let current:
    | {
        readonly project: OpenProject;
        readonly live: Live;
        readonly autosave: Autosave;
        readonly measurements: Measurements;
      }
    | undefined;
  const work = (): NonNullable<typeof current> => {
    if (current === undefined) throw new UsageError('No project is open.');
    return current;
  };
  const opened = (): OpenProject => work().project;

  /** Does what takes long, while the live model holds still. */
  const during = <T>(name: string, body: (project: OpenProject, signal: AbortSignal) => Promise<T>): Promise<T> =>
    tasks.run(name, async (signal) => {
      const { project, live } = work();
      const goOn = await live.pause();
      try {
        return await surviving(host, emit, () => body(project, signal));
      } finally {
        goOn();
      }
    });

  async function close(): Promise<void> {
    await tasks.stop();
    const closing = current;
    current = undefined;
    closing?.autosave.stop();
    await closing?.measurements.settled();
    await closing?.live.close();
    await closing?.project.close();
  }

  async function open(id: string): Promise<ProjectState> {
    await close();
    const folder = host.folderOf(id);
    if (
      (await host.files.kind(folder)) === 'folder' &&
      (await host.files.kind(joinPath(folder, PROJECT_FILE))) === undefined
    ) {
      await adoptFolder(host.files, folder, id, host.version);
    }
    const project = await OpenProject.open(host, id, {
      onAnnotation(change) {
        live.labelsChanged(change);
        autosave.edited();
      },
      onProblem: (problem) => emit({ kind: 'problem', problem }),
    });
    const live = new Live(host, project, emit);
    const autosave = new Autosave(host, project, emit);
    current = { project, live, autosave, measurements: new Measurements(host, project) };
    // What a crash left in the journal alone gets into the files.
    const { hasUnsaved } = project;
    if (project.hasChanges) autosave.edited();
    const place = await host.placeOf(id);
    const prediction = project.readOnly ? undefined : await lastMeasured(host, project);
    return {
      ...(await project.state(opening)),
      ...(place !== undefined && { folder: place }),
      ...(hasUnsaved && { hasUnsaved }),
      ...(prediction !== undefined && { prediction, filters: await filtersOf(host, project, prediction) }),
    };
  }

  /** @throws UsageError where folders need no browser's permission */
  const folders = (): NonNullable<StudioHost['folders']> => {
    if (host.folders !== undefined) return host.folders;
    throw new UsageError('Projects are folders of this machine already.');
  };

  const opening = (done: number, total: number): void =>
    emit({ kind: 'progress', task: 'open', done, total, text: `${done} of ${total} images` });

  async function summary(id: string): Promise<ProjectSummary | undefined> {
    const linked = host.folders && (await host.placeOf(id));
    if (linked === undefined) return ownSummary(id);
    // The browser may have to be asked before it can be read.
    const unknown = { id, name: linked, images: 0, bytes: 0, changed: new Date(0).toISOString() };
    return { ...((await ownSummary(id).catch(() => undefined)) ?? unknown), folder: linked };
  }

  async function ownSummary(id: string): Promise<ProjectSummary | undefined> {
    const folder = host.folderOf(id);
    if ((await host.files.kind(joinPath(folder, PROJECT_FILE))) === undefined) return undefined;
    const { name = id, images } = await readProjectFile(host.files, folder);
    const { bytes, changedMs } = await host.usage(folder);
    return { id, name, images: images.length, bytes, changed: new Date(changedMs).toISOString() };
  }

  return {
    async describe() {
      return { place: host.place, version: host.version, ...(await host.describe()) };
    },
    async projects() {
      const found: ProjectSummary[] = [];
      for (const id of await host.ids()) {
        const one = await summary(id).catch(() => undefined);
        if (one !== undefined) found.push(one);
      }
      return found.sort((a, b) => (a.changed < b.changed ? 1 : -1));
    },
    async create(name) {
      const id = freeName(folderNameFor(name), new Set(await host.ids()));
      await writeProjectFile(host.files, host.folderOf(id), emptyProject(name, host.version));
      return open(id);
    },
    open,
    async import(files, name) {
      const imported = await importProject(host, files, name);
      const state = await open(imported.id);
      if (imported.files.length === 0) return { ...state, problems: [...imported.problems, ...state.problems] };
      try {
        const { problems } = await opened().addFiles(imported.files);
        return { ...state, ...(await opened().state(opening)), problems };
      } catch (cause) {
        await close();
        await host.remove(host.folderOf(imported.id));
        throw cause;
      }
    },
    async linkFolder() {
      const { id, isNew } = await folders().link();
      try {
        return await open(id);
      } catch (cause) {
        await close();
        if (isNew) await host.remove(host.folderOf(id));
        throw cause;
      }
    },
    moveToFolder: () =>
      during('saving', async (project) => {
        await project.moveFiles(() => folders().move(project.id));
        return (await host.placeOf(project.id)) ?? '';
      }),
    close,
    async forget(id) {
      if (current?.project.id === id) {
        current.project.requireWritable();
        await close();
      }
      return forgetProject(host, id);
    },
    addFiles: async (files) => opened().addFiles(files),
    removeImage: async (image) => opened().removeImage(image),
    async plane(image, page, channel) {
      const { images, project } = opened();
      return planeOf((await images.load(project, image)).upright, page, channel);
    },
    async thumbnail(image, size) {
      const { images, project } = opened();
      const { upright, info } = await images.load(project, image);
      return thumbnailOf(upright, info, size);
    },
    labels: async (image, page) => opened().pageOfLabels(image, page),
    record: async (entry) => opened().record(entry),
    change: async (change) => opened().change(change),
    flush: async () => work().autosave.flush(),
    setView: async (view) => work().live.setView(view),
    setLive: async (options) => work().live.set(options),
    updateLive: async () => work().live.update(),
    previewObjects: async (window) => work().live.objects(window),
    async setPainting(painting) {
      const { live, autosave } = work();
      live.setPainting(painting);
      autosave.isPainting = painting;
    },
    train: (options) =>
      during('training', async (project, signal) => {
        if (options.from === 'live') await project.keepLiveModel('network', await work().live.model('network'));
        return trainOn(host, project, options, { emit, signal, quick: await work().live.freshQuick() });
      }),
    resume: (run) =>
      during('training', async (project, signal) =>
        resumeOn(host, project, run, { emit, signal, quick: await work().live.freshQuick() }),
      ),
    runs: async () => runsOf(host, opened()),
    trainCommand: async (options) => trainCommandOf(opened(), options),
    places: (limit) =>
      during('the search for places', (project, signal) => findPlaces(host, project, work().live, limit, emit, signal)),
    segment: (options) =>
      during('segmenting', async (project, signal) => {
        if (options.run === 'quick') await project.keepLiveModel('quick', await work().live.model('quick'));
        return segmentImages(host, project, options, emit, signal);
      }),
    filter: (prediction, filters) => during('filtering', () => work().measurements.filter(prediction, filters)),
    segmented: async (prediction, image, page) => segmentedPage(host, opened(), prediction, image, page),
    async measure(prediction) {
      const found = await work().measurements.anew(prediction);
      return (await measuring()).pageOfTable(found, {});
    },
    async table(query) {
      const found = await work().measurements.of(query.prediction);
      return (await measuring()).pageOfTable(found, query);
    },
    export: (options) =>
      during('the export', async (project) => {
        if (options.formats.includes('quick')) await project.keepLiveModel('quick', await work().live.model('quick'));
        return (await exporting()).exportFiles(host, project, options, emit);
      }),
    stop: () => tasks.stop(),
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    dispose: close,
  };
}
