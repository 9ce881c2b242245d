/** Conversion between our arrays and ONNX Runtime's tensors, which share memory. */
import type * as Ort from 'onnxruntime-common';
import { type DType, elementCount, isDType, type NdArray, ndarray } from '../array/ndarray.ts';
import { DeviceError, UsageError } from '../errors.ts';
import type { TensorSpec } from './runtime.ts';

/** The required parts of a tensor. One that is `cpu-pinned` is in WebAssembly's memory, and its data is a copy. */
export type OrtTensor = Pick<Ort.Tensor, 'type' | 'dims' | 'data' | 'location' | 'getData' | 'dispose'>;

/** The required parts of a session. */
export interface OrtSession {
  readonly inputMetadata: readonly Ort.InferenceSession.ValueMetadata[];
  readonly outputMetadata: readonly Ort.InferenceSession.ValueMetadata[];
  run(
    feeds: { readonly [input: string]: OrtTensor },
    fetches?: { readonly [output: string]: OrtTensor | null },
  ): Promise<{ readonly [output: string]: OrtTensor }>;
  release(): Promise<void>;
  endProfiling(): void;
}

/** The required parts of `onnxruntime-common`, which `onnxruntime-node` and `-web` export, and `wasmModule` has. */
export interface OrtModule {
  readonly InferenceSession: {
    create(model: Uint8Array, options?: Ort.InferenceSession.SessionOptions): Promise<OrtSession>;
  };
  readonly Tensor: new (type: DType, data: Float32Array, dims: readonly number[]) => OrtTensor;
}

/** Bytes to whose multiples memory of arrays is allocated. */
const ALIGNMENT = 16;

/**
 * A tensor that shares the array's memory, or has a copy where that is part of a buffer and not aligned: the last bits of
 * ONNX Runtime's sums depend on it (findings/onnxruntime-node-sum-depends-on-alignment.sh).
 */
export function toTensor(ort: OrtModule, { dtype, shape, data }: NdArray): OrtTensor {
  const own = data.byteOffset % ALIGNMENT === 0 ? data : data.slice();
  return new ort.Tensor(dtype, own as Float32Array, shape);
}

/** The tensor's content; copied from the GPU if it is there, which leaves the tensor on the CPU. */
export async function fromTensor(tensor: OrtTensor): Promise<NdArray> {
  const data = tensor.location === 'gpu-buffer' ? await tensor.getData(true) : tensor.data;
  if (!isDType(tensor.type)) throw new DeviceError(`Tensors of type ${tensor.type} are not supported.`);
  return ndarray(tensor.type, tensor.dims, data as Float32Array);
}

/** @throws UsageError, naming the input, if `array` does not match its spec. */
export function checkFits(spec: TensorSpec, array: NdArray | undefined): asserts array is NdArray {
  const wanted = `${spec.dtype}[${spec.shape.join(', ')}]`;
  if (array === undefined) throw new UsageError(`The input '${spec.name}' (${wanted}) is missing.`);
  const fits =
    array.dtype === spec.dtype &&
    array.shape.length === spec.shape.length &&
    array.shape.every((n, i) => typeof spec.shape[i] === 'string' || spec.shape[i] === n) &&
    array.data.length === elementCount(array.shape);
  if (!fits) {
    throw new UsageError(`The input '${spec.name}' must be ${wanted}, not ${array.dtype}[${array.shape.join(', ')}].`);
  }
}

/** Specs from a session's metadata of its inputs or outputs. @throws DeviceError for sequences, maps and strings. */
export function specsOf(metadata: readonly Ort.InferenceSession.ValueMetadata[]): TensorSpec[] {
  return metadata.map((value) => {
    if (!value.isTensor || !isDType(value.type)) {
      throw new DeviceError(`'${value.name}' is not a tensor of numbers.`);
    }
    return { name: value.name, dtype: value.type, shape: value.shape };
  });
}
