/** Strips and tiles of JPEG 2000 (ITU-T T.800), as codestreams or JP2 files. */

import { decodeJpeg2000, type FrameSize } from '../codecs.ts';
import { viewOf } from './directory.ts';
import { type PageLayout, PHOTOMETRIC } from './layout.ts';

/** Start of a codestream, and of its first segment: the size (annex A.5.1). */
const START = [0xff, 0x4f, 0xff, 0x51];
/** A JP2 file has boxes before its codestream. */
const MOST_BEFORE = 4096;

interface Frame extends FrameSize {
  /** Whether a component has fewer pixels than the image. */
  readonly subsampled: boolean;
}

/** What a codestream states; undefined if it is none. */
function frameOf(packed: Uint8Array): Frame | undefined {
  const end = Math.min(packed.length - 40, MOST_BEFORE);
  let start = 0;
  while (start < end && START.some((byte, i) => packed[start + i] !== byte)) start++;
  if (start >= end) return undefined;
  const view = viewOf(packed.subarray(start));
  const componentCount = view.getUint16(40);
  if (view.byteLength < 42 + 3 * componentCount) return undefined;
  const [width, height] = [view.getUint32(8) - view.getUint32(16), view.getUint32(12) - view.getUint32(20)];
  const steps = Array.from({ length: componentCount }, (_, i) => [
    view.getUint8(43 + 3 * i),
    view.getUint8(44 + 3 * i),
  ]);
  return { width, height, componentCount, subsampled: steps.flat().some((step) => step !== 1) };
}

/**
 * The colour space is that of the directory. Number 33003 stands for YCbCr, but there are files of it that state, and
 * hold, RGB.
 */
export function jpeg2000Decompressor(layout: PageLayout) {
  const samples = layout.planar ? 1 : layout.samples;
  return async (packed: Uint8Array, expected: number): Promise<Uint8Array> => {
    const frame = frameOf(packed);
    const isLarger = frame !== undefined && frame.width * frame.height * samples * (layout.bits / 8) > expected;
    if (frame === undefined || isLarger || frame.width !== layout.blockWidth || frame.componentCount !== samples) {
      throw new Error('its JPEG 2000 data has another size than its directory says');
    }
    if (frame.subsampled) throw new Error('JPEG 2000 with components of fewer pixels is not supported');
    const { bytes, info } = await decodeJpeg2000(packed);
    if (info.bitsPerSample > 8 !== layout.bits > 8) {
      throw new Error(
        `its JPEG 2000 data has ${info.bitsPerSample} bits per sample, its directory says ${layout.bits}`,
      );
    }
    return layout.photometric === PHOTOMETRIC.yCbCr ? toRgb(bytes) : bytes;
  };
}

/** Y, Cb and Cr of JFIF (ITU-R BT.601, 0 to 255) as R, G and B. */
function toRgb(bytes: Uint8Array): Uint8Array {
  const out = new Uint8ClampedArray(bytes.length);
  for (let i = 0; i < bytes.length; i += 3) {
    const [y, cb, cr] = [bytes[i], bytes[i + 1] - 128, bytes[i + 2] - 128];
    out[i] = y + 1.402 * cr;
    out[i + 1] = y - 0.344136 * cb - 0.714136 * cr;
    out[i + 2] = y + 1.772 * cb;
  }
  return new Uint8Array(out.buffer);
}
