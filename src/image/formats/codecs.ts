/** Decoders compiled to WebAssembly, each started when the first image needs it. */

import { LamellaError } from '../../errors.ts';

export interface FrameSize {
  readonly width: number;
  readonly height: number;
  readonly componentCount: number;
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

export interface WasmOptions {
  readonly print: () => void;
  readonly printErr: () => void;
  readonly locateFile: (name: string, folder: string) => string;
}

/** A decoder that is started once, on first use, without output to the console. */
function decoderOf(
  what: string,
  wasm: URL,
  start: (options: WasmOptions) => Promise<new () => WasmDecoder>,
): () => Promise<new () => WasmDecoder> {
  let started: ReturnType<typeof start> | undefined;
  const silent = () => {};
  // In Node the file lies beside the code of its package, in a page where the bundler has put it.
  const locateFile = (name: string, folder: string) => (wasm.protocol === 'file:' ? folder + name : wasm.href);
  return () => {
    started ??= start({ print: silent, printErr: silent, locateFile }).catch((cause: unknown) => {
      started = undefined;
      throw new LamellaError(`the decoder of ${what} cannot be loaded.`, {
        remedy: 'Reload the page; whoever builds it must serve the .wasm files of @cornerstonejs with it.',
        cause,
      });
    });
    return started;
  };
}

const libjpegTurbo = decoderOf(
  'JPEG',
  new URL('@cornerstonejs/codec-libjpeg-turbo-8bit/decodewasm', import.meta.url),
  async (options) => {
    const { default: load } = await import('@cornerstonejs/codec-libjpeg-turbo-8bit/decodewasmjs');
    return (await load(options)).JPEGDecoder;
  },
);

const openJpeg = decoderOf(
  'JPEG 2000',
  new URL('@cornerstonejs/codec-openjpeg/decodewasm', import.meta.url),
  async (options) => {
    const { default: load } = await import('@cornerstonejs/codec-openjpeg/decodewasmjs');
    return (await load(options)).J2KDecoder;
  },
);

const charls = decoderOf(
  'JPEG-LS',
  new URL('@cornerstonejs/codec-charls/decodewasm', import.meta.url),
  async (options) => {
    const { default: load } = await import('@cornerstonejs/codec-charls/decodewasmjs');
    return (await load(options)).JpegLSDecoder;
  },
);

async function decodeBy(decoderOf: () => Promise<new () => WasmDecoder>, bytes: Uint8Array): Promise<Decoded> {
  const Decoder = await decoderOf();
  const decoder = new Decoder();
  try {
    decoder.getEncodedBuffer(bytes.length).set(bytes);
    decoder.decode();
    const info = { ...decoder.getFrameInfo() };
    // A copy, since the decoder's memory is freed with it, and of one type: that of JPEG is a Uint8ClampedArray.
    return { bytes: new Uint8Array(decoder.getDecodedBuffer()), info, planar: decoder.getInterleaveMode?.() === 0 };
  } catch (cause) {
    throw cause instanceof Error ? cause : new Error('the decoder failed');
  } finally {
    decoder.delete();
  }
}

/**
 * Decodes JPEG (ITU-T T.81) of 8 bits with libjpeg-turbo: grey, or interleaved RGB. The caller must check the declared
 * size before (`startOfFrame`).
 */
export const decodeJpeg = (bytes: Uint8Array): Promise<Decoded> => decodeBy(libjpegTurbo, bytes);

/** Decodes JPEG 2000 (ITU-T T.800) with OpenJPEG: interleaved samples of 1 or 2 bytes, little-endian. */
export const decodeJpeg2000 = (bytes: Uint8Array): Promise<Decoded> => decodeBy(openJpeg, bytes);

/** Decodes JPEG-LS (ITU-T T.87), lossless and near-lossless, with CharLS. */
export const decodeJpegLs = (bytes: Uint8Array): Promise<Decoded> => decodeBy(charls, bytes);
