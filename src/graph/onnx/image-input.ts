/** The input of a network of images, in a file of any program. */

import { ModelError } from '../../errors.ts';
import type { DeclaredTensor, Signature } from './model.ts';

type Dim = number | string;

/** An input float32 [N, channels, height, width]. */
export interface ImageInput extends DeclaredTensor {
  readonly dims: readonly [Dim, Dim, Dim, Dim];
}

/** An input float32 [N, channels, height, width], or [N, channels, depth, height, width]. */
export interface ImageOrVolumeInput extends DeclaredTensor {
  readonly dims: ImageInput['dims'] | readonly [Dim, Dim, Dim, Dim, Dim];
}

/** @throws ModelError naming the inputs, unless there is one, float32 [N, channels, height, width]. */
export function imageInput(signature: Pick<Signature, 'inputs'>, file?: string): ImageInput {
  return inputOfRank(signature, [4], file) as ImageInput;
}

/** @throws ModelError naming the inputs, unless there is one of an image or a volume. */
export function imageOrVolumeInput(signature: Pick<Signature, 'inputs'>, file?: string): ImageOrVolumeInput {
  return inputOfRank(signature, [4, 5], file) as ImageOrVolumeInput;
}

function inputOfRank(
  { inputs }: Pick<Signature, 'inputs'>,
  ranks: readonly number[],
  file: string | undefined,
): DeclaredTensor {
  const shown = inputs.map(({ name, dtype, dims }) => `${name}: ${dtype} [${dims?.join(', ') ?? '?'}]`).join('; ');
  const refuse = (problem: string, remedy: string): never => {
    throw new ModelError(problem, { file, remedy });
  };
  const remedy = `Use a model with one input float32 [N, channels, height, width]${ranks.includes(5) ? ' or [N, channels, depth, height, width]' : ''}.`;
  const [input] = inputs;
  if (input === undefined || inputs.length > 1)
    return refuse(`The model has ${inputs.length} inputs (${shown}).`, remedy);
  const { dims, dtype } = input;
  if (dtype !== 'float32' || dims === undefined || !ranks.includes(dims.length))
    return refuse(`The model takes ${shown}.`, remedy);
  return input;
}
