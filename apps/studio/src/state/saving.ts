/** Files for the user's own disk: the project as a whole, and what was exported. */

import { computed, signal } from '@preact/signals';
import type { Engine, ExportedFile, ExportOptions } from 'lamella/studio';
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
}

export function createSaving({ engine, project, annotation, settings, messages, saveFile }: Parts) {
  /** Where the open project was saved; asked only once. */
  const files = new Map<string, SavedFile>();
  /** The edit at which the project was saved. */
  const savedEdit = signal<{ readonly id: string; readonly edit: number } | undefined>(undefined);

  const offer = async (file: ExportedFile, again: SavedFile, saved: (file: SavedFile) => void): Promise<void> => {
    const result = await saveFile(file, again);
    if (result === 'ask again') {
      messages.offer(text.export.ready(file.name), text.header.save, () => {
        void offer(file, again, saved).catch(messages.failed);
      });
    } else if (result !== 'cancelled') saved(result.file);
  };

  return {
    /** When the open project was last saved to disk. */
    savedAtMs: computed(() => settings.savedAtMs.value[project.state.value?.id ?? '']),
    /** Whether the file on disk lacks edits that were made since, in this session. */
    hasUnsaved: computed(() => {
      const [id, saved] = [project.state.value?.id, savedEdit.value];
      return saved?.id === id ? saved?.edit !== annotation.edits.value : annotation.canUndo.value;
    }),
    save: (): Promise<boolean> =>
      project.during(text.busy.saving, async () => {
        const id = project.state.value?.id ?? '';
        const edit = annotation.edits.value;
        const file = await engine.export({ formats: ['project'] });
        await offer(file, files.get(id), (saved) => {
          files.set(id, saved);
          savedEdit.value = { id, edit };
          settings.savedAtMs.value = { ...settings.savedAtMs.value, [id]: Date.now() };
          messages.note(text.saved);
        });
      }),
    exportFiles: (options: ExportOptions): Promise<boolean> =>
      project.during(text.busy.exporting, async () => {
        await offer(await engine.export(options), undefined, () => messages.note(text.saved));
      }),
  };
}
