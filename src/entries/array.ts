/** `lamella/array`: seeded random streams, and smoothing and interpolation of planes. */

export { bicubicField, type GridPlacement } from '../array/bicubic.ts';
export { gaussianBlur } from '../array/gaussian.ts';
export { type Random, stream } from '../array/random.ts';
