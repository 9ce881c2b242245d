import { open, readdir, readFile, realpath, rm, stat } from 'node:fs/promises';
import { basename, join, relative, resolve, sep } from 'node:path';
import { DatasetError, type Facts, LamellaError } from '../../errors.ts';
import { beyondEnd, type WritableFiles } from '../../files.ts';
import type { RegionReaders } from '../../image/formats/format.ts';
import { MAX_BYTES } from '../../image/read.ts';
import { withWeb } from '../../workflows/web-files.ts';
import { atomicFile, atomicWrite, atomicWriteNew, explainWrite } from './atomic-write.ts';
import { s3Settings, withS3 } from './s3.ts';
import { nodeZlib, nodeZstd } from './zlib.ts';

/** Node reads fewer than 2 GiB at a time. */
const MAX_READ_BYTES = 2 ** 30;

/** The error for a failed read. */
function explainRead(cause: unknown, file: string): DatasetError {
  const { code } = cause as NodeJS.ErrnoException;
  const because = (problem: string, remedy: string, facts?: Facts) =>
    new DatasetError(problem, { file, remedy, facts, cause });
  switch (code) {
    case 'ENOENT':
      return because('there is no such file or folder.', 'Check the path.', { code: 'no-file' });
    case 'EACCES':
    case 'EPERM':
      return because('permission denied: this cannot be read.', 'Check the permissions.');
    case 'EISDIR':
      return because('this is a folder; expected a file.', 'Specify the file.');
    case 'ENOTDIR':
      return because('this is a file; expected a folder.', 'Specify the folder that it lies in.');
    case 'ERR_FS_FILE_TOO_LARGE':
      return because(
        'this file is larger than 2 GiB; files of that size are not supported yet.',
        'Crop it, cut it into parts, or save it with compression.',
      );
    default:
      return because(`this cannot be read (${code ?? String(cause)}).`, 'Check the disk and the path.');
  }
}

/** What `access` gives, or why it failed. */
export async function reading<T>(path: string, access: () => Promise<T>): Promise<T> {
  try {
    return await access();
  } catch (cause) {
    throw cause instanceof LamellaError ? cause : explainRead(cause, path);
  }
}

/** Files below `folder` as `prefix` + name; links are followed, except to a parent folder. */
async function walk(folder: string, prefix: string, above: readonly string[], found: string[]): Promise<void> {
  const real = await realpath(folder);
  if (above.includes(real)) return;
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    // A broken link is not a file.
    const kind = entry.isSymbolicLink() ? await stat(path).catch(() => undefined) : entry;
    if (kind?.isDirectory() === true) await walk(path, `${prefix}${entry.name}/`, [...above, real], found);
    else if (kind?.isFile() === true) found.push(`${prefix}${entry.name}`);
  }
}

/** The file system of the machine. */
export const localFiles: WritableFiles & RegionReaders = {
  zlib: nodeZlib,
  get maxBytes() {
    return Math.min(MAX_BYTES, process.availableMemory());
  },
  zstd: nodeZstd,
  async modelPackage(path) {
    const { packageAsOnnx } = await import('../../workflows/bioimageio/package.ts');
    return packageAsOnnx(localFiles, path);
  },
  async openSlide(source, context) {
    const { openSlide } = await import('../../image/formats/dicom/open-slide.ts');
    return openSlide(source, context);
  },
  write: atomicWrite,
  create: atomicFile,
  writeNew: atomicWriteNew,
  async remove(path) {
    await rm(path, { recursive: true, force: true }).catch((cause: unknown) => {
      throw explainWrite(cause, path);
    });
  },
  resolve,
  async kind(path) {
    const info = await stat(path).catch(() => undefined);
    return info === undefined ? undefined : info.isDirectory() ? 'folder' : 'file';
  },
  list: (folder) =>
    reading(folder, async () => {
      if (!(await stat(folder)).isDirectory()) return [basename(folder)];
      const found: string[] = [];
      await walk(folder, '', [], found);
      return found.sort();
    }),
  read(folder, name) {
    const path = name === undefined ? folder : join(folder, name);
    return reading(path, () => readFile(path));
  },
  folders: (folder) =>
    reading(folder, async () => {
      const entries = await readdir(folder, { withFileTypes: true, recursive: true });
      return entries
        .filter((entry) => entry.isDirectory())
        .map((entry) => relative(folder, join(entry.parentPath, entry.name)).replaceAll(sep, '/'));
    }),
  open(folder, name) {
    const path = name === undefined ? folder : join(folder, name);
    return reading(path, async () => {
      const file = await open(path);
      const { size, mtimeMs: modified } = await file.stat();
      return {
        size,
        modified,
        read: (offset, length) =>
          reading(path, async () => {
            if (offset + length > size) throw beyondEnd(path, size, offset + length);
            // Not filled with zeros first, as it is read to its end or not at all; with memory of its own.
            const bytes = new Uint8Array(Buffer.allocUnsafeSlow(length).buffer);
            for (let at = 0; at < length; ) {
              const { bytesRead } = await file.read(bytes, at, Math.min(length - at, MAX_READ_BYTES), offset + at);
              if (bytesRead === 0) throw beyondEnd(path, offset + at, offset + length);
              at += bytesRead;
            }
            return bytes;
          }),
        close: () => file.close(),
      };
    });
  },
};

/** The file system of the machine, and OME-Zarr stores by their addresses on web servers and in S3. */
export const nodeFiles: WritableFiles = withWeb(
  localFiles,
  withS3(fetch, () => s3Settings(process.env)),
);
