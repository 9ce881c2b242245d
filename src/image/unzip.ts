import { type UnzipFileInfo, unzipSync } from 'fflate';
import { crc32 } from '../array/crc32.ts';

const END_OF_DIRECTORY = 0x06054b50;
const END_BYTES = 22;
const LOCATOR_BYTES = 20;
const ENTRY_BYTES = 46;
/** Deflate makes at most 1032 bytes of one. */
const MOST_RATIO = 1032;

/**
 * The files of a zip archive by their names, as `unzipSync` of fflate gives them, with their lengths and checksums
 * compared, which it leaves out.
 * @param wanted which of them to unpack
 * @throws Error if the archive is truncated or damaged, or states a length that its bytes cannot have; what `wanted` throws
 */
export function unzip(
  bytes: Uint8Array,
  wanted: (file: UnzipFileInfo) => boolean = () => true,
): { readonly [name: string]: Uint8Array } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let entry = directoryIn(view);
  const stated = new Map<string, { readonly length: number; readonly checksum: number }>();
  // In the order of the directory.
  const filter = (file: UnzipFileInfo): boolean => {
    const checksum = view.getUint32(entry + 16, true);
    entry += ENTRY_BYTES + [28, 30, 32].reduce((sum, field) => sum + view.getUint16(entry + field, true), 0);
    if (!wanted(file)) return false;
    const { name, size, originalSize: length } = file;
    if (length > MOST_RATIO * size + 64) throw damaged();
    stated.set(name, { length, checksum });
    return true;
  };
  const files = unzipSync(bytes, { filter });
  for (const [name, { length, checksum }] of stated) {
    const content = files[name];
    if (content?.length !== length || crc32(content) !== checksum) throw damaged();
  }
  return files;
}

/** Callers say of which file. */
const damaged = (): Error => new Error('damaged');

/** Where the directory begins. */
function directoryIn(view: DataView): number {
  let end = view.byteLength - END_BYTES;
  while (end >= 0 && view.getUint32(end, true) !== END_OF_DIRECTORY) end--;
  if (end < 0) throw damaged();
  const at = view.getUint32(end + 16, true);
  if (at !== 0xffffffff) return at;
  const record = Number(view.getBigUint64(end - LOCATOR_BYTES + 8, true));
  return Number(view.getBigUint64(record + 48, true));
}
