/** ONNX segmentation models from other programs: missing information is inferred by inspection and trial runs. */

import { float32, type NdArray } from '../array/ndarray.ts';
import { stream } from '../array/random.ts';
import { ModelError } from '../errors.ts';
import { imageInput } from '../graph/onnx/image-input.ts';
import type { Signature } from '../graph/onnx/model.ts';
import { usualChannels } from '../input/channels.ts';
import type { NormalisationSpec } from '../input/normalise.ts';
import type { Program } from '../runtime/runtime.ts';
import type { Activation, SegmentationModel } from './model.ts';
import type { TilingRule } from './tile-plan.ts';

export interface ForeignOptions {
  /** For messages. */
  readonly file?: string;
  /** How values are normalised. Default: divided by 255. */
  readonly normalisation?: NormalisationSpec;
  /** Class names, background first. */
  readonly classes?: readonly string[];
  /** The tile rule, if the graph could be analysed. */
  readonly rule?: { readonly y: TilingRule; readonly x: TilingRule };
}

/** The normalisation y = x / 255, the most common convention; assumed for models that do not state theirs. */
export const DIVIDED_BY_255: NormalisationSpec = {
  kind: 'zscore',
  scope: 'dataset',
  percentiles: [0, 100],
  perChannel: false,
  numbers: [[0, 255]],
  leastSpread: 0,
};

/** A side that is valid for the strides of nearly every network. */
const LIKELY_MULTIPLE = 32;
const PROBE_SIDE = 128;

/**
 * Makes a model of an ONNX program without our metadata: one input float32 [N, C, H, W], with fixed or symbolic sizes;
 * an output [N, classes, H', W'], of the same size, cropped at the borders or coarser. Runs it once or twice on noise
 * to determine whether it returns logits or probabilities, and their size.
 * @throws ModelError if it is not such a model, naming its inputs and outputs.
 */
export async function foreignModel(
  program: Program,
  signature: Signature,
  options: ForeignOptions = {},
): Promise<SegmentationModel> {
  const { file, normalisation = DIVIDED_BY_255 } = options;
  const refuse = (problem: string, remedy: string): never => {
    throw new ModelError(problem, { file, remedy });
  };
  const notes: string[] = [];
  const input = imageInput(signature, file);
  const [batch, channels, height, width] = input.dims;
  if (typeof batch === 'number' && batch > 1) {
    refuse(`The model takes ${batch} images at once only.`, 'Export it for one image, or any number.');
  }
  const count = typeof channels === 'number' ? channels : 1;
  if (typeof channels === 'string') notes.push('The model does not state its number of channels: one is assumed.');

  const sides = {
    y: typeof height === 'number' ? height : ((options.rule && startOf(options.rule.y)) ?? PROBE_SIDE),
    x: typeof width === 'number' ? width : ((options.rule && startOf(options.rule.x)) ?? PROBE_SIDE),
  };
  const probe = (y: number, x: number) => tryOut(program, input.name, [1, count, y, x], refuse);
  const first = await probe(sides.y, sides.x);
  const [, outputs, rows, columns] = first.output.shape as readonly [number, number, number, number];

  let rule = options.rule;
  if (rule === undefined) {
    notes.push('The receptive field is unknown: tiles are blended.');
    const open = { y: typeof height === 'string', x: typeof width === 'string' };
    const second =
      open.y || open.x
        ? await probe(sides.y + (open.y ? LIKELY_MULTIPLE : 0), sides.x + (open.x ? LIKELY_MULTIPLE : 0))
        : undefined;
    rule = {
      y: guessRule(sides.y, rows, open.y ? second?.output.shape[2] : undefined),
      x: guessRule(sides.x, columns, open.x ? second?.output.shape[3] : undefined),
    };
  }
  const { activation, note } = activationOf(first.output);
  notes.push(note);
  if (options.normalisation === undefined) notes.push('Pixel values are divided by 255.');
  const classCount = outputs === 1 ? 2 : outputs;
  const classes =
    options.classes ??
    (classCount === 2
      ? ['background', 'foreground']
      : Array.from({ length: classCount }, (_, i) => (i === 0 ? 'background' : `class ${i}`)));
  if (classes.length !== classCount) {
    refuse(
      `The model has ${classCount} classes, but ${classes.length} names are given.`,
      'Provide one name per class.',
    );
  }
  return {
    program,
    inputName: input.name,
    outputName: first.name,
    input: { channels: usualChannels(count), normalisation },
    outputs,
    activation,
    classes,
    rule,
    maxBatch: typeof batch === 'number' ? 1 : 8,
    notes,
  };
}

function startOf(rule: TilingRule): number {
  return rule.fixed ?? rule.minimum + Math.ceil(64 / rule.multiple) * rule.multiple;
}

type Refuse = (problem: string, remedy: string) => never;

/** Runs the model on smooth noise in 0..1 and selects the first output that is a map. */
async function tryOut(
  program: Program,
  inputName: string,
  shape: readonly [number, number, number, number],
  refuse: Refuse,
): Promise<{ readonly name: string; readonly output: NdArray<'float32'> }> {
  const random = stream(0, 'probe');
  const feed = float32(shape);
  for (let i = 0; i < feed.data.length; i++) {
    feed.data[i] = 0.5 + 0.3 * Math.sin(i / 9) + 0.2 * (random.uniform() - 0.5);
  }
  let results: Awaited<ReturnType<Program['run']>>;
  try {
    results = await program.run({ [inputName]: feed });
  } catch (cause) {
    throw new ModelError(`The model cannot take ${shape[3]} x ${shape[2]} pixels.`, {
      remedy: 'Export it with a fixed size, or for sides that are multiples of 32.',
      cause,
    });
  }
  for (const { name } of program.outputs) {
    const output = results[name];
    if (output?.dtype === 'float32' && output.shape.length === 4 && output.shape[1] >= 1) {
      return { name, output: output as NdArray<'float32'> };
    }
  }
  const shown = Object.entries(results).map(([name, { dtype, shape: found }]) => `${name}: ${dtype} [${found}]`);
  return refuse(
    `The model gives ${shown.join('; ')}.`,
    'A segmentation model gives one map float32 [N, classes, height, width].',
  );
}

/** The rule along one axis from the output size for `side`, and for `side` + 32 if the size is symbolic. */
function guessRule(side: number, out: number, outOfMore: number | undefined): TilingRule {
  const grows = outOfMore === undefined ? undefined : outOfMore - out;
  const coarser = grows === undefined ? side % out === 0 || out > side : grows !== LIKELY_MULTIPLE;
  const margin = coarser ? 0 : Math.floor((side - out) / 2);
  const common = { halo: 0, margin, exact: false };
  return outOfMore === undefined
    ? { ...common, multiple: 1, offset: 0, minimum: side, fixed: side }
    : { ...common, multiple: LIKELY_MULTIPLE, offset: 0, minimum: Math.max(LIKELY_MULTIPLE, 4 * margin) };
}

/** Logits or probabilities, judged by the values of an output on noise. */
export function activationOf(output: NdArray<'float32'>): { readonly activation: Activation; readonly note: string } {
  const [images, channels, height, width] = output.shape as readonly [number, number, number, number];
  const pixels = height * width;
  const within = output.data.every((value) => value >= -1e-4 && value <= 1 + 1e-4);
  if (channels === 1) {
    return within
      ? { activation: 'none', note: 'It gives probabilities.' }
      : { activation: 'sigmoid', note: 'It gives logits: the sigmoid is applied.' };
  }
  if (!within) return { activation: 'softmax', note: 'It gives logits: the softmax is applied.' };
  let sumsToOne = true;
  for (let n = 0; n < images && sumsToOne; n++) {
    for (let p = 0; p < pixels && sumsToOne; p++) {
      let sum = 0;
      for (let c = 0; c < channels; c++) sum += output.data[(n * channels + c) * pixels + p];
      sumsToOne = Math.abs(sum - 1) < 1e-3;
    }
  }
  return sumsToOne
    ? { activation: 'none', note: 'It gives probabilities.' }
    : { activation: 'none', note: 'It gives values in 0..1 that do not sum to 1: taken as independent probabilities.' };
}
