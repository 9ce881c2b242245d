/** Images that are read region by region, at one of several resolutions. */

import { cropped } from '../array/boxes.ts';
import { bytesPer, type DType, elementCount, type Storage } from '../array/ndarray.ts';
import { FormatError, option } from '../errors.ts';
import { formatBytes } from './byte-size.ts';
import { axesOf, type Image, type ImageLevel } from './image.ts';

/** An image without its pixels. */
export type ImageInfo = Omit<Image, 'data'>;

/** A box of pixels: the first of it and how many, along each axis of the image. */
export interface Region {
  readonly start: readonly number[];
  readonly shape: readonly number[];
}

/** An image that is read by region. Memory is that of the region, and of what the format stores together. */
export interface ImageSource {
  /** The image at level 0, the full resolution. */
  readonly info: ImageInfo;
  /** The full resolution first; at least one. */
  readonly levels: readonly ImageLevel[];
  /** What of level 0 is decoded together, along the axes of `info`: regions along it cost least. Default: single pixels. */
  readonly chunk?: readonly number[];
  /**
   * Reads a region that lies within the image. Axes `t`, `c` and `z` along which it has one pixel are dropped.
   * @param level default 0
   * @param region along the axes of `info`; default: all
   * @throws FormatError for a level that does not exist, and data that are damaged or cut off
   */
  read(level?: number, region?: Region): Promise<Image>;
  close(): Promise<void>;
}

/** The image at one of its resolutions. */
export function infoAt({ info, levels }: Pick<ImageSource, 'info' | 'levels'>, level: number): ImageInfo {
  return { ...info, ...levels[level] };
}

/** Everything of a level. */
export const wholeRegion = ({ shape }: ImageLevel): Region => ({ start: shape.map(() => 0), shape });

/** The error for a resolution that an image does not have. */
export function noLevel(level: number, count: number, file: string): FormatError {
  const there = count === 1 ? 'the image has one resolution' : `the image has ${count}, counted from 0`;
  return new FormatError(`level ${level} does not exist: ${there}.`, {
    file,
    remedy: count === 1 ? `Read it without ${option('level')}.` : `Choose another ${option('level')}.`,
  });
}

/** What of an image decides whether a region of it can be read. */
type Readable = Pick<ImageSource, 'levels'> & {
  readonly info: Pick<ImageInfo, 'dtype' | 'source'>;
  /** Largest region to allocate, in bytes. */
  readonly maxBytes: number;
};

/**
 * The region to read, checked before anything of its size is allocated.
 * @param region default: all of the level
 * @throws FormatError for a level that does not exist, and a region that takes more than `maxBytes`; RangeError for one
 * that does not lie within the image
 */
export function regionOf({ info, levels, maxBytes }: Readable, level: number, region?: Region): Region {
  const chosen = levels[level];
  const { dtype, source: file = '' } = info;
  if (chosen === undefined) throw noLevel(level, levels.length, file);
  if (region === undefined) {
    requireFits(chosen.shape, dtype, levels, { file, maxBytes });
    return wholeRegion(chosen);
  }
  const { start, shape } = region;
  const within = chosen.shape.every(
    (length, axis) => start[axis] >= 0 && shape[axis] > 0 && start[axis] + shape[axis] <= length,
  );
  if (!within || start.length !== chosen.shape.length || shape.length !== start.length) {
    const image = chosen.shape.join(' x ');
    throw new RangeError(
      `the region ${shape.join(' x ')} from ${start.join(', ')} is not within the image of ${image}`,
    );
  }
  requireFits(shape, dtype, levels, { file, maxBytes });
  return region;
}

function requireFits(
  shape: readonly number[],
  dtype: DType,
  levels: readonly ImageLevel[],
  { file, maxBytes }: { readonly file: string; readonly maxBytes: number },
): void {
  const bytesOf = (lengths: readonly number[]): number => elementCount(lengths) * bytesPer(dtype);
  const needed = bytesOf(shape);
  if (needed <= maxBytes) return;
  const smaller = levels.findIndex((level) => bytesOf(level.shape) <= maxBytes);
  throw new FormatError(
    `the image (${shape.join(' x ')}, ${dtype}) would take ${formatBytes(needed)}, more than the limit of ${formatBytes(maxBytes)}.`,
    {
      file,
      remedy:
        smaller > 0
          ? `Use a lower resolution of it: ${option('level', smaller)}.`
          : 'Crop the image or cut it into parts; a program may raise maxBytes.',
    },
  );
}

/** The image that a region of a level is. @param data its pixels, along the axes of `info` */
export function regionImage(
  { info, levels }: Pick<ImageSource, 'info' | 'levels'>,
  level: number,
  { start, shape }: Region,
  data: Storage[DType],
): Image {
  const { channels, ...rest } = info;
  const c = info.axes.indexOf('c');
  const named = c < 0 ? channels : channels?.slice(start[c], start[c] + shape[c]);
  return {
    ...rest,
    ...axesOf(Object.fromEntries([...info.axes].map((axis, i) => [axis, shape[i]]))),
    data,
    spacing: levels[level].spacing,
    ...(named === undefined ? {} : { channels: named }),
    ...(level > 0 ? { level } : {}),
  };
}

/** An image in memory as one that is read by region. */
export function memorySource(image: Image): ImageSource {
  const { data: _, ...info } = image;
  const levels: readonly ImageLevel[] = [{ shape: image.shape, spacing: image.spacing }];
  return {
    info,
    levels,
    async read(level = 0, region?: Region): Promise<Image> {
      if (region === undefined && level === 0) return image;
      const box = regionOf({ info, levels, maxBytes: Number.POSITIVE_INFINITY }, level, region);
      return regionImage({ info, levels }, level, box, cropped(image, box.start, box.shape).data);
    },
    close: async () => {},
  };
}
