/** Batches of whole images: each image once per epoch, in random order, augmented as the options say. */

import { stream } from '../array/random.ts';
import type { ClassSet } from '../dataset/classification/prepare.ts';
import { prepareView } from '../input/network-input.ts';
import { normalise } from '../input/normalise.ts';
import { coordinates, drawGeometry } from './field.ts';
import { changeIntensity } from './intensity.ts';
import type { AugmentSettings } from './options.ts';
import { sampleBicubic, sampleBilinear } from './resample.ts';

/** Augmentation for image classification only. JSON, stored in a run's configuration. */
export interface ClassAugment {
  /** Mirror half of the images left to right. */
  readonly mirror: boolean;
  /** Random crops of the stored image; otherwise the centre crop. */
  readonly crops: boolean;
  /** Largest shift in each direction, in whole pixels. */
  readonly shiftPx: number;
  /** Shifts colours along these axes, each by a factor from N(0, sigma^2) (`colourAxes`); undefined disables it. */
  readonly colour?: { readonly sigma: number; readonly axes: readonly (readonly number[])[] };
}

/** The images of one step, stacked. */
export interface ClassBatch {
  /** float32 [batch, channels, *crop]. */
  readonly images: Float32Array;
  /** Classes [batch]. */
  readonly labels: Int32Array;
  /** Loss weights [batch]. */
  readonly weights: Float32Array;
  readonly names: readonly string[];
}

export interface ClassBatchOptions {
  readonly seed: number;
  readonly batch: number;
  readonly augment: AugmentSettings;
  readonly classes: ClassAugment;
}

/**
 * Generates the batch of each step, identical for identical arguments. The order is from stream (seed, 'order', epoch),
 * changes from (seed, 'augment', step, index). Crops are anywhere in the stored image.
 */
export function classBatches(
  set: ClassSet,
  { seed, batch, augment, classes }: ClassBatchOptions,
): (step: number) => ClassBatch {
  const { images, labels, names, input } = set;
  const { channels, stored, crop, normalisation } = input;
  const count = images.length;
  const size = channels.count * crop[0] * crop[1];
  const free = [stored[0] - crop[0] + 1, stored[1] - crop[1] + 1] as const;
  const bends = augment.warpFraction > 0 || augment.turn || augment.flip || classes.shiftPx > 0;
  let epoch = -1;
  let order: Uint32Array = new Uint32Array();
  const sampleAt = (position: number): number => {
    const at = Math.floor(position / count);
    if (at !== epoch) {
      epoch = at;
      order = stream(seed, 'order', epoch).permutation(count);
    }
    return order[position % count];
  };

  const draw = (step: number, index: number, planes: Uint8Array | Float32Array, out: Float32Array): void => {
    const random = stream(seed, 'augment', step, index);
    const anywhere = [random.integer(free[0]), random.integer(free[1])] as const;
    const [top, left] = classes.crops ? anywhere : [free[0] >> 1, free[1] >> 1];
    const mirror = random.uniform() < 0.5 && classes.mirror;
    if (bends) {
      const { shiftPx } = classes;
      const shift = () => random.integer(2 * shiftPx + 1) - shiftPx;
      const centre = [top + (crop[0] - 1) / 2 + shift(), left + (crop[1] - 1) / 2 + shift()] as const;
      const field = coordinates(drawGeometry(random, crop, augment), crop, centre);
      if (mirror) for (let p = 0; p < field.x.length; p++) field.x[p] = 2 * centre[1] - field.x[p];
      const sample = augment.interpolation === 'bicubic' ? sampleBicubic : sampleBilinear;
      const [from, to] = [stored[0] * stored[1], crop[0] * crop[1]];
      for (let c = 0; c < channels.count; c++) {
        const plane = Float32Array.from(planes.subarray(c * from, (c + 1) * from));
        sample(plane, stored, field, out.subarray(c * to, (c + 1) * to));
      }
      normalise(out, channels.count, normalisation);
    } else prepareView(planes, input, { top, left, mirror }, out);
    if (classes.colour !== undefined) {
      const pixels = crop[0] * crop[1];
      const { sigma, axes } = classes.colour;
      const shares = axes.map(() => sigma * random.normal());
      for (let c = 0; c < channels.count; c++) {
        const shift = axes.reduce((sum, axis, i) => sum + shares[i] * axis[c], 0);
        for (let p = c * pixels; p < (c + 1) * pixels; p++) out[p] = out[p] + shift;
      }
    }
    if (augment.intensityFraction > 0) changeIntensity(random, out, [channels.count, ...crop], augment);
  };

  return (step) => {
    const drawn = new Float32Array(batch * size);
    const classOf = new Int32Array(batch);
    const weights = new Float32Array(batch);
    const chosen: string[] = [];
    for (let index = 0; index < batch; index++) {
      const i = sampleAt(step * batch + index);
      draw(step, index, images[i] as Uint8Array, drawn.subarray(index * size, (index + 1) * size));
      const label = labels[i];
      classOf[index] = label;
      weights[index] = set.classWeights[label];
      chosen.push(names[i]);
    }
    return { images: drawn, labels: classOf, weights, names: chosen };
  };
}
