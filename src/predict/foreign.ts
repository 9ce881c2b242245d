/** ONNX segmentation models from other programs: missing information is inferred by inspection and trial runs. */

import { elementCount, float32, type NdArray } from '../array/ndarray.ts';
import { stream } from '../array/random.ts';
import { ModelError } from '../errors.ts';
import { imageOrVolumeInput } from '../graph/onnx/image-input.ts';
import type { Signature } from '../graph/onnx/model.ts';
import { type ChannelSpec, usualChannels } from '../input/channels.ts';
import { type InputSpec, type NormalisationSpec, normalise } from '../input/normalise.ts';
import {
  CELLPOSE_MAPS,
  chooseClassMap,
  isMapOfRank,
  looksLikeCellpose,
  notClassesByName,
  type OutputShape,
} from '../models/class-maps.ts';
import type { DescribedModel, Sides } from '../models/described.ts';
import type { Program } from '../runtime/runtime.ts';
import type { Activation, SegmentationModel, TileRules } from './model.ts';
import { marginOf, type TilingRule } from './tile-plan.ts';

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
  rule(output?: string): TileRules | undefined;
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
const PROBE_SIDES = { z: 32, y: 128, x: 128 } as const;
type Axis = keyof typeof PROBE_SIDES;

/**
 * Makes a model of an ONNX program without our metadata: one input float32 [N, C, H, W], with fixed or symbolic sizes;
 * an output [N, classes, H', W'], of the same size, cropped at the borders or coarser; for volumes with a depth before
 * the height. Runs it once or twice on noise
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
  const input = imageOrVolumeInput(signature, file);
  const [batch, channels, ...declared] = input.dims;
  const axes: readonly Axis[] = declared.length === 3 ? ['z', 'y', 'x'] : ['y', 'x'];
  if (typeof batch === 'number' && batch > 1) {
    refuse(`The model takes ${batch} images at once only.`, 'Export it for one image, or any number.');
  }
  const count = typeof channels === 'number' ? channels : 1;
  if (typeof channels === 'string') notes.push('The model does not state its number of channels: one is assumed.');

  const known = described?.sides;
  const fitted = described?.rules as { readonly [output: string]: TileRules } | undefined;
  const start = options.graph?.rule();
  const sides = axes.map((axis, i) => {
    const side = declared[i];
    const traced = start?.[axis];
    return typeof side === 'number' ? side : ((traced && startOf(traced)) ?? known?.[axis]?.min ?? PROBE_SIDES[axis]);
  });
  const probe = (all: readonly number[]) => tryOut(program, input.name, [1, count, ...all], normalisation);
  const tried = await probe(sides);
  const first = chooseOutput(tried, input.dims.length, signature, options);
  if (tried.length > 1) {
    notes.push(`Of its ${tried.length} outputs '${first.name}' is taken, the only one that may be a map of classes.`);
  }
  const [, outputs, ...given] = first.output.shape as readonly [number, number, ...number[]];

  let rule = fitted?.[first.name] ?? options.graph?.rule(first.name);
  if (rule === undefined) {
    notes.push('The receptive field is unknown: tiles are blended.');
    const isOpen = declared.map((side) => typeof side === 'string');
    const likely = axes.map((axis) => known?.[axis] ?? LIKELY_SIDES);
    const larger = sides.map((side, i) => side + (isOpen[i] ? likely[i].step : 0));
    const second = isOpen.includes(true) ? (await probe(larger)).find(({ name }) => name === first.name) : undefined;
    rule = Object.fromEntries(
      axes.map((axis, i) => {
        const more = isOpen[i] ? second?.output.shape[i + 2] : undefined;
        return [
          axis,
          guessRule(sides[i], given[i], more, { ...likely[i], halo: described?.halos?.[first.name]?.[axis] }),
        ];
      }),
    ) as unknown as TileRules;
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
  shape: readonly [number, number, ...number[]],
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
    const size = shape.slice(2).toReversed().join(' x ');
    throw new ModelError(`The model cannot take ${size} ${shape.length === 5 ? 'voxels' : 'pixels'}.`, {
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
  rank: number,
  { operations }: Signature,
  { chosen: asked, file, graph, described }: Pick<ForeignOptions, 'chosen' | 'file' | 'graph' | 'described'>,
): Tried {
  const objects = described?.objects?.kind;
  const why = (map: Tried): string | undefined =>
    (objects && `as its package says, of ${objects}`) ??
    notClassesByName(map) ??
    graph?.notClasses(map.name) ??
    notClassesByValues(map.output) ??
    (activationOf(map.output).activation === 'softmax' &&
    looksLikeCellpose(
      map,
      tried.filter((other) => !isMapOfRank(rank)(other)),
      operations,
    )
      ? CELLPOSE_MAPS
      : undefined);
  return chooseClassMap(tried, { asked, file, rank, why });
}

/** Why a map is no map of classes, by its values on noise; undefined if nothing speaks against it. */
function notClassesByValues({ data }: NdArray<'float32'>): string | undefined {
  const isPositive = data.every((value) => value >= 0) && data.some((value) => value > 1 + 1e-4);
  return isPositive ? 'distances or features: above 1, and never below 0' : undefined;
}

/** The rule along one axis from the output size for `side`, and for one step more if the size is symbolic. */
function guessRule(
  side: number,
  out: number,
  outOfMore: number | undefined,
  { min, step, halo = 0 }: Sides & { readonly halo: number | undefined },
): TilingRule {
  const grows = outOfMore === undefined ? undefined : outOfMore - out;
  const coarser = grows === undefined ? side % out === 0 || out > side : grows !== step;
  const before = Math.floor((side - out) / 2);
  const rest = coarser ? { margin: 0 } : marginOf(before, side - out - before);
  // Pixels of a coarser map are larger.
  const unused = coarser ? Math.ceil((halo * side) / out) : halo;
  const common = { halo: 0, ...rest, unused, exact: false };
  return outOfMore === undefined
    ? { ...common, multiple: 1, offset: 0, minimum: side, fixed: side }
    : { ...common, multiple: step, offset: min % step, minimum: Math.max(min, 4 * common.margin) };
}

/** Logits or probabilities, judged by the values of an output on noise. */
export function activationOf(output: NdArray<'float32'>): { readonly activation: Activation; readonly note: string } {
  const [images, channels, ...size] = output.shape as readonly [number, number, ...number[]];
  const pixels = elementCount(size);
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
