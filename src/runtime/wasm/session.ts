/**
 * Sessions of ONNX Runtime's WebAssembly, called without onnxruntime-web's own script, which copies every input and every
 * output of each run: the state of a training step, a fifth of the step's time. Here an output may stay in the memory of
 * WebAssembly and be the next run's input.
 */
import type * as Ort from 'onnxruntime-common';
import { allocate, type DType, elementCount, type Storage } from '../../array/ndarray.ts';
import { DATA_TYPES, dtypeOf } from '../../graph/onnx/tensor.ts';
import type { OrtModule, OrtSession, OrtTensor } from '../tensors.ts';
import type { OrtLibrary } from './library.ts';

/** ONNX Runtime's numbers of graph optimization levels. */
const LEVELS = { disabled: 0, basic: 1, extended: 2, layout: 3, all: 99 } as const;
/** Of memory, in `_OrtCreateTensor`. */
const OF_THE_CALLER = 1;
const WARNINGS = 2;

/** A tensor of JavaScript's memory. */
class ArrayTensor implements OrtTensor {
  readonly location = 'cpu';
  readonly type: DType;
  readonly data: Storage[DType];
  readonly dims: readonly number[];

  constructor(type: DType, data: Storage[DType], dims: readonly number[]) {
    this.type = type;
    this.data = data;
    this.dims = dims;
  }

  async getData(): Promise<Storage[DType]> {
    return this.data;
  }

  dispose(): void {}
}

/** A tensor that ONNX Runtime has made and that stays in its memory until it is disposed. */
class HeldTensor implements OrtTensor {
  readonly location = 'cpu-pinned';
  readonly type: DType;
  readonly dims: readonly number[];
  readonly handle: number;
  readonly #library: OrtLibrary;
  readonly #at: number;

  constructor(library: OrtLibrary, handle: number) {
    this.#library = library;
    this.handle = handle;
    const { wasm } = library;
    const [dataType, at, dimsAt, rank] = library.results(4, (...results) =>
      wasm._OrtGetTensorData(handle, ...(results as [number, number, number, number])),
    );
    this.dims = library.listAt(dimsAt, rank);
    wasm._OrtFree(dimsAt);
    const type = dtypeOf(dataType);
    if (type === undefined) throw new Error(`Tensors of ONNX's type ${dataType} are not supported.`);
    this.type = type;
    this.#at = at;
  }

  /** A copy. */
  get data(): Storage[DType] {
    const copy = allocate(this.type, elementCount(this.dims));
    new Uint8Array(copy.buffer).set(this.#library.bytes(this.#at, copy.byteLength));
    return copy;
  }

  async getData(): Promise<Storage[DType]> {
    return this.data;
  }

  dispose(): void {
    this.#library.wasm._OrtReleaseTensor(this.handle);
  }
}

class WasmSession implements OrtSession {
  readonly inputMetadata: readonly Ort.InferenceSession.ValueMetadata[];
  readonly outputMetadata: readonly Ort.InferenceSession.ValueMetadata[];
  readonly #library: OrtLibrary;
  readonly #session: number;
  /** Addresses of the names of inputs and outputs. */
  readonly #names = new Map<string, number>();
  readonly #held: ReadonlySet<string>;

  constructor(library: OrtLibrary, session: number, held: ReadonlySet<string>) {
    this.#library = library;
    this.#session = session;
    this.#held = held;
    const [inputs, outputs] = library.results(2, (inputsAt, outputsAt) =>
      library.wasm._OrtGetInputOutputCount(session, inputsAt, outputsAt),
    );
    const described = Array.from({ length: inputs + outputs }, (_, i) => this.#describe(i));
    this.inputMetadata = described.slice(0, inputs);
    this.outputMetadata = described.slice(inputs);
  }

  async run(
    feeds: { readonly [input: string]: OrtTensor },
    fetches?: { readonly [output: string]: OrtTensor | null },
  ): Promise<{ readonly [output: string]: OrtTensor }> {
    const library = this.#library;
    const { wasm } = library;
    const outputs = Object.keys(fetches ?? Object.fromEntries(this.outputMetadata.map(({ name }) => [name, null])));
    const [fed, copies]: [number[], number[]] = [[], []];
    const before = wasm.stackSave();
    const runOptions = library.made(wasm._OrtCreateRunOptions(WARNINGS, 0, false, 0));
    try {
      const inputs = Object.entries(feeds).map(([name, tensor]) => {
        if (tensor instanceof HeldTensor) return [this.#nameOf(name), tensor.handle] as const;
        const data = tensor.data as Storage[DType];
        const copy = library.copyIn(data);
        copies.push(copy);
        const dims = library.list(tensor.dims);
        const handle = library.made(
          wasm._OrtCreateTensor(
            DATA_TYPES[tensor.type as DType],
            copy,
            data.byteLength,
            dims,
            tensor.dims.length,
            OF_THE_CALLER,
          ),
        );
        fed.push(handle);
        return [this.#nameOf(name), handle] as const;
      });
      const made = library.list(outputs.map(() => 0));
      const code = wasm._OrtRun(
        this.#session,
        library.list(inputs.map(([name]) => name)),
        library.list(inputs.map(([, handle]) => handle)),
        inputs.length,
        library.list(outputs.map((name) => this.#nameOf(name))),
        outputs.length,
        made,
        runOptions,
      );
      library.check(code);
      const handles = library.listAt(made, outputs.length);
      return Object.fromEntries(outputs.map((name, i) => [name, this.#take(name, handles[i] as number)]));
    } finally {
      wasm.stackRestore(before);
      for (const handle of fed) wasm._OrtReleaseTensor(handle);
      for (const copy of copies) wasm._free(copy);
      wasm._OrtReleaseRunOptions(runOptions);
    }
  }

  async release(): Promise<void> {
    for (const name of this.#names.values()) this.#library.wasm._OrtFree(name);
    this.#library.check(this.#library.wasm._OrtReleaseSession(this.#session));
  }

  /** Writes the trace to the console. */
  endProfiling(): void {
    this.#library.wasm._OrtFree(this.#library.made(this.#library.wasm._OrtEndProfiling(this.#session)));
  }

  /** An output: kept where it is, or copied. */
  #take(name: string, handle: number): OrtTensor {
    const held = new HeldTensor(this.#library, handle);
    if (this.#held.has(name)) return held;
    const copy = new ArrayTensor(held.type, held.data, held.dims);
    held.dispose();
    return copy;
  }

  #nameOf(name: string): number {
    const at = this.#names.get(name);
    if (at === undefined) throw new Error(`The model has no '${name}'.`);
    return at;
  }

  /** Metadata of an input, or of an output after all inputs. */
  #describe(index: number): Ort.InferenceSession.ValueMetadata {
    const library = this.#library;
    const { wasm } = library;
    const [nameAt, metadata] = library.results(2, (...at) =>
      wasm._OrtGetInputOutputMetadata(this.#session, index, ...(at as [number, number])),
    );
    const name = wasm.UTF8ToString(nameAt);
    // A graph may hand an input on as an output.
    if (this.#names.has(name)) wasm._OrtFree(nameAt);
    else this.#names.set(name, nameAt);
    // Its type, rank, the names of its symbolic sizes, and its sizes.
    const [dataType, rank] = library.listAt(metadata, 2);
    const isTensor = dataType !== 0;
    const [symbols, sizes] = isTensor
      ? [library.listAt(metadata + 8, rank), library.listAt(metadata + 8 + 4 * rank, rank)]
      : [[], []];
    const shape = sizes.map((size, i) => (symbols[i] === 0 ? size : wasm.UTF8ToString(symbols[i])));
    wasm._OrtFree(metadata);
    if (!isTensor) return { name, isTensor };
    return { name, isTensor, type: (dtypeOf(dataType) ?? 'string') as Ort.Tensor.Type, shape };
  }
}

/**
 * What the runtime calls in place of an ONNX Runtime module. Of a session's options it knows graphOptimizationLevel,
 * enableMemPattern, logSeverityLevel, enableProfiling, and outputs that stay where they are (`cpu-pinned`). Memory for
 * outputs cannot be passed to a run.
 */
export function wasmModule(library: OrtLibrary): OrtModule {
  const { wasm } = library;
  return {
    Tensor: ArrayTensor,
    InferenceSession: {
      async create(model, { preferredOutputLocation = {}, ...options } = {}) {
        const prepared = library.made(
          wasm._OrtCreateSessionOptions(
            LEVELS[options.graphOptimizationLevel ?? 'all'],
            false,
            options.enableMemPattern ?? true,
            0,
            options.enableProfiling ?? false,
            0,
            0,
            options.logSeverityLevel ?? WARNINGS,
            0,
            0,
          ),
        );
        const copy = library.copyIn(model);
        try {
          const session = library.made(wasm._OrtCreateSession(copy, model.byteLength, prepared));
          return new WasmSession(library, session, new Set(Object.keys(preferredOutputLocation)));
        } finally {
          wasm._OrtReleaseSessionOptions(prepared);
          wasm._free(copy);
        }
      },
    },
  };
}
