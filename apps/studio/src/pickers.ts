/** The browser's dialogs for files and folders of the user's disk, which not every browser has. */

interface Pickers {
  showDirectoryPicker?(options: {
    readonly id: string;
    readonly mode?: 'read' | 'readwrite';
  }): Promise<FileSystemDirectoryHandle>;
  showSaveFilePicker?(options: { readonly suggestedName: string }): Promise<FileSystemFileHandle>;
}

/** Browsers refuse them within a page of another server. */
const isRefused = [...(location.ancestorOrigins ?? [])].some((origin) => origin !== location.origin);

export const pickers = (isRefused ? {} : globalThis) as Pickers;

/** Whether a dialog was closed without an answer. */
export const isCancelled = (error: unknown): boolean => error instanceof DOMException && error.name === 'AbortError';
