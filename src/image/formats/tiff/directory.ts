import { FormatError } from '../../../errors.ts';
import type { ByteSource } from '../../../files.ts';
import { formatBytes } from '../../byte-size.ts';

/** Supported tags, with the names of the TIFF 6.0 specification and its extensions. */
export const TAG = {
  NewSubfileType: 254,
  SubfileType: 255,
  ImageWidth: 256,
  ImageLength: 257,
  BitsPerSample: 258,
  Compression: 259,
  PhotometricInterpretation: 262,
  FillOrder: 266,
  ImageDescription: 270,
  StripOffsets: 273,
  Orientation: 274,
  SamplesPerPixel: 277,
  RowsPerStrip: 278,
  StripByteCounts: 279,
  XResolution: 282,
  YResolution: 283,
  PlanarConfiguration: 284,
  ResolutionUnit: 296,
  Predictor: 317,
  ColorMap: 320,
  TileWidth: 322,
  TileLength: 323,
  TileOffsets: 324,
  TileByteCounts: 325,
  SubIFDs: 330,
  ExtraSamples: 338,
  SampleFormat: 339,
  JPEGTables: 347,
  YCbCrSubSampling: 530,
  ImageDepth: 32997,
  UIC1Tag: 33628,
  UIC2Tag: 33629,
  CZ_LSMINFO: 34412,
  GDAL_NODATA: 42113,
  MicroManagerMetadata: 51123,
} as const;

type TagName = keyof typeof TAG;
const NAME_OF = new Map<number, TagName>(Object.entries(TAG).map(([name, tag]) => [tag, name as TagName]));

/** Bytes per value of each field type, by its number; 0 = undefined type. */
const TYPE_BYTES = [0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8, 8, 8];
/** Reads one value of the types that are wider than a byte. */
const NUMBER: Readonly<Record<number, (view: DataView, at: number, littleEndian: boolean) => number>> = {
  3: (view, at, little) => view.getUint16(at, little),
  4: (view, at, little) => view.getUint32(at, little),
  5: (view, at, little) => view.getUint32(at, little) / view.getUint32(at + 4, little),
  8: (view, at, little) => view.getInt16(at, little),
  9: (view, at, little) => view.getInt32(at, little),
  10: (view, at, little) => view.getInt32(at, little) / view.getInt32(at + 4, little),
  11: (view, at, little) => view.getFloat32(at, little),
  12: (view, at, little) => view.getFloat64(at, little),
  13: (view, at, little) => view.getUint32(at, little),
  16: (view, at, little) => Number(view.getBigUint64(at, little)),
  17: (view, at, little) => Number(view.getBigInt64(at, little)),
  18: (view, at, little) => Number(view.getBigUint64(at, little)),
};
const ASCII = 2;
const RATIONAL = 5;

/** The known tags of one page. Numbers are widened to float64; an ASCII value is kept as bytes. */
export interface Directory {
  /** Offset in the file. */
  readonly offset: number;
  /** The values of a tag; empty if it is missing. */
  all(tag: TagName): Float64Array;
  /** The first value of a tag. */
  first(tag: TagName): number | undefined;
  /** The reciprocal of the first value of a RATIONAL tag, with a single rounding. */
  inverse(tag: TagName): number | undefined;
  /** The bytes of an ASCII or UNDEFINED tag, without trailing zeros. */
  bytes(tag: TagName): Uint8Array | undefined;
  /** Offset of the values of a tag, and their stated number: for tags with an internal structure. */
  location(tag: TagName): { readonly offset: number; readonly count: number } | undefined;
}

export interface TiffFile {
  readonly source: ByteSource;
  readonly littleEndian: boolean;
  /** The chain of pages. */
  readonly directories: readonly Directory[];
  /** A directory outside the chain, such as one of `SubIFDs`. @throws as `readDirectories` */
  directoryAt(offset: number): Promise<Directory>;
}

/** The tables of the largest images, of strips and tiles, take less. */
const MAX_DIRECTORY_BYTES = 2 ** 30;

/**
 * Reads the header and the chain of directories of a classic or Big TIFF. Allocates nothing that the file could not
 * contain: counts and offsets are first checked against its length.
 *
 * @throws FormatError if something lies outside the file, or the chain is cyclic
 */
export async function readDirectories(source: ByteSource, file: string): Promise<TiffFile> {
  const need = (offset: number, length: number) => {
    if (offset + length > source.size) {
      throw new FormatError(
        `the file ends at byte ${source.size}, but its directory points to byte ${offset + length}: it is truncated or damaged.`,
        { file, remedy: 'Copy or save it again.' },
      );
    }
  };
  const bytesAt = (offset: number, length: number): Promise<Uint8Array> => {
    need(offset, length);
    if (length > MAX_DIRECTORY_BYTES) {
      throw new FormatError(`the TIFF directory is damaged: it states a table of ${formatBytes(length)}.`, {
        file,
        remedy: 'Save it again.',
      });
    }
    return source.read(offset, length);
  };
  const header = viewOf(await bytesAt(0, 8));
  const littleEndian = header.getUint8(0) === 0x49;
  const big = header.getUint16(2, littleEndian) === 43;
  const pointerBytes = big ? 8 : 4;
  const pointer = (view: DataView, at: number) =>
    big ? Number(view.getBigUint64(at, littleEndian)) : view.getUint32(at, littleEndian);
  if (big && header.getUint16(4, littleEndian) !== 8) {
    throw new FormatError('its BigTIFF header is not valid.', { file, remedy: 'Save it again as TIFF.' });
  }

  const entryBytes = big ? 20 : 12;
  const countBytes = big ? 8 : 2;
  const readDirectory = async (start: number): Promise<{ directory: Directory; next: number }> => {
    const counted = viewOf(await bytesAt(start, countBytes));
    const entries = big ? pointer(counted, 0) : counted.getUint16(0, littleEndian);
    const firstEntry = start + countBytes;
    const table = viewOf(await bytesAt(firstEntry, entries * entryBytes));
    const values = new Map<TagName, Float64Array | Uint8Array>();
    const inverses = new Map<TagName, number>();
    const locations = new Map<TagName, { offset: number; count: number }>();
    for (let i = 0; i < entries; i++) {
      const at = i * entryBytes;
      const name = NAME_OF.get(table.getUint16(at, littleEndian));
      const type = table.getUint16(at + 2, littleEndian);
      const valueBytes = TYPE_BYTES[type] ?? 0;
      if (name === undefined || valueBytes === 0) continue;
      const count = pointer(table, at + 4);
      const length = count * valueBytes;
      const inline = at + 4 + pointerBytes;
      const offset = length <= pointerBytes ? firstEntry + inline : pointer(table, inline);
      const raw = await bytesAt(offset, length);
      locations.set(name, { offset, count });
      if (type === RATIONAL && count > 0) {
        const view = viewOf(raw);
        inverses.set(name, view.getUint32(4, littleEndian) / view.getUint32(0, littleEndian));
      }
      values.set(
        name,
        valueBytes === 1 ? (type === ASCII ? trimZeros(raw) : raw) : numbers(viewOf(raw), type, count, littleEndian),
      );
    }
    const directory: Directory = {
      offset: start,
      location: (tag) => locations.get(tag),
      all: (tag) => Float64Array.from(values.get(tag) ?? []),
      first: (tag) => values.get(tag)?.[0],
      inverse: (tag) => inverses.get(tag),
      bytes: (tag) => {
        const value = values.get(tag);
        return value instanceof Uint8Array ? value : undefined;
      },
    };
    // Some writers omit the last pointer at the very end of the file.
    const link = firstEntry + entries * entryBytes;
    const isLast = link + pointerBytes > source.size;
    return { directory, next: isLast ? 0 : pointer(viewOf(await source.read(link, pointerBytes)), 0) };
  };

  const directories: Directory[] = [];
  const seen = new Set<number>();
  let next = pointer(viewOf(await bytesAt(big ? 8 : 4, pointerBytes)), 0);
  while (next !== 0) {
    if (seen.has(next)) {
      throw new FormatError('its list of pages runs in a circle.', { file, remedy: 'Save it again as TIFF.' });
    }
    seen.add(next);
    const read = await readDirectory(next);
    directories.push(read.directory);
    next = read.next;
  }
  return { source, littleEndian, directories, directoryAt: async (at) => (await readDirectory(at)).directory };
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function trimZeros(raw: Uint8Array): Uint8Array {
  const end = raw.indexOf(0);
  return end < 0 ? raw : raw.subarray(0, end);
}

function numbers(view: DataView, type: number, count: number, littleEndian: boolean): Float64Array {
  const size = TYPE_BYTES[type];
  return Float64Array.from({ length: count }, (_, i) => NUMBER[type](view, i * size, littleEndian));
}
