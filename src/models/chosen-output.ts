/** One output of a file that has several, as the user names it; kept in the file's metadata. */

import { editOnnx } from '../graph/onnx/edit.ts';
import { type DeclaredTensor, readSignature, type Signature } from '../graph/onnx/model.ts';
import { chooseClassMap } from './class-maps.ts';

/** The key in the file's metadata. */
const CHOSEN_KEY = 'lamella.output';

const dimsOf = ({ dims = [] }: DeclaredTensor): readonly (number | string)[] => dims;

/**
 * The file with this output alone.
 * @throws UsageError if there is none of that name, or it is no map, naming those that there are
 */
export function withOutput(bytes: Uint8Array, name: string, file?: string): Uint8Array {
  const { inputs, outputs } = readSignature(bytes, { file });
  const { shape } = chooseClassMap(
    outputs.map((output) => ({ ...output, shape: dimsOf(output) })),
    { asked: name, file, rank: inputs[0]?.dims?.length, why: () => undefined },
  );
  return editOnnx(bytes, { output: { value: name, dims: shape }, metadata: { [CHOSEN_KEY]: name } });
}

/** The name of the only output of a file in which the user has chosen it; undefined in others. */
export const chosenOutput = ({ metadata, outputs }: Pick<Signature, 'metadata' | 'outputs'>): string | undefined =>
  metadata[CHOSEN_KEY] === undefined ? undefined : outputs[0]?.name;
