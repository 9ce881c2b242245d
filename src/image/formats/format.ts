import { FormatError } from '../../errors.ts';
import type { Zlib } from '../../files.ts';
import type { Image } from '../image.ts';

export interface ReadOptions {
  /** Largest image to make, in bytes of samples. Default 4 GiB, and no more than the memory that Node finds free. */
  readonly maxBytes?: number;
  /** Whether palette pictures become `rgb` (default) or stay the `index` that they hold, as label pictures need. */
  readonly palette?: 'rgb' | 'index';
  /** Read this page alone, counted from 0. Default: all pages. */
  readonly page?: number;
  /**
   * Gives the bytes of another file by its path, for images that lie in two (`.hdr` and `.img`, detached NRRD);
   * undefined when there is none. Without it such images are refused.
   */
  readonly sibling?: (path: string) => Promise<Uint8Array | undefined>;
  /** The platform's own, where it is faster. */
  readonly zlib?: Zlib;
}

/** What a codec is given beside the bytes: the options with their defaults, and the file's name for messages. */
export interface ReadContext {
  readonly file: string;
  readonly maxBytes: number;
  readonly palette: 'rgb' | 'index';
  readonly page: number | undefined;
  readonly sibling: ReadOptions['sibling'] | undefined;
  readonly zlib: Zlib;
}

/** Reads one file format. */
export interface Codec {
  /** @throws FormatError, and nothing else, for bytes that it does not understand. */
  read(bytes: Uint8Array, context: ReadContext): Promise<Image>;
}

/** What Deflate at most makes of its bytes: 258 from two codes of one bit each. */
export const DEFLATE_RATIO = 1032;

/**
 * Refuses a picture whose declared size is more than it may be. To be called before anything of that size is allocated.
 * How well a picture is packed says nothing: an empty label map packs as well as a file made to exhaust memory.
 */
export function checkDeclaredSize(what: string, declaredBytes: number, { file, maxBytes }: ReadContext): void {
  if (declaredBytes <= maxBytes) return;
  throw new FormatError(
    `${what} would take ${formatBytes(declaredBytes)}, more than the limit of ${formatBytes(maxBytes)}.`,
    { file, remedy: 'Crop the image or cut it into parts; a program may raise maxBytes.' },
  );
}

/** `1.5 MiB`; three significant digits. */
function formatBytes(bytes: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'];
  const power = bytes < 1024 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10));
  return `${Number((bytes / 1024 ** power).toPrecision(power === 0 ? 15 : 3))} ${units[power]}`;
}
