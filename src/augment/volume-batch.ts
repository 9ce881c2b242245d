/**
 * Batches for networks of volumes. All slices of a patch are changed by one field in their plane, and half of the patches
 * are mirrored along the depth, so that structures continue from slice to slice as they do in the volume.
 */

import { mirrorIndex } from '../array/gaussian.ts';
import { stream } from '../array/random.ts';
import { IGNORE } from '../dataset/labels/labels.ts';
import type { TrainingSet } from '../dataset/patch-position.ts';
import { volumePosition } from '../dataset/volume-position.ts';
import { type Batch, makeBatch } from './batch.ts';
import { coordinates, drawGeometry } from './field.ts';
import { changeIntensity } from './intensity.ts';
import { makeMapBatch } from './patch-targets.ts';
import type { Sample, SampleOptions } from './sample.ts';
import { warp } from './warp.ts';

/** How samples of volumes are drawn. */
export type VolumeSampleOptions = SampleOptions & { readonly slices: number };

/**
 * Sample `index` of step `step`, identical for identical arguments: image [channels, slices, height, width], labels and
 * weights [slices, height, width]. Its position is from `volumePosition`, changes from (seed, 'augment', step, index).
 */
export function makeVolumeSample(set: TrainingSet, step: number, index: number, options: VolumeSampleOptions): Sample {
  const { seed, patch, slices, augment } = options;
  const { channels } = set;
  const [height, width] = patch;
  const { pages, top, centre } = volumePosition(set, step, index, options);
  const random = stream(seed, 'augment', step, index);
  const field = coordinates(drawGeometry(random, patch, augment), patch, centre);
  const isMirrored = random.uniform() < 0.5 && augment.flip;
  const pixels = height * width;
  const image = new Float32Array(channels * slices * pixels);
  const label = new Uint8Array(slices * pixels);
  const weight = new Float32Array(slices * pixels);
  for (let slice = 0; slice < slices; slice++) {
    const page = pages[mirrorIndex(top + slice, pages.length)];
    const warped = warp({ ...page, channels, separation: undefined }, field, patch, {
      interpolation: augment.interpolation,
    });
    const at = isMirrored ? slices - 1 - slice : slice;
    for (let c = 0; c < channels; c++) {
      image.set(warped.image.subarray(c * pixels, (c + 1) * pixels), (c * slices + at) * pixels);
    }
    label.set(warped.label, at * pixels);
  }
  // Planes are blurred one by one; tone and noise are those of the whole patch.
  changeIntensity(random, image, [channels * slices, height, width], augment);
  for (let p = 0; p < label.length; p++) {
    const value = label[p];
    weight[p] = value === IGNORE ? 0 : (set.classWeights[value] ?? 1);
  }
  const [y, x] = [centre[0] - (height - 1) / 2, centre[1] - (width - 1) / 2];
  const name = `${pages[0].name} at z ${top}, y ${Math.round(y)}, x ${Math.round(x)}`;
  return { name, image, label, weight };
}

/**
 * The samples of a step, of pages, with their targets if maps are learned, or of volumes, stacked: images [batch, channels,
 * slices, height, width].
 */
export function makeAnyBatch(set: TrainingSet, step: number, options: SampleOptions): Batch {
  const { batch, slices, maps } = options;
  if (maps !== undefined) return makeMapBatch(set, step, { ...options, maps });
  if (slices === undefined) return makeBatch(set, step, options);
  const samples = Array.from({ length: batch }, (_, index) =>
    makeVolumeSample(set, step, index, { ...options, slices }),
  );
  const [first] = samples;
  const images = new Float32Array(batch * first.image.length);
  const labels = new Uint8Array(batch * first.label.length);
  const weights = new Float32Array(batch * first.label.length);
  samples.forEach(({ image, label, weight }, index) => {
    images.set(image, index * image.length);
    labels.set(label, index * label.length);
    weights.set(weight, index * label.length);
  });
  return { step, images, labels, weights, names: samples.map(({ name }) => name) };
}
