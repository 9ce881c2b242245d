/** A folder with one sub-folder per class, or a CSV of file and class: each image in its own file. */

import { dsvFormat } from 'd3-dsv';
import { DatasetError, FormatError, option } from '../../errors.ts';
import type { Files } from '../../files.ts';
import { READABLE_EXTENSIONS } from '../../image/formats/registry.ts';
import { inputPages } from '../../input/network-input.ts';
import { naturalOrder } from '../discover/names.ts';
import { readListed } from '../discover/sources.ts';
import { type ClassPart, type FoundSample, partOfName, type ReadClassesOptions, type ReadFiles } from './classes.ts';

interface ListedFile {
  readonly name: string;
  readonly class: string;
  readonly part: ClassPart;
}

const isImage = (name: string): boolean =>
  READABLE_EXTENSIONS.some((extension) => name.toLowerCase().endsWith(`.${extension}`));

/**
 * `cat/1.png`, `dog/2.png`, or the same below `train/`, `val/` and `test/`.
 * @throws DatasetError for a class folder without images, for training and test folders with different classes, and,
 * unless skipped, for unreadable images.
 */
export async function readClassFolder(files: Files, folder: string, options: ReadClassesOptions): Promise<ReadFiles> {
  const names = await files.list(folder);
  const folders = new Set([
    ...names.map((name) => name.split('/').slice(0, -1).join('/')),
    ...((await files.folders?.(folder)) ?? []),
  ]);
  const tops = new Set([...folders].map((path) => path.split('/')[0]).filter((name) => name !== ''));
  const parted = tops.size > 0 && [...tops].every((name) => partOfName(name) !== undefined);
  const depth = parted ? 2 : 1;
  const counts = new Map<string, number>();
  for (const path of folders) {
    const parts = path.split('/');
    if (path !== '' && parts.length >= depth) counts.set(parts.slice(0, depth).join('/'), 0);
  }
  const listed: ListedFile[] = [];
  for (const name of names) {
    const parts = name.split('/');
    if (parts.length <= depth || !isImage(name)) continue;
    const key = parts.slice(0, depth).join('/');
    counts.set(key, (counts.get(key) ?? 0) + 1);
    const part = parted ? (partOfName(parts[0]) ?? 'train') : 'train';
    listed.push({ name, class: parts[depth - 1], part });
  }
  const empty = [...counts].filter(([, count]) => count === 0).map(([path]) => path);
  if (listed.length > 0 && empty.length > 0) {
    throw new DatasetError(`there are no images in ${empty.map((path) => `"${path}"`).join(', ')}.`, {
      file: folder,
      remedy: 'Fill the folders of these classes, or take them away.',
    });
  }
  const classesOf = (part: ClassPart) => [...new Set(listed.filter((file) => file.part === part).map((f) => f.class))];
  const named = classesOf('train').sort(naturalOrder);
  for (const part of ['validation', 'test'] as const) {
    const own = classesOf(part);
    const differ = [...own.filter((name) => !named.includes(name)), ...named.filter((name) => !own.includes(name))];
    if (own.length > 0 && differ.length > 0) {
      throw new DatasetError(
        `there are ${named.length} classes to train on and ${own.length} for ${part}; they differ in ${differ.slice(0, 8).join(', ')}.`,
        { file: folder, remedy: 'Use the same class folders in each part.' },
      );
    }
  }
  return { named, ...(await readFiles(files, folder, listed, options)) };
}

async function readFiles(
  files: Files,
  folder: string,
  listed: readonly ListedFile[],
  { skipBad = false }: ReadClassesOptions,
): Promise<ReadFiles> {
  const found: { [P in ClassPart]: FoundSample[] } = { train: [], validation: [], test: [] };
  const bad: Error[] = [];
  for (const { name, class: own, part } of listed) {
    try {
      const image = await readListed(files, { root: folder, series: new Map() }, name);
      for (const page of inputPages(image, { name }).pages) found[part].push({ ...page, class: own });
    } catch (cause) {
      if (!(cause instanceof FormatError || cause instanceof DatasetError)) throw cause;
      bad.push(cause);
    }
  }
  if (bad.length === 0) return { found };
  const first = bad.slice(0, 5).map(({ message }) => `\n  ${message}`);
  const count = `${bad.length} of ${listed.length} images cannot be read`;
  if (!skipBad) {
    throw new DatasetError(`${count}:${first.join('')}${bad.length > 5 ? '\n  ...' : ''}\n`, {
      file: folder,
      remedy: `Replace them, or skip them with ${option('skipBad', true)}.`,
    });
  }
  return { found, notes: [`skipped: ${count}:${first.join('')}${bad.length > 5 ? '\n  ...' : ''}`] };
}

/** The trimmed cells of a table separated by commas, semicolons or tabs; empty rows are skipped. */
export function parseCsv(text: string): readonly (readonly string[])[] {
  const [first = ''] = text.split(/\r?\n/, 1);
  const separator = [',', ';', '\t'].find((mark) => first.includes(mark)) ?? ',';
  return dsvFormat(separator).parseRows(text, (cells) => {
    const row = cells.map((cell) => cell.trim());
    return row.some((cell) => cell !== '') ? row : undefined;
  });
}

/**
 * A table of image file and class, optionally with a third column for the part (train, val, test); or of numeric
 * features and class. Files are relative to the table. A header line is optional.
 * @throws DatasetError naming the line.
 */
export async function readClassTable(files: Files, path: string, options: ReadClassesOptions): Promise<ReadFiles> {
  const text = new TextDecoder().decode(await files.read(path));
  const rows = parseCsv(text.replace(/^\uFEFF/, ''));
  const folder = path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : '.';
  const isNumbers = (cells: readonly string[]): boolean =>
    cells.length >= 2 && cells.slice(0, -1).every((cell) => cell !== '' && Number.isFinite(Number(cell)));
  const second = rows[1] ?? [];
  if (isNumbers(second)) return { found: { train: features(path, rows, isNumbers) } };
  const body = isImage(rows[0]?.[0] ?? '') ? rows : rows.slice(1);
  const listed = body.map((cells, i): ListedFile => {
    const [name = '', own = '', part = 'train'] = cells;
    const known = partOfName(part);
    if (name === '' || own === '' || known === undefined) {
      throw new DatasetError(`line ${i + 1 + rows.length - body.length} is "${cells.join(',')}".`, {
        file: path,
        remedy: 'A file, its class, and if need be train, val or test are expected.',
      });
    }
    return { name, class: own, part: known };
  });
  return await readFiles(files, folder, listed, options);
}

function features(
  path: string,
  rows: readonly (readonly string[])[],
  isNumbers: (cells: readonly string[]) => boolean,
): FoundSample[] {
  const headings = isNumbers(rows[0] ?? []) ? 0 : 1;
  const width = (rows[headings]?.length ?? 1) - 1;
  return rows.slice(headings).map((cells, i) => {
    if (cells.length !== width + 1 || !isNumbers(cells)) {
      throw new DatasetError(`line ${i + 1 + headings} is "${cells.join(',')}".`, {
        file: path,
        remedy: `${width} numbers and a class are expected.`,
      });
    }
    const data = Float32Array.from(cells.slice(0, -1), Number);
    return { name: `line ${i + 1 + headings}`, class: cells[width], data, channels: 1, height: 1, width };
  });
}
