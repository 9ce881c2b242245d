/** Files on their way into a project: chosen, dropped, or an example's. */

import type { GivenFile } from 'lamella/studio';

/** Whether these are a project of its own: its `lamella.json`, or one zip. */
export function isProject(files: readonly GivenFile[]): boolean {
  return (
    files.some(({ path }) => /(?:^|\/)lamella\.json$/.test(path)) ||
    (files.length === 1 && /\.zip$/i.test(files[0].path))
  );
}

/** A name for the project that these files make: the folder's, or the file's without its ending. */
export function projectName(files: readonly GivenFile[], otherwise: string): string {
  const [first] = files;
  if (first === undefined) return otherwise;
  const [top, ...below] = first.path.split('/');
  const isFolder = below.length > 0 && files.every(({ path }) => path.startsWith(`${top}/`));
  if (isFolder) return top;
  return files.length === 1 ? top.replace(/(?:\.ome)?\.[^.]+(?:\.gz)?$/i, '') : otherwise;
}

export const givenFiles = (files: Iterable<File>): readonly GivenFile[] =>
  Array.from(files, (file) => ({ path: file.webkitRelativePath || file.name, content: file })).filter(
    ({ path }) => !/(?:^|\/)(?:\.|Thumbs\.db$|desktop\.ini$)/.test(path),
  );
