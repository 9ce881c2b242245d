/** Compares the pixel sizes of a network's training images with that of an image. */

import { option } from '../errors.ts';
import { millimetres } from '../image/geometry.ts';
import type { Image } from '../image/image.ts';

/** Sides of pixels in mm, of all training images. */
export type PixelSizes = readonly [least: number, most: number];

/** Augmentation covers a fifth larger and smaller by default; slightly more is tolerated. */
const TOLERATED = 1.25;

/** Undefined unless the pixel size of every slice is known. */
export function pixelSizes(
  pages: readonly { readonly pixelMm?: readonly [y: number, x: number] }[],
): PixelSizes | undefined {
  const sides = pages.map(({ pixelMm }) => (pixelMm === undefined ? Number.NaN : sideOf(pixelMm)));
  return sides.length === 0 || sides.some(Number.isNaN) ? undefined : [Math.min(...sides), Math.max(...sides)];
}

/**
 * The factor by which an image is enlarged, or reduced if it is below 1, for its pixels to be as large as those of the
 * training images; 1 where they nearly are, or where a size is unknown.
 */
export function scaleToTrained(trained: PixelSizes | undefined, { spacing }: Pick<Image, 'spacing'>): number {
  const y = millimetres(spacing.y);
  const x = millimetres(spacing.x);
  if (trained === undefined || y === undefined || x === undefined) return 1;
  const [least, most] = trained;
  const side = sideOf([y, x]);
  if (side > most * TOLERATED) return side / most;
  return side * TOLERATED < least ? side / least : 1;
}

/**
 * A note for an image whose pixels are so large or small that its objects look unlike those in training.
 * @param options resample: whether it is predicted at the pixel size of the training images
 */
export function pixelSizeNote(
  trained: PixelSizes | undefined,
  image: Pick<Image, 'spacing'>,
  { resample = false }: { readonly resample?: boolean } = {},
): string | undefined {
  const scale = scaleToTrained(trained, image);
  if (trained === undefined || scale === 1) return undefined;
  const [least, most] = trained;
  const side = scale * (scale > 1 ? most : least);
  const known =
    lengthText(least) === lengthText(most) ? lengthText(least) : `${lengthText(least)} to ${lengthText(most)}`;
  const times = `${Math.max(scale, 1 / scale).toFixed(1)} times`;
  const sizes = `its pixels are ${lengthText(side)} wide, those of the training images ${known}`;
  if (resample) return `${sizes}: it is predicted at that size, ${times} ${scale > 1 ? 'enlarged' : 'reduced'}.`;
  return `${sizes}: everything appears ${times} ${scale > 1 ? 'smaller' : 'larger'} than in training, and is likely to be missed or wrong. Scale the image to that pixel size first, as ${option('resample')} does.`;
}

/**
 * The level whose pixels are nearest in size to those of the training images, the finest of equals; 0 if a size is
 * unknown.
 */
export function nearestLevel(trained: PixelSizes | undefined, levels: readonly Pick<Image, 'spacing'>[]): number {
  if (trained === undefined) return 0;
  const [least, most] = trained;
  const distances = levels.map(({ spacing }) => {
    const [y, x] = [millimetres(spacing.y), millimetres(spacing.x)];
    if (y === undefined || x === undefined) return Number.POSITIVE_INFINITY;
    const side = sideOf([y, x]);
    return Math.max(0, Math.log(least / side), Math.log(side / most));
  });
  return Math.max(0, distances.indexOf(Math.min(...distances)));
}

/** Side of a square pixel of the same area. */
const sideOf = ([y, x]: readonly [y: number, x: number]): number => Math.sqrt(y * x);

/** Two or three digits in a suitable unit. */
export function lengthText(mm: number): string {
  const [value, unit] = mm >= 0.1 ? [mm, 'mm'] : mm >= 1e-4 ? [mm * 1e3, 'µm'] : [mm * 1e6, 'nm'];
  return `${Number(value.toPrecision(3))} ${unit}`;
}
