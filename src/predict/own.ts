/** From the bytes of a model of Lamella to a model that predicts. */

import { LamellaError, ModelError, option } from '../errors.ts';
import type { Graph } from '../graph/ir.ts';
import { readSignature, type Signature } from '../graph/onnx/model.ts';
import { readOnnx } from '../graph/onnx/read.ts';
import type { InputSpec } from '../input/normalise.ts';
import { type ModelMetadata, readMetadata, requireClasses } from '../models/metadata.ts';
import type { TileSizes } from '../models/sizes.ts';
import { isWindowName } from '../models/sliding-window.ts';
import { LateProgram } from '../runtime/late-program.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { modelMemory } from './memory.ts';
import type { SegmentationModel } from './model.ts';
import { holdsPatchClassifier, openPatchProgram, type PatchModelOptions } from './patch-model.ts';
import { PreparedProgram } from './prepared-program.ts';
import { stripRule } from './strip-programs.ts';
import { smallestTile, type TilingRule, validSide } from './tile-plan.ts';

/** A model, with what its file says about it. */
export interface OpenedModel extends SegmentationModel {
  /** The ONNX file in the form that is run. */
  readonly bytes: Uint8Array;
  readonly signature: Signature;
  /** Undefined for models from other programs. */
  readonly metadata?: ModelMetadata;
}

/** How to open a model of Lamella: how a patch classifier is evaluated. */
export interface OpenOwnOptions extends Pick<PatchModelOptions, 'evaluation' | 'patches'> {
  /** For messages. */
  readonly file?: string;
  /** Whether it may give maps instead of classes. Default: no. */
  readonly maps?: boolean;
}

/** Sides to build a graph with if the file leaves them symbolic: most networks support one of these. */
export const TRIED_SIDES = [256, 572] as const;

/** Opens a model that says itself all that is needed. @throws as `openModel`; ModelError for one of another program */
export async function openOwnModel(
  runtime: Runtime,
  bytes: Uint8Array,
  options: OpenOwnOptions = {},
): Promise<OpenedModel> {
  const { file } = options;
  const signature = readSignature(bytes, { file });
  const metadata = readMetadata(signature, { file });
  if (metadata === undefined) throw new ModelError('this is no model of Lamella.', { file });
  if (isWindowName(metadata.network.name) && holdsPatchClassifier(signature)) {
    const window = (metadata.input as unknown as InputSpec).window;
    return openPatches(runtime, bytes, { signature, metadata, window }, options, async (program, rule) => ({
      ...ownModel(signature, metadata, options),
      program,
      rule,
    }));
  }
  refuseEvaluation(options);
  const own = ownModel(signature, metadata, options);
  const said = { bytes, signature, metadata };
  // Tiles of volumes are planned by their voxels.
  if (own.rule.z !== undefined) return { ...own, ...said, program: await runtime.load(bytes) };
  const graph = graphOf(bytes, own);
  const model = { ...own, ...said, memory: graph && modelMemory(graph, bytes.length, runtime.layout) };
  // Only blocked kernels gain from compiling.
  if (graph === undefined || runtime.layout === 'nchw') return { ...model, program: await runtime.load(bytes) };
  const late = new LateProgram(graph, () => runtime.load(bytes));
  const program = new PreparedProgram(runtime, bytes, late, model.inputName);
  const { multiple } = own.rule.y;
  const rule = runtime.strips && stripRule(runtime.strips, graph, multiple);
  const strips = rule && {
    rule,
    open: ([height, width]: readonly [number, number], rows: number) =>
      program.openStrips([1, own.input.channels.count, height, width], { multiple, rows, held: rule.held }),
  };
  return { ...model, program, prepare: program.prepare.bind(program), ...(strips && { strips }) };
}

/** Of a shape that is high enough for what is to be found in it; undefined if it has an op that is not known. */
function graphOf(
  bytes: Uint8Array,
  { inputName, input, rule: { y, x } }: Omit<SegmentationModel, 'program'>,
): Graph | undefined {
  const height = validSide(Math.max(TRIED_SIDES[0], smallestTile(y) + 4 * y.halo), y);
  const shape = [1, input.channels.count, height, validSide(TRIED_SIDES[0], x)];
  try {
    return readOnnx(bytes, { shapes: { [inputName]: shape } });
  } catch (error) {
    if (error instanceof LamellaError) return undefined;
    throw error;
  }
}

export function refuseEvaluation({ evaluation, file }: OpenOwnOptions): void {
  if (evaluation === undefined) return;
  throw new ModelError('the network gives every pixel of an image as it is.', {
    file,
    remedy: `Remove ${option('evaluation')}: it applies to patch classifiers only.`,
  });
}

/**
 * Opens a classifier of the central pixel of a window, to be evaluated at all pixels.
 * @param complete the model of a program and a tile rule
 */
export async function openPatches(
  runtime: Runtime,
  bytes: Uint8Array,
  { window, ...said }: Pick<OpenedModel, 'signature' | 'metadata'> & Pick<InputSpec, 'window'>,
  options: OpenOwnOptions,
  complete: (program: SegmentationModel['program'], rule: SegmentationModel['rule']) => Promise<SegmentationModel>,
): Promise<OpenedModel> {
  const opened = await openPatchProgram(runtime, bytes, said.signature, { ...options, window });
  const { program, rule, notes, ...patches } = opened;
  try {
    const model = await complete(program, { y: rule, x: rule });
    return { ...model, bytes, ...said, patches, notes: [...model.notes, ...notes] };
  } catch (error) {
    await program.dispose();
    throw error;
  }
}

const ruleOf = ({ multiple, offset, min, margin, halo }: TileSizes): TilingRule => ({
  multiple,
  offset,
  minimum: min,
  halo: halo ?? 0,
  margin: margin / 2,
  exact: halo !== null,
});

function ownModel(
  signature: Signature,
  metadata: ModelMetadata,
  { file, maps }: Pick<OpenOwnOptions, 'file' | 'maps'>,
): Omit<SegmentationModel, 'program'> {
  const { network, input, classes, tile, depth } = metadata;
  if (tile === undefined) {
    throw new ModelError('the network names the class of a whole image; it does not segment.', {
      file,
      remedy: 'Use it alone or with other image classifiers; in the library, open it with openClassifier.',
    });
  }
  if (maps !== true) requireClasses(metadata, file);
  const rule = ruleOf(tile);
  const [image] = signature.inputs;
  const [output] = signature.outputs;
  if (image === undefined || output === undefined) throw new ModelError('The model has no input or no output.');
  return {
    inputName: image.name,
    outputName: output.name,
    input: input as unknown as InputSpec,
    outputs: network.numClasses,
    // The file already ends with softmax or sigmoid.
    activation: 'none',
    classes: classes.map(({ name }) => name),
    rule: { ...(depth && { z: ruleOf(depth) }), y: rule, x: rule },
    maxBatch: typeof image.dims?.[0] === 'number' ? 1 : 8,
    notes: rule.exact ? [] : ['The network looks at the whole image at once: tiles are not exact and are blended.'],
  };
}
