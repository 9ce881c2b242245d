/**
 * How a pixel classifier samples the surroundings of a pixel. Besides the plain window there are two from Ciresan et
 * al. 2012, section 2.2: foveation, a blur that increases away from the centre, and nonuniform sampling, with which a
 * larger part of the image fits into the window. Both depend on the position of a pixel in the window, so that
 * neighbouring windows have no common computations.
 */
import { gaussianBlur, mirrorIndex } from '../array/gaussian.ts';
import { UsageError } from '../errors.ts';

/** JSON, stored in the model file. */
export interface WindowSpec {
  /** Side of the network's window; its pixel floor(side / 2) along both axes is the classified one. */
  readonly side: number;
  /**
   * Side of the image region that it covers; if equal to the window's side, sampling is uniform. Otherwise both are
   * odd.
   */
  readonly cover: number;
  /** Standard deviation of the blur at the window's border, in window pixels; 0: none. */
  readonly foveationPx: number;
}

/** @throws UsageError for a cover that is even or smaller than the window. */
export function requireWindow({ side, cover, foveationPx }: WindowSpec): void {
  if (cover < side || (cover > side && cover % 2 === 0)) {
    throw new UsageError(`A window of ${side} pixels cannot cover ${cover}.`, {
      remedy: `Use an odd number of at least ${side}.`,
    });
  }
  if (!(foveationPx >= 0 && foveationPx <= side / 4)) {
    throw new UsageError(`A window of ${side} pixels cannot be blurred by ${foveationPx}.`, {
      remedy: `Use a number from 0 to ${Math.floor(side / 4)}.`,
    });
  }
}

/** Whether every window is a plain crop of the image. */
export function isPlain({ side, cover, foveationPx }: WindowSpec): boolean {
  return side === cover && foveationPx === 0;
}

/**
 * Positions of the pixels of a window along one axis, relative to its centre:
 *
 *     g(u) = u                                  for |u| <= m / 2
 *     g(u) = u +- (M - m) ((|u| - m/2) / (m/2))^2  beyond,      m = (side - 1) / 2, M = (cover - 1) / 2
 */
export function windowOffsets({ side, cover }: Pick<WindowSpec, 'side' | 'cover'>): Float32Array {
  const m = Math.floor(side / 2);
  const more = (cover - side) / 2;
  return Float32Array.from({ length: side }, (_, i) => {
    const u = i - m;
    const beyond = Math.max(0, Math.abs(u) - m / 2) / Math.max(m / 2, 1);
    return u + Math.sign(u) * more * beyond * beyond;
  });
}

/** Number of blurred copies between which a window's pixels are interpolated. */
const LEVELS = 4;

/**
 * Blurs a window [channels, side, side] in place, increasingly with the distance from the centre:
 *
 *     sigma(y, x) = foveationPx max(|y - m|, |x - m|) / m
 *
 * by interpolation between four blurred copies.
 */
export function foveate(window: Float32Array, channels: number, side: number, foveationPx: number): void {
  if (!(foveationPx > 0)) return;
  const m = (side - 1) / 2;
  const pixels = side * side;
  for (let c = 0; c < channels; c++) {
    const plane = window.subarray(c * pixels, (c + 1) * pixels);
    const copies = [plane.slice()];
    for (let level = 1; level <= LEVELS; level++) {
      const copy = plane.slice();
      gaussianBlur(copy, side, side, (foveationPx * level) / LEVELS);
      copies.push(copy);
    }
    for (let y = 0, p = 0; y < side; y++) {
      for (let x = 0; x < side; x++, p++) {
        const at = (LEVELS * Math.max(Math.abs(y - m), Math.abs(x - m))) / m;
        const below = Math.min(LEVELS - 1, Math.floor(at));
        const sharp = (copies[below] as Float32Array)[p];
        plane[p] = sharp + (at - below) * ((copies[below + 1] as Float32Array)[p] - sharp);
      }
    }
  }
}

/** Reads the window around a pixel into `target` [channels, side, side]. */
export type WindowReader = (y: number, x: number, target: Float32Array) => void;

/**
 * Reads windows from planes [channels, height, width], mirrored at the borders, with linear interpolation between
 * pixels.
 */
export function windowReader(
  planes: Float32Array,
  { channels, height, width }: { readonly channels: number; readonly height: number; readonly width: number },
  spec: WindowSpec,
): WindowReader {
  const { side, foveationPx } = spec;
  const offsets = windowOffsets(spec);
  const plain = spec.cover === side;
  const [rows, columns] = [new Int32Array(2 * side), new Int32Array(2 * side)];
  const shares = offsets.map((offset) => offset - Math.floor(offset));
  const place = (into: Int32Array, at: number, extent: number): void => {
    for (let i = 0; i < side; i++) {
      const below = at + Math.floor(offsets[i]);
      into[2 * i] = mirrorIndex(below, extent);
      into[2 * i + 1] = mirrorIndex(below + 1, extent);
    }
  };
  return (y, x, target) => {
    place(rows, y, height);
    place(columns, x, width);
    for (let c = 0, p = 0; c < channels; c++) {
      for (let i = 0; i < side; i++) {
        const upper = (c * height + rows[2 * i]) * width;
        if (plain) {
          for (let j = 0; j < side; j++) target[p++] = planes[upper + columns[2 * j]];
          continue;
        }
        const lower = (c * height + rows[2 * i + 1]) * width;
        const down = shares[i];
        for (let j = 0; j < side; j++) {
          const [left, right] = [columns[2 * j], columns[2 * j + 1]];
          const share = shares[j];
          const top = planes[upper + left] * (1 - share) + planes[upper + right] * share;
          const bottom = planes[lower + left] * (1 - share) + planes[lower + right] * share;
          target[p++] = top * (1 - down) + bottom * down;
        }
      }
    }
    foveate(target, channels, side, foveationPx);
  };
}
