import { gunzipHead, isGzip } from '../gunzip.ts';
import { isDicom } from './dicom/detect.ts';
import type { Codec } from './format.ts';
import { headerKind } from './nifti/header.ts';

export interface Format {
  readonly name: string;
  /** File name extensions, lower case without the dot. */
  readonly extensions: readonly string[];
  /**
   * What a file contains: single images, volumes of a patient, or slices that form a volume with others in the folder.
   */
  readonly holds: 'pictures' | 'volumes' | 'slices';
  /** Whether the first bytes of a file identify this format. */
  matches(bytes: Uint8Array): boolean;
  load(): Promise<Codec>;
  /** Whether its codec opens files to read them by region, all or some. */
  readonly byRegion?: true;
  /** Whether its codec reads a single page, as all that open files do; otherwise all are read, and the page is extracted. */
  readonly readsPages?: true;
}

/** Bytes of gzip data that are decompressed to detect their content. */
const HEAD_BYTES = 540;

const startsWith = (bytes: Uint8Array, ...magic: number[]) => magic.every((byte, i) => bytes[i] === byte);

/**
 * The supported formats, one row each: to add one, add its folder and a row. A codec's code is loaded when the first
 * file of its format is read.
 */
export const FORMATS: readonly Format[] = [
  {
    name: 'DICOM',
    extensions: ['dcm', 'dicom', 'ima'],
    holds: 'slices',
    // Before TIFF: the 128 bytes before its mark may be those of a TIFF, for programs that support only that.
    matches: isDicom,
    load: async () => (await import('./dicom/read.ts')).dicom,
    byRegion: true,
  },
  {
    name: 'PNG',
    extensions: ['png'],
    holds: 'pictures',
    matches: (bytes) => startsWith(bytes, 0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a),
    load: async () => (await import('./png/read.ts')).png,
    readsPages: true,
  },
  {
    name: 'JPEG',
    extensions: ['jpg', 'jpeg', 'jpe', 'jfif'],
    holds: 'pictures',
    // JPEG-LS begins with its own frame header.
    matches: (bytes) => startsWith(bytes, 0xff, 0xd8, 0xff) && bytes[3] !== 0xf7,
    load: async () => (await import('./jpeg/read.ts')).jpeg,
    readsPages: true,
  },
  {
    name: 'TIFF',
    // MetaMorph's, Zeiss' and Aperio's files are also TIFF.
    extensions: ['tif', 'tiff', 'stk', 'lsm', 'svs', 'btf'],
    holds: 'pictures',
    // "II" or "MM", then 42, or 43 for BigTIFF, in that byte order.
    matches: (bytes) =>
      (startsWith(bytes, 0x49, 0x49) && (bytes[2] === 42 || bytes[2] === 43) && bytes[3] === 0) ||
      (startsWith(bytes, 0x4d, 0x4d) && bytes[2] === 0 && (bytes[3] === 42 || bytes[3] === 43)),
    load: async () => (await import('./tiff/read.ts')).tiff,
    byRegion: true,
  },
  {
    name: 'NIfTI',
    extensions: ['nii', 'nii.gz', 'hdr', 'hdr.gz'],
    holds: 'volumes',
    matches: (bytes) => headerKind(isGzip(bytes) ? gunzipHead(bytes, HEAD_BYTES) : bytes) !== undefined,
    load: async () => (await import('./nifti/read.ts')).nifti,
  },
  {
    name: 'NRRD',
    extensions: ['nrrd', 'nhdr'],
    holds: 'volumes',
    matches: (bytes) => startsWith(bytes, 0x4e, 0x52, 0x52, 0x44, 0x30),
    load: async () => (await import('./nrrd/read.ts')).nrrd,
  },
  {
    name: 'HDF5',
    extensions: ['h5', 'hdf5'],
    holds: 'pictures',
    // Imaris' files are HDF5 of many arrays.
    matches: (bytes) =>
      startsWith(bytes, 0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a) && !holdsText(bytes, 'DataSetInfo'),
    load: async () => (await import('./hdf5/read.ts')).hdf5,
  },
];

/** Enough for the names of the first groups. */
const NAMES_BYTES = 8192;

const holdsText = (bytes: Uint8Array, text: string): boolean =>
  String.fromCharCode(...bytes.subarray(0, NAMES_BYTES)).includes(text);

/** Extension of the folders that are OME-Zarr stores, which `readOmeZarr` reads. */
const STORE_EXTENSION = 'zarr';

/** File name extensions of the supported formats, lower case without the dot. */
export const READABLE_EXTENSIONS: readonly string[] = [
  ...FORMATS.flatMap((format) => format.extensions),
  STORE_EXTENSION,
];

/** The extensions of the formats with this content. */
export function extensionsOf(...holds: readonly Format['holds'][]): ReadonlySet<string> {
  return new Set(FORMATS.filter((format) => holds.includes(format.holds)).flatMap((format) => format.extensions));
}
