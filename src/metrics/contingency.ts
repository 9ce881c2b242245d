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

/** How many pixels a label of the truth and a label of the prediction share, for all pairs that share one. */
export interface LabelCells {
  readonly truth: ArrayLike<number>;
  readonly prediction: ArrayLike<number>;
  readonly pixels: ArrayLike<number>;
}

/** The table in the labels of both maps. @throws as `contingency` */
export function labelCells(truth: IntegerArray, prediction: IntegerArray, { ignore }: IgnoreOption = {}): LabelCells {
  requireComparable(truth, prediction, ignore);
  const { objects, segments, table } = comparedLabels(withoutIgnored(truth, { ignore }), prediction, { ignore });
  return {
    truth: Float64Array.from(table.truth, (number) => objects.values[number] as number),
    prediction: Float64Array.from(table.prediction, (number) => segments.values[number] as number),
    pixels: table.pixels,
  };
}

/** Cells are merged when there are twice as many as are left of them, and at least so many. */
const MERGED_FROM = 2 ** 18;

/** The table of two label maps that are compared part by part. Memory: about 100 bytes per pair of labels that overlap. */
export class ContingencyParts {
  #parts: LabelCells[] = [];
  #cells = 0;
  #mergeAt = MERGED_FROM;

  /** @throws as `contingency` */
  add(truth: IntegerArray, prediction: IntegerArray, { ignore }: IgnoreOption = {}): void {
    this.addCells(labelCells(truth, prediction, { ignore }));
  }

  addCells(cells: LabelCells): void {
    this.#parts.push(cells);
    this.#cells += cells.pixels.length;
    if (this.#cells < this.#mergeAt) return;
    this.#merge();
    this.#mergeAt = Math.max(MERGED_FROM, 2 * this.#cells);
  }

  /** All cells in the order of their labels, each pair once. */
  #merge(): LabelCells {
    const all = { truth: joined(this.#parts, 'truth'), prediction: joined(this.#parts, 'prediction') };
    const pixels = joined(this.#parts, 'pixels');
    const order = Uint32Array.from(pixels.keys()).sort(
      (a, b) =>
        (all.truth[a] as number) - (all.truth[b] as number) ||
        (all.prediction[a] as number) - (all.prediction[b] as number),
    );
    const merged = { truth: new Float64Array(order.length), prediction: new Float64Array(order.length) };
    const sums = new Float64Array(order.length);
    let last = -1;
    for (const k of order) {
      const [truth, prediction] = [all.truth[k] as number, all.prediction[k] as number];
      if (last < 0 || truth !== merged.truth[last] || prediction !== merged.prediction[last]) {
        last++;
        merged.truth[last] = truth;
        merged.prediction[last] = prediction;
      }
      sums[last] = (sums[last] as number) + (pixels[k] as number);
    }
    const cells = {
      truth: merged.truth.slice(0, last + 1),
      prediction: merged.prediction.slice(0, last + 1),
      pixels: sums.slice(0, last + 1),
    };
    this.#parts = [cells];
    this.#cells = last + 1;
    return cells;
  }

  /** Of all parts; labels that are ignored everywhere have no number. */
  table(): Contingency {
    const { truth, prediction, pixels } = this.#merge();
    const [own, others] = [numbered(truth), numbered(prediction)];
    return {
      truth: own.numbers,
      prediction: others.numbers,
      pixels: Float64Array.from(pixels),
      truthCount: own.count,
      predictionCount: others.count,
    };
  }
}

function joined(parts: readonly LabelCells[], of: keyof LabelCells): Float64Array {
  const all = new Float64Array(parts.reduce((sum, part) => sum + part[of].length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part[of], at);
    at += part[of].length;
  }
  return all;
}

/** Labels as 1..count in their order; 0 stays. */
function numbered(labels: ArrayLike<number>): { readonly numbers: Int32Array; readonly count: number } {
  const sorted = Float64Array.from(labels).sort();
  const values = sorted.filter((label, i) => label > 0 && label !== sorted[i - 1]);
  const ranks = new Map([...values].map((label, i) => [label, i + 1]));
  return { numbers: Int32Array.from(labels, (label) => ranks.get(label) ?? 0), count: values.length };
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
