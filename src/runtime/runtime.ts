import type { DType, NdArray } from '../array/ndarray.ts';
import type { Graph } from '../graph/ir.ts';

/** Where a graph can run. `wasm` is the browser's CPU. */
export type DeviceName = 'cpu' | 'webgpu' | 'cuda' | 'coreml' | 'dml' | 'wasm';

/**
 * The memory layout in which a device computes convolutions and what lies between them: standard ops (`nchw`), or ONNX
 * Runtime's blocked kernels with 8 or 16 channels per block, depending on the processor. The last bits of results differ
 * between them.
 */
export type TensorLayout = 'nchw' | 'nchw8c' | 'nchw16c';

export interface TensorSpec {
  readonly name: string;
  readonly dtype: DType;
  /** A string is a size that the file leaves open. */
  readonly shape: readonly (number | string)[];
}

export interface Feeds {
  readonly [input: string]: NdArray;
}

export interface CompileOptions {
  /**
   * Inputs that hold state between runs, each with the output that becomes its next value. State lives
   * on the device; it is neither fed to `run` nor returned by it.
   */
  readonly state?: { readonly [input: string]: string };
  /** Keep to direct convolutions, in the order of summation of the reference. */
  readonly exact?: boolean;
  /** Record where the time of the first runs goes. */
  readonly profile?: ProfileRequest;
}

/** Where ONNX Runtime puts its trace, in Node: a file whose name begins with `prefix`, written after so many runs. */
export interface ProfileRequest {
  readonly prefix: string;
  readonly runs: number;
}

/** A graph made ready for a device. One run at a time. */
export interface Program {
  /** What `run` must be fed: the graph's inputs without the state. */
  readonly inputs: readonly TensorSpec[];
  /** What `run` returns: the graph's outputs without the state. */
  readonly outputs: readonly TensorSpec[];
  /** Eight hex digits of the graph as it runs, with every choice of formulation; only where there is state. */
  readonly fingerprint?: string;
  run(feeds: Feeds): Promise<{ readonly [output: string]: NdArray }>;
  /** Sets state, all of it or a part; must be called before the first run. */
  writeState(state: { readonly [input: string]: NdArray }): Promise<void>;
  /** A copy of the state as it is after the last run. */
  readState(): Promise<{ readonly [input: string]: NdArray }>;
  dispose(): Promise<void>;
}

/** One device, opened. */
export interface Runtime {
  readonly device: DeviceName;
  /** For people: `CPU, 2 threads, AVX-512 (blocks of 16)`. */
  readonly description: string;
  /** What `compile` lowers to, unless it is to be exact. */
  readonly layout: TensorLayout;
  /** Lowers the graph for this device and makes it ready. */
  compile(graph: Graph, options?: CompileOptions): Promise<Program>;
  /** Makes an ONNX file ready as it stands, whoever wrote it. */
  load(model: Uint8Array): Promise<Program>;
  dispose(): Promise<void>;
}
