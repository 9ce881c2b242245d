/** What the values of a label map mean, for formats that name them. */

import { option } from '../errors.ts';
import { classColour } from '../image/display.ts';
import type { Image } from '../image/image.ts';

/** A value of a label map, and what it means. */
export interface Segment {
  readonly value: number;
  readonly name: string;
  readonly colour: readonly [number, number, number];
}

/** Printed where a file says whose it is. */
export const PATIENT_NOTE = `The segmentation names the patient and the study of its series; ${option('patient', false)} leaves them empty.`;

export interface ClassSegments {
  /** The value of each class in the label map: those given, or 1, 2, ... if a segment would have the value 0. */
  readonly values: readonly number[];
  readonly segments: readonly Segment[];
}

/**
 * The classes but those of the background; a segment never has the value 0, which is outside of all.
 * @param background indices of classes, as `backgroundOf` has them
 * @param values default: the indices
 */
export function classSegments(
  classes: readonly string[],
  background: readonly number[],
  values: readonly number[] = classes.map((_, i) => i),
): ClassSegments {
  const isSegment = (i: number): boolean => !background.includes(i);
  const written = values.some((value, i) => value === 0 && isSegment(i)) ? classes.map((_, i) => i + 1) : values;
  const segments = classes
    .map((name, i): Segment => ({ name, value: written[i] as number, colour: classColour(i) }))
    .filter((_, i) => isSegment(i));
  return { values: written, segments };
}

/** Each number of a map of objects, in ascending order. */
export function objectSegments({ data }: Pick<Image, 'data'>): readonly Segment[] {
  const numbers = new Set<number>();
  for (let p = 0; p < data.length; p++) numbers.add(Number(data[p]));
  numbers.delete(0);
  return [...numbers]
    .sort((a, b) => a - b)
    .map((value) => ({ value, name: `object ${value}`, colour: classColour(value) }));
}
