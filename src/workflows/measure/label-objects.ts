/** What the values of label maps and ground truth are, and their objects. */

import type { LabelKindFinding } from '../../dataset/labels/label-kind.ts';
import { WHITE_FROM } from '../../dataset/labels/soft-mask.ts';
import { connectedComponents } from '../../objects/connected-components.ts';
import { filterObjects } from '../../objects/filter-objects.ts';
import type { IntegerArray } from '../../objects/grid.ts';
import { aboveThreshold } from '../../objects/threshold.ts';

/** Interpretation of the label maps' and ground truth's values. */
export interface MeasuredKinds {
  readonly labels: LabelKindFinding;
  readonly truth: LabelKindFinding;
  /** Values to ignore: those declared by a `dataset.json`, and the one that means "not annotated". */
  readonly ignored: { readonly labels: readonly number[]; readonly truth: readonly number[] };
  /** Whether the values of the label maps are several classes. */
  readonly isOfClasses: boolean;
}

/** Label maps as separate objects. */
export function asObjects(labels: IntegerArray, finding: LabelKindFinding): IntegerArray {
  if (finding.kind === 'objects') return labels;
  return connectedComponents(classMask(labels, finding), { by: 'value' }).labels;
}

/** Classes whose connected pixels are objects: masks with soft edges are cut. */
export const classMask = (labels: IntegerArray, { soft }: LabelKindFinding): IntegerArray =>
  soft === true ? aboveThreshold(labels, WHITE_FROM - 1) : labels;

/** Objects of at least this many pixels, with their labels unchanged. */
export function withoutSmall(labels: IntegerArray, minSize: number): IntegerArray {
  const kept = filterObjects(labels, { minSize }).labels.data;
  const data = labels.data.slice();
  for (let p = 0; p < data.length; p++) if (kept[p] === 0) data[p] = 0;
  return { ...labels, data } as IntegerArray;
}
