/** From the bytes of an ONNX file to a model that predicts, our own or from another program. */

import { LamellaError, ModelError, option } from '../errors.ts';
import { type AxisTileRule, tileRule } from '../graph/analysis/receptive-field.ts';
import { readSignature, type Signature } from '../graph/onnx/model.ts';
import { readOnnx } from '../graph/onnx/read.ts';
import type { InputSpec } from '../input/normalise.ts';
import { type ModelMetadata, readMetadata } from '../models/metadata.ts';
import { isWindowName } from '../models/sliding-window.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { type ForeignOptions, foreignModel } from './foreign.ts';
import { modelMemory } from './memory.ts';
import type { SegmentationModel } from './model.ts';
import { holdsPatchClassifier, openPatchProgram, type PatchModelOptions } from './patch-model.ts';
import { PreparedProgram } from './prepared-program.ts';
import { type TilingRule, validSide } from './tile-plan.ts';

/** A model, with what its file says about it. */
export interface OpenedModel extends SegmentationModel {
  readonly signature: Signature;
  /** Undefined for models from other programs. */
  readonly metadata?: ModelMetadata;
}

/** How to open a model: what files from other programs leave out, and how a patch classifier is evaluated. */
export interface OpenModelOptions
  extends Omit<ForeignOptions, 'rule'>,
    Pick<PatchModelOptions, 'evaluation' | 'patches'> {}

/**
 * Opens an ONNX file for prediction. Our own files contain all that is needed in their metadata; for others, the tile
 * rule comes from the graph if all its operations are known, and the rest from trial runs (`foreignModel`). A
 * classifier of the central pixel of a window (ours; others if `evaluation` is given) is evaluated at all pixels.
 * `program.dispose()` frees it.
 * @param options `normalisation` and `classes` for models from other programs
 * @throws FormatError if the bytes are not ONNX; ModelError if it is not a segmentation model, naming its inputs;
 * DeviceError if the device fails.
 */
export async function openModel(
  runtime: Runtime,
  bytes: Uint8Array,
  options: OpenModelOptions = {},
): Promise<OpenedModel> {
  const { file } = options;
  const signature = readSignature(bytes, { file });
  const metadata = readMetadata(signature, { file });
  const classifiesPixels =
    metadata === undefined ? options.evaluation !== undefined : isWindowName(metadata.network.name);
  if (classifiesPixels && holdsPatchClassifier(signature)) {
    return openPatches(runtime, bytes, { signature, metadata }, options);
  }
  if (options.evaluation !== undefined) {
    throw new ModelError('the network gives every pixel of an image as it is.', {
      file,
      remedy: `Remove ${option('evaluation')}: it applies to patch classifiers only.`,
    });
  }
  const program = await runtime.load(bytes);
  try {
    if (metadata !== undefined) {
      const own = ownModel(program, signature, metadata, options);
      const { channels } = own.input;
      const side = validSide(TRIED_SIDES[0], own.rule.y);
      const shape = [1, channels.count, side, side];
      const memory = modelMemory(bytes, { input: own.inputName, shape, layout: runtime.layout });
      const model = { ...own, memory };
      // Only blocked kernels gain from compiling.
      if (runtime.layout === 'nchw') return { ...model, signature, metadata };
      const prepared = new PreparedProgram(runtime, bytes, program, model.inputName);
      const prepare = prepared.prepare.bind(prepared);
      return { ...model, program: prepared, prepare, signature, metadata };
    }
    const rule = ruleOfGraph(bytes, signature);
    return { ...(await foreignModel(program, signature, { ...options, rule })), signature };
  } catch (error) {
    await program.dispose();
    throw error;
  }
}

async function openPatches(
  runtime: Runtime,
  bytes: Uint8Array,
  { signature, metadata }: Pick<OpenedModel, 'signature' | 'metadata'>,
  options: OpenModelOptions,
): Promise<OpenedModel> {
  const input = metadata?.input as InputSpec | undefined;
  const { program, rule, notes, ...patches } = await openPatchProgram(runtime, bytes, signature, {
    ...options,
    window: input?.window,
  });
  const rules = { y: rule, x: rule };
  try {
    const model =
      metadata === undefined
        ? await foreignModel(program, signature, { ...options, rule: rules })
        : { ...ownModel(program, signature, metadata, options), rule: rules };
    return { ...model, signature, metadata, patches, notes: [...model.notes, ...notes] };
  } catch (error) {
    await program.dispose();
    throw error;
  }
}

function ownModel(
  program: SegmentationModel['program'],
  signature: Signature,
  { network, input, classes, tile }: ModelMetadata,
  { file }: Pick<OpenModelOptions, 'file'>,
): SegmentationModel {
  if (tile === undefined) {
    throw new ModelError('the network names the class of a whole image; it does not segment.', {
      file,
      remedy: 'Use it alone or with other image classifiers; in the library, open it with openClassifier.',
    });
  }
  const rule: TilingRule = {
    multiple: tile.multiple,
    offset: tile.offset,
    minimum: tile.min,
    halo: tile.halo ?? 0,
    margin: tile.margin / 2,
    exact: tile.halo !== null,
  };
  const [image] = signature.inputs;
  const [output] = signature.outputs;
  if (image === undefined || output === undefined) throw new ModelError('The model has no input or no output.');
  return {
    program,
    inputName: image.name,
    outputName: output.name,
    input: input as unknown as InputSpec,
    outputs: network.numClasses,
    // The file already ends with softmax or sigmoid.
    activation: 'none',
    classes: classes.map(({ name }) => name),
    rule: { y: rule, x: rule },
    maxBatch: typeof image.dims?.[0] === 'number' ? 1 : 8,
    notes: rule.exact ? [] : ['The network looks at the whole image at once: tiles are not exact and are blended.'],
  };
}

/** Sides to build a graph with if the file leaves them symbolic: most networks support one of these. */
const TRIED_SIDES = [256, 572] as const;

/** The tile rule of a graph if all its operations are known; otherwise undefined. */
function ruleOfGraph(
  bytes: Uint8Array,
  { inputs }: Signature,
): { readonly y: TilingRule; readonly x: TilingRule } | undefined {
  const dims = inputs[0]?.dims;
  if (dims?.length !== 4) return undefined;
  for (const side of TRIED_SIDES) {
    const shape = dims.map((n, axis) => (typeof n === 'number' ? n : axis < 2 ? 1 : side));
    try {
      const graph = readOnnx(bytes, { shapes: { [(inputs[0] as { name: string }).name]: shape } });
      const output = graph.outputs.find((value) => value.shape.length === 4);
      if (output === undefined) return undefined;
      const { axes, exact } = tileRule(graph, graph.inputs[0], output);
      const [y, x] = axes.map((axis) => ruleOf(axis, exact, dims[axis.axis]));
      return y === undefined || x === undefined ? undefined : { y, x };
    } catch (error) {
      // An unknown operation, or an unsupported size.
      if (!(error instanceof LamellaError)) throw error;
    }
  }
  return undefined;
}

function ruleOf(axis: AxisTileRule, exact: boolean, declared: number | string | undefined): TilingRule | undefined {
  const { multiple, offset, minimum, marginBefore, marginAfter, haloBefore, haloAfter, scale } = axis;
  if (scale !== 1) return undefined;
  const margin = Math.max(marginBefore, marginAfter);
  return {
    multiple,
    offset,
    minimum,
    halo: Math.max(haloBefore, haloAfter),
    margin,
    exact: exact && marginBefore === marginAfter,
    ...(typeof declared === 'number' ? { fixed: declared } : {}),
  };
}
