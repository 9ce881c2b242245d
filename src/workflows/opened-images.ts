/** Images of one grid that are read together, box by box. */

import { elementCount } from '../array/ndarray.ts';
import { DatasetError } from '../errors.ts';
import type { WritableFiles } from '../files.ts';
import type { ReadOptions } from '../image/formats/format.ts';
import { type Image, sameGrid, sizes } from '../image/image.ts';
import { regionsOf } from '../image/sink.ts';
import { type ImageInfo, type ImageSource, infoAt, type Region } from '../image/source.ts';
import { type ListedImage, openListedImage } from './image-list.ts';

/** An image at one of its resolutions. Closed, it is opened again where it is read: of many, few need to be open. */
export interface OpenedImage {
  readonly source: ImageSource;
  readonly level: number;
  /** At that level. */
  readonly info: ImageInfo;
}

/** Opens an image at its level; undefined if it has to be read as a whole. @throws as `openListedImage` */
export async function openAtLevel(
  files: WritableFiles,
  listed: ListedImage,
  options: Pick<ReadOptions, 'palette'> = {},
): Promise<OpenedImage | undefined> {
  const open = () => openListedImage(files, listed, options);
  const source = await open();
  if (source === undefined) return undefined;
  const level = typeof listed.level === 'function' ? listed.level(source.levels) : (listed.level ?? 0);
  if (source.levels[level] !== undefined) {
    return { source: reopened(source, open), level, info: infoAt(source, level) };
  }
  // That this level does not exist is explained where the whole is read.
  await source.close();
  return undefined;
}

/** The source, which is opened again where it is read after it was closed. */
function reopened(source: ImageSource, open: () => Promise<ImageSource | undefined>): ImageSource {
  const { info, levels, chunk } = source;
  const again = async (): Promise<ImageSource> => {
    const found = await open();
    if (found !== undefined) return found;
    throw new DatasetError('this is another image than before.', { file: info.source, remedy: 'Start again.' });
  };
  let opened: Promise<ImageSource> | undefined = Promise.resolve(source);
  return {
    info,
    levels,
    chunk,
    async read(level, region) {
      opened ??= again();
      return (await opened).read(level, region);
    },
    async close() {
      const last = opened;
      opened = undefined;
      // What could not be opened was said where it was read.
      await (await last?.catch(() => undefined))?.close();
    },
  };
}

/** Pixels of all slices and time points. */
export function pixelsOf(info: Pick<ImageInfo, 'axes' | 'shape'>): number {
  const { times, slices, height, width } = sizes(info);
  return times * slices * height * width;
}

/** [h, w], or [d, h, w] of a volume. */
export function gridShape(info: Pick<ImageInfo, 'axes' | 'shape'>): readonly number[] {
  const { slices, height, width } = sizes(info);
  return slices > 1 ? [slices, height, width] : [height, width];
}

/** @throws DatasetError for images of different sizes */
export function requireSameGrid(map: ImageInfo, other: ImageInfo | undefined): void {
  if (other === undefined || sameGrid(map, other)) return;
  const size = (image: ImageInfo): string => {
    const { width, height, slices, times } = sizes(image);
    return [width, height, slices, times].filter((n, i) => i < 2 || n > 1).join(' x ');
  };
  throw new DatasetError(`the label map is ${size(map)}, "${other.source}" is ${size(other)}.`, {
    file: map.source,
    remedy: 'Use label maps of the same size as the images.',
  });
}

/**
 * Boxes that make up the grid of some images, along the axes of `gridShape`: of whole chunks of all of them, where that is
 * possible in about so many pixels.
 */
export function boxesOf(images: readonly [OpenedImage, ...OpenedImage[]], pixels: number): readonly Region[] {
  const [{ info }] = images;
  const shape = gridShape(info);
  const axes = shape.length === 2 ? 'yx' : 'zyx';
  const chunk = [...axes].map((axis, i) =>
    Math.min(
      shape[i] as number,
      images
        .map(({ source, level, info: of }) => (level === 0 ? source.chunk?.[of.axes.indexOf(axis)] : undefined) ?? 1)
        .reduce(together),
    ),
  );
  // Of a page that is one strip, rows.
  const unit = elementCount(chunk) <= pixels ? chunk : shape.map(() => 1);
  // One byte per pixel.
  const grid = { info: { ...info, axes, shape, dtype: 'uint8' as const }, unit, inOrder: false };
  const cut = (most: number): readonly Region[] => regionsOf(grid, { maxBytes: most, chunk });
  const regions = cut(pixels);
  // As many boxes of about one size: the last of each row would be a remainder.
  const even = shape.map((length, axis) => {
    const parts = Math.ceil(length / (regions[0]?.shape[axis] ?? length));
    return Math.ceil(length / parts / (unit[axis] as number)) * (unit[axis] as number);
  });
  return elementCount(even) < pixels ? cut(elementCount(even)) : regions;
}

/** The least that is a whole number of two chunks, or the larger one where that is much larger. */
function together(a: number, b: number): number {
  const divisor = (m: number, n: number): number => (n === 0 ? m : divisor(n, m % n));
  const multiple = (a / divisor(a, b)) * b;
  return multiple <= 8 * Math.max(a, b) ? multiple : Math.max(a, b);
}

/** All channels of a box at one time point. @param box along the axes of `gridShape` */
export function readBox({ source, level, info }: OpenedImage, t: number, box: Region): Promise<Image> {
  const { channels } = sizes(info);
  const rank = box.shape.length;
  const along = (spatial: readonly number[], others: Readonly<Record<string, number>>): readonly number[] =>
    [...info.axes].map((axis) => spatial['zyx'.indexOf(axis) - 3 + rank] ?? (others[axis] as number));
  return source.read(level, {
    start: along(box.start, { t, c: 0, z: 0 }),
    shape: along(box.shape, { t: 1, c: channels, z: 1 }),
  });
}
