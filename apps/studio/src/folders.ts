/** Folders of the user's disk as projects, where the browser has a picker for them. */

import { putFolderAtHand } from 'lamella/studio/browser';

/** Folders of the user's disk as projects. */
export interface Folders {
  /** Whether the browser has a picker for them. */
  canPick(): boolean;
  /** Lets the user choose one, for the engine. @returns whether one was chosen */
  pick(): Promise<boolean>;
  /** Asks whether the folder of a project may be used, unless that is known. */
  allow(project: string): Promise<boolean>;
}

interface Picker {
  showDirectoryPicker?(options: {
    readonly id: string;
    readonly mode: 'readwrite';
  }): Promise<FileSystemDirectoryHandle>;
}

const picker = globalThis as Picker;

export const canPickFolders = (): boolean => picker.showDirectoryPicker !== undefined;

/** Lets the user choose a folder, and puts it at hand for the engine. @returns whether one was chosen */
export async function pickFolder(): Promise<boolean> {
  try {
    const folder = await picker.showDirectoryPicker?.({ id: 'lamella', mode: 'readwrite' });
    if (folder !== undefined) await putFolderAtHand(folder);
    return folder !== undefined;
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') return false;
    throw error;
  }
}
