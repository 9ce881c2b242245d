import type { DType, NdArray } from '../array/ndarray.ts';
import type { Graph } from '../graph/ir.ts';
import type { StripNetwork } from '../graph/strips.ts';

// Kept in the declarations, where the names and attributes of a graph's ops would otherwise be missing.
export type {} from '../graph/ops/table.ts';

/** Where a graph can run. `wasm` is the browser's CPU. */
export const DEVICE_NAMES = ['cpu', 'webgpu', 'cuda', 'coreml', 'dml', 'wasm'] as const;
export type DeviceName = (typeof DEVICE_NAMES)[number];

/**
 * The memory layout in which a device computes convolutions and the ops between them: standard ops (`nchw`), or ONNX
 * Runtime's blocked kernels with 8 or 16 channels per block, depending on the CPU. The last bits of results differ
 * between layouts.
 */
export type TensorLayout = 'nchw' | 'nchw8c' | 'nchw16c';

export interface TensorSpec {
  readonly name: string;
  readonly dtype: DType;
  /** A string is a symbolic size of the file. */
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
  /**
   * Inputs and outputs that hold what one run hands on to another, of this graph or of one that is the next: in the layout
   * that suits the device.
   */
  readonly carried?: readonly string[];
  /** Whether it runs seldom: then weights are not brought into another form first. */
  readonly seldom?: boolean;
  /** Use only direct convolutions, in the reference's order of summation. */
  readonly exact?: boolean;
  /** Record how the time of the first runs is distributed. */
  readonly profile?: ProfileRequest;
}

/**
 * Where ONNX Runtime writes its trace, in Node: a file whose name begins with `prefix`, written after the given number
 * of runs.
 */
export interface ProfileRequest {
  readonly prefix: string;
  readonly runs: number;
}

/** A graph compiled for a device. One run at a time. */
export interface Program {
  /** The inputs of `run`: the graph's inputs without the state. */
  readonly inputs: readonly TensorSpec[];
  /** The outputs of `run`: the graph's outputs without the state. */
  readonly outputs: readonly TensorSpec[];
  /** Eight hex digits that identify the graph as it runs, with every choice of formulation; only with state. */
  readonly fingerprint?: string;
  /** @param into arrays that outputs may be written to, of their shapes */
  run(feeds: Feeds, into?: Feeds): Promise<{ readonly [output: string]: NdArray }>;
  /** Sets all or part of the state; must be called before the first run. */
  writeState(state: { readonly [input: string]: NdArray }): Promise<void>;
  /** A copy of the state after the last run. */
  readState(names?: readonly string[]): Promise<{ readonly [input: string]: NdArray }>;
  dispose(): Promise<void>;
}

/** `StripNetwork.of`: given to a runtime, so that those without it do not load it. */
export type StripCutter = typeof StripNetwork.of;

/** An open device. */
export interface Runtime {
  readonly device: DeviceName;
  /** For display: `CPU, 2 threads, AVX-512 (blocks of 16)`. */
  readonly description: string;
  /** The layout that `compile` lowers to, unless `exact` is set. */
  readonly layout: TensorLayout;
  /** Cuts networks into strips, where that is faster than tiles. */
  readonly strips?: StripCutter;
  /** Lowers the graph for this device and compiles it. */
  compile(graph: Graph, options?: CompileOptions): Promise<Program>;
  /** Loads any ONNX file, unchanged. */
  load(model: Uint8Array): Promise<Program>;
  dispose(): Promise<void>;
}
