/** The headers of JPEG streams (ITU-T T.81), as files and inside other formats. */

import { strFromU8 } from 'fflate';
import type { FrameSize } from '../codecs.ts';

interface FrameHeader extends FrameSize {
  /** 0xc0 baseline, 0xc1 extended, 0xc2 progressive, 0xc3 lossless, ... */
  readonly marker: number;
  readonly precision: number;
}

/** The frame header of a JPEG stream; undefined if it is not one. */
export function startOfFrame(bytes: Uint8Array): FrameHeader | undefined {
  const found = segment(bytes, (marker) => marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker));
  if (found === undefined) return undefined;
  const { marker, view } = found;
  if (view.byteLength < 6) return undefined;
  return {
    marker,
    precision: view.getUint8(0),
    height: view.getUint16(1),
    width: view.getUint16(3),
    componentCount: view.getUint8(5),
  };
}

/** The orientation in Exif, 1 to 8 (Exif 2.3, 4.6.4 A); 1, upright, if none is stated. */
export function orientationOf(bytes: Uint8Array): number {
  const name = 'Exif\0\0';
  const exif = segment(
    bytes,
    (marker, at) => marker === 0xe1 && strFromU8(bytes.subarray(at, at + name.length), true) === name,
  );
  if (exif === undefined || exif.view.byteLength < name.length + 8) return 1;
  const { buffer, byteOffset, byteLength } = exif.view;
  // A TIFF file of which the first directory is read.
  const tiff = new DataView(buffer, byteOffset + name.length, byteLength - name.length);
  const little = tiff.getUint16(0) === 0x4949;
  const directory = tiff.getUint32(4, little);
  const entries = directory + 2 <= tiff.byteLength ? tiff.getUint16(directory, little) : 0;
  for (let at = directory + 2, i = 0; i < entries && at + 12 <= tiff.byteLength; i++, at += 12) {
    if (tiff.getUint16(at, little) !== 0x0112) continue;
    const value = tiff.getUint16(at + 8, little);
    return value >= 1 && value <= 8 ? value : 1;
  }
  return 1;
}

/** The content of the first marker segment that is wanted, before the first scan. */
function segment(
  bytes: Uint8Array,
  isWanted: (marker: number, at: number) => boolean,
): { readonly marker: number; readonly view: DataView } | undefined {
  if (bytes[0] !== 0xff || bytes[1] !== 0xd8) return undefined;
  for (let at = 2; at + 4 <= bytes.length; ) {
    if (bytes[at] !== 0xff) return undefined;
    const marker = bytes[at + 1];
    if (marker === 0xff) {
      at++;
      continue;
    }
    if (marker === 0xda) return undefined;
    const length = (bytes[at + 2] << 8) | bytes[at + 3];
    const end = Math.min(at + 2 + length, bytes.length);
    if (isWanted(marker, at + 4)) {
      return { marker, view: new DataView(bytes.buffer, bytes.byteOffset + at + 4, Math.max(0, end - at - 4)) };
    }
    at += 2 + length;
  }
  return undefined;
}
