import { gaussianBlur, gaussianKernel } from '../array/gaussian.ts';
import type { Size } from '../objects/fill-polygon.ts';
import { capsule, discCentre, type RowRuns, requireDiameter } from './capsule.ts';
import { type FoundArea, flood, type Pixel, type ValueAt } from './flood.ts';

export interface WandOptions {
  /** Height and width of the image. */
  readonly size: Size;
  /** Of the disc around the cursor that limits the area, in pixels, 1..4096. */
  readonly diameter: number;
  /** Intensities are smoothed by a Gaussian of so many pixels; 0: not at all. Default 1. */
  readonly sigmaPx?: number;
  /** The tolerance as a multiple of the local deviation. Default 1. */
  readonly deviations?: number;
}

/**
 * The pixels that are connected with the one at the cursor within the brush's disc and have a like smoothed intensity:
 * |s(p) - s(cursor)| <= `deviations` times the standard deviation of s in the disc. Where the disc is of one intensity,
 * that is all of it. Pixels without a value (NaN), and those whose smoothing reaches one, are left out.
 * @throws UsageError for a diameter out of range or a position that is not finite
 */
export function wand(
  values: ValueAt,
  [x, y]: Pixel,
  { size, diameter, sigmaPx = 1, deviations = 1 }: WandOptions,
): Generator<number, FoundArea> {
  requireDiameter(diameter);
  const centre = discCentre(x, y, diameter);
  const disc = capsule(centre, centre, diameter, size);
  const smooth = smoothed(values, disc, size, sigmaPx);
  const seed: Pixel = [Math.floor(x), Math.floor(y)];
  const [wanted, tolerance] = [smooth(...seed), deviations * deviationIn(disc, smooth)];
  const inside = (column: number, row: number): boolean => {
    const i = row - disc.top;
    if (i < 0 || i >= disc.from.length || column < disc.from[i] || column >= disc.to[i]) return false;
    return Math.abs(smooth(column, row) - wanted) <= tolerance;
  };
  return flood(inside, seed, { size });
}

/** Smoothed intensities in the box of an area, as those of the whole image would be. */
function smoothed(values: ValueAt, area: RowRuns, [height, width]: Size, sigmaPx: number): ValueAt {
  // Beyond the kernel nothing counts; at the edge of the image the window is mirrored as the image would be.
  const margin = sigmaPx > 0 ? (gaussianKernel(sigmaPx).length - 1) / 2 : 0;
  const left = Math.max(0, area.from.reduce((a, b) => Math.min(a, b), width) - margin);
  const right = Math.min(width, area.to.reduce((a, b) => Math.max(a, b), 0) + margin);
  const [top, bottom] = [Math.max(0, area.top - margin), Math.min(height, area.top + area.from.length + margin)];
  const [wide, high] = [Math.max(0, right - left), Math.max(0, bottom - top)];
  const plane = new Float32Array(wide * high);
  for (let y = 0, p = 0; y < high; y++) for (let x = 0; x < wide; x++, p++) plane[p] = values(left + x, top + y);
  gaussianBlur(plane, high, wide, sigmaPx);
  return (x, y) => plane[(y - top) * wide + x - left];
}

/** Standard deviation of the known values in an area. */
function deviationIn({ top, from, to }: RowRuns, values: ValueAt): number {
  let [count, mean, squares] = [0, 0, 0];
  for (let i = 0; i < from.length; i++) {
    for (let x = from[i]; x < to[i]; x++) {
      const value = values(x, top + i);
      if (Number.isNaN(value)) continue;
      // Welford 1962: exact also where the deviation is small beside the values.
      count++;
      const step = value - mean;
      mean += step / count;
      squares += step * (value - mean);
    }
  }
  return count === 0 ? 0 : Math.sqrt(squares / count);
}
