/** JPEG (ITU-T T.81) inside other formats. The decoder is started when the first image needs it. */

/** Starting a decoder takes up to 0.2 s: each is started once, on first use. */
export function once<T>(start: () => Promise<T>): () => Promise<T> {
  let started: Promise<T> | undefined;
  return () => {
    started ??= start();
    return started;
  };
}

/** Suppresses the console output of decoders. */
export const SILENT = { print: () => {}, printErr: () => {} };

const libjpegTurbo = once(async () => (await import('@cornerstonejs/codec-libjpeg-turbo-8bit/decode')).default(SILENT));

export interface FrameSize {
  readonly width: number;
  readonly height: number;
  readonly componentCount: number;
}

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

/** A decoder of cornerstone. */
export interface WasmDecoder {
  /** Allocates memory for the compressed bytes. */
  getEncodedBuffer(length: number): Uint8Array;
  decode(): unknown;
  getDecodedBuffer(): Uint8Array;
  getFrameInfo(): FrameSize & { readonly bitsPerSample: number };
  /** Of CharLS. 0: one scan per component, and the samples are output in that order. */
  getInterleaveMode?(): number;
  delete(): void;
}

interface Decoded {
  readonly bytes: Uint8Array;
  readonly info: ReturnType<WasmDecoder['getFrameInfo']>;
  /** Whether the samples are [sample][pixel], not [pixel][sample]. */
  readonly planar: boolean;
}

/** Runs a decoder and frees it. */
export function withDecoder(decoder: WasmDecoder, bytes: Uint8Array): Decoded {
  try {
    decoder.getEncodedBuffer(bytes.length).set(bytes);
    decoder.decode();
    const info = { ...decoder.getFrameInfo() };
    // A copy: the decoder's memory is freed with it.
    return { bytes: decoder.getDecodedBuffer().slice(), info, planar: decoder.getInterleaveMode?.() === 0 };
  } catch (cause) {
    throw cause instanceof Error ? cause : new Error('the decoder failed');
  } finally {
    decoder.delete();
  }
}

/**
 * Decodes an 8-bit image with libjpeg-turbo: grey, or interleaved RGB. The caller must check the declared size before
 * (`startOfFrame`).
 */
export async function decodeJpeg(bytes: Uint8Array): Promise<Decoded> {
  const { JPEGDecoder } = await libjpegTurbo();
  return withDecoder(new JPEGDecoder(), bytes);
}
