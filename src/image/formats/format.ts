import { FormatError } from '../../errors.ts';
import type { ByteSource, Zlib } from '../../files.ts';
import { formatBytes } from '../byte-size.ts';
import type { Image, ImageLevel } from '../image.ts';
import type { ImageSource } from '../source.ts';

export interface ReadOptions extends RegionReaders {
  /** Largest image to allocate, in bytes of samples. Default 4 GiB, limited to the free memory in Node. */
  readonly maxBytes?: number;
  /** Whether palette images are converted to `rgb` (default) or keep their `index`, as needed for label images. */
  readonly palette?: 'rgb' | 'index';
  /** Which resolution of a pyramid to read, or what chooses one of them; default 0, the full one. */
  readonly level?: number | ((levels: readonly ImageLevel[]) => number) | undefined;
  /** Read only this page, counted from 0. Default: all pages. */
  readonly page?: number;
  /**
   * Returns the bytes of another file by its path, for images in two files (`.hdr` and `.img`, detached NRRD);
   * undefined if it does not exist. Without it such images are rejected.
   */
  readonly sibling?: (path: string) => Promise<Uint8Array | undefined>;
  /** The platform's own implementation, if faster. */
  readonly zlib?: Zlib;
}

/** What a platform reads by region that others read as a whole: pages are built without it. */
export interface RegionReaders {
  /** Opens a whole slide in DICOM; undefined for what is none. */
  readonly openSlide?: (source: ByteSource, context: ReadContext) => Promise<ImageSource | undefined>;
}

/** Input of a codec besides the bytes: the options with defaults, and the file's name for messages. */
export interface ReadContext extends RegionReaders {
  readonly file: string;
  readonly maxBytes: number;
  readonly palette: 'rgb' | 'index';
  readonly page: number | undefined;
  readonly sibling: ReadOptions['sibling'] | undefined;
  readonly zlib: Zlib;
}

/**
 * Reads one file format: as a whole, or by region; where both, what is not opened is read as a whole.
 * @throws FormatError for bytes that it cannot decode
 */
export type Codec = {
  read?(bytes: Uint8Array, context: ReadContext): Promise<Image>;
  open?(source: ByteSource, context: ReadContext): Promise<ImageSource | undefined>;
};

/** The maximum ratio of Deflate: 258 bytes from two codes of one bit each. */
export const DEFLATE_RATIO = 1032;

/**
 * Rejects an image whose declared size exceeds the limit. To be called before anything of that size is allocated. The
 * compression ratio proves nothing: an empty label map compresses as well as a file made to exhaust memory.
 */
export function checkDeclaredSize(what: string, declaredBytes: number, { file, maxBytes }: ReadContext): void {
  if (declaredBytes <= maxBytes) return;
  throw new FormatError(
    `${what} would take ${formatBytes(declaredBytes)}, more than the limit of ${formatBytes(maxBytes)}.`,
    { file, remedy: 'Crop the image or cut it into parts; a program may raise maxBytes.' },
  );
}
