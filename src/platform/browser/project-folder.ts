import { UsageError } from '../../errors.ts';
import { joinPath } from '../../files.ts';

/** Where projects are in the page's private storage. */
export const PROJECTS = 'projects';

/** The folder of a project. @throws UsageError for what can be no name of a project */
export function projectFolder(id: string): string {
  if (id !== '' && !/[/\\\0]/.test(id) && !id.startsWith('.')) return joinPath(PROJECTS, id);
  throw new UsageError(`There is no project '${id}'.`);
}
