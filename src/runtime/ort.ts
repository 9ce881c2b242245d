/** The Runtime on ONNX Runtime. The module is injected, so that the same code serves Node and browser. */
import type * as Ort from 'onnxruntime-common';
import type { NdArray } from '../array/ndarray.ts';
import { DeviceError, GraphError, LamellaError, ModelError, UsageError } from '../errors.ts';
import type { Graph } from '../graph/ir.ts';
import { writeOnnx } from '../graph/onnx/write.ts';
import type { Packing } from '../lowering/blocked.ts';
import { type LoweringTarget, lower } from '../lowering/lower.ts';
import type { CompileOptions, DeviceName, Feeds, Program, Runtime, TensorSpec } from './runtime.ts';
import { type DeviceState, deviceState } from './state.ts';
import { checkFits, fromTensor, type OrtModule, specsOf, toTensor } from './tensors.ts';

export interface OrtRuntimeOptions {
  readonly device: DeviceName;
  readonly description: string;
  readonly sessionOptions: Ort.InferenceSession.SessionOptions;
  readonly target: LoweringTarget;
  /** Whether the session can leave outputs in GPU buffers (WebGPU). */
  readonly stateOnDevice: boolean;
}

/** A runtime over an ONNX Runtime module with the given session options. */
export function ortRuntime(
  ort: OrtModule,
  { device, description, sessionOptions, target, stateOnDevice }: OrtRuntimeOptions,
): Runtime {
  const programs = new Set<OrtProgram>();

  async function start(
    model: Uint8Array,
    options: Ort.InferenceSession.SessionOptions,
    state: { readonly [input: string]: string } = {},
    packed: ReadonlyMap<string, Packing> = new Map(),
  ): Promise<Program> {
    const session = await ort.InferenceSession.create(model, options);
    const program = new OrtProgram(ort, session, {
      device,
      state,
      packed,
      stateOnDevice,
      onDispose: (p) => programs.delete(p),
    });
    programs.add(program);
    return program;
  }

  return {
    device,
    description,
    async compile(graph: Graph, { state = {}, exact = false }: CompileOptions = {}) {
      checkState(graph, state);
      const { graph: lowered, packed } = lower(graph, { ...target, exact, state });
      const location: Record<string, 'gpu-buffer'> = {};
      for (const output of Object.values(state)) location[output] = 'gpu-buffer';
      const placed = stateOnDevice && Object.keys(state).length > 0 ? { preferredOutputLocation: location } : {};
      try {
        return await start(writeOnnx(lowered), { ...sessionOptions, ...placed }, state, packed);
      } catch (cause) {
        throw new DeviceError(`The graph '${graph.name}' cannot run on ${description}: ${reason(cause)}`, { cause });
      }
    },
    async load(model) {
      try {
        return await start(model, sessionOptions);
      } catch (cause) {
        throw new ModelError(`The model cannot run on ${description}: ${reason(cause)}`, { cause });
      }
    },
    async dispose() {
      for (const program of [...programs]) await program.dispose();
    },
  };
}

/** @throws GraphError when state does not map inputs to outputs of the same shape and dtype. */
function checkState(graph: Graph, state: { readonly [input: string]: string }): void {
  for (const [input, output] of Object.entries(state)) {
    const from = graph.inputs.find(({ name }) => name === input);
    const to = graph.outputs.find(({ name }) => name === output);
    if (from === undefined) throw new GraphError(`The graph has no input '${input}' to hold state.`);
    if (to === undefined) throw new GraphError(`The graph has no output '${output}' to be the next '${input}'.`);
    if (from.dtype !== to.dtype || from.shape.join() !== to.shape.join()) {
      throw new GraphError(
        `The state '${input}' is ${from.dtype}[${from.shape.join(', ')}], but its next value '${output}' is ` +
          `${to.dtype}[${to.shape.join(', ')}].`,
      );
    }
  }
}

/** The first line of what ONNX Runtime says. */
function reason(cause: unknown): string {
  return (cause instanceof Error ? cause.message : String(cause)).split('\n')[0] as string;
}

interface ProgramOptions {
  readonly device: DeviceName;
  readonly state: { readonly [input: string]: string };
  readonly packed: ReadonlyMap<string, Packing>;
  readonly stateOnDevice: boolean;
  readonly onDispose: (program: OrtProgram) => void;
}

class OrtProgram implements Program {
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
  readonly #ort: OrtModule;
  readonly #session: Ort.InferenceSession;
  readonly #state: DeviceState;
  readonly #device: DeviceName;
  readonly #onDispose: (program: OrtProgram) => void;
  #phase: 'idle' | 'running' | 'disposed' = 'idle';

  constructor(
    ort: OrtModule,
    session: Ort.InferenceSession,
    { device, state, packed, stateOnDevice, onDispose }: ProgramOptions,
  ) {
    const inputs = specsOf(session.inputMetadata);
    const outputs = specsOf(session.outputMetadata);
    const held = new Set(Object.values(state));
    this.inputs = inputs.filter(({ name }) => state[name] === undefined);
    this.outputs = outputs.filter(({ name }) => !held.has(name));
    this.#ort = ort;
    this.#session = session;
    this.#device = device;
    this.#onDispose = onDispose;
    const specs = inputs.filter(({ name }) => state[name] !== undefined);
    this.#state = deviceState(ort, specs, state, { onDevice: stateOnDevice, packed });
  }

  async run(feeds: Feeds): Promise<{ readonly [output: string]: NdArray }> {
    const tensors: Record<string, Ort.Tensor> = {};
    const fetches: Record<string, Ort.Tensor | null> = {};
    for (const spec of this.inputs) {
      const array = feeds[spec.name];
      checkFits(spec, array);
      tensors[spec.name] = toTensor(this.#ort, array);
    }
    for (const { name } of this.outputs) fetches[name] = null;
    return this.#alone(async () => {
      this.#state.prepare(tensors, fetches);
      const results = await this.#session.run(tensors, fetches);
      this.#state.advance(results);
      const arrays: { [output: string]: NdArray } = {};
      for (const { name } of this.outputs) arrays[name] = await fromTensor(results[name] as Ort.Tensor);
      return arrays;
    });
  }

  async writeState(state: { readonly [input: string]: NdArray }): Promise<void> {
    await this.#alone(async () => this.#state.write(state));
  }

  async readState(): Promise<{ readonly [input: string]: NdArray }> {
    return this.#alone(() => this.#state.read());
  }

  async dispose(): Promise<void> {
    if (this.#phase === 'disposed') return;
    await this.#alone(async () => {
      this.#state.dispose();
      await this.#session.release();
    });
    this.#phase = 'disposed';
    this.#onDispose(this);
  }

  /** Runs `action` while nothing else uses the session. @throws UsageError, or DeviceError when the device fails. */
  async #alone<T>(action: () => Promise<T>): Promise<T> {
    if (this.#phase === 'disposed') throw new UsageError('The program was disposed.');
    if (this.#phase === 'running') throw new UsageError('The program is running; await it before the next call.');
    this.#phase = 'running';
    try {
      return await action();
    } catch (cause) {
      if (cause instanceof LamellaError) throw cause;
      throw new DeviceError(`The device ${this.#device} failed: ${reason(cause)}`, { cause });
    } finally {
      this.#phase = 'idle';
    }
  }
}
