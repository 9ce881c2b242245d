/** Networks of images in the one form that they are used in: float32 [N, channels, height, width] in and out. */

import { pack } from '../pack.ts';
import { behindArgMax, freeName, type NewInput, type NewOutput, type Step, withEnds } from './ends.ts';
import { type DeclaredTensor, readSignature } from './model.ts';

type Dims = NonNullable<DeclaredTensor['dims']>;

const TO_FIRST = [0, 3, 1, 2] as const;
const TO_LAST = [0, 2, 3, 1] as const;

const transpose = (perm: readonly number[]): Step => ({ op: 'Transpose', attributes: { perm } });
const cast = (to: number): Step => ({ op: 'Cast', attributes: { to } });
const FLOAT = 1;
const UINT8 = 2;
const FLOAT16 = 10;

const few = (n: number | string | undefined): boolean => typeof n === 'number' && n <= 4;

/** Whether the channels of an image come last, judged by their number. */
export const hasChannelsLast = (dims: DeclaredTensor['dims']): boolean =>
  dims?.length === 4 && few(dims[3]) && !few(dims[1]) && !few(dims[2]);

export interface ImageForm {
  readonly bytes: Uint8Array;
  /** What was changed, one sentence each. */
  readonly notes: readonly string[];
  /** Whether pixels go in as bytes, so that they are not scaled. */
  readonly isByte: boolean;
}

/**
 * The file with its ends in that form, unchanged where they have it: channels that come last are brought to the front,
 * bytes or 16-bit floats are made of pixel values, and of labels that are the largest of several maps those maps are given.
 * @throws FormatError if the bytes are not ONNX
 */
export function imageForm(bytes: Uint8Array): ImageForm {
  const { inputs, outputs } = readSignature(bytes);
  const [input] = inputs;
  const { dims, dtype = '' } = input ?? {};
  if (inputs.length !== 1 || dims?.length !== 4) return { bytes, notes: [], isByte: false };
  const isLast = hasChannelsLast(dims);
  const isByte = dtype === 'uint8';
  const steps: Step[] = [];
  if (isByte) {
    const bounds = [0, 255].map((n) => pack('float32', [], [n]));
    steps.push(
      { op: 'Max', constants: [bounds[0] as (typeof bounds)[number]] },
      { op: 'Min', constants: [bounds[1] as (typeof bounds)[number]] },
      cast(UINT8),
    );
  }
  if (dtype === 'float16') steps.push(cast(FLOAT16));
  if (isLast) steps.push(transpose(TO_LAST));
  const made = outputs.map((output) => formOf(bytes, output, isLast));
  const isChanged = steps.length > 0 || made.some(({ output }) => output.from !== output.name);
  if (!isChanged) return { bytes, notes: [], isByte: false };
  const newInput: NewInput | undefined =
    steps.length === 0
      ? undefined
      : { name: freeName(bytes, 'image'), dtype: 'float32', dims: isLast ? permuted(dims, TO_FIRST) : dims, steps };
  const notes = [
    ...(isLast ? [`Its channels come last: [${dims.join(', ')}]; they are brought to the front.`] : []),
    ...(isByte ? ['It takes bytes: pixel values are given as they are, from 0 to 255.'] : []),
    ...made.flatMap(({ note }) => note ?? []),
  ];
  const ends = { ...(newInput && { input: newInput }), outputs: made.map(({ output }) => output) };
  return { bytes: withEnds(bytes, ends), notes, isByte };
}

const permuted = (dims: Dims, perm: readonly number[]): Dims => perm.map((axis) => dims[axis] as number | string);

/** An output as a map with its channels first, and a note if more than the order of axes changes. */
function formOf(
  bytes: Uint8Array,
  { name, dtype, dims = [] }: DeclaredTensor,
  isLast: boolean,
): { readonly output: NewOutput; readonly note?: string } {
  const kept: NewOutput = { from: name, name, dims, steps: [] };
  if (dtype === 'float32' || dtype === 'float16') {
    // Where only the input of an exporter is turned, few channels stand before large sides.
    const isTurned = isLast && dims.length === 4 && !(few(dims[1]) && !few(dims[3]));
    const steps = [...(dtype === 'float16' ? [cast(FLOAT)] : []), ...(isTurned ? [transpose(TO_FIRST)] : [])];
    if (steps.length === 0) return { output: kept };
    const suffix = isTurned ? 'first' : 'float32';
    const sides = isTurned ? permuted(dims, TO_FIRST) : dims;
    return { output: { from: name, name: freeName(bytes, `${name}_${suffix}`), dims: sides, steps } };
  }
  if (!/^(?:u?int|bool)/.test(dtype)) return { output: kept };
  const scores = behindArgMax(bytes, name);
  if (scores === undefined) return { output: kept };
  const axis = scores.axis < 0 ? scores.axis + 4 : scores.axis;
  if (axis !== 1 && axis !== 3) return { output: kept };
  const sides = dims.length === 4 ? dims.filter((_, i) => i !== axis) : dims;
  const [n = 'N', height = 'height', width = 'width'] = sides;
  return {
    output: {
      from: scores.value,
      name: freeName(bytes, `${name}_scores`),
      dims: [n, 'classes', height, width],
      steps: axis === 3 ? [transpose(TO_FIRST)] : [cast(FLOAT)],
    },
    note: `Its output '${name}' is the number of the class with the largest score: the scores are taken.`,
  };
}
