/** Zeiss LSM: the meaning of the pages is in a private structure; every other page is a thumbnail. */
import { strFromU8 } from 'fflate';
import { FormatError } from '../../../errors.ts';
import { spacingOf, spacingsOf } from '../../units.ts';
import { type Arrangement, type Described, firstOf, gridOf, stack } from './arrangement.ts';
import { type Directory, type TiffFile, viewOf } from './directory.ts';
import { COMPRESSION, type PageLayout } from './layout.ts';

/** The meaning of a page's rows in scans whose pages are not planes of x and y (ScanType of CZ_LSMINFO). */
const ROWS: Readonly<Record<number, 'z' | 't'>> = { 1: 'z', 2: 't', 4: 'z', 5: 't', 8: 'z', 9: 'z', 10: 't' };

/** As much of CZ_LSMINFO as is read. */
const INFO_BYTES = 272;
/** Byte offsets in it. */
const AT = {
  z: 16,
  channels: 20,
  t: 24,
  sizeX: 40,
  sizeY: 48,
  sizeZ: 56,
  scan: 88,
  colours: 108,
  interval: 112,
  p: 264,
  m: 268,
};

export async function lsmArrangement({
  tiff,
  directories,
  layout,
  held,
  file,
}: Described): Promise<Arrangement | undefined> {
  const info = directories[0].location('CZ_LSMINFO');
  if (info === undefined) return undefined;
  const view = viewOf(await tiff.source.read(info.offset, Math.min(info.count, INFO_BYTES)));
  const int = (at: number) => (at + 4 <= info.count ? Math.max(1, view.getInt32(at, true)) : 1);
  const um = (at: number) => spacingOf(rounded(view.getFloat64(at, true) * 1e6), 'µm');
  const rows = ROWS[view.getUint16(AT.scan, true)];
  const z = rows === 'z' ? 1 : int(AT.z);
  const positions = int(AT.p) * int(AT.m);
  // Channels are samples of a page, except in files with one page per channel.
  const c = layout.samples === 1 ? int(AT.channels) : 1;
  const planned = rows === 't' ? 1 : int(AT.t);
  // A recording may have been stopped.
  const t = Math.min(planned, Math.max(1, Math.floor(held / (z * c * positions))));
  const spacing = spacingsOf({
    x: um(AT.sizeX),
    y: rows === undefined ? um(AT.sizeY) : rows === 'z' ? um(AT.sizeZ) : undefined,
    z: um(AT.sizeZ),
    t: spacingOf(view.getFloat64(AT.interval, true), 's'),
  });
  if (z * t * c * positions !== held) {
    const stated = `${z} slices x ${planned} times x ${positions} positions`;
    throw new FormatError(`it states ${stated} (LSM), but holds ${held} pages.`, {
      file,
      remedy: 'Open it in Fiji and save it as TIFF.',
    });
  }
  const notes = positions > 1 ? [firstOf(positions, 'positions of LSM')] : [];
  if (t < planned) notes.push(`The file states ${planned} time points (LSM) but contains ${t}.`);
  if (rows !== undefined) notes.push(`The rows of its pages are ${rows === 'z' ? 'slices' : 'times'} (LSM).`);
  const channels = await channelNames(tiff, view.getUint32(AT.colours, true));
  return { ...stack(1), ...gridOf('tzc', { t, z, c }), spacing, channels, notes };
}

/** A directory whose two BitsPerSample may be stored elsewhere, although they would fit in place. */
export async function lsmDirectory(directory: Directory, { source }: TiffFile): Promise<Directory> {
  const inPlace = directory.all('BitsPerSample');
  const [low, high] = inPlace;
  const offset = low + high * 65_536;
  if (inPlace.length !== 2 || low === high || offset + 4 > source.size) return directory;
  const view = viewOf(await source.read(offset, 4));
  const bits = Float64Array.of(view.getUint16(0, true), view.getUint16(2, true));
  return { ...directory, all: (tag) => (tag === 'BitsPerSample' ? bits : directory.all(tag)) };
}

/** LSM states the uncompressed lengths of strips, and LZW ends by itself; a predictor requires compression. */
export function lsmLayout(layout: PageLayout, fileBytes: number): PageLayout {
  const { compression, offsets, byteCounts } = layout;
  if (compression === COMPRESSION.none) return { ...layout, predictor: 1 };
  const most = byteCounts.map((count, i) => Math.max(0, Math.min(2 * count, fileBytes - offsets[i])));
  return compression === COMPRESSION.lzw ? { ...layout, byteCounts: most } : layout;
}

/** The block of the channels' names is shorter. */
const MAX_NAMES_BYTES = 2 ** 20;

const rounded = (value: number) => Number(value.toPrecision(12));

/** The names of the channels' colours: a block with its length, counts, and the offset of the names. */
async function channelNames({ source }: TiffFile, start: number): Promise<string[] | undefined> {
  if (start === 0 || start + 24 > source.size) return undefined;
  const stated = viewOf(await source.read(start, 4)).getUint32(0, true);
  const block = await source.read(
    start,
    Math.min(source.size - start, Math.max(24, Math.min(stated, MAX_NAMES_BYTES))),
  );
  const view = viewOf(block);
  const [end, count] = [Math.min(block.length, stated), view.getUint32(8, true)];
  const names: string[] = [];
  for (let at = view.getUint32(16, true); at + 4 < end && names.length < count; ) {
    const length = view.getUint32(at, true);
    names.push(strFromU8(block.subarray(at + 4, at + 4 + length), true).replace(/\0.*$/s, ''));
    at += 4 + length;
  }
  return names;
}
