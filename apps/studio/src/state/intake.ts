/** Files on their way into a project: chosen, dropped, or an example's. */

import type { GivenFile } from 'lamella/studio';

/** Whether these are a project of its own: its `lamella.json`, or one zip. */
export function isProject(files: readonly GivenFile[]): boolean {
  return (
    files.some(({ path }) => /(?:^|\/)lamella\.json$/.test(path)) ||
    (files.length === 1 && /\.zip$/i.test(files[0].path))
  );
}

/** What the names of several files have in common is a name if it is longer than a letter or two. */
const SHORTEST_NAME = 3;

/** A name for the project that these files make: the folder's, the file's without its ending, or `otherwise`. */
export function projectName(files: readonly GivenFile[], otherwise: string): string {
  const [first] = files;
  if (first === undefined) return otherwise;
  const [top, ...below] = first.path.split('/');
  const isFolder = below.length > 0 && files.every(({ path }) => path.startsWith(`${top}/`));
  if (isFolder) return top;
  const stems = files.map(({ path }) => path.replace(/^.*\//, '').replace(/(?:\.ome)?\.[^.]+(?:\.gz)?$/i, ''));
  if (files.length === 1) return stems[0];
  const common = stems.reduce(commonStart).replace(/[\s\d._-]+$/, '');
  return common.length < SHORTEST_NAME ? otherwise : common;
}

function commonStart(a: string, b: string): string {
  let length = 0;
  while (length < a.length && a[length] === b[length]) length++;
  return a.slice(0, length);
}

/** Files without those that systems hide; the metadata of Zarr 2 look like such. */
export const givenFiles = (files: readonly GivenFile[]): readonly GivenFile[] =>
  files.filter(({ path }) => !/(?:^|\/)(?:\.(?!z(?:array|attrs|group)$)|Thumbs\.db$|desktop\.ini$)/.test(path));
