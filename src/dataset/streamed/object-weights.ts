/** Weights for the borders between numbered objects, and for small ones, of parts of a slice: as `borderWeights` of the whole. */

import { median } from '../../array/quantile.ts';
import type { Rectangle } from '../../array/window-sums.ts';
import { IGNORE, type LabelMapping, type LabelPage } from '../labels/labels.ts';
import { numbersOf, OBJECT } from '../labels/numbered.ts';
import type { PageSeparation } from '../weights/page-separation.ts';
import { type SeparationOptions, separationReachPx, separationTerm } from '../weights/separation-weight.ts';
import { cutOffObjects, moreForSmall } from '../weights/small-objects.ts';
import { classesByValue, narrowed, widened } from './classes.ts';
import { partsOf, type StreamedPage } from './page.ts';
import type { ReadClasses } from './scan.ts';
import type { SurveyedLabels } from './survey.ts';

/** Pixels of each object by its value, of those whose size is known. */
export type ObjectSizes = ReadonlyMap<number, number>;

/** Numbers of objects of a slice. */
export interface ObjectCounts {
  /** Those with an annotated pixel, whatever their class. */
  readonly annotated: number;
  /** Those with a pixel of a class but the background. */
  readonly foreground: number;
}

/** @param keys the values of a slice, once each */
export function countObjects(keys: LabelPage, mapping: LabelMapping): ObjectCounts {
  const classes = classesByValue(keys, mapping);
  const count = (isMeant: (value: number, classIndex: number) => boolean): number =>
    keys.values.filter((value, i) => isMeant(value, classes[i])).length;
  return {
    annotated: count((value, classIndex) => value > 0 && classIndex !== IGNORE),
    foreground: count((_, classIndex) => isOfObject(classIndex)),
  };
}

/**
 * The sizes of the objects of slice `index`, every pixel of which is annotated.
 * @param mapping of which classes that are no background objects are; default: every value but 0
 */
export function sizesByValue({ counts, values }: SurveyedLabels, index: number, mapping?: LabelMapping): ObjectSizes {
  const keys = values[index];
  const classes = mapping && classesByValue(keys, mapping);
  const sizes = new Map(counts[index]);
  for (const [i, value] of keys.values.entries()) {
    if (value === 0 || (classes !== undefined && !isOfObject(classes[i]))) sizes.delete(value);
  }
  return sizes;
}

/** What is read of a slice, or of a part of it, to weigh its objects. */
export interface ObjectSource extends Pick<StreamedPage, 'height' | 'width' | 'rows'> {
  readonly readLabel: ReadClasses;
  readValues(box: Rectangle): Promise<LabelPage>;
}

/** The sizes of all objects but those that lie in or touch what is not annotated. @param isObject whether pixels of a class count */
export async function scanSizes(source: ObjectSource, isObject: (classIndex: number) => boolean): Promise<ObjectSizes> {
  const sizes = new Map<number, number>();
  const cut = new Set<number>();
  for (const box of partsOf(source)) {
    // Whether a pixel touches what is not annotated is told by its neighbours.
    const wide = widened(box, 1, source);
    const [{ values }, label] = await Promise.all([source.readValues(wide), source.readLabel(wide)]);
    const objects = values.map((value, p) => (isObject(label[p]) ? value : 0));
    for (const object of cutOffObjects({ objects, label, width: wide.width })) cut.add(object);
    const first = (box.y - wide.y) * source.width;
    for (const object of objects.subarray(first, first + box.height * source.width)) {
      if (object !== 0) sizes.set(object, (sizes.get(object) ?? 0) + 1);
    }
  }
  for (const object of cut) sizes.delete(object);
  return sizes;
}

/** Whether pixels of a class belong to numbered objects. */
export const isOfObject = (classIndex: number): boolean => classIndex !== 0 && classIndex !== IGNORE;

/** As `medianObjectSize`. */
export function medianOfSizes(pages: readonly ObjectSizes[]): number {
  const sizes = pages.flatMap((own) => [...own.values()]);
  return sizes.length === 0 ? 0 : median(sizes);
}

/** How the objects of slices are weighed. */
export interface ObjectWeighing extends SeparationOptions {
  /** As in `PageSeparation`. */
  readonly typicalSize: number;
}

/**
 * Classes and weights of a box.
 * @param sizes of all objects of the source
 */
export async function readWeighed(
  source: ObjectSource,
  box: Rectangle,
  weighing: ObjectWeighing,
  sizes: ObjectSizes,
): Promise<{ readonly label: Uint8Array; readonly separation: PageSeparation }> {
  const wide = widened(box, separationReachPx(weighing), source);
  const [values, classes] = await Promise.all([source.readValues(wide), source.readLabel(wide)]);
  const numbers = numbersOf(values, classes);
  const objects = numbers.map((value, p) => (classes[p] === OBJECT ? value : 0));
  const term = separationTerm(objects, [wide.height, wide.width], weighing);
  const { typicalSize } = weighing;
  if (typicalSize > 0) {
    for (let p = 0; p < term.length; p++) {
      const size = numbers[p] === 0 ? undefined : sizes.get(values.values[p]);
      const more = size === undefined ? 0 : moreForSmall(size, typicalSize);
      if (more > 0) term[p] = term[p] + more;
    }
  }
  return {
    label: narrowed(classes, wide, box),
    separation: {
      ...weighing,
      objectClass: OBJECT,
      term: narrowed(term, wide, box),
      filled: Int32Array.of(1),
    },
  };
}
