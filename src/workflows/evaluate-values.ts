/** What the values of ground truth and predictions are. */

import { type NdArray, ndarray } from '../array/ndarray.ts';
import type { LabelKind, LabelKindFinding } from '../dataset/labels/label-kind.ts';
import {
  IGNORE,
  ignoredAmongObjects,
  type LabelClass,
  type LabelMapping,
  type LabelOptions,
  type LabelPage,
  type LabelValues,
  mappingOfValues,
} from '../dataset/labels/labels.ts';
import { neverObjects } from '../dataset/labels/not-annotated.ts';
import { DatasetError, option, UsageError } from '../errors.ts';
import type { Page } from '../input/planes.ts';
import { argmaxClasses } from '../metrics/argmax.ts';
import type { MetricGroup } from './choices.ts';
import type { Item, ScoredSlice } from './evaluate-items.ts';

/** The kind of predicted values. */
type ValueKind = 'probability' | LabelKind;

/** More values than this, in many pieces, are probability levels. */
const MOST_CLASSES = 16;

/** The kind of predicted values, and the ground-truth class of each. */
export interface PredictedValues {
  readonly kind: ValueKind;
  readonly classOf: ReadonlyMap<number, number>;
  /** Of label maps: the values that occur. */
  readonly values?: readonly number[];
  /** Of maps that `prediction.json` describes: the ground-truth class of each class of the model. */
  readonly order?: readonly number[];
  /** Classes that occur only in predictions; they follow those of the ground truth. */
  readonly added?: readonly LabelClass[];
  /** Several values that all lie inside objects, which they do not tell apart. */
  readonly parts?: readonly number[];
}

export function predictedValues(
  pages: readonly Pick<Page, 'data' | 'channels'>[],
  fullScale: number,
  mapping: LabelMapping,
  finding: LabelKindFinding,
  truthKind: LabelKind,
): PredictedValues {
  const classOf = new Map<number, number>();
  if (pages.some(({ channels }) => channels > 1)) return { kind: 'probability', classOf };
  const values = new Set<number>();
  for (const { data } of pages) {
    for (let p = 0; p < data.length; p++) values.add(data[p] as number);
    if (values.size > 2 * MOST_CLASSES && finding.kind === 'classes') break;
  }
  if ([...values].some((value) => !Number.isInteger(value))) return { kind: 'probability', classOf };
  mapping.classes.forEach((item, index) => {
    if (typeof item.values !== 'string') for (const value of item.values) classOf.set(value, index);
  });
  const counted = [...values].filter((value) => !mapping.ignore.includes(value));
  // 255 beside 0 only is the foreground of a mask, even if 255 is ignored in the ground truth.
  const isMask = mapping.classes.length === 2 && !counted.some((value) => value !== 0);
  const sorted = (isMask ? [...values] : counted).sort((a, b) => a - b);
  if (truthKind === 'classes' && finding.evidence !== 'stated') {
    // If all are values of the ground truth, or its class numbers, they are classes, whatever else they look like.
    if (sorted.every((value) => classOf.has(value))) return { kind: 'classes', classOf, values: sorted };
    if (sorted.every((value) => value >= 0 && value < mapping.classes.length))
      return { kind: 'classes', classOf: byIndex(sorted), values: sorted };
  }
  if (finding.kind === 'objects') return { kind: 'objects', classOf };
  const twoLevels = sorted.length <= 2 && mapping.classes.length === 2;
  if (twoLevels) {
    const levels = new Map(sorted.map((value) => [value, value > 0 ? 1 : 0]));
    return { kind: 'classes', classOf: levels, values: sorted };
  }
  // Colours, packed into one number, exceed any probability.
  const isPacked = mapping.kind === 'colour' && sorted.some((value) => value > fullScale);
  if (sorted.length > MOST_CLASSES && !isPacked) return { kind: 'probability', classOf };
  if (truthKind === 'objects') {
    if (sorted.every((value) => value < mapping.classes.length))
      return { kind: 'classes', classOf: byIndex(sorted), values: sorted };
    // Such as inside and border: all but the background belongs to objects.
    const inObjects = new Map(sorted.map((value) => [value, value > 0 ? 1 : 0]));
    return { kind: 'classes', classOf: inObjects, values: sorted, parts: sorted.filter((value) => value > 0) };
  }
  // The same encoding, as shown by a class in both; otherwise values are rejected one by one.
  const shared = sorted.some((value) => value !== 0 && classOf.has(value));
  const added = shared ? sorted.filter((value) => !classOf.has(value)) : [];
  for (const [k, value] of added.entries()) classOf.set(value, mapping.classes.length + k);
  const classes = added.map((value) => ({ name: `class ${value}`, values: [value] }));
  return { kind: 'classes', classOf, values: sorted, added: classes };
}

const byIndex = (values: readonly number[]): ReadonlyMap<number, number> =>
  new Map(values.map((value) => [value, value]));

/** By so much rounding may take a probability beyond 0..1. */
const ROUNDING = 1e-3;

/**
 * Probability of the second class of the ground truth, the inside or foreground, [height, width], 0..1.
 * @throws DatasetError for other numbers, such as logits and percent, which no threshold between 0 and 1 divides
 */
export function probabilityOf(
  { name, fullScale }: Pick<Item, 'name' | 'fullScale'>,
  { prediction }: Pick<ScoredSlice, 'prediction'>,
  { kind, order }: Pick<PredictedValues, 'kind' | 'order'>,
): NdArray<'float32'> {
  const { data, channels, height, width } = prediction;
  if (channels > 2) {
    throw new UsageError(`"${name}" has ${channels} probability channels.`, {
      remedy: 'Use the foreground probability only, or label maps.',
    });
  }
  const pixels = height * width;
  // The second of two channels is the foreground.
  const plane = channels === 2 ? data.subarray(pixels) : data;
  let [least, most] = [0, 0];
  for (const value of plane) {
    if (value > most) most = value;
    else if (value < least) least = value;
  }
  // Masks of 0 and 1, whatever their dtype.
  const scale = kind !== 'probability' && most <= 1 ? 1 : fullScale;
  if (kind === 'probability' && (least < -ROUNDING || most > scale + ROUNDING)) {
    throw new DatasetError(`the predicted values range from ${least} to ${most}, beyond probabilities from 0 to 1.`, {
      file: name,
      remedy: 'Save probabilities (of logits their sigmoid, of percent a hundredth), or label maps.',
    });
  }
  // It is the second class of the model.
  const isOther = order?.[1] === 0;
  const values = Float32Array.from(plane as ArrayLike<number>, (value) =>
    isOther ? 1 - value / scale : value / scale,
  );
  return ndarray('float32', [height, width], values);
}

/**
 * Class of each pixel of a prediction, by the classes of the ground truth; `IGNORE` where it has an ignored value. The
 * number of an object may be one that the ground truth ignores: it is an object all the same.
 */
export function classesOf(
  item: Pick<Item, 'name' | 'fullScale'>,
  slice: Pick<ScoredSlice, 'prediction'>,
  { kind, classOf, order }: PredictedValues,
  { threshold, ignore }: { readonly threshold: number; readonly ignore: readonly number[] },
): Uint8Array {
  const { height, width, data, channels } = slice.prediction;
  if (kind === 'objects') {
    const none = neverObjects(ignore);
    return Uint8Array.from(data as ArrayLike<number>, (value) => (value === 0 ? 0 : none.includes(value) ? IGNORE : 1));
  }
  if (kind === 'classes') {
    return Uint8Array.from(data as ArrayLike<number>, (value) => {
      const found = classOf.get(value) ?? (ignore.includes(value) ? IGNORE : undefined);
      if (found !== undefined) return found;
      throw new DatasetError(`the prediction contains ${value}, which is not a class of the ground truth.`, {
        file: item.name,
        remedy: `Use the values of the ground truth, or name each class with ${option('classes')}.`,
      });
    });
  }
  const found =
    channels > 2
      ? argmaxClasses(ndarray('float32', [channels, height, width], Float32Array.from(data))).data
      : Uint8Array.from(probabilityOf(item, slice, { kind }).data, (p) => (p > threshold ? 1 : 0));
  return order === undefined ? found : found.map((index) => order[index] ?? index);
}

/** For labels without contrast: 0 is background and anything else foreground. */
const NOTHING_OR_ALL = [
  { name: 'background', values: [0] },
  { name: 'foreground', values: 'rest' },
] as const;

export function mappingOf(
  labels: LabelValues,
  { classes, ignore = [], kind }: LabelOptions & { readonly kind: LabelKind },
): LabelMapping {
  // The kind is known.
  const found = (options: LabelOptions) =>
    mappingOfValues(labels, { ignore, kind, objectsBy: 'as', ...options }, () => kind === 'objects');
  if (classes !== undefined) return found({ classes });
  const values = [...labels.counts.keys()].filter((value) => !ignore.includes(value));
  if (kind === 'objects') {
    return { kind: 'instances', classes: NOTHING_OR_ALL, ignore: ignoredAmongObjects(labels, ignore) };
  }
  if (values.length < 2) return { kind: 'instances', classes: NOTHING_OR_ALL, ignore };
  return found({});
}

/** The mapping with the classes that occur only in predictions. */
export function withAdded(mapping: LabelMapping, { added = [] }: PredictedValues): LabelMapping {
  return {
    ...mapping,
    classes: [...mapping.classes, ...added],
  };
}

/** @throws DatasetError for predictions that do not tell objects apart */
export function refuseParts({ parts }: PredictedValues, file: string): void {
  if (parts === undefined) return;
  throw new DatasetError(
    `the label maps have several values inside of objects (${parts.join(', ')}), so that they do not say where an object ends.`,
    {
      file,
      remedy: `Predict with ${option('objects')}, score numbered objects, or choose ${option('metrics', 'overlap')}.`,
    },
  );
}

/** Interpretation of the predicted values. */
export function foundKind(finding: LabelKindFinding, kind: ValueKind): LabelKindFinding | undefined {
  if (kind === 'probability') return undefined;
  return kind === finding.kind
    ? finding
    : { kind, reason: 'their values are those of the ground truth', evidence: 'clear' };
}

/** Predicted numbers of objects as labels. @param ignore values that the ground truth ignores */
export function asLabels({ data, height, width }: Omit<Page, 'channels'>, ignore: readonly number[] = []): LabelPage {
  const none = neverObjects(ignore);
  const values = Uint32Array.from(data as ArrayLike<number>, (value) => (none.includes(value) ? 0 : value));
  return { values, height, width, colour: false, source: 'prediction' };
}

/** @throws UsageError, DatasetError for scores that do not apply to what was predicted */
export function requireScorable(
  { kind }: PredictedValues,
  { classes }: LabelMapping,
  asked: {
    readonly metrics: readonly MetricGroup[];
    readonly threshold?: number;
    readonly predictions: string;
    /** Why values number objects. */
    readonly reason: string;
  },
): void {
  const { metrics, threshold, predictions: file, reason } = asked;
  if (threshold !== undefined && kind !== 'probability') {
    throw new UsageError(`${option('threshold')} applies to probability maps; these are label maps.`, {
      file,
      remedy: 'Use the folder of the probability maps.',
    });
  }
  if (kind === 'objects' && classes.length > 2 && (metrics.includes('overlap') || metrics.includes('surface'))) {
    throw new DatasetError(
      `the predictions number objects (${reason}), but the ground truth has ${classes.length} classes: the class of an object is unknown.`,
      {
        file,
        remedy: `Use label maps of classes, ${option('as')} for what the values mean, or ${option('metrics', 'instances')} for objects alone.`,
      },
    );
  }
}
