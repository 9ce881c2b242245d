/** Projects of the page's storage that are folders of the user's disk: `StudioHost.folders`. */

import { RunError } from '../../errors.ts';
import { joinPath } from '../../files.ts';
import type { StudioHost } from '../../studio/host.ts';
import { FOLDERS, folderNameFor, freeName, takenNames } from '../../studio/project-folder.ts';
import { folderAtHand, linkedFolders, linkProject } from './linked-folders.ts';
import { explainAccess, filesBelow, openFolder, putFile } from './opfs.ts';
import { opfsFiles } from './opfs-files.ts';
import { PROJECTS, projectFolder } from './project-folder.ts';

async function isEmpty(folder: FileSystemDirectoryHandle): Promise<boolean> {
  for await (const _ of folder.keys()) return false;
  return true;
}

/** An empty folder: the one that was chosen, or one with the project's name in it. @throws RunError if that has files */
async function emptyFolder(project: string): Promise<FileSystemDirectoryHandle> {
  const chosen = await folderAtHand();
  if (await isEmpty(chosen)) return chosen;
  const inside = await chosen.getDirectoryHandle(project, { create: true });
  if (await isEmpty(inside)) return inside;
  throw new RunError('there is a folder with files of this name already.', {
    file: joinPath(chosen.name, project),
    remedy: 'Choose another folder, or rename the project.',
  });
}

export const linkedProjects: NonNullable<StudioHost['folders']> = {
  async link() {
    const chosen = await folderAtHand();
    for (const [id, folder] of await linkedFolders(true)) {
      if (await folder.isSameEntry(chosen)) return { id, isNew: false };
    }
    const id = freeName(folderNameFor(chosen.name), takenNames(await opfsFiles().folderNames(PROJECTS)));
    // Its journal stays in the storage, since only files there are written in place; and by it the project is found.
    await openFolder([PROJECTS, id, FOLDERS.own], { create: true });
    await linkProject(id, chosen);
    return { id, isNew: true };
  },
  async move(id) {
    const target = await emptyFolder(id);
    const source = await openFolder([PROJECTS, id], { create: false });
    if (source === undefined) return;
    const isKept = (name: string): boolean => name === FOLDERS.own;
    for (const [path, file] of await filesBelow(source)) {
      if (isKept(path.split('/')[0] as string)) continue;
      await putFile(target, path, new Uint8Array(await file.arrayBuffer()), { keep: false });
    }
    await linkProject(id, target).catch(async (cause: unknown) => {
      throw await explainAccess(cause, projectFolder(id));
    });
    // From here on the folder is the project, and what is in the storage is a copy.
    const copied: string[] = [];
    for await (const name of source.keys()) if (!isKept(name)) copied.push(name);
    for (const name of copied) await source.removeEntry(name, { recursive: true });
  },
};

/** The project whose folder a path is, rather than something in it. */
export const projectAt = async (path: string): Promise<string | undefined> =>
  [...(await linkedFolders()).keys()].find((id) => projectFolder(id) === path);
