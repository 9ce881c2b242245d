/** The input of a network of images, in a file of any program. */

import { ModelError } from '../../errors.ts';
import type { DeclaredTensor, Signature } from './model.ts';

/** An input float32 [N, channels, height, width]. */
export interface ImageInput extends DeclaredTensor {
  readonly dims: readonly [number | string, number | string, number | string, number | string];
}

/** @throws ModelError naming the inputs, unless there is one, float32 [N, channels, height, width]. */
export function imageInput({ inputs }: Pick<Signature, 'inputs'>, file?: string): ImageInput {
  const shown = inputs.map(({ name, dtype, dims }) => `${name}: ${dtype} [${dims?.join(', ') ?? '?'}]`).join('; ');
  const refuse = (problem: string, remedy: string): never => {
    throw new ModelError(problem, { file, remedy });
  };
  const remedy = 'Use a model with one input float32 [N, channels, height, width].';
  const [input] = inputs;
  if (input === undefined || inputs.length > 1)
    return refuse(`The model has ${inputs.length} inputs (${shown}).`, remedy);
  const { dims, dtype } = input;
  if (dtype !== 'float32' || dims?.length !== 4) return refuse(`The model takes ${shown}.`, remedy);
  return input as ImageInput;
}
