/** The lower resolutions of an image, made while its full resolution is written. */

import { copyBox, offsetIn, placesIn, stridesOf } from '../array/boxes.ts';
import { allocate, type DType, elementCount, type Storage } from '../array/ndarray.ts';
import { type Halving, halve } from './halve.ts';
import type { ImageLevel } from './image.ts';
import type { ImageInfo, Region } from './source.ts';

/** A level of a pyramid: its size, and how many pixels of the full resolution one of its pixels is, along each axis. */
export interface PyramidLevel extends ImageLevel {
  readonly steps: readonly number[];
}

/** Slices further apart than this many pixels are wide are not halved. */
const ANISOTROPY = Math.SQRT2;

/**
 * The levels down to that whose longer side is at most `smallestPx`. `y` and `x` are halved from one to the next, and
 * `z` where `halveZ` is set and its step is stated and not much larger than theirs: pixels become cubes.
 */
export function planLevels(
  info: Pick<ImageInfo, 'axes' | 'shape' | 'spacing'>,
  { smallestPx = 512, halveZ = true }: { readonly smallestPx?: number; readonly halveZ?: boolean } = {},
): readonly [PyramidLevel, ...PyramidLevel[]] {
  const { axes, shape, spacing } = info;
  const full: PyramidLevel = { shape, spacing, steps: shape.map(() => 1) };
  const levels: [PyramidLevel, ...PyramidLevel[]] = [full];
  for (let level = full; Math.max(...level.shape.slice(-2)) > smallestPx; ) {
    const { z, y } = level.spacing;
    const isFine = halveZ && z !== undefined && y !== undefined && z.unit === y.unit && z.value <= ANISOTROPY * y.value;
    const halved = [...axes].map((axis) => axis === 'y' || axis === 'x' || (axis === 'z' && isFine));
    const steps = level.steps.map((step, i) => (halved[i] ? 2 * step : step));
    level = {
      shape: level.shape.map((length, i) => (halved[i] ? Math.ceil(length / 2) : length)),
      spacing: Object.fromEntries(
        Object.entries(spacing).map(([axis, { value, unit }]) => {
          const step = steps[axes.indexOf(axis)] ?? 1;
          return [axis, { value: step * value, unit }];
        }),
      ),
      steps,
    };
    levels.push(level);
  }
  return levels;
}

/** Where the levels of a pyramid are written to. */
export interface PyramidTarget {
  /** What is written at once of a level, along its axes; even where there is more than one along an axis that is halved. */
  readonly units: readonly (readonly number[])[];
  write(level: number, region: Region, data: Storage[DType]): Promise<void>;
}

interface Gathered {
  readonly region: Region;
  readonly data: Storage[DType];
  pixels: number;
}

/** Writes a region of whole units, and of each lower level the units that are complete with it. */
export class PyramidWriter {
  readonly #levels: readonly PyramidLevel[];
  readonly #dtype: DType;
  readonly #by: Halving;
  readonly #target: PyramidTarget;
  /** Of each level, the units of which a part is there, by their place. */
  readonly #gathered: readonly Map<string, Gathered>[];

  constructor(levels: readonly PyramidLevel[], dtype: DType, by: Halving, target: PyramidTarget) {
    this.#levels = levels;
    this.#dtype = dtype;
    this.#by = by;
    this.#target = target;
    this.#gathered = levels.map(() => new Map());
  }

  async write(region: Region, data: Storage[DType], level = 0): Promise<void> {
    await this.#target.write(level, region, data);
    const next = this.#levels[level + 1];
    if (next === undefined) return;
    const halved = next.steps.map((step, i) => step > this.#levels[level].steps[i]);
    const smaller: Region = {
      start: region.start.map((at, i) => (halved[i] ? at / 2 : at)),
      shape: region.shape.map((length, i) => (halved[i] ? Math.ceil(length / 2) : length)),
    };
    const values = halve(data, this.#dtype, region.shape, halved, this.#by);
    for (const unit of this.#gather(level + 1, smaller, values)) await this.write(unit.region, unit.data, level + 1);
  }

  /** Adds pixels to the units of a level. @returns those that are complete, in order */
  #gather(level: number, { start, shape }: Region, values: Storage[DType]): readonly Gathered[] {
    const unit = this.#target.units[level];
    const whole = this.#levels[level].shape;
    const open = this.#gathered[level];
    const complete: Gathered[] = [];
    const first = start.map((at, i) => Math.floor(at / unit[i]));
    const end = start.map((at, i) => Math.ceil((at + shape[i]) / unit[i]));
    const strides = stridesOf(shape);
    for (const place of placesIn(first, end)) {
      const key = place.join();
      const from = place.map((p, i) => p * unit[i]);
      const size = from.map((at, i) => Math.min(unit[i], whole[i] - at));
      const one = open.get(key) ?? {
        region: { start: from, shape: size },
        data: allocate(this.#dtype, elementCount(size)),
        pixels: 0,
      };
      const low = from.map((at, i) => Math.max(at, start[i]));
      const extent = low.map((at, i) => Math.min(from[i] + size[i], start[i] + shape[i]) - at);
      const [source, target] = [low.map((at, i) => at - start[i]), low.map((at, i) => at - from[i])];
      const own = stridesOf(size);
      copyBox(values, offsetIn(source, strides), strides, one.data, offsetIn(target, own), own, extent);
      one.pixels += elementCount(extent);
      if (one.pixels < one.data.length) open.set(key, one);
      else {
        open.delete(key);
        complete.push(one);
      }
    }
    return complete;
  }
}
