/** The overlap of two label maps in pixels, segment by segment, from which all partition scores are computed. */

import type { NdArray } from '../array/ndarray.ts';
import { type IntegerArray, requireSameShape } from '../objects/grid.ts';
import { relabelConsecutive } from '../objects/relabel.ts';

/** Pixels grouped by label: those of label k are `pixels[starts[k]] .. pixels[starts[k + 1] - 1]`. */
export interface PixelGroups {
  readonly pixels: Int32Array;
  readonly starts: Int32Array;
}

/** The non-empty cells of the contingency table, ordered by ground-truth label. Label 0 is background. */
export interface Contingency {
  readonly truth: Int32Array;
  readonly prediction: Int32Array;
  readonly pixels: Float64Array;
  readonly truthCount: number;
  readonly predictionCount: number;
}

/**
 * Groups the pixels of a label map that are not ignored.
 * @param labels values 0..count
 * @param ignore nonzero = ignored
 */
export function groupPixels(labels: NdArray<'int32'>, count: number, ignore?: IntegerArray): PixelGroups {
  const data = labels.data;
  const skip = ignore?.data;
  const starts = new Int32Array(count + 2);
  for (let i = 0; i < data.length; i++) {
    if (skip === undefined || skip[i] === 0) starts[data[i] + 1]++;
  }
  for (let k = 0; k <= count; k++) starts[k + 1] = starts[k + 1] + starts[k];
  const pixels = new Int32Array(starts[count + 1]);
  const next = starts.slice();
  for (let i = 0; i < data.length; i++) {
    if (skip !== undefined && skip[i] !== 0) continue;
    const label = data[i];
    const place = next[label];
    pixels[place] = i;
    next[label] = place + 1;
  }
  return { pixels, starts };
}

/** The table of grouped ground-truth pixels against a label map with values 0..predictionCount. */
export function contingencyOfGroups(
  { pixels, starts }: PixelGroups,
  prediction: NdArray<'int32'>,
  predictionCount: number,
): Contingency {
  const data = prediction.data;
  const counts = new Int32Array(predictionCount + 1);
  const touched = new Int32Array(predictionCount + 1);
  const cells: { truth: number[]; prediction: number[]; pixels: number[] } = { truth: [], prediction: [], pixels: [] };
  const truthCount = starts.length - 2;
  for (let label = 0; label <= truthCount; label++) {
    let met = 0;
    const end = starts[label + 1];
    for (let k = starts[label]; k < end; k++) {
      const other = data[pixels[k]];
      const before = counts[other];
      if (before === 0) touched[met++] = other;
      counts[other] = before + 1;
    }
    for (let k = 0; k < met; k++) {
      const other = touched[k];
      cells.truth.push(label);
      cells.prediction.push(other);
      cells.pixels.push(counts[other]);
      counts[other] = 0;
    }
  }
  return {
    truth: Int32Array.from(cells.truth),
    prediction: Int32Array.from(cells.prediction),
    pixels: Float64Array.from(cells.pixels),
    truthCount,
    predictionCount,
  };
}

export interface IgnoreOption {
  /** Nonzero pixels are ignored. Same shape as the ground truth. */
  readonly ignore?: IntegerArray;
}

/** Labels with 0 where they are ignored, so that two such maps agree there; they may be negative there. */
export function withoutIgnored<A extends IntegerArray>(labels: A, { ignore }: IgnoreOption): A {
  if (ignore === undefined) return labels;
  requireSameShape(labels, ignore, ['labels', 'ignore mask']);
  return { ...labels, data: labels.data.map((value: number, p: number) => (ignore.data[p] === 0 ? value : 0)) };
}

/**
 * The table of two label maps with any labels >= 0; they are renumbered consecutively, in order.
 * @throws UsageError if shapes differ or a label is negative.
 */
export function contingency(truth: IntegerArray, prediction: IntegerArray, { ignore }: IgnoreOption = {}): Contingency {
  requireComparable(truth, prediction, ignore);
  return comparedLabels(withoutIgnored(truth, { ignore }), prediction, { ignore }).table;
}

/** The table, with both maps renumbered. */
export function comparedLabels(truth: IntegerArray, prediction: IntegerArray, { ignore }: IgnoreOption) {
  requireComparable(truth, prediction, ignore);
  const [objects, segments] = [relabelConsecutive(truth), relabelConsecutive(prediction)];
  const groups = groupPixels(objects.labels, objects.count, ignore);
  return { objects, segments, table: contingencyOfGroups(groups, segments.labels, segments.count) };
}

/** The table of two label maps that are compared part by part. Memory: about 100 bytes per pair of labels that overlap. */
export class ContingencyParts {
  /** By label of the truth: pixels by label of the prediction. */
  readonly #cells = new Map<number, Map<number, number>>();

  /** @throws as `contingency` */
  add(truth: IntegerArray, prediction: IntegerArray, { ignore }: IgnoreOption = {}): void {
    requireComparable(truth, prediction, ignore);
    const { objects, segments, table } = comparedLabels(withoutIgnored(truth, { ignore }), prediction, { ignore });
    for (const [k, pixels] of table.pixels.entries()) {
      const label = objects.values[table.truth[k] as number] as number;
      const other = segments.values[table.prediction[k] as number] as number;
      const row = this.#cells.get(label) ?? new Map<number, number>();
      this.#cells.set(label, row.set(other, (row.get(other) ?? 0) + pixels));
    }
  }

  /** Of all parts; labels that are ignored everywhere have no number. */
  table(): Contingency {
    const numbered = (labels: Iterable<number>): ReadonlyMap<number, number> =>
      new Map([...new Set([0, ...labels])].sort((a, b) => a - b).map((label, number) => [label, number]));
    const truth = numbered(this.#cells.keys());
    const others = new Set<number>();
    for (const row of this.#cells.values()) for (const label of row.keys()) others.add(label);
    const prediction = numbered(others);
    const cells = [...truth].flatMap(([label, t]) =>
      [...(this.#cells.get(label) ?? [])].map(([other, pixels]) => ({ t, p: prediction.get(other) ?? 0, pixels })),
    );
    return {
      truth: Int32Array.from(cells, ({ t }) => t),
      prediction: Int32Array.from(cells, ({ p }) => p),
      pixels: Float64Array.from(cells, ({ pixels }) => pixels),
      truthCount: truth.size - 1,
      predictionCount: prediction.size - 1,
    };
  }
}

/** Pixels of each label, by label. */
export function labelPixels({ pixels, ...table }: Contingency) {
  const truth = new Float64Array(table.truthCount + 1);
  const prediction = new Float64Array(table.predictionCount + 1);
  for (let k = 0; k < pixels.length; k++) {
    truth[table.truth[k] as number] += pixels[k] as number;
    prediction[table.prediction[k] as number] += pixels[k] as number;
  }
  return { truth, prediction };
}

/** @throws UsageError if the shapes of the prediction or of the mask differ from that of the truth. */
export function requireComparable(truth: IntegerArray, prediction: NdArray, ignore: IntegerArray | undefined): void {
  requireSameShape(truth, prediction);
  if (ignore !== undefined) requireSameShape(truth, ignore, ['truth', 'ignore mask']);
}
