/** The open project: its images, and which of them is on the screen. */

import { batch, computed, signal } from '@preact/signals';
import type { AddedFiles, Engine, GivenFile, ImageId, ImageInfo, ProjectState, ProjectSummary } from 'lamella/studio';
import { text } from '../text/text.ts';
import type { Messages } from './messages.ts';

export interface Thumbnail {
  readonly width: number;
  readonly height: number;
  readonly rgba: Uint8Array;
}

const THUMBNAIL_PX = 96;

export type PixelSize = NonNullable<Parameters<Engine['change']>[0]['spacing']>;

export type OpenProject = ReturnType<typeof createOpenProject>;

export function createOpenProject(engine: Engine, messages: Messages) {
  const state = signal<ProjectState | undefined>(undefined);
  const images = signal<readonly ImageInfo[]>([]);
  /** To train on from, as the engine lists them. */
  const models = signal<readonly string[]>([]);
  const current = signal<ImageId | undefined>(undefined);
  /** The page of each image that was shown last. */
  const pages = signal<ReadonlyMap<ImageId, number>>(new Map());
  const thumbnails = signal<ReadonlyMap<ImageId, Thumbnail>>(new Map());
  const recent = signal<readonly ProjectSummary[]>([]);
  /** What is being waited for, in words. */
  const busy = signal<string | undefined>(undefined);

  /** Whether it can only be looked at since others write to it, rather than since nobody may. */
  const isElsewhere = computed(() => {
    const { readOnly = false, problems = [] } = state.value ?? {};
    return readOnly && !problems.some(({ code }) => code === 'folder-read-only');
  });
  const image = computed(() => images.value.find(({ id }) => id === current.value));
  const page = computed(() => pages.value.get(current.value ?? '') ?? 0);

  const loadThumbnails = async (wanted: readonly ImageInfo[]): Promise<void> => {
    for (const { id } of wanted) {
      const thumbnail = await engine.thumbnail(id, THUMBNAIL_PX).catch(() => undefined);
      if (thumbnail !== undefined) thumbnails.value = new Map(thumbnails.value).set(id, thumbnail);
    }
  };

  const show = (opened: ProjectState): void => {
    batch(() => {
      state.value = opened;
      images.value = opened.images;
      models.value = opened.models;
      thumbnails.value = new Map();
      pages.value = new Map();
      current.value = opened.images[0]?.id;
    });
    messages.problems(opened.problems);
    void loadThumbnails(opened.images);
  };

  /** Runs what takes long, under its name; a rejection becomes a message. @returns whether it went well */
  const during = async (what: string, work: () => Promise<void>, failed = messages.failed): Promise<boolean> => {
    busy.value = what;
    try {
      await work();
      return true;
    } catch (error) {
      failed(error);
      return false;
    } finally {
      busy.value = undefined;
    }
  };

  /** What the engine says of the project. */
  const takeOver = (project: ProjectState['project']): void => {
    if (state.value !== undefined) state.value = { ...state.value, project };
  };

  const listRecent = async (): Promise<void> => {
    recent.value = await engine.projects().catch(() => []);
  };

  const goToPage = (next: number): void => {
    const id = current.value;
    const last = (image.value?.pages ?? 1) - 1;
    if (id !== undefined) pages.value = new Map(pages.value).set(id, Math.min(last, Math.max(0, next)));
  };

  return {
    state,
    isElsewhere,
    images,
    models,
    image,
    page,
    thumbnails,
    recent,
    busy,
    during,
    show,
    listRecent,
    goToPage,
    goTo(id: ImageId, at = pages.value.get(id) ?? 0): void {
      batch(() => {
        current.value = id;
        goToPage(at);
      });
    },
    /** The image so many places further on, if there is one. */
    step(by: number): void {
      const at = images.value.findIndex(({ id }) => id === current.value);
      const next = images.value[at + by];
      if (next !== undefined) current.value = next.id;
    },
    async add(files: readonly GivenFile[]): Promise<AddedFiles> {
      const added = await engine.addFiles(files);
      messages.problems(added.problems);
      const known = new Set(images.value.map(({ id }) => id));
      const fresh = added.images.filter(({ id }) => !known.has(id));
      batch(() => {
        takeOver(added.project);
        images.value = [...images.value, ...fresh];
        models.value = [...models.value, ...added.models];
        current.value ??= fresh[0]?.id;
      });
      if (added.models.length > 0) messages.note(text.train.modelsAdded(added.models));
      void loadThumbnails(fresh);
      return added;
    },
    async remove(id: ImageId): Promise<void> {
      await engine.removeImage(id);
      batch(() => {
        const project = state.value?.project;
        if (project !== undefined) {
          takeOver({ ...project, images: project.images.filter((other) => other.id !== id) });
        }
        images.value = images.value.filter((other) => other.id !== id);
        if (current.value === id) current.value = images.value[0]?.id;
      });
    },
    async close(): Promise<void> {
      await engine.close();
      batch(() => {
        state.value = undefined;
        images.value = [];
        current.value = undefined;
      });
      await listRecent();
    },
    async change(values: Parameters<Engine['change']>[0]): Promise<void> {
      takeOver(await engine.change(values));
    },
    /** Of the pixels of all images, whatever their files state; without z, slices stay as far apart as they state. */
    async setPixelSize(size: PixelSize): Promise<void> {
      await this.change({ spacing: size });
      const { unit, ...steps } = size;
      const own = Object.fromEntries(Object.entries(steps).map(([axis, value]) => [axis, { value, unit }]));
      images.value = images.value.map((one) => ({ ...one, spacing: { ...one.spacing, ...own } }));
    },
  };
}
