/** Codecs without types, or whose type file is missing. */

type WasmDecoder = import('./codecs.ts').WasmDecoder;
type WasmOptions = import('./codecs.ts').WasmOptions;

declare module '@cornerstonejs/codec-charls/decodewasmjs' {
  const load: (options: WasmOptions) => Promise<{ readonly JpegLSDecoder: new () => WasmDecoder }>;
  export default load;
}

declare module '@cornerstonejs/codec-openjpeg/decodewasmjs' {
  const load: (options: WasmOptions) => Promise<{ readonly J2KDecoder: new () => WasmDecoder }>;
  export default load;
}

declare module '@cornerstonejs/codec-libjpeg-turbo-8bit/decodewasmjs' {
  const load: (options: WasmOptions) => Promise<{ readonly JPEGDecoder: new () => WasmDecoder }>;
  export default load;
}

declare module 'jpeg-lossless-decoder-js' {
  export class Decoder {
    decode(buffer: ArrayBuffer, offset: number, length: number, bytesPerSample?: number): Uint8Array | Uint16Array;
  }
}

declare module 'jsfive' {
  export const File: new (buffer: ArrayBuffer, name: string) => import('./hdf5/hdf5.ts').Hdf5Group;
}
