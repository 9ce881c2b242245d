/** Typed n-dimensional arrays: flat data in C order (last axis fastest), a shape and a dtype. */

/** How the elements of each dtype are stored. float16 is stored as its bits in a Uint16Array, bool as 0 or 1. */
export interface Storage {
  readonly float32: Float32Array;
  readonly float64: Float64Array;
  readonly float16: Uint16Array;
  readonly int8: Int8Array;
  readonly int16: Int16Array;
  readonly int32: Int32Array;
  readonly int64: BigInt64Array;
  readonly uint8: Uint8Array;
  readonly uint16: Uint16Array;
  readonly uint32: Uint32Array;
  readonly uint64: BigUint64Array;
  readonly bool: Uint8Array;
}

export type DType = keyof Storage;
export type Shape = readonly number[];
/** Such as [N, C, H, W]. */
export type Shape4 = readonly [number, number, number, number];
/** [N, C, D, H, W] of volumes. */
export type Shape5 = readonly [number, number, number, number, number];

export interface NdArray<D extends DType = DType> {
  readonly dtype: D;
  readonly shape: Shape;
  readonly data: Storage[D];
}

const CONSTRUCTORS: {
  readonly [D in DType]: { new (from: number | ArrayBufferLike): Storage[D]; readonly BYTES_PER_ELEMENT: number };
} = {
  float32: Float32Array,
  float64: Float64Array,
  float16: Uint16Array,
  int8: Int8Array,
  int16: Int16Array,
  int32: Int32Array,
  int64: BigInt64Array,
  uint8: Uint8Array,
  uint16: Uint16Array,
  uint32: Uint32Array,
  uint64: BigUint64Array,
  bool: Uint8Array,
};

export const isDType = (name: string): name is DType => Object.hasOwn(CONSTRUCTORS, name);

/** The dtype of storage; of two that are stored alike, the integer. Undefined for a DataView or clamped bytes. */
export function dtypeOf(storage: ArrayBufferView): DType | undefined {
  const dtypes = Object.keys(CONSTRUCTORS).filter((name) => name !== 'float16') as DType[];
  return dtypes.find((dtype) => storage instanceof CONSTRUCTORS[dtype]);
}

/** Number of elements of a shape; 1 for a scalar's `[]`. */
export function elementCount(shape: Shape): number {
  let size = 1;
  for (const extent of shape) size *= extent;
  return size;
}

/** Bytes per element. */
export function bytesPer(dtype: DType): number {
  return CONSTRUCTORS[dtype].BYTES_PER_ELEMENT;
}

/** Zero-filled storage for `length` elements. */
export function allocate<D extends DType>(dtype: D, length: number): Storage[D] {
  return new CONSTRUCTORS[dtype](length);
}

/** The bytes of a buffer as elements of a dtype. */
export function viewAs<D extends DType>(dtype: D, buffer: ArrayBufferLike): Storage[D] {
  return new CONSTRUCTORS[dtype](buffer);
}

/**
 * An array of the given dtype and shape over `data`, or zeros.
 * @throws RangeError if the length of `data` is not the product of `shape`.
 */
export function ndarray<D extends DType>(dtype: D, shape: Shape, data?: Storage[D]): NdArray<D> {
  const size = elementCount(shape);
  if (data !== undefined && data.length !== size) {
    throw new RangeError(`${data.length} elements do not fill the shape [${shape.join(', ')}] (${size})`);
  }
  return { dtype, shape, data: data ?? allocate(dtype, size) };
}

/** A float32 array, the dtype in which networks compute. */
export function float32(shape: Shape, values?: Float32Array | readonly number[]): NdArray<'float32'> {
  return ndarray(
    'float32',
    shape,
    values === undefined || values instanceof Float32Array ? values : Float32Array.from(values),
  );
}

/** A 1-D int64 array, the dtype of shapes and axes in ONNX. */
export function int64(values: readonly number[]): NdArray<'int64'> {
  return ndarray('int64', [values.length], BigInt64Array.from(values, BigInt));
}
