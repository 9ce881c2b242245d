/**
 * Conversions of images. None is applied automatically, and only those that say so in their name change values. All
 * keep pixel size, geometry and source, and return their argument if there is nothing to do.
 */

import { float16ToNumber } from '../array/float16.ts';
import { allocate, type DType, elementCount, type Storage } from '../array/ndarray.ts';
import { UsageError } from '../errors.ts';
import { millimetres, sliceOrigin } from './geometry.ts';
import { type Geometry, type Image, sizes } from './image.ts';

const RGB = ['red', 'green', 'blue'];

/** Whether the channels are red, green, blue, or those and alpha. */
function isRgb(image: Image): boolean {
  const names = image.channels;
  return (
    names !== undefined &&
    (names.length === 3 || (names.length === 4 && names[3] === 'alpha')) &&
    RGB.every((name, i) => names[i] === name)
  );
}

/** Whether red, green and blue are equal in every pixel: a grey image stored as RGB. */
export function isGreyInColour(image: Image): boolean {
  if (!isRgb(image)) return false;
  const c = sizes(image).channels;
  const inner = innerSize(image);
  const { data } = image;
  for (let outer = 0; outer < data.length; outer += c * inner) {
    for (let i = outer; i < outer + inner; i++) {
      if (data[i] !== data[i + inner] || data[i] !== data[i + 2 * inner]) return false;
    }
  }
  return true;
}

/**
 * One grey value per pixel, without the `c` axis and of the same dtype. Colour becomes luma, 0.299 R + 0.587 G + 0.114
 * B (ITU-R BT.601), rounded to the nearest integer for integer dtypes; equal R, G and B are kept exactly. Alpha is
 * dropped.
 * @throws UsageError for channels that are neither colour nor grey: select one with `channel`
 */
export function toGrey(image: Image): Image {
  if (!image.axes.includes('c')) return image;
  const names = image.channels;
  if (names?.[0] === 'grey' && (names.length === 1 || (names.length === 2 && names[1] === 'alpha')))
    return channel(image, 0);
  if (sizes(image).channels === 1) return channel(image, 0);
  if (!isRgb(image)) {
    throw new UsageError(
      `${sizes(image).channels} channels (${names?.join(', ') ?? 'without names'}) do not make a grey value.`,
      {
        ...where(image),
        remedy: 'Choose one channel.',
      },
    );
  }
  if (isGreyInColour(image)) return { ...channel(image, 0), channels: ['grey'] };
  if (image.dtype === 'float16') return toGrey(toFloat32(image));
  const [red, green, blue] = [0, 1, 2].map((i) => channel(image, i).data) as [
    Storage[DType],
    Storage[DType],
    Storage[DType],
  ];
  const data = allocate(image.dtype, red.length);
  const big = data instanceof BigInt64Array || data instanceof BigUint64Array;
  const whole = !image.dtype.startsWith('float');
  for (let i = 0; i < data.length; i++) {
    const luma = 0.299 * Number(red[i]) + 0.587 * Number(green[i]) + 0.114 * Number(blue[i]);
    if (big) data[i] = BigInt(Math.round(luma));
    else (data as Float64Array)[i] = whole ? Math.round(luma) : luma;
  }
  return { ...channel(image, 0), data, channels: ['grey'] };
}

/** Drops the alpha channel; the pixels it covered are unchanged. */
export function dropAlpha(image: Image): Image {
  const at = image.channels?.indexOf('alpha') ?? -1;
  if (at < 0) return image;
  const kept = [...(image.channels as readonly string[]).keys()].filter((i) => i !== at);
  return kept.length === 1 ? channel(image, kept[0] as number) : channelsOf(image, kept);
}

/**
 * One channel, by number from 0 or by name, without the `c` axis.
 * @throws UsageError if there is no such channel
 */
export function channel(image: Image, which: number | string): Image {
  const count = sizes(image).channels;
  const index = typeof which === 'number' ? which : (image.channels?.indexOf(which) ?? -1);
  if (!(index >= 0 && index < count)) {
    const names = image.channels?.join(', ');
    throw new UsageError(
      `channel ${which} does not exist; the image has ${count}${names === undefined ? '' : ` (${names})`}.`,
      where(image),
    );
  }
  if (!image.axes.includes('c')) return image;
  const picked = channelsOf(image, [index]);
  return { ...picked, axes: image.axes.replace('c', ''), shape: without(image, 'c') };
}

function channelsOf(image: Image, indices: readonly number[]): Image {
  const count = sizes(image).channels;
  const inner = innerSize(image);
  const outers = image.data.length / (inner * count);
  const data = allocate(image.dtype, outers * indices.length * inner);
  for (let o = 0; o < outers; o++) {
    for (const [k, index] of indices.entries()) {
      const from = (o * count + index) * inner;
      data.set(image.data.subarray(from, from + inner) as never, (o * indices.length + k) * inner);
    }
  }
  const at = image.axes.indexOf('c');
  const { channels, ...rest } = image;
  return {
    ...rest,
    data,
    shape: image.shape.map((length, axis) => (axis === at ? indices.length : length)),
    ...(channels === undefined ? {} : { channels: indices.map((index) => channels[index]) }),
  };
}

/** Number of slices: planes along t and z, with all channels. */
export function pageCount(image: Image): number {
  const { times, slices } = sizes(image);
  return times * slices;
}

/**
 * One slice, `yx` or `cyx`, counted from 0 with z fastest. A view of the image's data if its values are contiguous.
 * @throws UsageError if there is no such slice
 */
export function page(image: Image, index: number): Image {
  const count = pageCount(image);
  if (!(Number.isInteger(index) && index >= 0 && index < count)) {
    throw new UsageError(`page ${index} does not exist; the image has ${count}, counted from 0.`, where(image));
  }
  if (count === 1 && !/[tz]/.test(image.axes)) return image;
  const { channels: c, slices: z, height, width } = sizes(image);
  const plane = height * width;
  const [ti, zi] = [Math.floor(index / z), index % z];
  const start = (ti * c * z + zi) * plane;
  const { t: _t, z: _z, ...spacing } = image.spacing;
  const colour = image.axes.includes('c');
  let data: Storage[DType];
  if (!colour || c === 1 || z === 1) {
    data = image.data.subarray(start, start + (z === 1 ? c : 1) * plane);
  } else {
    data = allocate(image.dtype, c * plane);
    for (let ci = 0; ci < c; ci++) {
      const from = start + ci * z * plane;
      data.set(image.data.subarray(from, from + plane) as never, ci * plane);
    }
  }
  const geometry = slicePlace(image, zi);
  return {
    ...image,
    ...(geometry === undefined ? {} : { geometry }),
    data,
    spacing,
    axes: colour ? 'cyx' : 'yx',
    shape: colour ? [c, height, width] : [height, width],
  };
}

/** The geometry of one slice; its thickness, if not stated, is its distance to the next slice. */
function slicePlace(image: Image, index: number): Geometry | undefined {
  const { geometry } = image;
  if (geometry === undefined || !image.axes.includes('z')) return geometry;
  const { slicePositionsMm: _, ...rest } = geometry;
  const thicknessMm = geometry.thicknessMm ?? millimetres(image.spacing.z);
  return {
    ...rest,
    originMm: sliceOrigin(image, index) ?? geometry.originMm,
    ...(thicknessMm === undefined ? {} : { thicknessMm }),
  };
}

/**
 * Reassembles slices of one size and dtype to the t and z axes, pixel size and source of `like`. The inverse of `page`;
 * the channels may differ from those of `like`.
 * @throws UsageError if the slices differ from each other or their number from that of `like`
 */
export function stackPages(pages: readonly Image[], like: Image): Image {
  const first = pages[0];
  if (first === undefined || pages.length !== pageCount(like)) {
    throw new UsageError(`${pages.length} pages do not fill an image of ${pageCount(like)}.`, where(like));
  }
  if (
    pages.some(
      (other) =>
        other.dtype !== first.dtype || other.axes !== first.axes || String(other.shape) !== String(first.shape),
    )
  ) {
    throw new UsageError('the pages differ in size, channels or dtype.', where(like));
  }
  const hasC = first.axes === 'cyx';
  const { channels: c, height, width } = sizes(first);
  const plane = height * width;
  const { times: t, slices: z } = sizes(like);
  const data = allocate(first.dtype, pages.length * c * plane);
  for (const [i, { data: values }] of pages.entries()) {
    const [ti, zi] = [Math.floor(i / z), i % z];
    for (let ci = 0; ci < c; ci++) {
      data.set(values.subarray(ci * plane, (ci + 1) * plane) as never, ((ti * c + ci) * z + zi) * plane);
    }
  }
  const axes = `${like.axes.includes('t') ? 't' : ''}${hasC ? 'c' : ''}${like.axes.includes('z') ? 'z' : ''}yx`;
  const lengths: Readonly<Record<string, number>> = { t, c, z, y: height, x: width };
  const { geometry: _, ...rest } = first;
  return {
    ...rest,
    data,
    axes,
    shape: [...axes].map((axis) => lengths[axis]),
    spacing: like.spacing,
    ...(like.geometry === undefined ? {} : { geometry: like.geometry }),
    ...(like.source === undefined ? {} : { source: like.source }),
  };
}

/** The same numbers as float32. 32- and 64-bit integers beyond 2^24 and float64 are rounded to the nearest float32. */
export function toFloat32(image: Image): Image<'float32'> {
  const { data, dtype } = image;
  if (isDtype(image, 'float32')) return image;
  let out: Float32Array;
  if (dtype === 'float16') out = Float32Array.from(data as Uint16Array, float16ToNumber);
  else if (data instanceof BigInt64Array || data instanceof BigUint64Array) {
    out = new Float32Array(data.length);
    for (let i = 0; i < out.length; i++) out[i] = Number(data[i]);
  } else out = new Float32Array(data);
  return { ...withoutCoding(image), dtype: 'float32', data: out };
}

const RANGES: Readonly<Partial<Record<DType, readonly [number, number]>>> = {
  bool: [0, 1],
  uint8: [0, 255],
  uint16: [0, 65_535],
  uint32: [0, 4_294_967_295],
  int8: [-128, 127],
  int16: [-32_768, 32_767],
  int32: [-2_147_483_648, 2_147_483_647],
};

/**
 * The same numbers as an integer dtype of at most 32 bits.
 * @throws UsageError if a value is not an integer or is out of range, naming it
 */
export function castTo<D extends 'bool' | 'uint8' | 'uint16' | 'uint32' | 'int8' | 'int16' | 'int32'>(
  image: Image,
  dtype: D,
): Image<D> {
  if (isDtype(image, dtype)) return image;
  const [low, high] = RANGES[dtype] as readonly [number, number];
  const from = image.dtype === 'float16' ? toFloat32(image).data : image.data;
  const data = allocate(dtype, from.length);
  for (let i = 0; i < from.length; i++) {
    const value = Number(from[i]);
    if (!(value >= low && value <= high) || !Number.isInteger(value)) {
      throw new UsageError(`the value ${value} is no ${dtype}.`, {
        ...where(image),
        remedy: 'Rescale or round it first.',
      });
    }
    data[i] = value;
  }
  return { ...withoutCoding(image), dtype, data };
}

/**
 * Rescales to 0..255 for display: 255 (v - low) / (high - low), rounded and clipped. NaN becomes 0; if `high` = `low`,
 * values up to `low` become 0 and all others 255.
 */
export function rescaleToUint8(image: Image, low: number, high: number): Image<'uint8'> {
  const { data } = toFloat32(image);
  const out = new Uint8ClampedArray(data.length);
  const scale = high > low ? 255 / (high - low) : Number.MAX_VALUE;
  for (let i = 0; i < out.length; i++) out[i] = (data[i] - low) * scale;
  const { valueUnit: _, window: __, padding: ___, ...rest } = withoutCoding(image);
  return { ...rest, dtype: 'uint8', data: new Uint8Array(out.buffer) };
}

function withoutCoding(image: Image): Image {
  const { bitDepth: _, palette: __, ...rest } = image;
  return rest;
}

function isDtype<D extends DType>(image: Image, dtype: D): image is Image<D> {
  return image.dtype === dtype;
}

/** Contiguous elements of one channel: the product of all axes after `c`. */
function innerSize(image: Image): number {
  return elementCount(image.shape.slice(image.axes.indexOf('c') + 1));
}

function without(image: Image, axis: string): readonly number[] {
  const at = image.axes.indexOf(axis);
  return image.shape.filter((_, i) => i !== at);
}

function where({ source }: Image): { readonly file?: string } {
  return source === undefined ? {} : { file: source };
}
