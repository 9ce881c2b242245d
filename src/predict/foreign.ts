/** ONNX segmentation models from other programs: missing information is inferred by inspection and trial runs. */

import { float32, type NdArray } from '../array/ndarray.ts';
import { stream } from '../array/random.ts';
import { ModelError } from '../errors.ts';
import { imageInput } from '../graph/onnx/image-input.ts';
import type { Signature } from '../graph/onnx/model.ts';
import { type ChannelSpec, usualChannels } from '../input/channels.ts';
import { type InputSpec, type NormalisationSpec, normalise } from '../input/normalise.ts';
import { chooseClassMap, isMap, looksLikeCellpose, notClassesByName, type OutputShape } from '../models/class-maps.ts';
import type { DescribedModel, Sides } from '../models/described.ts';
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
  /** The output that the user has chosen. Default: the only one that may be a map of classes. */
  readonly chosen?: string | undefined;
  /** What a package says of the model. */
  readonly described?: DescribedModel | undefined;
  /** What the graph says of its outputs, if it can be read. */
  readonly graph?: OutputFacts | undefined;
}

/** What a graph says of its outputs. */
export interface OutputFacts {
  /** The tile rule of an output, or of any without a name, if it can be followed. */
  rule(output?: string): { readonly y: TilingRule; readonly x: TilingRule } | undefined;
  /** As `notClassesByGraph`. */
  notClasses(output: string): string | undefined;
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

/** y = x, for networks that take bytes. */
export const AS_THEY_ARE: NormalisationSpec = { ...DIVIDED_BY_255, numbers: [[0, 1]] };

/** Sides that are valid for the strides of nearly every network. */
const LIKELY_SIDES: Sides = { min: 32, step: 32 };
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
  const { file, described } = options;
  const said = described?.input as Partial<InputSpec> | undefined;
  const normalisation = options.normalisation ?? said?.normalisation ?? DIVIDED_BY_255;
  const refuse = (problem: string, remedy: string): never => {
    throw new ModelError(problem, { file, remedy });
  };
  const notes: string[] = [...(described?.notes ?? [])];
  const input = imageInput(signature, file);
  const [batch, channels, height, width] = input.dims;
  if (typeof batch === 'number' && batch > 1) {
    refuse(`The model takes ${batch} images at once only.`, 'Export it for one image, or any number.');
  }
  const count = typeof channels === 'number' ? channels : 1;
  if (typeof channels === 'string') notes.push('The model does not state its number of channels: one is assumed.');

  const known = described?.sides;
  const start = options.graph?.rule();
  const sides = {
    y: typeof height === 'number' ? height : ((start && startOf(start.y)) ?? known?.y.min ?? PROBE_SIDE),
    x: typeof width === 'number' ? width : ((start && startOf(start.x)) ?? known?.x.min ?? PROBE_SIDE),
  };
  const probe = (y: number, x: number) => tryOut(program, input.name, [1, count, y, x], normalisation);
  const tried = await probe(sides.y, sides.x);
  const first = chooseOutput(tried, signature, options);
  if (tried.length > 1) {
    notes.push(`Of its ${tried.length} outputs '${first.name}' is taken, the only one that may be a map of classes.`);
  }
  const [, outputs, rows, columns] = first.output.shape as readonly [number, number, number, number];

  let rule = options.graph?.rule(first.name);
  if (rule === undefined) {
    notes.push('The receptive field is unknown: tiles are blended.');
    const open = { y: typeof height === 'string', x: typeof width === 'string' };
    const likely = known ?? { y: LIKELY_SIDES, x: LIKELY_SIDES };
    const second =
      open.y || open.x
        ? (await probe(sides.y + (open.y ? likely.y.step : 0), sides.x + (open.x ? likely.x.step : 0))).find(
            ({ name }) => name === first.name,
          )
        : undefined;
    rule = {
      y: guessRule(sides.y, rows, open.y ? second?.output.shape[2] : undefined, likely.y),
      x: guessRule(sides.x, columns, open.x ? second?.output.shape[3] : undefined, likely.x),
    };
  }
  const { activation, note } = activationOf(first.output);
  notes.push(note);
  if (normalisation === DIVIDED_BY_255) notes.push('Pixel values are divided by 255.');
  const classCount = outputs === 1 ? 2 : outputs;
  const classes =
    options.classes ??
    described?.classes[first.name] ??
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
    input: { ...said, channels: channelsOf(count, said?.channels), normalisation },
    outputs,
    activation,
    classes,
    rule,
    maxBatch: typeof batch === 'number' ? 1 : 8,
    notes,
  };
}

/** The channels that a package names, if they are as many as the network takes. */
const channelsOf = (count: number, said: ChannelSpec | undefined): ChannelSpec =>
  said?.count === count ? said : usualChannels(count);

function startOf(rule: TilingRule): number {
  return rule.fixed ?? rule.minimum + Math.ceil(64 / rule.multiple) * rule.multiple;
}

/** An output of a trial run. */
interface Tried extends OutputShape {
  readonly output: NdArray<'float32'>;
}

/** Runs the model on smooth noise, as an image of 8 bits would become its input, and gives its outputs. */
async function tryOut(
  program: Program,
  inputName: string,
  shape: readonly [number, number, number, number],
  normalisation: NormalisationSpec,
): Promise<readonly Tried[]> {
  const random = stream(0, 'probe');
  const feed = float32(shape);
  for (let i = 0; i < feed.data.length; i++) {
    feed.data[i] = 255 * (0.5 + 0.3 * Math.sin(i / 9) + 0.2 * (random.uniform() - 0.5));
  }
  normalise(feed.data, shape[1], normalisation);
  let results: Awaited<ReturnType<Program['run']>>;
  try {
    results = await program.run({ [inputName]: feed });
  } catch (cause) {
    throw new ModelError(`The model cannot take ${shape[3]} x ${shape[2]} pixels.`, {
      remedy: 'Export it with a fixed size, or for sides that are multiples of 32.',
      cause,
    });
  }
  return program.outputs.flatMap(({ name }) => {
    const output = results[name];
    return output === undefined
      ? []
      : [{ name, dtype: output.dtype, shape: output.shape, output: output as NdArray<'float32'> }];
  });
}

/** The map of classes among the outputs of a trial run. @throws as `chooseClassMap` */
function chooseOutput(
  tried: readonly Tried[],
  { operations }: Signature,
  { chosen: asked, file, graph }: Pick<ForeignOptions, 'chosen' | 'file' | 'graph'>,
): Tried {
  const why = (map: Tried): string | undefined =>
    notClassesByName(map) ??
    graph?.notClasses(map.name) ??
    notClassesByValues(map.output) ??
    (activationOf(map.output).activation === 'softmax' &&
    looksLikeCellpose(
      map,
      tried.filter((other) => !isMap(other)),
      operations,
    )
      ? 'two flows and a cell probability, as Cellpose gives them'
      : undefined);
  return chooseClassMap(tried, { asked, file, why });
}

/** Why a map is no map of classes, by its values on noise; undefined if nothing speaks against it. */
function notClassesByValues({ data }: NdArray<'float32'>): string | undefined {
  const isPositive = data.every((value) => value >= 0) && data.some((value) => value > 1 + 1e-4);
  return isPositive ? 'distances or features: above 1, and never below 0' : undefined;
}

/** The rule along one axis from the output size for `side`, and for one step more if the size is symbolic. */
function guessRule(side: number, out: number, outOfMore: number | undefined, { min, step }: Sides): TilingRule {
  const grows = outOfMore === undefined ? undefined : outOfMore - out;
  const coarser = grows === undefined ? side % out === 0 || out > side : grows !== step;
  const margin = coarser ? 0 : Math.floor((side - out) / 2);
  const common = { halo: 0, margin, exact: false };
  return outOfMore === undefined
    ? { ...common, multiple: 1, offset: 0, minimum: side, fixed: side }
    : { ...common, multiple: step, offset: min % step, minimum: Math.max(min, 4 * margin) };
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
