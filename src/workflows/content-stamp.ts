/** Whether a file or store is still what it was, without reading all of it. */

import { crc32, hex8 } from '../array/crc32.ts';
import type { WritableFiles } from '../files.ts';

/** Most files of a store that are looked at, and pieces of all files together, unless there are more files. */
const FILES = 1024;
const PIECES = 64;
/** Holds the directory of a small TIFF, and the index of a shard of up to 255 chunks. */
const PIECE_BYTES = 4096;

/** What tells one content from another. */
export interface ContentStamp {
  /** When a single file was written, where the place can tell. A store may be finished again, with the same content. */
  readonly date?: string;
  /** Checksum over names, sizes and pieces, those at both ends of each file among them. */
  readonly content: string;
}

/** So many of a list, evenly spread, with the first and the last. */
const spread = (count: number, most: number): readonly number[] =>
  count <= most
    ? Array.from({ length: count }, (_, i) => i)
    : Array.from({ length: most }, (_, i) => Math.round((i * (count - 1)) / (most - 1)));

/**
 * A stamp of a file, or of all files of a folder: of stores on a web server, of their metadata. Any change of a
 * compressed store changes the sizes or indices of its files; a small one of uncompressed pixels may lie between the
 * pieces, and is then told by the time of a single file alone.
 * @throws as `Files.read`
 */
export async function contentStamp(files: WritableFiles, path: string): Promise<ContentStamp> {
  const isFile = (await files.kind(path)) === 'file';
  const names = isFile ? [undefined] : await files.list(path);
  const each = Math.max(2, Math.floor(PIECES / names.length));
  const sums: string[] = [];
  let date: string | undefined;
  for (const n of spread(names.length, FILES)) {
    const name = names[n];
    const source = await files.open(path, name);
    try {
      const length = Math.min(PIECE_BYTES, source.size);
      const steps = Math.ceil(source.size / PIECE_BYTES);
      for (const step of spread(steps, each)) {
        // The last of several pieces ends where the file does.
        const offset = Math.min(step * PIECE_BYTES, source.size - length);
        sums.push(hex8(crc32(await source.read(offset, length))));
      }
      sums.push(`${name ?? ''} ${source.size}`);
      if (isFile && source.modified !== undefined) date = new Date(source.modified).toISOString();
    } finally {
      await source.close();
    }
  }
  const all = [...sums, ...names].join('\n');
  return { ...(date !== undefined && { date }), content: hex8(crc32(new TextEncoder().encode(all))) };
}
