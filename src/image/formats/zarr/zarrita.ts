import { elementCount } from '../../../array/ndarray.ts';
import type { Zstd } from '../../../files.ts';
import { unpackZstd } from '../tiff/zstd.ts';
import { unpackBlosc } from './blosc.ts';
import { withoutCrc32c } from './crc32c.ts';
import { isObject, type Json } from './metadata.ts';

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
    wrap(['blosc', 'numcodecs.blosc'], (codec) => orPlain(codec, unpackBlosc, requireBloscLength));
    // Which does not look at the checksum of a frame.
    wrap(['zstd', 'numcodecs.zstd'], (codec) => orPlain(codec, unpackZstd));
    return zarrita;
  });
  return loaded;
}

/** What stands between the name of a codec and the number of what implements it here. */
const BY = '#';
const CHECKED = '+crc32c';
const platforms = new WeakMap<Zstd, string>();

/** The name by which zarrita decompresses with the Zstandard of a platform, and, with `CHECKED`, compares a checksum. */
function nameOfZstd({ registry }: Zarrita, zstd: Zstd): string {
  const known = platforms.get(zstd);
  if (known !== undefined) return known;
  const number = `${BY}${registry.size}`;
  for (const checked of [false, true]) {
    const codec = {
      fromConfig: (_: unknown, meta: Meta) => ({
        kind: 'bytes_to_bytes',
        encode: (bytes: Uint8Array) => zstd.pack(bytes),
        decode: (bytes: Uint8Array) => zstd.unpack(bytes, mostBytes(meta), { checked, taken: true }),
      }),
    } as unknown as Codec;
    const name = `zstd${checked ? CHECKED : ''}${number}`;
    registry.set(name, async () => codec);
    registry.set(`numcodecs.${name}`, async () => codec);
  }
  platforms.set(zstd, number);
  return number;
}

/** The metadata of an array whose chunks, also those within shards, are decompressed by the Zstandard of a platform. */
export function withZstd(zarrita: Zarrita, metadata: Json, zstd: Zstd): Json {
  const number = nameOfZstd(zarrita, zstd);
  const { codecs, compressor } = metadata;
  if (isObject(compressor) && compressor.id === 'zstd') {
    return { ...metadata, compressor: { ...compressor, id: `zstd${number}` } };
  }
  if (!Array.isArray(codecs)) return metadata;
  const named = (codecs as readonly Json[]).flatMap((codec, i) => {
    // The checksum of what is compressed is compared where it is decompressed.
    const isChecked = codecs[i + 1]?.name === 'crc32c';
    if (codec.name === 'zstd') return { ...codec, name: `zstd${isChecked ? CHECKED : ''}${number}` };
    if (codec.name === 'crc32c' && codecs[i - 1]?.name === 'zstd') return [];
    return isObject(codec.configuration)
      ? { ...codec, configuration: withZstd(zarrita, codec.configuration, zstd) }
      : codec;
  });
  return { ...metadata, codecs: named };
}

/** The name of a codec as stores have it. */
export const plainName = (name: string): string => name.replace('numcodecs.', '').split(BY)[0];

/** zarrita drops the checksum unread. */
const CHECKED_CRC32C = {
  fromConfig: () => ({
    kind: 'bytes_to_bytes',
    encode: () => {
      throw new Error('crc32c is only read');
    },
    decode: withoutCrc32c,
    computeEncodedSize: (size: number) => size + 4,
  }),
} as unknown as Codec;

/** Whether a page's security policy forbids what Emscripten's bindings do: to make functions from texts. */
export const isForbidden = (cause: unknown): boolean => cause instanceof Error && cause.name === 'EvalError';

/** Bytes that codecs before the compression may have added, such as a checksum. */
const SLACK_BYTES = 64;

type Meta = Parameters<Codec['fromConfig']>[1];

/** The most bytes that a chunk may decompress to. */
const mostBytes = ({ shape, dataType }: Meta): number =>
  (elementCount(shape) * Number(/\d+$/.exec(dataType)?.[0] ?? 64)) / 8 + SLACK_BYTES;

/**
 * A compiled decoder, and one in JavaScript where that may not run.
 * @param check throws for bytes that the compiled one would take for more than they are
 */
function orPlain(
  Compiled: Codec,
  plain: (packed: Uint8Array, most: number) => Uint8Array,
  check: (packed: Uint8Array) => void = () => {},
): Codec {
  return {
    ...Compiled,
    fromConfig(config: unknown, meta: Meta) {
      const codec = Compiled.fromConfig(config, meta);
      return {
        kind: 'bytes_to_bytes',
        encode: (bytes: Uint8Array) => codec.encode(bytes),
        async decode(bytes: Uint8Array): Promise<Uint8Array> {
          check(bytes);
          try {
            return await codec.decode(bytes);
          } catch (cause) {
            if (!isForbidden(cause)) throw cause;
            return plain(bytes, mostBytes(meta));
          }
        },
      };
    },
  } as unknown as Codec;
}

/** Blosc decodes whatever lies in memory behind a buffer that is cut off: its header says how long it is. */
function requireBloscLength(packed: Uint8Array): void {
  const stated = packed.length < 16 ? 16 : new DataView(packed.buffer, packed.byteOffset).getUint32(12, true);
  if (stated !== packed.length) throw new Error(`${packed.length} of ${stated} bytes are there`);
}
