/** The headers of JPEG streams (ITU-T T.81) inside other formats. */

import type { FrameSize } from './codecs.ts';

interface FrameHeader extends FrameSize {
  /** 0xc0 baseline, 0xc1 extended, 0xc2 progressive, 0xc3 lossless, ... */
  readonly marker: number;
  readonly precision: number;
}

/** The frame header of a JPEG stream; undefined if it is not one. */
export function startOfFrame(bytes: Uint8Array): FrameHeader | undefined {
  if (bytes[0] !== 0xff || bytes[1] !== 0xd8) return undefined;
  const word = (at: number) => ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
  for (let at = 2; at + 10 < bytes.length; ) {
    if (bytes[at] !== 0xff) return undefined;
    const marker = bytes[at + 1];
    if (marker === 0xff) {
      at++;
      continue;
    }
    if (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)) {
      return {
        marker,
        precision: bytes[at + 4],
        height: word(at + 5),
        width: word(at + 7),
        componentCount: bytes[at + 9],
      };
    }
    if (marker === 0xda) return undefined;
    at += 2 + word(at + 2);
  }
  return undefined;
}
