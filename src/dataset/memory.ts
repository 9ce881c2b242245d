/** Allocates the memory of slices; returns SharedArrayBuffers to share them with workers. */
export type Allocate = (bytes: number) => ArrayBuffer | SharedArrayBuffer;

/** The values in memory that can be shared with workers, if allocated so. */
export function inMemory<A extends Uint8Array | Int32Array | Float32Array>(values: A, allocate?: Allocate): A {
  if (allocate === undefined) return values;
  const copy = new (values.constructor as new (memory: ArrayBuffer | SharedArrayBuffer) => A)(
    allocate(values.byteLength),
  );
  copy.set(values);
  return copy;
}
