/** What is explained: a graph for one input, the input made of an image, and where in them a pixel lies. */
import { float32, type NdArray } from '../array/ndarray.ts';
import { ModelError, UsageError } from '../errors.ts';
import type { Graph, Value } from '../graph/ir.ts';
import { readSignature, type Signature } from '../graph/onnx/model.ts';
import { readOnnx } from '../graph/onnx/read.ts';
import { type ClassInput, copyCrop, storedPlanes, type View, viewsOf } from '../input/classes.ts';
import { normalise, prepareInput } from '../input/normalise.ts';
import type { Page } from '../input/planes.ts';
import { isPlain, type WindowSpec, windowReader } from '../input/window.ts';
import { METADATA_KEY, type ModelMetadata, parseMetadata } from '../models/metadata.ts';
import { isWindowName } from '../models/sliding-window.ts';
import { classifyPages, openClassifier } from '../predict/classifier.ts';
import { DIVIDED_BY_255 } from '../predict/foreign.ts';
import type { Activation, SegmentationModel } from '../predict/model.ts';
import { openModel } from '../predict/open.ts';
import { predictPlanes } from '../predict/predict.ts';
import { type AxisTile, planAxis } from '../predict/tile-plan.ts';
import { fillWindow } from '../predict/window.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { Box, Point, Question } from './explanation.ts';

export interface Subject {
  readonly question: Question;
  readonly graph: Graph;
  readonly input: Value;
  readonly output: Value;
  readonly feed: NdArray<'float32'>;
  readonly classes: readonly string[];
  /** What makes probabilities of the output. */
  readonly activation: Activation;
  /** The pixel in the input. */
  readonly pixel: Point;
  /** The element of the output that belongs to it; absent where there is one answer for all. */
  readonly element?: Point;
  /** How much smaller the output is at its upper left, in pixels of the input, and its elements for each of these pixels. */
  readonly grid?: { readonly margin: Point; readonly scale: Point };
  /** The part of the input that shows the image, and which part of the image that is. */
  readonly shown: Box;
  readonly box: Box;
  readonly fileValues: readonly number[];
  /** The probabilities as `predict` computes them, where that takes no more than some seconds. */
  readonly predicted?: () => Promise<readonly number[]>;
  readonly notes: readonly string[];
}

/** A page with the name of its file. */
export type NamedPage = Page & { readonly name: string };

/** Images of more pixels are not predicted as a whole only to compare one pixel. */
const MOST_PREDICTED = 1536 ** 2;

/**
 * Puts a pixel of an image into a network.
 * @throws UsageError when the point lies outside the image, or where the network does not look; FormatError, ModelError:
 *   the model; DatasetError: the image does not fit it; GraphError: an operation of it is not known.
 */
export async function openSubject(
  runtime: Runtime,
  bytes: Uint8Array,
  page: NamedPage,
  at: Point,
  { file }: { readonly file?: string } = {},
): Promise<Subject> {
  requireInside(page, at);
  const where = file === undefined ? {} : { file };
  const signature = readSignature(bytes, where);
  const entry = signature.metadata[METADATA_KEY];
  const metadata = entry === undefined ? undefined : parseMetadata(entry, where);
  if (metadata?.task === 'classification') return ownClassifier(runtime, bytes, page, at, where);
  const [image] = signature.inputs;
  const dims = image?.dims ?? [];
  const [output] = signature.outputs;
  if (metadata === undefined && output?.dims?.length === 2 && dims.length === 4) {
    return foreignClassifier(bytes, signature, page, at, where);
  }
  const model = await openModel(runtime, bytes, where);
  if (metadata !== undefined && isWindowName(metadata.network.name)) {
    return windowSubject(bytes, signature, metadata, model, page, at);
  }
  return pixelSubject(bytes, model, page, at, where);
}

function requireInside({ width, height, name }: NamedPage, { x, y }: Point): void {
  if (Number.isInteger(x) && Number.isInteger(y) && x >= 0 && y >= 0 && x < width && y < height) return;
  throw new UsageError(`the point ${x},${y} lies outside the image of ${width} x ${height} pixels.`, {
    file: name,
    remedy: `Use x from 0 to ${width - 1} and y from 0 to ${height - 1}.`,
  });
}

function fileValuesAt({ data, channels, height, width }: Page, { x, y }: Point): number[] {
  return Array.from({ length: channels }, (_, c) => data[(c * height + y) * width + x]);
}

interface Where {
  readonly file?: string;
}

/** Every pixel of an image has an answer: the tile of `predict` that gives this one. */
function pixelSubject(bytes: Uint8Array, model: SegmentationModel, page: NamedPage, at: Point, where: Where): Subject {
  const { height, width } = page;
  const planes = prepareInput(page, model.input);
  const channels = model.input.channels.count;
  const y = chosenTile(planAxis(height, model.rule.y), at.y);
  const x = chosenTile(planAxis(width, model.rule.x), at.x);
  const feed = float32([1, channels, y.side, x.side]);
  const origin = { y: y.tile.origin, x: x.tile.origin };
  const sides = { y: y.side, x: x.side };
  fillWindow(feed.data, planes, { height, width, channels }, origin, sides);
  const graph = readOnnx(bytes, { ...where, shapes: { [model.inputName]: feed.shape } });
  const output = graph.outputs.find(({ name }) => name === model.outputName) as Value;
  const [rows, columns] = [output.shape[2], output.shape[3]];
  const margin = { y: model.rule.y.margin, x: model.rule.x.margin };
  const pixel = { y: at.y - origin.y, x: at.x - origin.x };
  // Models from elsewhere may give a coarser map.
  const scale = { y: rows / (sides.y - 2 * margin.y), x: columns / (sides.x - 2 * margin.x) };
  const element = {
    y: Math.min(rows - 1, Math.floor((pixel.y - margin.y) * scale.y)),
    x: Math.min(columns - 1, Math.floor((pixel.x - margin.x) * scale.x)),
  };
  const shown = intersection(
    { x: 0, y: 0, width: sides.x, height: sides.y },
    { x: -origin.x, y: -origin.y, width, height },
  );
  const whole = height * width <= MOST_PREDICTED && scale.y === 1 && scale.x === 1;
  return {
    question: 'pixel',
    graph,
    input: graph.inputs[0],
    output,
    feed,
    classes: model.classes,
    activation: model.activation,
    pixel,
    element,
    grid: { margin, scale },
    shown,
    box: { ...shown, x: shown.x + origin.x, y: shown.y + origin.y },
    fileValues: fileValuesAt(page, at),
    ...(whole
      ? { predicted: async () => columnOf(await predictPlanes(model, { planes, height, width, name: page.name }), at) }
      : {}),
    notes: model.notes,
  };
}

function chosenTile(
  { side, tiles }: { readonly side: number; readonly tiles: readonly AxisTile[] },
  at: number,
): { readonly side: number; readonly tile: AxisTile } {
  const weight = ({ from, to, weights }: AxisTile): number =>
    at < from || at >= to ? -1 : (weights?.[at - from] ?? 1);
  const tile = tiles.reduce((best, next) => (weight(next) > weight(best) ? next : best));
  return { side, tile };
}

function columnOf({ shape, data }: NdArray<'float32'>, { x, y }: Point): number[] {
  const [classes, height, width] = shape as readonly [number, number, number];
  return Array.from({ length: classes }, (_, c) => data[(c * height + y) * width + x]);
}

/** What two boxes have in common. */
export function intersection(a: Box, b: Box): Box {
  const x = Math.max(a.x, b.x);
  const y = Math.max(a.y, b.y);
  return {
    x,
    y,
    width: Math.min(a.x + a.width, b.x + b.width) - x,
    height: Math.min(a.y + a.height, b.y + b.height) - y,
  };
}

/** The pixel in the middle of a window has an answer. */
function windowSubject(
  bytes: Uint8Array,
  signature: Signature,
  metadata: ModelMetadata,
  model: SegmentationModel,
  page: NamedPage,
  at: Point,
): Subject {
  const { height, width } = page;
  const [image] = signature.inputs;
  const side = image?.dims?.[2] as number;
  const window: WindowSpec = model.patches?.window ?? { side, cover: side, foveationPx: 0 };
  const channels = metadata.network.channels;
  const planes = prepareInput(page, model.input);
  const feed = float32([1, channels, side, side]);
  windowReader(planes, { channels, height, width }, window)(at.y, at.x, feed.data);
  const graph = readOnnx(bytes, { shapes: { [model.inputName]: feed.shape } });
  const half = Math.floor(side / 2);
  const plain = isPlain(window);
  const reach = Math.floor(window.cover / 2);
  return {
    question: 'window',
    graph,
    input: graph.inputs[0],
    output: graph.outputs[0],
    feed,
    classes: model.classes,
    activation: 'none',
    pixel: { x: half, y: half },
    shown: { x: 0, y: 0, width: side, height: side },
    box: { x: at.x - reach, y: at.y - reach, width: window.cover, height: window.cover },
    fileValues: fileValuesAt(page, at),
    predicted: async () => {
      // As much of the image as the window reaches; mirrored where the image ends, as in the whole.
      const from = { x: Math.max(0, at.x - window.cover), y: Math.max(0, at.y - window.cover) };
      const to = { x: Math.min(width, at.x + window.cover + 1), y: Math.min(height, at.y + window.cover + 1) };
      const part = { width: to.x - from.x, height: to.y - from.y };
      const cut = new Float32Array(channels * part.width * part.height);
      copyCrop(planes, channels, [height, width], cropOf(from, part), cut);
      const given = await predictPlanes(model, { planes: cut, ...part, name: page.name });
      return columnOf(given, { x: at.x - from.x, y: at.y - from.y });
    },
    notes: [
      ...model.notes,
      ...(plain
        ? []
        : ['The window is shown as the network sees it: blurred or coarser than the image away from the centre.']),
    ],
  };
}

const cropOf = ({ x, y }: Point, { width, height }: { readonly width: number; readonly height: number }) => ({
  top: y,
  left: x,
  crop: [height, width] as const,
  mirror: false,
});

async function ownClassifier(
  runtime: Runtime,
  bytes: Uint8Array,
  page: NamedPage,
  at: Point,
  where: Where,
): Promise<Subject> {
  const model = await openClassifier(runtime, bytes, where);
  const subject = imageSubject(bytes, page, at, {
    ...where,
    input: model.input,
    inputName: model.inputName,
    classes: model.classes,
    activation: 'none',
  });
  const { views } = model.input;
  return {
    ...subject,
    notes: views === 1 ? [] : ['Explained is the view of the middle; predict averages ten views of an image.'],
    predicted: async () => Array.from((await classifyPages(model, [page], { views: 1 })).data),
  };
}

/** A classifier that someone else wrote: one size, values divided by 255. */
function foreignClassifier(
  bytes: Uint8Array,
  { inputs, outputs }: Signature,
  page: NamedPage,
  at: Point,
  where: Where,
): Subject {
  const [, channels, height, width] = inputs[0]?.dims ?? [];
  const count = outputs[0]?.dims?.[1];
  if (inputs.length !== 1 || ![channels, height, width, count].every((n) => typeof n === 'number')) {
    throw new ModelError('the size of the images that this model takes is not in the file.', {
      ...where,
      remedy: 'Export it with one input [N, channels, height, width] of fixed size.',
    });
  }
  const size = [height as number, width as number] as const;
  const planes = channels as number;
  return {
    ...imageSubject(bytes, page, at, {
      ...where,
      input: {
        channels: { mode: planes === 1 ? 'grey' : planes === 3 ? 'colour' : 'asis', count: planes },
        normalisation: DIVIDED_BY_255,
        stored: size,
        crop: size,
        views: 1,
      },
      inputName: inputs[0]?.name,
      classes: Array.from({ length: Math.max(2, count as number) }, (_, i) => `class ${i}`),
      activation: count === 1 ? 'sigmoid' : 'softmax',
    }),
    notes: ['The file does not state its input normalisation: pixel values are divided by 255.'],
  };
}

/** The image as a whole has an answer. */
function imageSubject(
  bytes: Uint8Array,
  page: NamedPage,
  at: Point,
  {
    input,
    inputName,
    classes,
    activation,
    file,
  }: Where & {
    readonly input: ClassInput;
    readonly inputName: string;
    readonly classes: readonly string[];
    readonly activation: Activation;
  },
): Subject {
  const { channels, stored, crop, normalisation } = input;
  const [{ top, left }] = viewsOf({ ...input, views: 1 }) as readonly [View];
  const feed = float32([1, channels.count, ...crop]);
  copyCrop(storedPlanes(page, input), channels.count, stored, { top, left, crop, mirror: false }, feed.data);
  normalise(feed.data, channels.count, normalisation);
  // Scaled to cover what is stored, and cut to it around the middle, as `resizeToCover` does.
  const scale = Math.max(stored[0] / page.height, stored[1] / page.width);
  const lost = { y: (page.height * scale - stored[0]) / 2 + top, x: (page.width * scale - stored[1]) / 2 + left };
  const pixel = {
    y: Math.floor((at.y + 0.5) * scale - lost.y),
    x: Math.floor((at.x + 0.5) * scale - lost.x),
  };
  const box = { x: lost.x / scale, y: lost.y / scale, width: crop[1] / scale, height: crop[0] / scale };
  if (pixel.y < 0 || pixel.x < 0 || pixel.y >= crop[0] || pixel.x >= crop[1]) {
    throw new UsageError(`the network does not look at the point ${at.x},${at.y}: it sees the middle of the image.`, {
      file: page.name,
      remedy: `Use x from ${Math.ceil(box.x)} to ${Math.floor(box.x + box.width) - 1} and y from ${Math.ceil(box.y)} to ${Math.floor(box.y + box.height) - 1}.`,
    });
  }
  const graph = readOnnx(bytes, { file, shapes: { [inputName]: feed.shape } });
  return {
    question: 'image',
    graph,
    input: graph.inputs[0],
    output: graph.outputs[0],
    feed,
    classes,
    activation,
    pixel,
    shown: { x: 0, y: 0, width: crop[1], height: crop[0] },
    box,
    fileValues: fileValuesAt(page, at),
    notes: [],
  };
}
