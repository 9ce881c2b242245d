/** The class of each measured object, where label maps or predictions have several. */

import type { LabelOptions } from '../../dataset/labels/labels.ts';
import { ClassesByBlocks, classPixels } from '../../measure/object-classes.ts';
import { type Table, tableColumn, withColumn } from '../../measure/table.ts';
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

/** What classes are called that nobody named. */
const UNNAMED = ['foreground', 'object'];

/**
 * The name that all objects have where they are of one class: that of a prediction, or the one that labels state for
 * numbers of objects. Undefined for several, and for one that nobody named.
 */
export function onlyClass(
  prediction: Partial<PredictionFile> | undefined,
  stated: LabelOptions['classes'] = [],
): string | undefined {
  const border = borderOf(prediction?.classes);
  const names = prediction
    ? (prediction.classes ?? []).filter((_, i) => i !== 0 && i !== border)
    : stated.flatMap((item) => (typeof item !== 'string' && item.values === 'rest' ? item.name : []));
  const [name] = names;
  return names.length === 1 && name !== undefined && !UNNAMED.includes(name) ? name : undefined;
}

/** Of label maps whose values are classes: those that are stated, otherwise `class 3`. */
export function namesOfValues(stated: LabelOptions['classes'] = []): ClassNames {
  const name = (value: number) =>
    stated.find((item) => typeof item !== 'string' && item.values.includes(value as never)) as
      | { name: string }
      | undefined;
  return (value) => (value === 0 ? undefined : (name(value)?.name ?? `class ${value}`));
}

/** Names for the classes of objects. */
export const namedClasses = (values: ReadonlyMap<number, number>, nameOf: ClassNames): ReadonlyMap<number, string> =>
  new Map([...values].map(([label, value]) => [label, nameOf(value) as string]));

/** The class of each object of a map. @param classes value of the class of each pixel, on the same grid */
export function classesOfObjects(
  labels: IntegerArray,
  classes: IntegerArray,
  nameOf: ClassNames,
): ReadonlyMap<number, string> {
  const counted = new ClassesByBlocks();
  counted.take(classPixels(labels, classes, { isClass: (value) => nameOf(value) !== undefined }));
  return namedClasses(counted.result(), nameOf);
}

/** The table with the class of each object. */
export function withClasses(table: Table, classes: ReadonlyMap<number, string>): Table {
  const labels = tableColumn(table, 'label').values as Int32Array;
  return withColumn(table, { name: 'class', values: Array.from(labels, (label) => classes.get(label) ?? '') });
}
