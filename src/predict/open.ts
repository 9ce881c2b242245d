/** From the bytes of an ONNX file to a model that predicts, our own or from another program. */

import { LamellaError } from '../errors.ts';
import { type AxisTileRule, tileRule } from '../graph/analysis/receptive-field.ts';
import type { Graph, Value } from '../graph/ir.ts';
import { floatForm } from '../graph/onnx/float-form.ts';
import { imageForm } from '../graph/onnx/image-form.ts';
import { readSignature, type Signature } from '../graph/onnx/model.ts';
import { readOnnx } from '../graph/onnx/read.ts';
import { chosenOutput, withOutput } from '../models/chosen-output.ts';
import { notClassesByGraph } from '../models/class-maps.ts';
import { readDescription } from '../models/described.ts';
import { readMetadata } from '../models/metadata.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { AS_THEY_ARE, type ForeignOptions, foreignModel, type OutputFacts } from './foreign.ts';
import type { TileRules } from './model.ts';
import {
  type OpenedModel,
  type OpenOwnOptions,
  openOwnModel,
  openPatches,
  refuseEvaluation,
  TRIED_SIDES,
} from './own.ts';
import { holdsPatchClassifier } from './patch-model.ts';
import { marginOf, type TilingRule } from './tile-plan.ts';

/** How to open a model: what files from other programs leave out, and how a patch classifier is evaluated. */
export interface OpenModelOptions
  extends Omit<ForeignOptions, 'graph' | 'described' | 'chosen'>,
    Pick<OpenOwnOptions, 'evaluation' | 'patches'> {
  /** Which of several outputs is the map of classes. Default: the only one that may be. */
  readonly output?: string | undefined;
}

/**
 * Opens an ONNX file for prediction. Our own files contain all that is needed in their metadata; for others, the tile
 * rule comes from the graph if all its operations are known, and the rest from trial runs (`foreignModel`). A
 * classifier of the central pixel of a window (ours; others if `evaluation` is given) is evaluated at all pixels.
 * `program.dispose()` frees it.
 * @param options `normalisation`, `classes` and `output` for models from other programs
 * @throws FormatError if the bytes are not ONNX; ModelError if it is not a segmentation model, naming its inputs;
 * DeviceError if the device fails.
 */
export async function openModel(
  runtime: Runtime,
  given: Uint8Array,
  { output, ...options }: OpenModelOptions = {},
): Promise<OpenedModel> {
  const { file } = options;
  const bytes = output === undefined ? given : withOutput(given, output, file);
  const metadata = readMetadata(readSignature(bytes, { file }), { file });
  return metadata === undefined ? openForeign(runtime, bytes, options) : openOwnModel(runtime, bytes, options);
}

/** Opens a model of another program, in the form of ours. */
async function openForeign(
  runtime: Runtime,
  given: Uint8Array,
  options: Omit<OpenModelOptions, 'output'>,
): Promise<OpenedModel> {
  const { file } = options;
  const { bytes, notes, isByte } = imageForm(given);
  const signature = readSignature(bytes, { file });
  if (options.evaluation !== undefined && holdsPatchClassifier(signature)) {
    const said = { signature, window: undefined };
    return openPatches(runtime, bytes, said, options, (program, rule) =>
      foreignModel(program, signature, { ...options, graph: { rule: () => rule, notClasses: () => undefined } }),
    );
  }
  refuseEvaluation(options);
  const described = readDescription(signature, file);
  const program = await runtime.load(bytes);
  try {
    const model = await foreignModel(program, signature, {
      ...(isByte && described === undefined ? { normalisation: AS_THEY_ARE } : {}),
      ...options,
      described,
      chosen: chosenOutput(signature),
      graph: graphOutputs(bytes, signature),
    });
    return { ...model, bytes, signature, notes: described === undefined ? [...notes, ...model.notes] : model.notes };
  } catch (error) {
    await program.dispose();
    throw error;
  }
}

/** What the graph of an ONNX file of images says of its outputs, if all its operations are known. */
export function graphOutputs(
  bytes: Uint8Array,
  { inputs, operations }: Signature = readSignature(bytes),
): OutputFacts | undefined {
  const [input] = inputs;
  const dims = input?.dims;
  if (input === undefined || (dims?.length !== 4 && dims?.length !== 5)) return undefined;
  const plain = plainOf(bytes);
  // Then numbers are rounded to steps of the range of the whole tile.
  const isDynamic = operations.has('DynamicQuantizeLinear');
  for (const side of TRIED_SIDES) {
    const shape = dims.map((n, axis) => (typeof n === 'number' ? n : axis < 2 ? 1 : side));
    try {
      const graph = readOnnx(plain, { shapes: { [input.name]: shape } });
      const maps = graph.outputs.filter((value) => value.shape.length === dims.length);
      const named = (name?: string) => maps.find((value) => name === undefined || value.name === name);
      return {
        rule(name) {
          const output = named(name);
          return output && tileRules(graph, output, dims, !isDynamic);
        },
        notClasses(name) {
          const output = named(name);
          return output && notClassesByGraph(graph, output, maps);
        },
      };
    } catch (error) {
      // An unknown operation, or an unsupported size.
      if (!(error instanceof LamellaError)) throw error;
    }
  }
  return undefined;
}

/** The file of which the graph is read: a quantised network looks at the same pixels as the one that it stands for. */
function plainOf(bytes: Uint8Array): Uint8Array {
  try {
    return floatForm(bytes).bytes;
  } catch (error) {
    if (error instanceof LamellaError) return bytes;
    throw error;
  }
}

function tileRules(
  graph: Graph,
  output: Value,
  dims: readonly (number | string)[],
  mayBeExact: boolean,
): TileRules | undefined {
  try {
    const { axes, exact } = tileRule(graph, graph.inputs[0], output);
    const [x, y, z] = axes.map((axis) => ruleOf(axis, exact && mayBeExact, dims[axis.axis])).toReversed();
    if (y === undefined || x === undefined || (axes.length === 3 && z === undefined)) return undefined;
    return { ...(z && { z }), y, x };
  } catch (error) {
    if (error instanceof LamellaError) return undefined;
    throw error;
  }
}

function ruleOf(axis: AxisTileRule, exact: boolean, declared: number | string | undefined): TilingRule | undefined {
  const { multiple, offset, minimum, marginBefore, marginAfter, haloBefore, haloAfter, scale } = axis;
  if (scale !== 1) return undefined;
  // Strided convolutions may see farther to one side, so that the output is shifted and not smaller: halos are then
  // counted from the pixel of the same place.
  const keepsSize = marginBefore + marginAfter === 0;
  const shift = keepsSize ? Math.abs(marginBefore) : 0;
  return {
    multiple,
    offset,
    minimum,
    halo: Math.max(haloBefore, haloAfter) + shift,
    ...(keepsSize ? { margin: 0 } : marginOf(marginBefore, marginAfter)),
    exact,
    ...(typeof declared === 'number' ? { fixed: declared } : {}),
  };
}
