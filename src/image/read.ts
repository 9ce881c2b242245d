import { FormatError, LamellaError } from '../errors.ts';
import { page, pageCount } from './convert.ts';
import { isDicom } from './formats/dicom/parser.ts';
import type { DicomFile } from './formats/dicom/series.ts';
import type { Codec, ReadContext, ReadOptions } from './formats/format.ts';
import { headerKind } from './formats/nifti/header.ts';
import { gunzipHead, isGzip } from './gunzip.ts';
import type { Image } from './image.ts';
import { nameUnread } from './unread.ts';
import { portableZlib } from './zlib.ts';

interface Format {
  readonly name: string;
  readonly extensions: readonly string[];
  /** Whether the first bytes of a file are this format's. */
  matches(bytes: Uint8Array): boolean;
  load(): Promise<Codec>;
  /** Whether its codec takes care of the option `page`; else it reads all, and the page is cut out. */
  readonly readsPages?: true;
}

/** Bytes of gzip data that are unpacked to see what they hold. */
const HEAD_BYTES = 540;

/** 4 GiB. */
export const MAX_BYTES = 4 * 2 ** 30;

const startsWith = (bytes: Uint8Array, ...magic: number[]) => magic.every((byte, i) => bytes[i] === byte);

/** One row a format. A codec's code is loaded when the first file of its format is read. */
const FORMATS: readonly Format[] = [
  {
    name: 'DICOM',
    extensions: ['dcm', 'dicom', 'ima'],
    // Before TIFF: the 128 bytes before its mark may be those of a TIFF, for programs that know only that.
    matches: isDicom,
    load: async () => (await import('./formats/dicom/read.ts')).dicom,
  },
  {
    name: 'PNG',
    extensions: ['png'],
    matches: (bytes) => startsWith(bytes, 0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a),
    load: async () => (await import('./formats/png/read.ts')).png,
    readsPages: true,
  },
  {
    name: 'TIFF',
    extensions: ['tif', 'tiff'],
    // "II" or "MM", then 42, or 43 for BigTIFF, in that byte order.
    matches: (bytes) =>
      (startsWith(bytes, 0x49, 0x49) && (bytes[2] === 42 || bytes[2] === 43) && bytes[3] === 0) ||
      (startsWith(bytes, 0x4d, 0x4d) && bytes[2] === 0 && (bytes[3] === 42 || bytes[3] === 43)),
    load: async () => (await import('./formats/tiff/read.ts')).tiff,
    readsPages: true,
  },
  {
    name: 'NIfTI',
    extensions: ['nii', 'nii.gz', 'hdr', 'hdr.gz'],
    matches: (bytes) => headerKind(isGzip(bytes) ? gunzipHead(bytes, HEAD_BYTES) : bytes) !== undefined,
    load: async () => (await import('./formats/nifti/read.ts')).nifti,
  },
  {
    name: 'NRRD',
    extensions: ['nrrd', 'nhdr'],
    matches: (bytes) => startsWith(bytes, 0x4e, 0x52, 0x52, 0x44, 0x30),
    load: async () => (await import('./formats/nrrd/read.ts')).nrrd,
  },
];

/** File name extensions, lower case without the dot, of the formats that can be read. */
export const READABLE_EXTENSIONS: readonly string[] = FORMATS.flatMap((format) => format.extensions);

/**
 * Reads an image file. The format is found by its first bytes, not by its name.
 *
 * Values and dtype are the file's own; sub-byte samples become uint8 with `bitDepth` set, palette pictures become
 * RGB unless `palette: 'index'`. Pages of one size become one image with the axes that the file states, plain pages
 * the `z` axis. The result's axes are always in the order `tczyx`.
 *
 * @param bytes the whole file
 * @param name file name or path, for messages and `source`
 * @throws FormatError for a file that is empty, truncated, damaged, not an image, too large, or of a variety that is
 *   not supported; the message names the file and says what to do. Nothing else.
 */
export async function readImage(bytes: Uint8Array, name: string, options: ReadOptions = {}): Promise<Image> {
  const format = findFormat(bytes, name);
  const codec = await format.load();
  // Node's Buffer is a Uint8Array whose `slice` makes no copy: codecs get a plain one.
  const plain = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const whole = await guarded(format.name, name, () => codec.read(plain, contextOf(name, options)));
  const image = options.page === undefined || format.readsPages === true ? whole : onePage(whole, options.page, name);
  const extension = /\.((?:nii|hdr)\.gz|[a-z0-9]+)$/i.exec(name)?.[1]?.toLowerCase();
  const other = FORMATS.find((row) => row !== format && extension !== undefined && row.extensions.includes(extension));
  const notes = [
    ...(other === undefined ? [] : [`The name says ${other.name}, the content is ${format.name}.`]),
    ...(image.notes ?? []),
  ];
  return { ...image, source: name, ...(notes.length > 0 ? { notes } : {}) };
}

function onePage(image: Image, index: number, file: string): Image {
  const count = pageCount(image);
  if (index < count) return page(image, index);
  throw new FormatError(`there is no page ${index}: the file has ${count}, counted from 0.`, { file });
}

/**
 * Reads the DICOM files of one series as one image: slices ordered by their position, values rescaled (`readImage`).
 *
 * @param files in any order; their bytes are fetched one by one
 * @param name for messages and `source`
 * @throws FormatError as `readImage`; also when the files do not make one image, naming the file that does not fit.
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

function contextOf(file: string, { maxBytes = MAX_BYTES, palette = 'rgb', ...rest }: ReadOptions): ReadContext {
  return { file, maxBytes, palette, page: rest.page, sibling: rest.sibling, zlib: rest.zlib ?? portableZlib };
}

/** What a decoder stumbles over in bytes that are not what they should be becomes a FormatError. */
async function guarded(format: string, file: string, read: () => Promise<Image>): Promise<Image> {
  try {
    return await read();
  } catch (cause) {
    if (cause instanceof LamellaError) throw cause;
    const problem = cause instanceof Error ? cause.message : String(cause);
    throw new FormatError(`the ${format} data is damaged (${problem}).`, {
      file,
      remedy: 'Get the file again from where it came from, or save it anew.',
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
    remedy: 'Save the image as PNG or TIFF, a volume as NIfTI.',
  };
  throw new FormatError(name === undefined ? 'this is not an image.' : `this is ${name}, which is not supported.`, {
    file,
    remedy,
    facts: name === undefined ? undefined : { code: 'unsupported-format', what: name },
  });
}
