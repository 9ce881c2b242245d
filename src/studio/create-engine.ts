import { UsageError } from '../errors.ts';
import { joinPath } from '../files.ts';
import { PROJECT_FILE } from '../project/project.ts';
import type { Engine, EngineEvent, ProjectState, ProjectSummary } from './engine.ts';
import type { StudioHost } from './host.ts';
import { planeOf, thumbnailOf } from './image-info.ts';
import { OpenProject } from './open-project.ts';
import { emptyProject, folderNameFor, freeName, readProjectFile, writeProjectFile } from './project-folder.ts';

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
  let current: OpenProject | undefined;
  const opened = (): OpenProject => {
    if (current === undefined) throw new UsageError('No project is open.');
    return current;
  };

  async function close(): Promise<void> {
    const closing = current;
    current = undefined;
    await closing?.close();
  }

  async function open(id: string): Promise<ProjectState> {
    await close();
    current = await OpenProject.open(host, id);
    return current.state((done, total) =>
      emit({ kind: 'progress', task: 'open', done, total, text: `${done} of ${total} images` }),
    );
  }

  async function summary(id: string): Promise<ProjectSummary | undefined> {
    const folder = host.folderOf(id);
    if ((await host.files.kind(joinPath(folder, PROJECT_FILE))) === undefined) return undefined;
    const { name = id, images } = await readProjectFile(host.files, folder);
    const { bytes, changedMs } = await host.usage(folder);
    return { id, name, images: images.length, bytes, changed: new Date(changedMs).toISOString() };
  }

  const later = async (): Promise<never> => {
    throw new UsageError('This engine does not do that yet.');
  };

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
    import: later,
    close,
    async forget(id) {
      if (current?.id === id) await close();
      const folder = host.folderOf(id);
      if ((await host.files.kind(joinPath(folder, PROJECT_FILE))) === undefined) {
        throw new UsageError(`There is no project '${id}'.`);
      }
      const { bytes } = await host.usage(folder);
      await host.remove(folder);
      return bytes;
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
    labels: async (image, page) => opened().labels(image, page),
    record: async (entry) => opened().record(entry),
    change: async (change) => opened().change(change),
    flush: async () => opened().flush(),
    async setView() {},
    async setLive() {},
    async setPainting() {},
    train: later,
    trainCommand: later,
    places: later,
    segment: later,
    segmented: later,
    measure: later,
    table: later,
    export: later,
    async stop() {},
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    dispose: close,
  };
}
