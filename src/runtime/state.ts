/**
 * Tensors that stay with the device from one run to the next: parameters, optimiser state.
 *
 * On the CPU each has two buffers, one read and one written, which change places after every run, so
 * that nothing is copied or allocated. On WebGPU the outputs stay in GPU buffers and become the next
 * run's inputs. Measured: docs/performance.md, "State between steps".
 */
import type * as Ort from 'onnxruntime-common';
import { type NdArray, ndarray } from '../array/ndarray.ts';
import { UsageError } from '../errors.ts';
import type { Packing } from '../lowering/blocked.ts';
import type { TensorSpec } from './runtime.ts';
import { checkFits, fromTensor, type OrtModule, toTensor } from './tensors.ts';

interface Slot {
  readonly spec: TensorSpec;
  readonly output: string;
  current: Ort.Tensor | undefined;
  spare: Ort.Tensor | undefined;
}

export interface DeviceState {
  write(arrays: { readonly [input: string]: NdArray }): void;
  /** Adds what the next run reads and, on the CPU, where it writes. */
  prepare(feeds: Record<string, Ort.Tensor>, fetches: Record<string, Ort.Tensor | null>): void;
  /** Takes over what the run wrote. */
  advance(results: { readonly [output: string]: Ort.Tensor }): void;
  read(): Promise<{ [input: string]: NdArray }>;
  dispose(): void;
}

export interface StateOptions {
  /** Whether outputs are left in device memory by the session (preferredOutputLocation). */
  readonly onDevice: boolean;
  /** State that the lowered graph keeps in a layout of its own. */
  readonly packed: ReadonlyMap<string, Packing>;
}

export function deviceState(
  ort: OrtModule,
  specs: readonly TensorSpec[],
  outputs: { readonly [input: string]: string },
  { onDevice, packed }: StateOptions,
): DeviceState {
  const slots = new Map<string, Slot>(
    specs.map((spec) => [
      spec.name,
      { spec, output: outputs[spec.name] as string, current: undefined, spare: undefined },
    ]),
  );

  return {
    write(arrays) {
      for (const [name, array] of Object.entries(arrays)) {
        const slot = slots.get(name);
        if (slot === undefined) throw new UsageError(`'${name}' is not state of this program.`);
        checkFits(slot.spec, array);
        // A copy, since the caller's array would be overwritten two runs later.
        const copy = packed.get(name)?.pack(array) ?? clone(array);
        slot.current?.dispose();
        slot.current = toTensor(ort, copy);
        if (!onDevice && slot.spare === undefined) slot.spare = toTensor(ort, ndarray(array.dtype, array.shape));
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
        const written = results[slot.output] as Ort.Tensor;
        if (onDevice) slot.current?.dispose();
        else slot.spare = slot.current;
        slot.current = written;
      }
    },
    async read() {
      const arrays: { [input: string]: NdArray } = {};
      for (const [name, slot] of slots) {
        if (slot.current === undefined) continue;
        const array = await fromTensor(slot.current);
        arrays[name] = packed.get(name)?.unpack(array) ?? clone(array);
      }
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
