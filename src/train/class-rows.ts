/** What each class keeps of the last layer of the model that a run trains on from: one row of its weights for each class. */

import { elementCount, type NdArray, ndarray } from '../array/ndarray.ts';
import type { LabelMapping } from '../dataset/labels/labels.ts';
import type { ModelSpec } from '../models/registry.ts';

/** A model that a run trains on from. */
interface KnownModel {
  readonly name: string;
  readonly classNames: readonly string[];
  readonly model: Pick<ModelSpec, 'numClasses'>;
  readonly labels?: Pick<LabelMapping, 'regions'> | undefined;
  readonly maps?: object | undefined;
}

/** For each class the row of the model's last layer that it begins with; null: zeros. */
export type ClassRows = readonly (number | null)[];

const lower = (names: readonly string[]): readonly string[] => names.map((name) => name.toLowerCase());

/**
 * Which row each class begins with: that of its name; if there are as many classes as before, the others take the places
 * that are left.
 * @returns undefined where rows are not of classes, or all stay as they are, or the model knows none of the classes
 */
export function chooseRows(
  { classNames, labels: own, maps, model }: KnownModel,
  { numClasses }: Pick<ModelSpec, 'numClasses'>,
  { classes, regions }: LabelMapping,
): ClassRows | undefined {
  const isOfClasses = maps === undefined && own?.regions === undefined && regions === undefined;
  if (!isOfClasses || classNames.length !== model.numClasses || classes.length !== numClasses) return undefined;
  const known = lower(classNames);
  const wanted = lower(classes.map(({ name }) => name));
  const isAsMany = wanted.length === known.length;
  const left = isAsMany ? [...known.keys()].filter((row) => !wanted.includes(known[row] as string)) : [];
  const rows = wanted.map((name) => (known.includes(name) ? known.indexOf(name) : (left.shift() ?? null)));
  const allStay = isAsMany && rows.every((row, i) => row === i);
  return allStay || rows.every((row) => row === null) ? undefined : rows;
}

/**
 * Rows of an array along an axis. Those of new classes are zeros: such a class says nothing until it has learned. Zeros do
 * not keep rows alike, as they would in layers further down: the gradient of row k is the sum of (p_k - y_k) times the
 * features of each pixel, y_k whether it is of class k, and so its own from the first step.
 */
export function pickRows({ dtype, shape, data }: NdArray, axis: number, rows: ClassRows): NdArray {
  const picked = ndarray(dtype, shape.with(axis, rows.length));
  const [from, to] = [data, picked.data] as [Float32Array, Float32Array];
  const size = elementCount(shape.slice(axis + 1));
  for (let outer = 0; outer < elementCount(shape.slice(0, axis)); outer++) {
    rows.forEach((row, i) => {
      if (row === null) return;
      const start = (outer * (shape[axis] as number) + row) * size;
      to.set(from.subarray(start, start + size), (outer * rows.length + i) * size);
    });
  }
  return picked;
}

/**
 * What the last layer of the model is for the classes, where its weights are kept, as printed lines.
 * @param rate of layers with new classes, as printed
 */
export function classNotes(
  { name, classNames, model: { numClasses } }: KnownModel,
  { classes }: LabelMapping,
  rows: ClassRows | undefined,
  rate: string,
): readonly string[] {
  const names = classes.map((one) => one.name);
  if (classNames.length === 0) {
    const outputs = numClasses === 1 ? names.slice(1) : names;
    const mapped = outputs.map((one, i) => `${i} is ${one}`).join(', ');
    return outputs.length === numClasses ? [`outputs of ${name}: ${mapped}`] : [];
  }
  const places = names.map((_, i) => classNames[rows?.[i] ?? i] as string);
  if (names.length === classNames.length && lower(names).join() !== lower(places).join()) {
    return [`classes: ${names.join(', ')} take the places of ${places.join(', ')} in ${name}`];
  }
  if (rows === undefined) return [];
  const parts = [
    { some: names.filter((_, i) => rows[i] !== null), are: 'kept' },
    { some: names.filter((_, i) => rows[i] === null), are: `new${rate}` },
    { some: classNames.filter((_, row) => !rows.includes(row)), are: 'dropped' },
  ].filter(({ some }) => some.length > 0);
  return [`last layer: ${parts.map(({ some, are }) => `${some.join(', ')} ${are}`).join('; ')}`];
}
