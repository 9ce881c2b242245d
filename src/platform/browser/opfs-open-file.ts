import type { OpenFile } from '../../studio/host.ts';
import { explainAccess, namesOf, openFolder, openSync, type SyncAccess } from './opfs.ts';
import { opfsFiles } from './opfs-files.ts';

/** A file of the page's private storage (OPFS); it is empty at first. Only in a dedicated worker. */
export async function openFile(path: string): Promise<OpenFile> {
  const explained = async <T>(access: () => Promise<T>): Promise<T> => {
    try {
      return await access();
    } catch (cause) {
      throw await explainAccess(cause, path);
    }
  };
  const openAccess = (): Promise<SyncAccess> =>
    explained(async () => {
      const names = namesOf(path);
      const folder = (await openFolder(names.slice(0, -1), { create: true })) as FileSystemDirectoryHandle;
      const handle = await folder.getFileHandle(names.at(-1) as string, { create: true });
      return openSync(handle);
    });
  let access = await openAccess();
  return {
    size: async () => access.getSize(),
    async read(from, to) {
      const bytes = new Uint8Array(to - from);
      return bytes.subarray(0, access.read(bytes, { at: from }));
    },
    append: (bytes) =>
      explained(async () => {
        const at = access.getSize();
        // Of a file that was cleared, in a private window.
        if (at < 0) throw new DOMException('The file is gone.', 'NotFoundError');
        access.write(bytes as Uint8Array<ArrayBuffer>, { at });
        access.flush();
      }),
    truncate: (size) =>
      explained(async () => {
        access.truncate(size);
        access.flush();
      }),
    async replace(bytes) {
      access.close();
      try {
        await opfsFiles().write(path, bytes);
      } finally {
        access = await openAccess();
      }
    },
    async close() {
      access.close();
    },
  };
}
