import { FormatError } from '../../errors.ts';
import type { Image } from '../image.ts';
import type { Zlib } from '../zlib.ts';

export interface ReadOptions {
  /** Largest image to make, in bytes of samples. Default 4 GiB. */
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

/** Deflate cannot go beyond 1032 to 1 and LZW hardly does; a flat picture in zstd or JPEG may, if it is small. */
const PLAUSIBLE_RATIO = 2600;
const HARMLESS_BYTES = 64 * 2 ** 20;

/**
 * Refuses a picture whose declared size is more than it may be, or more than a file of `fileBytes` can hold.
 * To be called before anything of that size is allocated.
 */
export function checkDeclaredSize(what: string, declaredBytes: number, fileBytes: number, context: ReadContext): void {
  if (declaredBytes > context.maxBytes) {
    throw new FormatError(
      `${what} would take ${formatBytes(declaredBytes)}, more than the limit of ${formatBytes(context.maxBytes)}.`,
      {
        file: context.file,
        remedy: 'Crop the image or cut it into parts; a program may raise maxBytes.',
      },
    );
  }
  if (declaredBytes > HARMLESS_BYTES && declaredBytes > fileBytes * PLAUSIBLE_RATIO) {
    throw new FormatError(
      `${what} would take ${formatBytes(declaredBytes)}, but the file has only ${formatBytes(fileBytes)}: it is damaged or made to exhaust memory.`,
      { file: context.file, remedy: 'Get the file again from where it came from.' },
    );
  }
}

/** `1.5 MiB`; three significant digits. */
function formatBytes(bytes: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'];
  const power = bytes < 1024 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10));
  return `${Number((bytes / 1024 ** power).toPrecision(power === 0 ? 15 : 3))} ${units[power]}`;
}
