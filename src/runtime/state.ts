/**
 * Tensors that stay on the device between runs: parameters and optimizer state. The measured cost of each mode is in
 * docs/performance.md, "State between steps".
 */
import { type NdArray, ndarray } from '../array/ndarray.ts';
import { UsageError } from '../errors.ts';
import type { Packing } from '../lowering/walk.ts';
import type { TensorSpec } from './runtime.ts';
import { checkFits, fromTensor, type OrtModule, type OrtTensor, toTensor } from './tensors.ts';

/**
 * - `swap`: two buffers each, one read and one written, which are swapped after every run, so that nothing is copied or
 *   allocated (Node's CPU; in Node also CUDA, CoreML and DirectML, which copy to the device)
 * - `device`: outputs stay in GPU buffers (WebGPU), or in WebAssembly's own memory, and become the next run's inputs
 */
export type StateMode = 'swap' | 'device';

interface Slot {
  readonly spec: TensorSpec;
  readonly output: string;
  current: OrtTensor | undefined;
  spare: OrtTensor | undefined;
}

export interface DeviceState {
  write(arrays: { readonly [input: string]: NdArray }): void;
  /** Adds the state to the next run's inputs and output buffers. */
  prepare(feeds: Record<string, OrtTensor>, fetches: Record<string, OrtTensor | null>): void;
  /** Makes the state that the run wrote the current one. */
  advance(results: { readonly [output: string]: OrtTensor }): void;
  read(names?: readonly string[]): Promise<{ [input: string]: NdArray }>;
  dispose(): void;
}

export interface StateOptions {
  readonly mode: StateMode;
  /** For each state input, the output that is its next value. */
  readonly outputs: { readonly [input: string]: string };
  /** State that the lowered graph keeps in a different layout. */
  readonly packed: ReadonlyMap<string, Packing>;
  /** Copies tensors from the GPU, by name. */
  readonly download: (tensors: { readonly [name: string]: OrtTensor }) => Promise<{ readonly [name: string]: NdArray }>;
}

export function deviceState(
  ort: OrtModule,
  specs: readonly TensorSpec[],
  { mode, outputs, packed, download }: StateOptions,
): DeviceState {
  const slots = new Map<string, Slot>(
    specs.map((spec) => [spec.name, { spec, output: outputs[spec.name], current: undefined, spare: undefined }]),
  );

  return {
    write(arrays) {
      for (const [name, array] of Object.entries(arrays)) {
        const slot = slots.get(name);
        if (slot === undefined) throw new UsageError(`'${name}' is not state of this program.`);
        checkFits(slot.spec, array);
        // A copy, because with `swap` the caller's array would be overwritten two runs later.
        const copy = packed.get(name)?.pack(array) ?? clone(array);
        slot.current?.dispose();
        slot.current = toTensor(ort, copy);
        if (mode === 'swap' && slot.spare === undefined) slot.spare = toTensor(ort, ndarray(array.dtype, array.shape));
      }
    },
    prepare(feeds, fetches) {
      for (const [name, slot] of slots) {
        if (slot.current === undefined) {
          throw new UsageError(`The state '${name}' has no value yet.`, { remedy: 'Call writeState before run.' });
        }
        feeds[name] = slot.current;
        fetches[slot.output] = slot.spare ?? null;
      }
    },
    advance(results) {
      for (const slot of slots.values()) {
        const written = results[slot.output];
        if (mode === 'swap') slot.spare = slot.current;
        else slot.current?.dispose();
        slot.current = written;
      }
    },
    async read(names) {
      const arrays: { [input: string]: NdArray } = {};
      const remote: Record<string, OrtTensor> = {};
      for (const [name, { current }] of slots) {
        if (current === undefined || names?.includes(name) === false) continue;
        if (current.location === 'gpu-buffer') remote[name] = current;
        else {
          const array = await fromTensor(current);
          arrays[name] = packed.get(name)?.unpack(array) ?? clone(array);
        }
      }
      if (Object.keys(remote).length === 0) return arrays;
      const downloaded = await download(remote);
      for (const [name, array] of Object.entries(downloaded)) arrays[name] = packed.get(name)?.unpack(array) ?? array;
      return arrays;
    },
    dispose() {
      for (const slot of slots.values()) {
        slot.current?.dispose();
        slot.spare?.dispose();
        slot.current = undefined;
        slot.spare = undefined;
      }
    },
  };
}

function clone(array: NdArray): NdArray {
  return ndarray(array.dtype, array.shape, array.data.slice() as Float32Array);
}
