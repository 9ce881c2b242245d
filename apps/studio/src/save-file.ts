import { fileSave } from 'browser-fs-access';
import type { ExportedFile } from 'lamella/studio';

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
    return { file: (await fileSave(blob, { fileName: name }, again ?? null)) ?? undefined };
  } catch (error) {
    if (!(error instanceof DOMException)) throw error;
    if (error.name === 'AbortError') return 'cancelled';
    // Browsers open a dialog only soon after a key or a click.
    if (error.name === 'SecurityError' || error.name === 'NotAllowedError') return 'ask again';
    throw error;
  }
}

const bytesOf = async (content: ExportedFile['content']): Promise<ArrayBuffer> =>
  content instanceof Uint8Array ? content.slice().buffer : content.arrayBuffer();
