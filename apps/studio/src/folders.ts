/** Folders of the user's disk as projects, where the browser has a picker for them. */

import { putFolderAtHand } from 'lamella/studio/browser';
import { isCancelled, pickers } from './pickers.ts';

/** Folders of the user's disk as projects. */
export interface Folders {
  /** Whether the browser has a picker for them. */
  canPick(): boolean;
  /** Lets the user choose one, for the engine. @returns whether one was chosen */
  pick(): Promise<boolean>;
  /** Asks whether the folder of a project may be used, unless that is known. */
  allow(project: string): Promise<boolean>;
}

export const canPickFolders = (): boolean => pickers.showDirectoryPicker !== undefined;

/** Lets the user choose a folder, and puts it at hand for the engine. @returns whether one was chosen */
export async function pickFolder(): Promise<boolean> {
  try {
    const folder = await pickers.showDirectoryPicker?.({ id: 'lamella', mode: 'readwrite' });
    if (folder !== undefined) await putFolderAtHand(folder);
    return folder !== undefined;
  } catch (error) {
    if (isCancelled(error)) return false;
    throw error;
  }
}
