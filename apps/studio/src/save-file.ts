import { fileSave } from 'browser-fs-access';
import type { ExportedFile } from 'lamella/studio';

/** Offers a file with the browser's own dialog, or as a download. @returns false if the user closed the dialog */
export async function saveFile({ name, content }: ExportedFile): Promise<boolean> {
  const blob = content instanceof Blob ? content : new Blob([await bytesOf(content)]);
  try {
    await fileSave(blob, { fileName: name });
    return true;
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') return false;
    throw error;
  }
}

const bytesOf = async (content: ExportedFile['content']): Promise<ArrayBuffer> =>
  content instanceof Uint8Array ? content.slice().buffer : content.arrayBuffer();
