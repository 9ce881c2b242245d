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
    for (const name of ['blosc', 'numcodecs.blosc']) {
      const load = registry.get(name) as NonNullable<ReturnType<Registry['get']>>;
      registry.set(name, async () => withBloscLength(await load()));
    }
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
