/** The program below `@foxglove/wasm-zstd`, whose own functions allocate memory for each call. */

declare module '@foxglove/wasm-zstd/dist/wasm-zstd.js' {
  /** Pointers are offsets in its memory, whose view changes when it grows. */
  interface Zstandard {
    readonly ready: Promise<unknown>;
    readonly HEAPU8: Uint8Array;
    _malloc(size: number): number;
    _free(at: number): void;
    _compressBound(length: number): number;
    /** @returns the length of the result; -1 if it failed */
    _compress(to: number, most: number, from: number, length: number, level: number): number;
    _decompress(to: number, most: number, from: number, length: number): number;
  }
  export default function load(): Promise<Zstandard>;
}
