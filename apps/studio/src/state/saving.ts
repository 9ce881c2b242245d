/** Files for the user's own disk: the project as a whole, and what was exported. */

import { computed, effect, signal } from '@preact/signals';
import type { Engine, ExportedFile, ExportOptions } from 'lamella/studio';
import type { Folders } from '../folders.ts';
import type { NotSaved, SavedFile } from '../save-file.ts';
import { text } from '../text/text.ts';
import type { Annotation } from './annotation.ts';
import type { Messages } from './messages.ts';
import type { OpenProject } from './project.ts';
import type { Settings } from './settings.ts';

interface Parts {
  readonly engine: Engine;
  readonly project: OpenProject;
  readonly annotation: Annotation;
  readonly settings: Settings;
  readonly messages: Messages;
  saveFile(file: ExportedFile, again?: SavedFile): Promise<{ file: SavedFile } | NotSaved>;
  readonly folders: Folders;
}

export function createSaving({ engine, project, annotation, settings, messages, saveFile, folders }: Parts) {
  /** Where the open project was saved; asked only once. */
  const files = new Map<string, SavedFile>();
  /** What there was when the project was saved: edits of this session, and images, which a folder has at once. */
  const savedContent = signal<{ readonly id: string; readonly content: string } | undefined>(undefined);
  const inFolder = computed(() => `${annotation.made.value}`);
  const content = computed(() =>
    project.state.value?.folder !== undefined
      ? inFolder.value
      : JSON.stringify([inFolder.value, project.images.value.map(({ id }) => id)]),
  );

  const offer = async (file: ExportedFile, again: SavedFile, saved: (file: SavedFile) => void): Promise<void> => {
    const result = await saveFile(file, again);
    if (result === 'ask again') {
      messages.offer(text.export.ready(file.name), text.header.save, () => {
        void offer(file, again, saved).catch(messages.failed);
      });
    } else if (result !== 'cancelled') saved(result.file);
  };

  const saved = (id: string, then: string): void => {
    savedContent.value = { id, content: then };
    settings.savedAtMs.value = { ...settings.savedAtMs.value, [id]: Date.now() };
  };

  /** One that is a folder has everything in it when it is opened. */
  let openId: string | undefined;
  effect(() => {
    const { id, folder } = project.state.value ?? {};
    if (id === openId) return;
    openId = id;
    if (id !== undefined && folder !== undefined) savedContent.value = { id, content: content.peek() };
  });

  engine.subscribe((event) => {
    const state = project.state.peek();
    if (event.kind === 'saved' && state?.folder !== undefined && annotation.unkept.peek() === 0) {
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
      if (!(await folders.pick())) return;
      folder = await engine.moveToFolder();
      project.state.value = { ...(project.state.value ?? state), folder };
    } else {
      if (!(await folders.allow(state.id))) {
        messages.note(text.folderNotAllowed);
        return;
      }
      await engine.flush();
    }
    saved(state.id, then);
    messages.note(text.saved(folder));
  };

  /** A zip, by the browser's dialog or as a download. */
  const saveZip = async (): Promise<void> => {
    const id = project.state.value?.id ?? '';
    const then = content.value;
    const file = await engine.export({ formats: ['project'] });
    await offer(file, files.get(id), (done) => {
      files.set(id, done);
      saved(id, then);
      messages.note(text.saved());
    });
  };

  return {
    /** When the open project was last saved to disk. */
    savedAtMs: computed(() => settings.savedAtMs.value[project.state.value?.id ?? '']),
    /** Whether the file on disk lacks edits that were made since, in this session. */
    hasUnsaved: computed(() => {
      const [id, saved] = [project.state.value?.id, savedContent.value];
      return saved?.id === id ? saved?.content !== content.value : annotation.canUndo.value;
    }),
    save: (): Promise<boolean> =>
      project.during(text.busy.saving, () =>
        project.state.value?.folder !== undefined || folders.canPick() ? saveInFolder() : saveZip(),
      ),
    exportFiles: (options: ExportOptions): Promise<boolean> =>
      project.during(text.busy.exporting, async () => {
        const file = await engine.export(options);
        await offer(file, undefined, () => messages.note(text.saved(file.name)));
      }),
  };
}
