/** What a page shows of an image: its description, one channel of one page, a thumbnail. */

import { allocate, ndarray } from '../array/ndarray.ts';
import { UsageError } from '../errors.ts';
import { channel, dropAlpha, page, pageCount, rescaleToUint8, toFloat32 } from '../image/convert.ts';
import { displayWindow } from '../image/display.ts';
import { type Image, sizes } from '../image/image.ts';
import { displayMap, reorient } from '../image/orient.ts';
import type { ChannelInfo, ImageId, ImageInfo, Plane } from './engine.ts';

/** An image as it is looked at and painted on: its slices the right way up, without alpha. */
export function uprightImage(image: Image): Image {
  const map = displayMap(image);
  return dropAlpha(map === undefined ? image : reorient(image, map));
}

const isColour = ({ channels, dtype }: Image): boolean =>
  channels?.join() === 'red,green,blue' && (dtype === 'uint8' || dtype === 'uint16');

/** @param image of `uprightImage` */
export function describeForStudio(
  image: Image,
  { id, file }: { readonly id: ImageId; readonly file: string },
): ImageInfo {
  const { times, slices, channels, height, width } = sizes(image);
  return {
    id,
    name: id,
    file,
    width,
    height,
    pages: times * slices,
    slices,
    times,
    channels: Array.from({ length: channels }, (_, c) => channelInfo(image, c)),
    colour: isColour(image),
    dtype: image.dtype,
    spacing: image.spacing,
    ...(image.valueUnit !== undefined && { valueUnit: image.valueUnit }),
    notes: image.notes ?? [],
  };
}

function channelInfo(image: Image, c: number): ChannelInfo {
  const first = channel(page(image, 0), c);
  const values = first.dtype === 'float16' ? toFloat32(first).data : first.data;
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let p = 0; p < values.length; p++) {
    const value = Number(values[p]);
    if (!Number.isFinite(value) || value === image.padding) continue;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  if (low > high) [low, high] = [0, 0];
  // A photograph is shown as it is.
  const whole = isColour(image) && image.dtype === 'uint8';
  const shown = whole ? { low: 0, high: 255 } : displayWindow(channel(image, c));
  return {
    name: image.channels?.[c] ?? (sizes(image).channels === 1 ? 'grey' : `channel ${c}`),
    range: [low, high],
    window: [shown.low, shown.high],
  };
}

/**
 * One channel of one page, [height, width], with the values of the file. Those that a page cannot show are widened: bool
 * and int8 to the next larger type, float16; int64 and float64 are rounded to float32.
 * @param image of `uprightImage`
 * @throws UsageError for a page or channel that the image does not have
 */
export function planeOf(image: Image, index: number, c: number): Plane {
  const plane = channel(page(image, index), c);
  const { data, dtype, shape } = plane;
  if (dtype === 'bool') return ndarray('uint8', shape, data as Uint8Array);
  if (dtype === 'int8') return ndarray('int16', shape, Int16Array.from(data as Int8Array));
  const isShown = /^(?:u?int(?:8|16|32)|float32)$/.test(dtype);
  return isShown ? ({ dtype, shape, data } as Plane) : ndarray('float32', shape, toFloat32(plane).data);
}

/**
 * The middle page as RGBA, at most `size` pixels wide and high. Channels that are not red, green and blue: the first.
 * Each pixel is the mean of those that it stands for, up to 4 x 4 of them.
 * @param image of `uprightImage`
 * @throws UsageError for an image without pixels
 */
export function thumbnailOf(
  image: Image,
  { channels, colour }: Pick<ImageInfo, 'channels' | 'colour'>,
  size: number,
): { readonly width: number; readonly height: number; readonly rgba: Uint8Array } {
  const { width, height } = sizes(image);
  if (width * height === 0) throw new UsageError('an image without pixels cannot be shown.', { file: image.source });
  const scale = Math.max(1, width / size, height / size);
  const wide = Math.max(1, Math.round(width / scale));
  const tall = Math.max(1, Math.round(height / scale));
  const middle = page(image, Math.floor(pageCount(image) / 2));
  const planes = Array.from({ length: colour ? 3 : 1 }, (_, c) => {
    const [low, high] = (channels[c] as ChannelInfo).window;
    return rescaleToUint8(shrink(channel(middle, c), [tall, wide]), low, high).data;
  });
  const rgba = allocate('uint8', 4 * wide * tall);
  for (let p = 0; p < wide * tall; p++) {
    for (let c = 0; c < 3; c++) rgba[4 * p + c] = planes[colour ? c : 0]?.[p] as number;
    rgba[4 * p + 3] = 255;
  }
  return { width: wide, height: tall, rgba };
}

/** Samples of a pixel of the thumbnail along each axis, at most. */
const SAMPLES = 4;

function shrink(plane: Image, [tall, wide]: readonly [number, number]): Image<'float32'> {
  const { height, width } = sizes(plane);
  const { data } = toFloat32(plane);
  const out = new Float32Array(tall * wide);
  const positions = (at: number, of: number, length: number): number[] => {
    const from = Math.floor((at * length) / of);
    const to = Math.max(from + 1, Math.floor(((at + 1) * length) / of));
    const count = Math.min(SAMPLES, to - from);
    return Array.from({ length: count }, (_, i) => from + Math.floor((i * (to - from)) / count));
  };
  const columns = Array.from({ length: wide }, (_, x) => positions(x, wide, width));
  for (let y = 0; y < tall; y++) {
    const rows = positions(y, tall, height);
    for (let x = 0; x < wide; x++) {
      const own = columns[x] as number[];
      let sum = 0;
      for (const row of rows) for (const column of own) sum += data[row * width + column] as number;
      out[y * wide + x] = sum / (rows.length * own.length);
    }
  }
  return { ...ndarray('float32', [tall, wide], out), axes: 'yx', spacing: {} };
}
