import type { ExportedFile } from 'lamella/studio';
import { isCancelled, pickers } from './pickers.ts';

/** A file that the user chose, to be written again without a question. */
export type SavedFile = FileSystemFileHandle | undefined;

/** Why nothing was saved: the user closed the dialog, or has to press again since the file took long to make. */
export type NotSaved = 'cancelled' | 'ask again';

/** Offers a file by the browser's own dialog, or as a download. @param again where it was saved the last time */
export async function saveFile(
  { name, content }: ExportedFile,
  again?: SavedFile,
): Promise<{ file: SavedFile } | NotSaved> {
  const blob = content instanceof Blob ? content : new Blob([await bytesOf(content)]);
  try {
    return { file: pickers.showSaveFilePicker ? await write(blob, name, again) : download(blob, name) };
  } catch (error) {
    if (isCancelled(error)) return 'cancelled';
    // Browsers open a dialog only soon after a key or a click.
    if (error instanceof DOMException && /^(?:Security|NotAllowed)Error$/.test(error.name)) return 'ask again';
    throw error;
  }
}

const bytesOf = async (content: ExportedFile['content']): Promise<ArrayBuffer> =>
  content instanceof Uint8Array ? content.slice().buffer : content.arrayBuffer();

async function write(blob: Blob, suggestedName: string, again: SavedFile): Promise<SavedFile> {
  const isThere = await again?.getFile().then(
    () => true,
    () => false,
  );
  const file = isThere ? again : await pickers.showSaveFilePicker?.({ suggestedName });
  if (file !== undefined) await blob.stream().pipeTo(await file.createWritable());
  return file;
}

function download(blob: Blob, name: string): undefined {
  const href = URL.createObjectURL(blob);
  Object.assign(document.createElement('a'), { href, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(href), KEPT_MS);
}

/** How long a download may take to begin. */
const KEPT_MS = 30_000;
