/** Saves the batch on which training diverged, for inspection. */

import { batchSheet } from '../augment/sheet.ts';
import { writePng } from '../image/formats/png/write.ts';
import type { BatchFacts } from './loop.ts';
import { RUN_FILES, type Store } from './store.ts';
import type { StepBatch } from './train-step.ts';

/** The shape of the images of a batch. */
export interface BatchShape {
  readonly patch: readonly [number, number];
  readonly channels: number;
  /** Pixels by which labels are smaller than images, on each side. */
  readonly outputMargin: number;
}

interface Range {
  readonly least: number | null;
  readonly most: number | null;
  readonly notFinite: number;
}

/** Range of the finite values; null if there are none. */
function rangeOf(values: Float32Array): Range {
  let [least, most, notFinite] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0];
  for (const value of values) {
    if (!Number.isFinite(value)) notFinite++;
    else {
      if (value < least) least = value;
      if (value > most) most = value;
    }
  }
  return notFinite === values.length ? { least: null, most: null, notFinite } : { least, most, notFinite };
}

/**
 * Writes `diverged/step-N.png`, one row per sample (image, labels, loss weights), and `diverged/step-N.json`, which
 * names the samples in that order with their ranges.
 * @returns path of the image
 */
export async function exclude(
  store: Store,
  { feeds, samples }: StepBatch,
  facts: BatchFacts,
  { patch, channels, outputMargin }: BatchShape,
): Promise<string> {
  const images = feeds.image?.data as Float32Array;
  const weights = feeds.pixelWeights?.data as Float32Array;
  const labels = feeds.labels?.data as Int32Array;
  const share = <T extends Float32Array | Int32Array>(all: T, i: number): T => {
    const size = all.length / samples.length;
    return all.subarray(i * size, (i + 1) * size) as T;
  };
  const rows = samples.map((_, i) => ({
    image: share(images, i),
    label: share(labels, i),
    weight: share(weights, i),
  }));
  // In classification, the class and weight of an image are shown for each of its pixels.
  const inner = (patch[0] - 2 * outputMargin) * (patch[1] - 2 * outputMargin);
  const everywhere = <T extends Float32Array | Int32Array>(of: T): readonly number[] =>
    Array.from({ length: inner }, (_, p) => of[of.length === 1 ? 0 : p] as number);
  const shown = rows.map(({ image, label, weight }) => ({
    image,
    label: Uint8Array.from(everywhere(label)),
    weight: Float32Array.from(everywhere(weight)),
  }));
  const file = `${RUN_FILES.diverged}/step-${String(facts.step).padStart(9, '0')}`;
  const told = rows.map(({ image, label, weight }, i) => ({
    name: samples[i],
    image: rangeOf(image),
    classes: [...new Set(label)].sort((a, b) => a - b),
    weights: rangeOf(weight),
  }));
  await store.write(`${file}.json`, `${JSON.stringify({ ...facts, samples: told }, null, 2)}\n`);
  await store.write(`${file}.png`, writePng(batchSheet(shown, { patch, outputMargin }, channels)));
  return store.pathOf(`${file}.png`);
}
