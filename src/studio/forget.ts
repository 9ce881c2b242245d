import { UsageError } from '../errors.ts';
import { joinPath } from '../files.ts';
import { PROJECT_FILE } from '../project/project.ts';
import type { StudioHost } from './host.ts';
import { openElsewhere } from './open-project.ts';
import { readProjectFile } from './project-folder.ts';

/** Forgets a folder of the user's disk, which stays as it is. */
async function unlink(host: StudioHost, id: string): Promise<number> {
  const folder = host.folderOf(id);
  const unlock = await host.lock(folder);
  if (unlock === undefined) throw openElsewhere(id);
  await host.remove(folder);
  await unlock();
  return 0;
}

/**
 * Deletes all that is kept of a project; of one in a folder of the user's disk, what is kept outside of it.
 * @returns bytes that were freed
 * @throws UsageError if there is none, or its images are no copies of Studio's; RunError if it is open elsewhere
 */
export async function forgetProject(host: StudioHost, id: string): Promise<number> {
  const folder = host.folderOf(id);
  if (host.folders !== undefined && (await host.placeOf(id)) !== undefined) return unlink(host, id);
  if ((await host.files.kind(joinPath(folder, PROJECT_FILE))) === undefined) {
    throw new UsageError(`There is no project '${id}'.`);
  }
  // Copies have a checksum; images without one were here before Studio opened their folder.
  const { images } = await readProjectFile(host.files, folder);
  if (folder === '.' || images.some(({ crc32 }) => crc32 === undefined)) {
    throw new UsageError('This project has images that are no copies, so that it is not deleted.', {
      file: id,
      remedy: 'Delete the folder with your file manager.',
    });
  }
  const unlock = await host.lock(folder);
  if (unlock === undefined) throw openElsewhere(id);
  const { bytes } = await host.usage(folder);
  await host.remove(folder);
  await unlock();
  return bytes;
}
