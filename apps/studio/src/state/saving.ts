/** Files for the user's own disk: the project as a whole, and what was exported. */

import { computed, effect } from '@preact/signals';
import { LamellaError } from 'lamella';
import type { Engine, ExportedFile, ExportOptions } from 'lamella/studio';
import type { Folders } from '../folders.ts';
import type { NotSaved, SavedFile } from '../save-file.ts';
import { text } from '../text/text.ts';
import type { Annotation } from './annotation.ts';
import type { Measuring } from './measuring.ts';
import type { Messages } from './messages.ts';
import type { OpenProject } from './project.ts';
import type { Settings } from './settings.ts';
import type { Training } from './training.ts';

interface Parts {
  readonly engine: Engine;
  readonly project: OpenProject;
  readonly annotation: Annotation;
  readonly training: Training;
  readonly measuring: Measuring;
  readonly settings: Settings;
  readonly messages: Messages;
  saveFile(file: ExportedFile, again?: SavedFile): Promise<{ file: SavedFile } | NotSaved>;
  readonly folders: Folders;
}

/** Whether the browser's storage is full. */
const isFull = (error: unknown): boolean =>
  (error instanceof LamellaError && error.code === 'no-space') ||
  (error instanceof DOMException && error.name === 'QuotaExceededError');

export function createSaving(parts: Parts) {
  const { engine, project, annotation, training, measuring, settings, messages, saveFile, folders } = parts;
  /** Where the open project was saved; asked only once. */
  const files = new Map<string, SavedFile>();
  /**
   * What there is to be saved: edits; and images, models, runs and a segmentation, which a folder has at once. Undefined
   * until all is known.
   */
  const inFolder = computed(() => annotation.made.value?.toString());
  const content = computed(() => {
    if (project.state.value?.folder !== undefined || inFolder.value === undefined) return inFolder.value;
    return (
      training.known.value &&
      JSON.stringify([
        inFolder.value,
        project.images.value.map(({ id }) => id),
        project.models.value,
        training.known.value.map(({ run, steps }) => [run, steps]),
        measuring.result.value?.prediction,
      ])
    );
  });

  /** What is exported, with what could not be kept, such as strokes for which the storage had no space. */
  const exported = async (options: ExportOptions): Promise<ExportedFile> => {
    await annotation.handIn();
    return engine.export(options);
  };

  const offer = async (file: ExportedFile, again: SavedFile, saved: (file: SavedFile) => void): Promise<void> => {
    const result = await saveFile(file, again);
    if (result === 'ask again') {
      messages.offer(text.export.ready(file.name), text.header.save, () => {
        void offer(file, again, saved).catch(messages.failed);
      });
    } else if (result !== 'cancelled') {
      if (file.problems.length === 0) saved(result.file);
      else messages.problems(file.problems);
    }
  };

  const keep = (id: string, then = ''): void => {
    settings.savedContent.value = { ...settings.savedContent.peek(), [id]: then };
  };
  const saved = (id: string, then: string | undefined): void => {
    keep(id, then);
    settings.savedAtMs.value = { ...settings.savedAtMs.value, [id]: Date.now() };
  };

  /** Projects that came from the disk, by their ids, until they are open. */
  const imported = new Set<string>();
  /** One that is a folder has everything in it when it is opened, save after a crash; so has the file that one came from. */
  let openId: string | undefined;
  effect(() => {
    const { id, folder, hasUnsaved } = project.state.value ?? {};
    if (id === openId || (id !== undefined && content.value === undefined)) return;
    openId = id;
    if (id === undefined) return;
    if (imported.delete(id)) saved(id, content.value);
    else if (folder !== undefined && !hasUnsaved) keep(id, content.value);
  });

  engine.subscribe((event) => {
    const state = project.state.peek();
    // Later edits may be kept by now, but not written.
    if (event.kind === 'saved' && state?.folder !== undefined && event.sequence >= (annotation.made.peek() ?? 0)) {
      saved(state.id, content.peek());
    }
  });

  /** Into the project's folder; the first time, into one that the user chooses, which then is the project. */
  const saveInFolder = async (): Promise<void> => {
    const state = project.state.value;
    if (state === undefined) return;
    const then = inFolder.value;
    let { folder } = state;
    if (folder === undefined) {
      try {
        if (!(await folders.pick())) return;
        await annotation.handIn();
        folder = await engine.moveToFolder();
      } catch (error) {
        if (!isFull(error)) throw error;
        // The browser has no space even to note the folder.
        return saveZip();
      }
      project.state.value = { ...(project.state.value ?? state), folder };
    } else {
      if (!(await folders.allow(state.id))) {
        messages.note(text.folderNotAllowed);
        return;
      }
      await annotation.settled();
      await engine.flush();
    }
    saved(state.id, then);
    messages.note(text.saved(folder));
  };

  /** A zip, by the browser's dialog or as a download. */
  const saveZip = async (): Promise<void> => {
    const id = project.state.value?.id ?? '';
    const then = content.value;
    const file = await exported({ formats: ['project'] });
    await offer(file, files.get(id), (done) => {
      files.set(id, done);
      saved(id, then);
      messages.note(text.saved());
    });
  };

  return {
    imported: (id: string): void => void imported.add(id),
    /** Another project may get its id. */
    forget(id: string): void {
      files.delete(id);
      const { [id]: _at, ...savedAtMs } = settings.savedAtMs.value;
      const { [id]: _content, ...savedContent } = settings.savedContent.value;
      settings.savedAtMs.value = savedAtMs;
      settings.savedContent.value = savedContent;
    },
    /** When the open project was last saved to disk. */
    savedAtMs: computed(() => settings.savedAtMs.value[project.state.value?.id ?? '']),
    /** Whether the file on disk lacks edits or images that came since. */
    hasUnsaved: computed(
      () => content.value !== undefined && content.value !== settings.savedContent.value[project.state.value?.id ?? ''],
    ),
    save: (): Promise<boolean> =>
      project.during(
        text.busy.saving,
        () => (project.state.value?.folder !== undefined || folders.canPick() ? saveInFolder() : saveZip()),
        messages.unsaved,
      ),
    exportFiles: (options: ExportOptions): Promise<boolean> =>
      project.during(text.busy.exporting, async () => {
        const { id = '', folder } = project.state.value ?? {};
        const then = content.value;
        const file = await exported(options);
        await offer(file, undefined, () => {
          if (folder === undefined && options.formats.includes('project')) saved(id, then);
          messages.note(text.saved(file.name));
        });
      }),
  };
}
