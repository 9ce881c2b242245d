import { FormatError, LamellaError } from '../errors.ts';
import { type ByteSource, bytesSource, type Files } from '../files.ts';
import { page, pageCount } from './convert.ts';
import type { DicomFile } from './formats/dicom/series.ts';
import type { Codec, ReadContext, ReadOptions, RegionReaders } from './formats/format.ts';
import { FORMATS, type Format } from './formats/registry.ts';
import type { Image, ImageLevel } from './image.ts';
import { type ImageInfo, type ImageSource, memorySource, noLevel } from './source.ts';
import { isText, nameUnread } from './unread.ts';
import { portableZlib } from './zlib.ts';

/** 4 GiB. */
export const MAX_BYTES = 4 * 2 ** 30;
/** 2 GiB: of a file that is read as a whole. */
const MAX_WHOLE_BYTES = 2 ** 31;
/** Enough to identify the formats that are read by region. */
const HEAD_BYTES = 256;

/**
 * Reads an image file. The format is detected by its first bytes, not by its name.
 *
 * Values and dtype are the file's own; sub-byte samples become uint8 with `bitDepth` set, palette images become RGB
 * unless `palette: 'index'`. Pages of one size become one image with the axes stated by the file, plain pages the `z`
 * axis. The result's axes are always in the order `tczyx`.
 *
 * @param bytes the whole file
 * @param name file name or path, for messages and `source`
 * @throws FormatError for a file that is empty, truncated, damaged, not an image, too large, or of an unsupported
 * variant; the message names the file and says what to do. Nothing else.
 */
export async function readImage(bytes: Uint8Array, name: string, options: ReadOptions = {}): Promise<Image> {
  // Node's Buffer is a Uint8Array whose `slice` does not copy: codecs get a plain one.
  const plain = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return readFrom(bytesSource(plain, name), name, options);
}

/** What a platform sets of the options. */
export const limitsOf = ({ zlib, maxBytes, openSlide }: Files & RegionReaders): ReadOptions => ({
  zlib,
  maxBytes,
  openSlide,
});

/** Reads an image file of a folder (`readImage`): of a format that is read by region, only what is needed of it. */
export async function readStoredImage(
  files: Files & RegionReaders,
  folder: string,
  path: string | undefined,
  options: ReadOptions = {},
): Promise<Image> {
  const source = await files.open(folder, path);
  try {
    return await readFrom(source, path ?? folder, { ...limitsOf(files), ...options });
  } finally {
    await source.close();
  }
}

/** Opens an image file to read regions of it; undefined for formats that are read as a whole. @throws as `readImage` */
export async function openStoredImage(
  files: Files & RegionReaders,
  path: string,
  options: Pick<ReadOptions, 'palette'> = {},
): Promise<ImageSource | undefined> {
  const source = await files.open(path);
  let opened: ImageSource | undefined;
  try {
    opened = await openByRegion(source, path, { ...limitsOf(files), ...options });
  } finally {
    if (opened === undefined) await source.close();
  }
  return opened;
}

/**
 * Opens an image file to read regions of it, at any of its resolutions. Of TIFF only the directories are read, other
 * formats as a whole. Close it when it is no longer needed.
 *
 * @param source closed with the image
 * @param name file name or path, for messages and `source`
 * @throws FormatError as `readImage`
 */
export async function openImage(
  source: ByteSource,
  name: string,
  { level: _, ...options }: ReadOptions = {},
): Promise<ImageSource> {
  try {
    const opened = await openByRegion(source, name, options);
    if (opened !== undefined) return opened;
    const image = await readFrom(source, name, options);
    return { ...memorySource(image), close: () => source.close() };
  } catch (cause) {
    await source.close();
    throw cause;
  }
}

/** An image of a format that is read by region; undefined if it is of another. */
async function openByRegion(source: ByteSource, name: string, options: ReadOptions): Promise<ImageSource | undefined> {
  const head = await source.read(0, Math.min(source.size, HEAD_BYTES));
  const format = FORMATS.find((row) => row.byRegion === true && row.matches(head));
  const codec = await format?.load();
  if (format === undefined || codec?.open === undefined) return undefined;
  const opened = await guarded(format.name, name, async () => codec.open?.(source, contextOf(name, options)));
  if (opened === undefined) return undefined;
  return {
    info: noted(opened.info, format, name),
    levels: opened.levels,
    chunk: opened.chunk,
    async read(level, region) {
      const image = await guarded(format.name, name, () => opened.read(level, region));
      return noted(image, format, name);
    },
    close: () => opened.close(),
  };
}

async function readFrom(source: ByteSource, name: string, options: ReadOptions): Promise<Image> {
  const byRegion = await openByRegion(source, name, options);
  if (byRegion !== undefined) return byRegion.read(levelOf(options.level, byRegion.levels));
  if (source.size > MAX_WHOLE_BYTES) {
    throw new FormatError(
      'this file is larger than 2 GiB; files of that size are supported only in TIFF, OME-Zarr and, in Node, DICOM slides.',
      {
        file: name,
        remedy: 'Crop it, cut it into parts, or save it with compression.',
      },
    );
  }
  const bytes = await source.read(0, source.size);
  const format = findFormat(bytes, name);
  const level = typeof options.level === 'number' ? options.level : 0;
  if (level > 0) throw noLevel(level, 1, name);
  const codec = await format.load();
  const whole = await guarded(format.name, name, () =>
    (codec as Required<Codec>).read(bytes, contextOf(name, options)),
  );
  const image = options.page === undefined || format.readsPages === true ? whole : onePage(whole, options.page, name);
  return noted(image, format, name);
}

const levelOf = (level: ReadOptions['level'], levels: readonly ImageLevel[]): number =>
  typeof level === 'function' ? level(levels) : (level ?? 0);

/** The image with its source, and a note if the extension of its file is another format's. */
function noted<T extends ImageInfo>(image: T, format: Format, name: string): T {
  const extension = /\.((?:nii|hdr)\.gz|[a-z0-9]+)$/i.exec(name)?.[1]?.toLowerCase();
  const other = FORMATS.find((row) => row !== format && extension !== undefined && row.extensions.includes(extension));
  const notes = [
    ...(other === undefined ? [] : [`The file extension suggests ${other.name}, but the content is ${format.name}.`]),
    ...(image.notes ?? []),
  ];
  return { ...image, source: name, ...(notes.length > 0 ? { notes } : {}) };
}

function onePage(image: Image, index: number, file: string): Image {
  const count = pageCount(image);
  if (index < count) return page(image, index);
  throw new FormatError(`page ${index} does not exist; the file has ${count}, counted from 0.`, { file });
}

/**
 * Reads the DICOM files of one series as one image: slices ordered by their position, values rescaled (`readImage`).
 *
 * @param files in any order; their bytes are fetched one by one
 * @param name for messages and `source`
 * @throws FormatError as `readImage`; also if the files do not form one image, naming the file that does not match.
 */
export async function readDicomSeries(
  files: readonly DicomFile[],
  name: string,
  options: ReadOptions = {},
): Promise<Image> {
  const { readSeries } = await import('./formats/dicom/series.ts');
  const image = await guarded('DICOM', name, () => readSeries(files, contextOf(name, options)));
  return { ...image, source: name };
}

/**
 * Opens an image of an OME-Zarr store (0.4 or 0.5) to read regions of it, at any of its resolutions; only metadata are
 * read. Close it when it is no longer needed.
 *
 * @param folder of the image within `files`
 * @param options name: for messages and `source`; maxBytes: the largest region to allocate, default 4 GiB
 * @throws FormatError for a store that is damaged or of an unsupported variant; DatasetError if a file cannot be read
 */
export async function openOmeZarr(
  files: Files,
  folder: string,
  { name = folder, maxBytes = MAX_BYTES }: { readonly name?: string } & Pick<ReadOptions, 'maxBytes'> = {},
): Promise<ImageSource> {
  const [{ openZarrImage }, { folderStore }] = await Promise.all([
    import('./formats/zarr/read.ts'),
    import('./formats/zarr/store.ts'),
  ]);
  const store = folderStore(files, folder, name);
  try {
    return await guarded('Zarr', name, () => openZarrImage(store, { maxBytes }));
  } catch (cause) {
    await store.close();
    throw cause;
  }
}

/**
 * Reads an image of an OME-Zarr store at one of its resolutions.
 * @throws as `openOmeZarr`; FormatError for a level that does not exist, and a chunk that is damaged or cut off, naming it
 */
export async function readOmeZarr(
  files: Files,
  folder: string,
  name: string,
  { level, maxBytes }: Pick<ReadOptions, 'level' | 'maxBytes'> = {},
): Promise<Image> {
  const source = await openOmeZarr(files, folder, { name, maxBytes });
  try {
    return await guarded('Zarr', name, () => source.read(levelOf(level, source.levels)));
  } finally {
    await source.close();
  }
}

const contextOf = (
  file: string,
  { maxBytes = MAX_BYTES, palette = 'rgb', zlib = portableZlib, page, sibling, ...rest }: ReadOptions,
): ReadContext => ({ ...rest, file, maxBytes, palette, zlib, page, sibling });

/** Converts any exception of a decoder on invalid bytes to a FormatError. */
export async function guarded<T>(format: string, file: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (cause) {
    if (cause instanceof LamellaError) throw cause;
    const problem = cause instanceof Error ? cause.message : String(cause);
    throw new FormatError(`the ${format} data is damaged (${problem}).`, {
      file,
      remedy: 'Copy the file again from its source, or save it again.',
      cause,
    });
  }
}

function findFormat(bytes: Uint8Array, file: string): Format {
  if (bytes.length === 0) {
    throw new FormatError('the file is empty (0 bytes).', { file, remedy: 'Copy or save it again.' });
  }
  const format = FORMATS.find((row) => row.matches(bytes));
  if (format !== undefined) return format;
  const { name, remedy } = nameUnread(bytes, (inner) => FORMATS.find((row) => row.matches(inner))?.name) ?? {
    remedy: isText(bytes)
      ? 'Export the image itself, as PNG or TIFF, a volume as NIfTI.'
      : 'Save the image as PNG or TIFF, a volume as NIfTI.',
  };
  if (name === undefined && isText(bytes))
    throw new FormatError('this is a text file, not an image.', { file, remedy });
  throw new FormatError(name === undefined ? 'this is not an image.' : `this is ${name}, which is not supported.`, {
    file,
    remedy,
    facts: name === undefined ? undefined : { code: 'unsupported-format', what: name },
  });
}
