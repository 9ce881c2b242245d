/** Ways in which files reach the page. */

import type { Signal } from '@preact/signals';
import { directoryOpen, fileOpen } from 'browser-fs-access';
import { filesOfDrop } from 'lamella/browser';
import type { GivenFile } from 'lamella/studio';
import { givenFiles } from '../state/intake.ts';

/** Nothing was chosen: the user closed the browser's dialog. */
const cancelled = (error: unknown): readonly GivenFile[] => {
  if (error instanceof DOMException && error.name === 'AbortError') return [];
  throw error;
};

export const chooseFiles = (): Promise<readonly GivenFile[]> =>
  fileOpen({ multiple: true }).then(givenFiles, cancelled);

export const chooseFolder = (): Promise<readonly GivenFile[]> =>
  directoryOpen({ recursive: true }).then(
    (files) => givenFiles(files.filter((file) => file instanceof File)),
    cancelled,
  );

/** Handlers of an element onto which files may be dropped. @param over whether something is held above it */
export function dropHandlers(over: Signal<boolean>, take: (files: readonly GivenFile[]) => void) {
  return {
    onDragOver(event: DragEvent): void {
      if (!event.dataTransfer?.types.includes('Files')) return;
      event.preventDefault();
      over.value = true;
    },
    onDragLeave(): void {
      over.value = false;
    },
    onDrop(event: DragEvent): void {
      event.preventDefault();
      over.value = false;
      if (event.dataTransfer !== null) void filesOfDrop(event.dataTransfer).then(take);
    },
  };
}
