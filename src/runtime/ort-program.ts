import type * as Ort from 'onnxruntime-common';
import { type NdArray, ndarray, type Shape } from '../array/ndarray.ts';
import { DeviceError, LamellaError, UsageError } from '../errors.ts';
import { writeOnnx } from '../graph/onnx/write.ts';
import type { Packing } from '../lowering/walk.ts';
import type { DeviceName, Feeds, Program, TensorSpec } from './runtime.ts';
import { handOn } from './session.ts';
import { outOfMemory, reason } from './session-errors.ts';
import { type DeviceState, deviceState, type StateMode } from './state.ts';
import {
  checkFits,
  fromTensor,
  type OrtModule,
  type OrtSession,
  type OrtTensor,
  specsOf,
  toTensor,
} from './tensors.ts';
import { LAST_CONVERTED, runInto } from './written-outputs.ts';

export interface OrtProgramOptions {
  readonly device: DeviceName;
  readonly stateMode: StateMode;
  /** Whether the session's first output is `LAST_CONVERTED`. */
  readonly writesOutputs?: boolean;
  readonly state: { readonly [input: string]: string };
  readonly packed: ReadonlyMap<string, Packing>;
  readonly sessionOptions: Ort.InferenceSession.SessionOptions;
  readonly fingerprint?: string;
  /** Number of runs after which the trace is written. Default 0: no trace. */
  readonly profiledRuns?: number;
  readonly onDispose: (program: OrtProgram) => void;
}

/** An ONNX Runtime session and the state that it keeps between runs. */
export class OrtProgram implements Program {
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
  readonly fingerprint?: string;
  readonly #ort: OrtModule;
  readonly #session: OrtSession;
  readonly #options: OrtProgramOptions;
  readonly #stateSpecs: readonly TensorSpec[];
  readonly #state: DeviceState;
  #downloads: OrtSession | undefined;
  #runs = 0;
  #phase: 'idle' | 'running' | 'disposed' = 'idle';

  constructor(ort: OrtModule, session: OrtSession, options: OrtProgramOptions) {
    const { state, stateMode, packed } = options;
    const inputs = specsOf(session.inputMetadata);
    const outputs = specsOf(session.outputMetadata.filter(({ name }) => name !== LAST_CONVERTED));
    const held = new Set(Object.values(state));
    this.inputs = inputs.filter(({ name }) => state[name] === undefined);
    this.outputs = outputs.filter(({ name }) => !held.has(name));
    if (options.fingerprint !== undefined) this.fingerprint = options.fingerprint;
    this.#ort = ort;
    this.#session = session;
    this.#options = options;
    this.#stateSpecs = inputs.filter(({ name }) => state[name] !== undefined);
    this.#state = deviceState(ort, this.#stateSpecs, {
      mode: stateMode,
      outputs: state,
      packed,
      download: (tensors) => this.#download(tensors),
    });
  }

  async run(feeds: Feeds, into: Feeds = {}): Promise<{ readonly [output: string]: NdArray }> {
    const tensors: Record<string, OrtTensor> = {};
    const fetches: Record<string, OrtTensor | null> = {};
    for (const spec of this.inputs) {
      const array = feeds[spec.name];
      checkFits(spec, array);
      tensors[spec.name] = toTensor(this.#ort, array);
    }
    const { writesOutputs = false, profiledRuns } = this.#options;
    for (const { name, dtype, shape } of this.outputs) {
      fetches[name] = writesOutputs ? toTensor(this.#ort, into[name] ?? ndarray(dtype, shape as Shape)) : null;
    }
    return this.#alone(async () => {
      this.#state.prepare(tensors, fetches);
      const results = writesOutputs
        ? await runInto(this.#session, tensors, fetches as Record<string, OrtTensor>)
        : await this.#session.run(tensors, fetches);
      this.#state.advance(results);
      if (++this.#runs === profiledRuns) this.#session.endProfiling();
      const arrays: { [output: string]: NdArray } = {};
      for (const { name } of this.outputs) arrays[name] = await fromTensor(results[name]);
      return arrays;
    });
  }

  async writeState(state: { readonly [input: string]: NdArray }): Promise<void> {
    await this.#alone(async () => this.#state.write(state));
  }

  async readState(names?: readonly string[]): Promise<{ readonly [input: string]: NdArray }> {
    return this.#alone(() => this.#state.read(names));
  }

  async dispose(): Promise<void> {
    if (this.#phase === 'disposed') return;
    await this.#alone(async () => {
      this.#state.dispose();
      await this.#downloads?.release();
      await this.#session.release();
    });
    this.#phase = 'disposed';
    this.#options.onDispose(this);
  }

  /**
   * Copies tensors from the device by a graph of identities. (`Tensor.getData` would do, but in onnxruntime-node 1.30
   * it crashes the process for a tensor in a GPU buffer.)
   */
  async #download(tensors: { readonly [name: string]: OrtTensor }): Promise<{ readonly [name: string]: NdArray }> {
    const values = this.#stateSpecs.map(({ name, dtype, shape }) => ({ name, dtype, shape: shape as Shape }));
    this.#downloads ??= await this.#ort.InferenceSession.create(
      writeOnnx(handOn(values)),
      this.#options.sessionOptions,
    );
    const results = await this.#downloads.run(tensors);
    const arrays: { [name: string]: NdArray } = {};
    for (const name of Object.keys(tensors)) arrays[name] = await fromTensor(results[`>${name}`]);
    return arrays;
  }

  /** Runs `action` with exclusive use of the session. @throws UsageError, or DeviceError if the device fails. */
  async #alone<T>(action: () => Promise<T>): Promise<T> {
    if (this.#phase === 'disposed') throw new UsageError('The program was disposed.');
    if (this.#phase === 'running') throw new UsageError('The program is running; await it before the next call.');
    this.#phase = 'running';
    try {
      return await action();
    } catch (cause) {
      if (cause instanceof LamellaError) throw cause;
      throw new DeviceError(`The device ${this.#options.device} failed: ${reason(cause)}`, {
        facts: outOfMemory(cause, this.#options.device),
        cause,
      });
    } finally {
      this.#phase = 'idle';
    }
  }
}
