/** One training sample: an augmented patch. A pure function of (seed, step, index). */

import { stream } from '../array/random.ts';
import { IGNORE } from '../dataset/labels/labels.ts';
import {
  type PatchPositionOptions,
  type PlacedPatch,
  patchPosition,
  type TrainingSet,
} from '../dataset/patch-position.ts';
import { borderWeights } from '../dataset/weights/page-separation.ts';
import { foveate, isPlain, type WindowSpec, windowOffsets } from '../input/window.ts';
import type { ObjectMaps } from '../objects/object-maps.ts';
import { coordinates, drawGeometry } from './field.ts';
import { changeIntensity } from './intensity.ts';
import type { AugmentSettings } from './options.ts';
import { warp } from './warp.ts';

export interface SampleOptions extends PatchPositionOptions {
  readonly augment: AugmentSettings;
  /** Window sampling of a pixel classifier; default: unchanged. */
  readonly window?: WindowSpec;
  /** Of networks that learn stars or flows: which. */
  readonly maps?: ObjectMaps | undefined;
}

export interface Sample {
  /** Slice and position, for messages: `train/image/3.png at y 120, x 64`. */
  readonly name: string;
  /** float32 [channels, height, width]. */
  readonly image: Float32Array;
  /** Class indices [height - 2 margin, width - 2 margin], 255 = ignored. */
  readonly label: Uint8Array;
  /** Loss weights of the same size, 0 where ignored. */
  readonly weight: Float32Array;
}

/**
 * Sample `index` of step `step`, identical for identical arguments, in any thread and at any time. Its position is from
 * stream (seed, 'patch', step, index), changes from (seed, 'augment', step, index).
 */
export function makeSample(set: TrainingSet, step: number, index: number, options: SampleOptions): Sample {
  const { seed, patch, outputMargin, augment, window } = options;
  const [height, width] = patch;
  const { page, centre, from }: Omit<PlacedPatch, 'from'> & Partial<PlacedPatch> =
    set.placed?.[index] ?? patchPosition(set, step, index, options);
  const random = stream(seed, 'augment', step, index);
  const offsets = window === undefined || isPlain(window) ? undefined : windowOffsets(window);
  const field = coordinates(drawGeometry(random, patch, augment), patch, centre, offsets);
  // Exact: coordinates and `from` have the same sign where it is not 0.
  if (from !== undefined) {
    for (let p = 0; p < field.y.length; p++) {
      field.y[p] -= from[0];
      field.x[p] -= from[1];
    }
  }
  const { image, label, separation } = warp(
    { ...page, channels: set.channels, separation: borderWeights(page) },
    field,
    patch,
    {
      outputMargin,
      interpolation: augment.interpolation,
    },
  );
  changeIntensity(random, image, [set.channels, height, width], augment);
  if (window !== undefined) foveate(image, set.channels, window.side, window.foveationPx);

  const weight = separation ?? new Float32Array(label.length);
  const table = new Float32Array(256).fill(1);
  set.classWeights.forEach((value, i) => {
    table[i] = value;
  });
  for (let p = 0; p < label.length; p++) {
    const value = label[p];
    weight[p] = value === IGNORE ? 0 : weight[p] + table[value];
  }
  const [top, left] = page.origin ?? [0, 0];
  const name = `${page.name} at y ${Math.round(top + centre[0] - (height - 1) / 2)}, x ${Math.round(left + centre[1] - (width - 1) / 2)}`;
  return { name, image, label, weight };
}
