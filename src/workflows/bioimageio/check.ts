/** The test of a package: its network on its test inputs, beside its test outputs. */

import { isDType, type NdArray, ndarray } from '../../array/ndarray.ts';
import { FormatError, ModelError } from '../../errors.ts';
import { readNpy } from '../../export/bioimageio/npy.ts';
import { type DeclaredTensor, readSignature } from '../../graph/onnx/model.ts';
import { pack } from '../../graph/pack.ts';
import { applyOperations } from '../../input/operations.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import { type CheckedObjects, objectsAsPublished } from './check-objects.ts';
import type { PackageTensor } from './description.ts';
import { findsObjects } from './objects.ts';
import { operationsOf } from './operations.ts';
import { type ModelPackage, readSource, weightsOf } from './package.ts';

/** How the values of one output differ from what the package says. */
export interface CheckedValues {
  readonly largestDifference: number;
  /** The largest value that is expected, without its sign. */
  readonly largestValue: number;
  /** Whether no value is further off than `TOLERANCE` and that part of it. */
  readonly passed: boolean;
}

export type CheckedOutput = { readonly name: string; readonly shape: readonly number[] } & (
  | CheckedValues
  | CheckedObjects
);

/** Absolute, and relative to the expected value. */
export const TOLERANCE = 1e-3;

/**
 * Runs the network of a package as it describes it on its test inputs. Of outputs in which StarDist's or Cellpose's
 * operation finds objects, Lamella's own decoder finds them, and objects are compared.
 * @throws ModelError for a package without ONNX or test, and for operations that need code of other programs
 */
export async function checkPackage(pack: ModelPackage, runtime: Runtime): Promise<readonly CheckedOutput[]> {
  const { description, files } = pack;
  const { file } = files;
  const bytes = await weightsOf(pack);
  const signature = readSignature(bytes, { file });
  const feeds: { [name: string]: NdArray } = {};
  for (const [i, tensor] of description.inputs.entries()) {
    const declared = signature.inputs[i];
    if (declared === undefined) {
      throw new ModelError(`its description has ${description.inputs.length} inputs, and its ONNX file ${i}.`, {
        file,
      });
    }
    const given = await testTensor(pack, tensor);
    feeds[declared.name] = ofType(processed(given, tensor, file), declared, file);
  }
  const program = await runtime.load(bytes);
  try {
    const results = await program.run(feeds);
    const checked: CheckedOutput[] = [];
    for (const [i, tensor] of description.outputs.entries()) {
      const found = results[signature.outputs[i]?.name ?? ''];
      if (found === undefined) throw new ModelError(`the network has no output for '${tensor.name}'.`, { file });
      const expected = await testTensor(pack, tensor);
      const values = Float32Array.from(found.data as ArrayLike<number | bigint>, Number);
      const given = ndarray('float32', found.shape, values);
      if (tensor.operations.some(findsObjects)) {
        const compared = objectsAsPublished(given, tensor, expected, file);
        checked.push({ name: tensor.name, shape: expected.shape, ...compared });
        continue;
      }
      const own = processed(given, tensor, file);
      if (own.shape.join() !== expected.shape.join()) {
        throw new ModelError(
          `'${tensor.name}' is [${own.shape.join(', ')}], and its test [${expected.shape.join(', ')}].`,
          { file },
        );
      }
      checked.push({ name: tensor.name, shape: expected.shape, ...compared(own.data, expected.data) });
    }
    return checked;
  } finally {
    await program.dispose();
  }
}

async function testTensor(pack: ModelPackage, { name, test }: PackageTensor): Promise<NdArray<'float32'>> {
  const { file } = pack.files;
  if (test === undefined) throw new ModelError(`the package has no test tensor for '${name}'.`, { file });
  return readNpy(await readSource(pack, test), `${file}: ${test.source}`);
}

/** @throws FormatError for a tensor of another rank than its description */
function processed(
  tensor: NdArray<'float32'>,
  { name, axes, operations }: PackageTensor,
  file: string,
): NdArray<'float32'> {
  const names = axes.map((axis) => axis.name);
  if (tensor.shape.length !== names.length) {
    throw new FormatError(
      `'${name}' is [${tensor.shape.join(', ')}], and is described with the axes ${names.join(', ')}.`,
      { file },
    );
  }
  const data = applyOperations({ ...tensor, axes: names }, operationsOf(operations, names, file));
  return ndarray('float32', tensor.shape, data);
}

/** The values in the type that the network takes. */
function ofType({ shape, data }: NdArray<'float32'>, { dtype, name }: DeclaredTensor, file: string): NdArray {
  if (isDType(dtype)) return pack(dtype, shape, [...data]);
  throw new ModelError(`its network takes '${name}' as ${dtype}, which cannot be given.`, { file });
}

function compared(own: Float32Array, expected: Float32Array): CheckedValues {
  let [largestDifference, largestValue, passed] = [0, 0, true];
  for (const [i, value] of expected.entries()) {
    const difference = Math.abs((own[i] as number) - value);
    // NaN is never within.
    if (!(difference <= TOLERANCE + TOLERANCE * Math.abs(value))) passed = false;
    if (!(difference <= largestDifference)) largestDifference = difference;
    largestValue = Math.max(largestValue, Math.abs(value));
  }
  return { largestDifference, largestValue, passed };
}
