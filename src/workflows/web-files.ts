/**
 * Stores of OME-Zarr on a web server or in S3, read by range: nothing lists a server's files, but a store's metadata name
 * them.
 */

import { DatasetError, UsageError } from '../errors.ts';
import { type ByteSource, bytesSource, createFile, isUrl, joinPath, type WritableFiles, writeNew } from '../files.ts';
import type { RegionReaders } from '../image/formats/format.ts';

/** What is used of the platform's `fetch`. */
export type Fetch = (
  url: string,
  options?: { readonly method?: 'HEAD'; readonly headers?: Readonly<Record<string, string>> },
) => Promise<{
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  arrayBuffer(): Promise<ArrayBuffer>;
}>;

type Response = Awaited<ReturnType<Fetch>>;

/** Metadata of a store, by which it is found. */
const METADATA = ['zarr.json', '.zattrs', '.zgroup'];

/**
 * The files of a web server: those whose addresses are known, and of a folder the metadata of the store that it is.
 * @throws DatasetError for what the server does not give, with the code `no-file` where it says that there is nothing
 */
export function webFiles(fetch: Fetch): Pick<WritableFiles, 'list' | 'read' | 'open' | 'kind'> {
  const get = async (url: string, range?: string): Promise<Response> => {
    let response: Response;
    try {
      response = await fetch(url, range === undefined ? {} : { headers: { Range: `bytes=${range}` } });
    } catch (cause) {
      if (cause instanceof DatasetError) throw cause;
      throw new DatasetError('this address cannot be reached.', { file: url, remedy: 'Check it.', cause });
    }
    const { status } = response;
    if (status === 200 || status === 206 || (status === 416 && range === '0-0')) return response;
    const isMissing = status === 404 || status === 410;
    throw new DatasetError(isMissing ? 'there is no such file on the server.' : `the server answers ${status}.`, {
      file: url,
      remedy: 'Check the address.',
      facts: isMissing ? { code: 'no-file' } : undefined,
    });
  };
  const body = async (response: Response): Promise<Uint8Array> => new Uint8Array(await response.arrayBuffer());
  const open = async (folder: string, name = ''): Promise<ByteSource> => {
    const url = joinPath(folder, name);
    const first = await get(url, '0-0');
    if (first.status === 416) return bytesSource(new Uint8Array(), url);
    // A server without ranges gives everything at once.
    if (first.status === 200) return bytesSource(await body(first), url);
    // A page may see the length of what a server on another site sends, but not its range, unless that is allowed.
    const stated = /\/(\d+)$/.exec(first.headers.get('Content-Range') ?? '')?.[1];
    const size = Number(stated ?? (await fetch(url, { method: 'HEAD' })).headers.get('Content-Length') ?? Number.NaN);
    if (!Number.isSafeInteger(size)) {
      throw new DatasetError('the server does not say how long this file is.', {
        file: url,
        remedy: 'Copy the store to this machine.',
      });
    }
    return {
      size,
      async read(offset, length) {
        if (length === 0) return new Uint8Array();
        const bytes = await body(await get(url, `${offset}-${offset + length - 1}`));
        if (bytes.length === length) return bytes;
        throw new DatasetError(`the server sent ${bytes.length} bytes where ${length} were asked for.`, {
          file: url,
          remedy: 'Try again, or copy the store to this machine.',
        });
      },
      close: async () => {},
    };
  };
  const there = (url: string): Promise<boolean> =>
    get(url, '0-0').then(
      () => true,
      (cause: unknown) => {
        if (cause instanceof DatasetError && cause.code === 'no-file') return false;
        throw cause;
      },
    );
  const metadata = async (folder: string): Promise<readonly string[]> => {
    // Before names are joined to it, which would be taken for the server or bucket.
    if (/^\w+:\/+$/.test(folder)) {
      throw new DatasetError('this address names no server and no bucket.', {
        file: folder,
        remedy: 'Use https://server/store.ome.zarr, or s3://bucket/store.ome.zarr.',
      });
    }
    const found = await Promise.allSettled(METADATA.map((name) => there(joinPath(folder, name))));
    const names = METADATA.filter((_, i) => found[i]?.status === 'fulfilled' && found[i].value);
    // Where one is there, others may be refused as they do not exist.
    const failed = found.find((one) => one.status === 'rejected');
    if (names.length === 0 && failed !== undefined) throw failed.reason;
    return names;
  };
  return {
    open,
    read: async (folder, name = '') => body(await get(joinPath(folder, name))),
    async kind(path) {
      if ((await metadata(path)).length > 0) return 'folder';
      return (await there(path)) ? 'file' : undefined;
    },
    async list(folder) {
      const found = await metadata(folder);
      if (found.length > 0) return found;
      throw new DatasetError('there is no Zarr store at this address.', {
        file: folder,
        remedy: 'Use the address of a folder with a zarr.json, .zattrs or .zgroup; copy other files to this machine.',
      });
    },
  };
}

/** Files where stores on web servers can be read by their addresses as well. */
/** @throws UsageError for an address */
async function readPackage(files: WritableFiles, path: string): Promise<Uint8Array> {
  if (!isUrl(path) && files.modelPackage !== undefined) return files.modelPackage(path);
  throw new UsageError('packages are not read from a web server.', { file: path, remedy: 'Download it first.' });
}

export function withWeb(files: WritableFiles & RegionReaders, fetch: Fetch): WritableFiles & RegionReaders {
  const web = webFiles(fetch);
  const of = (path: string): Pick<WritableFiles, 'list' | 'read' | 'open' | 'kind'> => (isUrl(path) ? web : files);
  const toFolder = (path: string): string => {
    if (!isUrl(path)) return path;
    throw new UsageError('files are not written to a web server.', { file: path, remedy: 'Choose a folder.' });
  };
  return {
    zlib: files.zlib,
    get maxBytes() {
      return files.maxBytes;
    },
    list: (folder) => of(folder).list(folder),
    read: (folder, name) => of(folder).read(folder, name),
    open: (folder, name) => of(folder).open(folder, name),
    kind: (path) => of(path).kind(path),
    ...(files.modelPackage && { modelPackage: (path: string) => readPackage(files, path) }),
    folders: async (folder) => (isUrl(folder) ? [] : ((await files.folders?.(folder)) ?? [])),
    resolve: (path) => (isUrl(path) ? path : files.resolve(path)),
    zstd: files.zstd,
    openSlide: files.openSlide,
    write: async (path, content) => files.write(toFolder(path), content),
    create: async (path) => createFile(files, toFolder(path)),
    writeNew: async (path, content) => writeNew(files, toFolder(path), content),
    remove: async (path) => files.remove?.(toFolder(path)),
  };
}
