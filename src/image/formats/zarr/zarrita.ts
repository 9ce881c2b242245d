import { elementCount } from '../../../array/ndarray.ts';
import { unpackZstd } from '../tiff/zstd.ts';
import { crc32c } from './crc32c.ts';

export type Zarrita = typeof import('zarrita');

type Registry = Zarrita['registry'];
type Codec = Awaited<ReturnType<Registry extends Map<string, infer Load extends () => unknown> ? Load : never>>;

let loaded: Promise<Zarrita> | undefined;

/** zarrita, loaded with the first store that is read, with codecs that check what its own do not. */
export function loadZarrita(): Promise<Zarrita> {
  loaded ??= import('zarrita').then((zarrita) => {
    const { registry } = zarrita;
    registry.set('crc32c', async () => CHECKED_CRC32C);
    const wrap = (names: readonly string[], by: (codec: Codec) => Codec): void => {
      for (const name of names) {
        const load = registry.get(name) as NonNullable<ReturnType<Registry['get']>>;
        registry.set(name, async () => by(await load()));
      }
    };
    wrap(['blosc', 'numcodecs.blosc'], withBloscLength);
    wrap(['zstd', 'numcodecs.zstd'], withPlainZstd);
    return zarrita;
  });
  return loaded;
}

/** zarrita drops the checksum unread. */
const CHECKED_CRC32C = {
  fromConfig: () => ({
    kind: 'bytes_to_bytes',
    encode: () => {
      throw new Error('crc32c is only read');
    },
    decode(bytes: Uint8Array): Uint8Array {
      const end = bytes.length - 4;
      if (end < 0) throw new Error('there is no checksum');
      const stated = new DataView(bytes.buffer, bytes.byteOffset + end).getUint32(0, true);
      const content = bytes.subarray(0, end);
      if (crc32c(content) !== stated) throw new Error('the checksum is wrong');
      return content;
    },
    computeEncodedSize: (size: number) => size + 4,
  }),
} as unknown as Codec;

/** Whether a page's security policy forbids what Emscripten's bindings do: to make functions from texts. */
export const isForbidden = (cause: unknown): boolean => cause instanceof Error && cause.name === 'EvalError';

/** Bytes that codecs before the compression may have added, such as a checksum. */
const SLACK_BYTES = 64;

/** Where the compiled decoder may not run, one in JavaScript, which does not look at the checksum of a frame. */
function withPlainZstd(Zstd: Codec): Codec {
  return {
    ...Zstd,
    fromConfig(config: unknown, meta: Parameters<Codec['fromConfig']>[1]) {
      const codec = Zstd.fromConfig(config, meta);
      const bits = Number(/\d+$/.exec(meta.dataType)?.[0] ?? 64);
      return {
        kind: 'bytes_to_bytes',
        encode: (bytes: Uint8Array) => codec.encode(bytes),
        async decode(bytes: Uint8Array): Promise<Uint8Array> {
          try {
            return await codec.decode(bytes);
          } catch (cause) {
            if (!isForbidden(cause)) throw cause;
            return unpackZstd(bytes, (elementCount(meta.shape) * bits) / 8 + SLACK_BYTES);
          }
        },
      };
    },
  } as unknown as Codec;
}

/** Blosc decodes whatever lies in memory behind a buffer that is cut off: its header says how long it is. */
function withBloscLength(Blosc: Codec): Codec {
  return {
    ...Blosc,
    fromConfig(config: unknown, meta: Parameters<Codec['fromConfig']>[1]) {
      const codec = Blosc.fromConfig(config, meta);
      return {
        kind: 'bytes_to_bytes',
        encode: (bytes: Uint8Array) => codec.encode(bytes),
        decode(bytes: Uint8Array): Promise<Uint8Array> | Uint8Array {
          const stated = bytes.length < 16 ? 16 : new DataView(bytes.buffer, bytes.byteOffset).getUint32(12, true);
          if (stated !== bytes.length) throw new Error(`${bytes.length} of ${stated} bytes are there`);
          return codec.decode(bytes);
        },
      };
    },
  } as unknown as Codec;
}
