/** Evaluates a patch classifier at every pixel: all at once, or window by window. */

import { ModelError } from '../errors.ts';
import type { Signature } from '../graph/onnx/model.ts';
import { readOnnx } from '../graph/onnx/read.ts';
import { writeOnnx } from '../graph/onnx/write.ts';
import type { WindowSpec } from '../input/window.ts';
import { isPlain } from '../input/window.ts';
import type { Program, Runtime } from '../runtime/runtime.ts';
import { classifiesPatches, denseGraph } from './dense.ts';
import { type PatchModel, type PatchOptions, patchwiseProgram } from './patchwise.ts';
import type { TilingRule } from './tile-plan.ts';

/** `dense`: all pixels at once; `patchwise`: one window after another. */
export type PatchEvaluation = 'dense' | 'patchwise';

export interface PatchModelOptions {
  readonly file?: string;
  /** Default: `dense` if possible, otherwise `patchwise` with a note. */
  readonly evaluation?: PatchEvaluation;
  /** Window sampling of the model; default: unchanged. */
  readonly window?: WindowSpec;
  /** Options for `patchwise`. */
  readonly patches?: PatchOptions;
}

export interface PatchProgram {
  /** [N, C, H, W] to [N, outputs, H', W']. */
  readonly program: Program;
  readonly evaluation: PatchEvaluation;
  readonly window: WindowSpec;
  readonly rule: TilingRule;
  readonly notes: readonly string[];
}

/** Whether a file contains a patch classifier. */
export function holdsPatchClassifier({ inputs, outputs }: Signature): boolean {
  return inputs.length === 1 && classifiesPatches(inputs[0]?.dims, outputs[0]?.dims);
}

/** The window of a patch classifier. @throws ModelError if it is not square. */
function windowOf({ inputs }: Signature, { file }: PatchModelOptions): WindowSpec {
  const [height, width] = (inputs[0]?.dims ?? []).slice(2) as number[];
  if (height === undefined || height !== width) {
    throw new ModelError(`The window of ${width} x ${height} pixels is not square.`, {
      file,
      remedy: 'Use a model with a square window.',
    });
  }
  return { side: height, cover: height, foveationPx: 0 };
}

/** The program that runs a patch classifier unchanged, window by window. */
export async function loadPatches(
  runtime: Runtime,
  bytes: Uint8Array,
  signature: Signature,
  window: WindowSpec = windowOf(signature, {}),
): Promise<PatchModel> {
  const [input] = signature.inputs;
  const [output] = signature.outputs;
  const batch = input?.dims?.[0];
  return {
    program: await runtime.load(bytes),
    inputName: input?.name ?? '',
    outputName: output?.name ?? '',
    channels: input?.dims?.[1] as number,
    outputs: output?.dims?.[1] as number,
    window,
    ...(typeof batch === 'number' && { batch }),
  };
}

/** @throws ModelError if `dense` is requested but not possible, saying why; DeviceError if the device fails. */
export async function openPatchProgram(
  runtime: Runtime,
  bytes: Uint8Array,
  signature: Signature,
  options: PatchModelOptions = {},
): Promise<PatchProgram> {
  const { file, evaluation, window = windowOf(signature, options), patches = {} } = options;
  const margin = Math.floor(window.cover / 2);
  const rule: TilingRule = { multiple: 1, offset: 0, minimum: window.cover, halo: margin, margin, exact: true };
  const common = { window, rule };
  const notes: string[] = [];
  if (evaluation !== 'patchwise') {
    try {
      const dense = denseFile(bytes, signature, window);
      return { ...common, program: await runtime.load(dense), evaluation: 'dense', notes };
    } catch (cause) {
      if (evaluation === 'dense' || !(cause instanceof ModelError)) {
        throw cause instanceof ModelError && file !== undefined
          ? new ModelError(cause.problem, { file, remedy: cause.remedy, facts: cause.facts, cause })
          : cause;
      }
      notes.push(`${cause.problem} It is evaluated window by window, which is slow.`);
    }
  }
  const model = await loadPatches(runtime, bytes, signature, window);
  return { ...common, program: patchwiseProgram(model, patches), evaluation: 'patchwise', notes };
}

/** The file of the dense graph. @throws ModelError if it is not possible, saying why. */
function denseFile(bytes: Uint8Array, signature: Signature, window: WindowSpec): Uint8Array {
  if (!isPlain(window)) {
    const why = window.foveationPx > 0 ? 'is blurred away from its middle (foveation)' : 'is sampled nonuniformly';
    throw new ModelError(
      `This network cannot be evaluated at every pixel at once: its window ${why}, so that neighbouring windows have nothing in common.`,
      { remedy: 'Evaluate it patch by patch.' },
    );
  }
  const [input] = signature.inputs;
  const dims = (input?.dims ?? []).map((n) => (typeof n === 'number' ? n : 1));
  return writeOnnx(denseGraph(readOnnx(bytes, { shapes: { [input?.name ?? '']: dims } })));
}
