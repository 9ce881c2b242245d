import type { ByteSource } from '../../../files.ts';

const SMALL_FILE_BYTES = 2 ** 20;
const SMALL_READ_BYTES = 2 ** 10;
const WINDOW_BYTES = 2 ** 12;
const WINDOWS = 8;

interface Window {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/**
 * A file whose small parts are read together with what surrounds them: a directory, the next one and their values are
 * close to each other. A small file is read as a whole.
 */
export function buffered(source: ByteSource): ByteSource {
  const windows: Window[] = [];
  const isSmall = source.size <= SMALL_FILE_BYTES;
  return {
    size: source.size,
    async read(offset, length) {
      let window = windows.find((one) => offset >= one.offset && offset + length <= one.offset + one.bytes.length);
      if (window === undefined) {
        if (offset + length > source.size || (length > SMALL_READ_BYTES && !isSmall))
          return source.read(offset, length);
        const start = isSmall ? 0 : Math.max(0, offset - SMALL_READ_BYTES);
        const end = isSmall ? source.size : Math.min(source.size, start + WINDOW_BYTES);
        window = { offset: start, bytes: await source.read(start, end - start) };
        windows.push(window);
        if (windows.length > WINDOWS) windows.shift();
      }
      return window.bytes.subarray(offset - window.offset, offset - window.offset + length);
    },
    close: () => source.close(),
  };
}
