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

/** The classes whose value is not 0. @param values default: their numbers */
export const classSegments = (classes: readonly string[], values?: readonly number[]): readonly Segment[] =>
  classes
    .map((name, i): Segment => ({ name, value: values?.[i] ?? i, colour: classColour(i) }))
    .filter(({ value }) => value !== 0);

/** Each number of a map of objects, in ascending order. */
export function objectSegments({ data }: Pick<Image, 'data'>): readonly Segment[] {
  const numbers = new Set<number>();
  for (let p = 0; p < data.length; p++) numbers.add(Number(data[p]));
  numbers.delete(0);
  return [...numbers]
    .sort((a, b) => a - b)
    .map((value) => ({ value, name: `object ${value}`, colour: classColour(value) }));
}
