/** The Runtime implemented on ONNX Runtime. The module is injected, so that the same code serves Node and browser. */
import type * as Ort from 'onnxruntime-common';
import { crc32, hex8 } from '../array/crc32.ts';
import type { NdArray } from '../array/ndarray.ts';
import { DeviceError, GraphError, ModelError } from '../errors.ts';
import type { Graph } from '../graph/ir.ts';
import { writeOnnx } from '../graph/onnx/write.ts';
import { type LoweringTarget, lower } from '../lowering/lower.ts';
import { giveBack } from './give-back.ts';
import { type Evaluate, knownValues } from './known-values.ts';
import { OrtProgram } from './ort-program.ts';
import type { CompileOptions, DeviceName, Runtime, StripCutter } from './runtime.ts';
import { runOnce } from './session.ts';
import { outOfMemory, reason } from './session-errors.ts';
import type { StateMode } from './state.ts';
import { fromTensor, type OrtModule } from './tensors.ts';
import { LAST_CONVERTED } from './written-outputs.ts';

export interface OrtRuntimeOptions {
  readonly device: DeviceName;
  readonly description: string;
  readonly sessionOptions: Ort.InferenceSession.SessionOptions;
  readonly target: LoweringTarget;
  readonly stateMode: StateMode;
  readonly strips?: StripCutter | undefined;
}

/** A runtime over an ONNX Runtime module with the given session options. */
export function ortRuntime(
  ort: OrtModule,
  { device, description, sessionOptions, target, stateMode, strips }: OrtRuntimeOptions,
): Runtime {
  const programs = new Set<OrtProgram>();
  const keep = (program: OrtProgram) => {
    programs.add(program);
    return program;
  };
  const onDispose = (program: OrtProgram) => programs.delete(program);
  const evaluate: Evaluate = async (graph) => {
    const results = await runOnce(ort, { ...sessionOptions, ...AS_IT_IS }, graph, []);
    const arrays: { [output: string]: NdArray } = {};
    for (const [name, tensor] of Object.entries(results)) arrays[name] = await fromTensor(tensor);
    return arrays;
  };

  return {
    device,
    description,
    ...(strips && { strips }),
    layout: target.blocks === undefined ? 'nchw' : `nchw${target.blocks.size}c`,
    async compile(
      graph: Graph,
      { state = {}, carried = [], seldom = false, exact = false, profile }: CompileOptions = {},
    ) {
      checkState(graph, state);
      const trains = Object.keys(state).length > 0;
      const { graph: formulated, packed } = lower(graph, {
        ...target,
        ...(seldom && { winograd: 'never' }),
        exact,
        state,
        carried,
      });
      const isPlain = device === 'cpu' && !trains;
      const { graph: lowered, computed } = isPlain
        ? await knownValues(formulated, evaluate)
        : { graph: formulated, computed: [] };
      const writesOutputs = device === 'cpu' && stateMode === 'swap' && (trains || carried.length > 0);
      const bytes = writeOnnx(withFixedShapes(lowered), writesOutputs ? { emptySequence: LAST_CONVERTED } : {});
      giveBack(computed.map(({ data }) => data));
      // A fingerprint is for resumed training; a prediction does not need one, and may contain tens of megabytes of
      // weights.
      const fingerprint = trains ? { fingerprint: hex8(crc32(bytes)) } : {};
      try {
        const session = await ort.InferenceSession.create(bytes, {
          ...withCpuNodes(sessionOptions, lowered),
          // Its memory is given back after each run.
          ...(seldom && { enableCpuMemArena: false }),
          ...((writesOutputs || isPlain) && lowered.nodes.some(({ op }) => op === 'nchwc.Conv') && AS_IT_IS),
          ...(stateMode === 'device' && keepOnDevice(device, Object.values(state))),
          ...(profile !== undefined && { enableProfiling: true, profileFilePrefix: profile.prefix }),
        });
        if (isPlain) giveBack([bytes]);
        return keep(
          new OrtProgram(ort, session, {
            ...{ device, stateMode, writesOutputs, state, packed, sessionOptions, onDispose, ...fingerprint },
            profiledRuns: profile?.runs ?? 0,
          }),
        );
      } catch (cause) {
        throw new DeviceError(`The graph '${graph.name}' cannot run on ${description}: ${reason(cause)}`, {
          facts: outOfMemory(cause, device),
          cause,
        });
      }
    },
    async load(model) {
      try {
        const session = await ort.InferenceSession.create(model, sessionOptions);
        const [state, packed] = [{}, new Map()];
        return keep(new OrtProgram(ort, session, { device, stateMode, state, packed, sessionOptions, onDispose }));
      } catch (cause) {
        throw new ModelError(`The model cannot run on ${description}: ${reason(cause)}`, {
          facts: outOfMemory(cause, device),
          cause,
        });
      }
    },
    async dispose() {
      for (const program of [...programs]) await program.dispose();
    },
  };
}

/**
 * A blocked training step, whose weights are not constant, leaves ONNX Runtime's optimizer nothing to do: without it
 * results are bit-identical, the time per step is the same, and the session of a U-Net's step opens in 0.2 s instead of
 * 0.4.
 */
const AS_IT_IS = { graphOptimizationLevel: 'disabled' } as const;

/** A compiled graph is bound to its shapes; symbols are for files. */
function withFixedShapes({ symbols: _, ...graph }: Graph): Graph {
  return graph;
}

/** The WebGPU provider accepts MaxPool with indices but fails at run time, so such nodes go to the CPU. */
function withCpuNodes(options: Ort.InferenceSession.SessionOptions, graph: Graph): Ort.InferenceSession.SessionOptions {
  const names = graph.nodes.filter(({ op, outputs }) => op === 'MaxPool' && outputs.length > 1).map(({ name }) => name);
  if (names.length === 0 || options.executionProviders === undefined) return options;
  const executionProviders = options.executionProviders.map((provider) =>
    provider === 'webgpu' ? { name: 'webgpu', forceCpuNodeNames: names } : provider,
  );
  return { ...options, executionProviders };
}

function keepOnDevice(
  device: DeviceName,
  outputs: readonly string[],
): Pick<Ort.InferenceSession.SessionOptions, 'preferredOutputLocation'> {
  if (outputs.length === 0) return {};
  const location = device === 'wasm' ? 'cpu-pinned' : 'gpu-buffer';
  return { preferredOutputLocation: Object.fromEntries(outputs.map((name) => [name, location])) };
}

/** @throws GraphError if state does not map inputs to outputs of the same shape and dtype. */
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
