/** Images that are read region by region, at one of several resolutions. */

import type { Image, ImageLevel } from './image.ts';

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
  /**
   * Reads a region that lies within the image. Axes `t`, `c` and `z` along which it has one pixel are dropped.
   * @param level default 0
   * @param region along the axes of `info`; default: all
   * @throws FormatError for a level that does not exist, and data that are damaged or cut off
   */
  read(level?: number, region?: Region): Promise<Image>;
  close(): Promise<void>;
}

/** Everything of a level. */
export const wholeRegion = ({ shape }: ImageLevel): Region => ({ start: shape.map(() => 0), shape });
