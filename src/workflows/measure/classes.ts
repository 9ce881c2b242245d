/** The class of each measured object, where label maps or predictions have several. */

import type { LabelOptions } from '../../dataset/labels/labels.ts';
import type { IntegerArray } from '../../objects/grid.ts';
import { borderOf } from '../../predict/objects.ts';
import type { PredictionFile } from '../prediction-file.ts';

/** The name of the class of a value; undefined where it is no class of an object: background, border. */
export type ClassNames = (value: number) => string | undefined;

/** Of what `predict` wrote, if its objects may be of several classes. */
export function predictedClasses({ classes, values }: Partial<PredictionFile> = {}): ClassNames | undefined {
  const border = borderOf(classes);
  const named = values?.flatMap((value, i) => (i === 0 || i === border ? [] : [[value, classes?.[i]] as const])) ?? [];
  const names = new Map(named);
  return names.size > 1 ? (value) => names.get(value) : undefined;
}

/** Of label maps whose values are classes: those that are stated, otherwise `class 3`. */
export function namesOfValues(stated: LabelOptions['classes'] = []): ClassNames {
  const name = (value: number) =>
    stated.find((item) => typeof item !== 'string' && item.values.includes(value as never)) as
      | { name: string }
      | undefined;
  return (value) => (value === 0 ? undefined : (name(value)?.name ?? `class ${value}`));
}

/**
 * The class that most pixels of each object have, of equally many the one that was found first; none for objects without.
 * @param labels numbers of the objects
 * @param classes value of the class of each pixel, on the same grid
 */
export function classesOfObjects(
  { data: labels }: IntegerArray,
  { data: classes }: IntegerArray,
  nameOf: ClassNames,
): ReadonlyMap<number, string> {
  const pixels = new Map<number, Map<number, number>>();
  for (let p = 0, end = 0; p < labels.length; p = end) {
    const [label, value] = [labels[p] as number, classes[p] as number];
    while (end < labels.length && labels[end] === label && classes[end] === value) end++;
    if (label === 0 || nameOf(value) === undefined) continue;
    const own = pixels.get(label) ?? new Map<number, number>();
    pixels.set(label, own.set(value, (own.get(value) ?? 0) + end - p));
  }
  const largest = (own: ReadonlyMap<number, number>) => [...own].reduce((a, b) => (b[1] > a[1] ? b : a))[0];
  return new Map([...pixels].map(([label, own]) => [label, nameOf(largest(own)) as string]));
}
