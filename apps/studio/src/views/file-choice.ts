/** Ways in which files reach the page. */

import type { Signal } from '@preact/signals';
import { filesOfDrop } from 'lamella/browser';
import type { GivenFile } from 'lamella/studio';
import { isCancelled, pickers } from '../pickers.ts';
import { givenFiles } from '../state/intake.ts';

/** Nothing is chosen if the user closes the browser's dialog. */
export const chooseFiles = (): Promise<readonly GivenFile[]> => chosenBy({ multiple: true });

export async function chooseFolder(): Promise<readonly GivenFile[]> {
  // Where there is one: the other would ask whether to upload the files.
  if (pickers.showDirectoryPicker === undefined) return chosenBy({ webkitdirectory: true });
  try {
    return givenFiles(await filesIn(await pickers.showDirectoryPicker({ id: 'images' })));
  } catch (error) {
    if (isCancelled(error)) return [];
    throw error;
  }
}

async function filesIn(folder: FileSystemDirectoryHandle, path = folder.name): Promise<readonly GivenFile[]> {
  const found: Promise<readonly GivenFile[]>[] = [];
  for await (const entry of folder.values()) {
    const inner = `${path}/${entry.name}`;
    found.push(
      entry.kind === 'directory'
        ? filesIn(entry as FileSystemDirectoryHandle, inner)
        : (entry as FileSystemFileHandle).getFile().then((content) => [{ path: inner, content }]),
    );
  }
  return (await Promise.all(found)).flat();
}

function chosenBy(
  settings: Partial<Pick<HTMLInputElement, 'multiple' | 'webkitdirectory'>>,
): Promise<readonly GivenFile[]> {
  const input = document.createElement('input');
  Object.assign(input, { type: 'file', hidden: true, ...settings });
  // Some browsers forget an element that is not in the page.
  document.body.append(input);
  return new Promise((resolve) => {
    const answer = (): void => {
      input.remove();
      resolve(
        givenFiles(
          Array.from(input.files ?? [], (file) => ({ path: file.webkitRelativePath || file.name, content: file })),
        ),
      );
    };
    input.addEventListener('cancel', answer);
    input.addEventListener('change', answer);
    input.click();
  });
}

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
