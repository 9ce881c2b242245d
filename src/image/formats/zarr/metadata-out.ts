/** The metadata of arrays and images as they are written: Zarr 3 and OME-Zarr 0.5. */

import { float16ToNumber } from '../../../array/float16.ts';
import type { DType, Storage } from '../../../array/ndarray.ts';
import { sizes } from '../../image.ts';
import type { PyramidLevel } from '../../pyramid.ts';
import type { ImageInfo } from '../../source.ts';
import type { ShardedArray } from './shards.ts';

/** The default of zarr-python and of Node. */
export const ZSTD_LEVEL = 3;

const BYTES = { name: 'bytes', configuration: { endian: 'little' } };
const CHECKSUM = { name: 'crc32c' };

/** `zarr.json` of an array. */
export function arrayMetadata({ dtype, shape, chunk, shard }: ShardedArray, axes: string): object {
  return {
    zarr_format: 3,
    node_type: 'array',
    shape,
    data_type: dtype,
    chunk_grid: { name: 'regular', configuration: { chunk_shape: shard } },
    chunk_key_encoding: { name: 'default', configuration: { separator: '/' } },
    fill_value: dtype === 'bool' ? false : 0,
    codecs: [
      {
        name: 'sharding_indexed',
        configuration: {
          chunk_shape: chunk,
          codecs: [BYTES, { name: 'zstd', configuration: { level: ZSTD_LEVEL, checksum: false } }, CHECKSUM],
          index_codecs: [BYTES, CHECKSUM],
          index_location: 'end',
        },
      },
    ],
    attributes: { lamella: { all_shards: true } },
    dimension_names: [...axes],
  };
}

/** Units as OME-Zarr spells them; others are written as they are. */
const UNITS: Readonly<Record<string, string>> = {
  µm: 'micrometer',
  nm: 'nanometer',
  mm: 'millimeter',
  cm: 'centimeter',
  m: 'meter',
  Å: 'angstrom',
  s: 'second',
  ms: 'millisecond',
  min: 'minute',
  h: 'hour',
};
const TYPES: Readonly<Record<string, string>> = { t: 'time', c: 'channel' };
const COLOURS: Readonly<Record<string, string>> = { red: 'FF0000', green: '00FF00', blue: '0000FF', grey: 'FFFFFF' };
/** Of channels without a colour's name. */
const CHANNEL_COLOURS = ['00FF00', 'FF00FF', '00FFFF', 'FFFF00', 'FF0000', '0000FF'];

/** Attributes of the group of an image. */
export function imageMetadata(
  info: ImageInfo,
  levels: readonly PyramidLevel[],
  { name, isLabel, range }: { readonly name: string; readonly isLabel: boolean; readonly range: ValueRange },
): object {
  const axes = [...info.axes] as ('t' | 'c' | 'z' | 'y' | 'x')[];
  const spacings = axes.map((axis) => (axis === 'c' ? undefined : info.spacing[axis]));
  const multiscales = [
    {
      name,
      type: isLabel ? 'nearest' : 'mean',
      axes: axes.map((axis, i) => {
        const unit = spacings[i]?.unit;
        return {
          name: axis,
          type: TYPES[axis] ?? 'space',
          ...(unit === undefined ? {} : { unit: UNITS[unit] ?? unit }),
        };
      }),
      datasets: levels.map(({ steps }, n) => ({
        path: String(n),
        coordinateTransformations: [
          { type: 'scale', scale: steps.map((step, i) => step * (spacings[i]?.value ?? 1)) },
          // The centre of the first pixel: it covers `step` pixels of the full resolution.
          { type: 'translation', translation: steps.map((step, i) => ((step - 1) / 2) * (spacings[i]?.value ?? 1)) },
        ],
      })),
    },
  ];
  const { labelKind, valueUnit } = info;
  return {
    ome: {
      version: '0.5',
      multiscales,
      ...(isLabel ? { 'image-label': { source: { image: '../../' } } } : { omero: omero(info, range) }),
    },
    ...(labelKind === undefined && valueUnit === undefined ? {} : { lamella: { labelKind, valueUnit } }),
  };
}

/** How channels are shown. */
function omero(info: ImageInfo, range: ValueRange): object {
  const { channels: count } = sizes(info);
  const window = range.window();
  const [start, end] = info.window ?? [window.min, window.max];
  const channels = Array.from({ length: count }, (_, c) => {
    const label = info.channels?.[c];
    const colour = count === 1 ? 'FFFFFF' : (COLOURS[label ?? ''] ?? CHANNEL_COLOURS[c % CHANNEL_COLOURS.length]);
    return {
      ...(label === undefined ? {} : { label }),
      color: colour,
      active: true,
      window: { ...window, start, end },
    };
  });
  return { channels, rdefs: { model: count === 1 ? 'greyscale' : 'color' } };
}

/** The least and the greatest value of what is written; of small integers all that there can be. */
export class ValueRange {
  readonly #dtype: DType;
  #low = Number.POSITIVE_INFINITY;
  #high = Number.NEGATIVE_INFINITY;

  constructor(dtype: DType) {
    this.#dtype = dtype;
    if (dtype === 'uint8' || dtype === 'bool') [this.#low, this.#high] = [0, dtype === 'bool' ? 1 : 255];
  }

  add(data: Storage[DType]): void {
    if (this.#dtype === 'uint8' || this.#dtype === 'bool') return;
    const isHalf = this.#dtype === 'float16';
    let [low, high] = [this.#low, this.#high];
    for (let i = 0; i < data.length; i++) {
      const value = isHalf ? float16ToNumber(data[i] as number) : Number(data[i]);
      if (value < low && value > Number.NEGATIVE_INFINITY) low = value;
      if (value > high && value < Number.POSITIVE_INFINITY) high = value;
    }
    [this.#low, this.#high] = [low, high];
  }

  /** 0 to 1 where no value is finite. */
  window(): { readonly min: number; readonly max: number } {
    return this.#low <= this.#high ? { min: this.#low, max: this.#high } : { min: 0, max: 1 };
  }
}
