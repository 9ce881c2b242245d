/** Codecs without types, or whose type file is missing. */

type WasmDecoder = import('../jpeg.ts').WasmDecoder;

interface WasmOptions {
  readonly print: (text: string) => void;
  readonly printErr: (text: string) => void;
}

declare module '@cornerstonejs/codec-charls/decode' {
  const load: (options: WasmOptions) => Promise<{ readonly JpegLSDecoder: new () => WasmDecoder }>;
  export default load;
}

declare module '@cornerstonejs/codec-openjpeg/decode' {
  const load: (options: WasmOptions) => Promise<{ readonly J2KDecoder: new () => WasmDecoder }>;
  export default load;
}

declare module '@cornerstonejs/codec-libjpeg-turbo-8bit/decode' {
  const load: (options: WasmOptions) => Promise<{ readonly JPEGDecoder: new () => WasmDecoder }>;
  export default load;
}

declare module 'jpeg-lossless-decoder-js' {
  export class Decoder {
    decode(buffer: ArrayBuffer, offset: number, length: number, bytesPerSample?: number): Uint8Array | Uint16Array;
  }
}
