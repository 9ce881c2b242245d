/** Files that a user hands to a page, by a dialog or a drop. */

import { type MemoryFiles, memoryFiles } from '../../workflows/memory-files.ts';

/** The files of an `<input type="file">`, with `webkitdirectory` by their paths in the folder; read on demand. */
export function chosenFiles(files: Iterable<File>): MemoryFiles {
  return memoryFiles(Object.fromEntries(Array.from(files, (file) => [file.webkitRelativePath || file.name, file])));
}

/** The files and folders of a drop event. Call it within the event: afterwards they are unavailable. */
export async function droppedFiles(data: DataTransfer): Promise<MemoryFiles> {
  return memoryFiles(Object.fromEntries((await filesOfDrop(data)).map(({ path, content }) => [path, content])));
}

/** The same as a list, with the path of each file within what was dropped. */
export async function filesOfDrop({
  items,
}: DataTransfer): Promise<readonly { readonly path: string; readonly content: File }[]> {
  const entries = Array.from(items, (item) => item.webkitGetAsEntry());
  const found: [string, File][] = [];
  for (const entry of entries) if (entry !== null) await collect(entry, found);
  return found.map(([path, content]) => ({ path, content }));
}

async function collect(entry: FileSystemEntry, found: [string, File][]): Promise<void> {
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject));
    found.push([entry.fullPath.slice(1), file]);
    return;
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  // A reader returns a large folder in parts, and an empty one at its end.
  for (;;) {
    const part = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (part.length === 0) return;
    for (const inner of part) await collect(inner, found);
  }
}
