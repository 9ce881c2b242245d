/**
 * Data sets in which some images show dark objects on a bright background (stains in white light) and others bright
 * objects on a dark one (fluorescence). Inverting the former leaves the network one task instead of two;
 * `dataset/inversion.ts` decides on it.
 */

/** Negates a normalised image in place if it is bright overall. */
export function invertIfBright(image: Float32Array): void {
  if (!isBright(image)) return;
  for (let i = 0; i < image.length; i++) image[i] = -image[i];
}

/** Whether more than half of the values of a normalised image are in the upper half of its range, above 0. */
export const isBright = (image: Float32Array): boolean => 2 * countAbove(image) > image.length;

/** How many values of a normalised image, or of a part of it, are in the upper half of its range. */
export function countAbove(values: Float32Array): number {
  let above = 0;
  for (let i = 0; i < values.length; i++) if (values[i] > 0) above++;
  return above;
}
