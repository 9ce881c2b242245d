/** Compares the pixel sizes of a network's training images with that of an image. */

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

/** A note for an image whose pixels are so large or small that its objects look unlike those in training. */
export function pixelSizeNote(
  trained: PixelSizes | undefined,
  { spacing }: Pick<Image, 'spacing'>,
): string | undefined {
  const y = millimetres(spacing.y);
  const x = millimetres(spacing.x);
  if (trained === undefined || y === undefined || x === undefined) return undefined;
  const [least, most] = trained;
  const side = sideOf([y, x]);
  const known =
    lengthText(least) === lengthText(most) ? lengthText(least) : `${lengthText(least)} to ${lengthText(most)}`;
  const tell = (times: number, than: string): string =>
    `its pixels are ${lengthText(side)} wide, those of the training images ${known}: everything appears ${times.toFixed(1)} times ${than} than in training, and is likely to be missed or wrong. Scale the image to that pixel size first.`;
  if (side > most * TOLERATED) return tell(side / most, 'smaller');
  return side * TOLERATED < least ? tell(least / side, 'larger') : undefined;
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
