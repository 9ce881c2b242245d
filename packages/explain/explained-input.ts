/** What is explained: a graph for one input, that input, made from an image, and the pixel's position in both. */
import {
  classifyPages,
  type InputSpec,
  ModelError,
  type NdArray,
  type OpenedModel,
  openClassifier,
  openModel,
  type Runtime,
  UsageError,
} from 'lamella';
import { type Graph, readOnnx, readSignature, type Signature, type Value } from 'lamella/graph';
import {
  type Activation,
  type ClassInput,
  DIVIDED_BY_255,
  inputAt,
  type Page,
  type Point,
  predictAt,
  type Rectangle,
  readMetadata,
  viewAt,
} from 'lamella/predict';
import type { Question } from './explanation.ts';

export interface ExplainedInput {
  readonly question: Question;
  readonly graph: Graph;
  readonly input: Value;
  readonly output: Value;
  readonly feed: NdArray<'float32'>;
  /** How an image becomes the input. */
  readonly rule: InputSpec;
  readonly classes: readonly string[];
  /** How outputs become probabilities. */
  readonly activation: Activation;
  /** The pixel in the input. */
  readonly pixel: Point;
  /** The corresponding element of the output; undefined for a single prediction. */
  readonly element?: Point;
  /** Margin by which the output is smaller at the upper left, in input pixels, and its elements per input pixel. */
  readonly grid?: { readonly margin: Point; readonly scale: Point };
  /** The part of the input that shows the image, and the corresponding part of the image. */
  readonly shown: Rectangle;
  readonly box: Rectangle;
  readonly fileValues: readonly number[];
  /** The probabilities as computed by `predict`, if that takes only some seconds. */
  readonly predicted?: () => Promise<readonly number[]>;
  readonly notes: readonly string[];
}

/** A page with the name of its file. */
export type NamedPage = Page & { readonly name: string };

/** Larger images are not predicted as a whole just to compare one pixel. */
const MOST_PREDICTED = 1536 ** 2;

/**
 * Prepares the network's input for a pixel of an image.
 * @throws UsageError if the point is outside the image, or outside the predicted area; FormatError, ModelError: the
 * model; DatasetError: the image does not match it; GraphError: an unknown operation.
 */
export async function openExplainedInput(
  runtime: Runtime,
  bytes: Uint8Array,
  page: NamedPage,
  at: Point,
  { file }: { readonly file?: string } = {},
): Promise<ExplainedInput> {
  requireInside(page, at);
  const where = { file };
  const signature = readSignature(bytes, where);
  const metadata = readMetadata(signature, where);
  if (metadata?.task === 'classification') return ownClassifier(runtime, bytes, page, at, where);
  const [image] = signature.inputs;
  const [output] = signature.outputs;
  if (metadata === undefined && output?.dims?.length === 2 && image?.dims?.length === 4) {
    return foreignClassifier(bytes, signature, page, at, where);
  }
  const model = await openModel(runtime, bytes, where);
  return model.patches === undefined ? pixelInput(model, page, at, where) : windowInput(model, page, at, where);
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

/** Segmentation: the tile of `predict` that outputs this pixel. */
function pixelInput({ bytes, ...model }: OpenedModel, page: NamedPage, at: Point, where: Where): ExplainedInput {
  const input = inputAt(model, page, at);
  const { feed, pixel } = input;
  const graph = readOnnx(bytes, { ...where, shapes: { [model.inputName]: feed.shape } });
  const output = graph.outputs.find(({ name }) => name === model.outputName) as Value;
  const [rows, columns] = [output.shape[2], output.shape[3]];
  const lostOf = ({ margin, spare: [before, after] = [0, 0] }: typeof model.rule.y) => [
    margin - before,
    margin - after,
  ];
  const [[top, bottom], [left, right]] = [lostOf(model.rule.y), lostOf(model.rule.x)];
  const margin = { y: top, x: left };
  // Models from other programs may output a coarser map.
  const scale = { y: rows / (feed.shape[2] - top - bottom), x: columns / (feed.shape[3] - left - right) };
  const element = {
    y: Math.min(rows - 1, Math.floor((pixel.y - margin.y) * scale.y)),
    x: Math.min(columns - 1, Math.floor((pixel.x - margin.x) * scale.x)),
  };
  const whole = page.height * page.width <= MOST_PREDICTED && scale.y === 1 && scale.x === 1;
  return {
    ...input,
    question: 'pixel',
    graph,
    input: graph.inputs[0],
    output,
    rule: model.input,
    classes: model.classes,
    activation: model.activation,
    element,
    grid: { margin, scale },
    fileValues: fileValuesAt(page, at),
    predicted: whole ? () => predictAt(model, page, at) : undefined,
    notes: model.notes,
  };
}

/** The intersection of two boxes. */
export function intersection(a: Rectangle, b: Rectangle): Rectangle {
  const x = Math.max(a.x, b.x);
  const y = Math.max(a.y, b.y);
  return {
    x,
    y,
    width: Math.min(a.x + a.width, b.x + b.width) - x,
    height: Math.min(a.y + a.height, b.y + b.height) - y,
  };
}

/** A classifier of the central pixel of a window. */
function windowInput({ bytes, ...model }: OpenedModel, page: NamedPage, at: Point, where: Where): ExplainedInput {
  const input = inputAt(model, page, at);
  const graph = readOnnx(bytes, { ...where, shapes: { [model.inputName]: input.feed.shape } });
  const { side = 0, cover = side, foveationPx = 0 } = model.patches?.window ?? {};
  return {
    ...input,
    question: 'window',
    graph,
    input: graph.inputs[0],
    output: graph.outputs[0],
    rule: model.input,
    classes: model.classes,
    activation: 'none',
    fileValues: fileValuesAt(page, at),
    predicted: () => predictAt(model, page, at),
    notes:
      cover === side && foveationPx === 0
        ? model.notes
        : [
            ...model.notes,
            'The window is shown as the network sees it: blurred or coarser than the image away from the centre.',
          ],
  };
}

async function ownClassifier(
  runtime: Runtime,
  bytes: Uint8Array,
  page: NamedPage,
  at: Point,
  where: Where,
): Promise<ExplainedInput> {
  const model = await openClassifier(runtime, bytes, where);
  const explained = imageInput(bytes, page, at, {
    ...where,
    input: model.input,
    inputName: model.inputName,
    classes: model.classes,
    activation: 'none',
  });
  const { views } = model.input;
  return {
    ...explained,
    notes: views === 1 ? [] : ['Explained is the view of the middle; predict averages ten views of an image.'],
    predicted: async () => Array.from((await classifyPages(model, [page], { views: 1 })).data),
  };
}

/** An image classifier from another program: one size, values divided by 255. */
function foreignClassifier(
  bytes: Uint8Array,
  { inputs, outputs }: Signature,
  page: NamedPage,
  at: Point,
  where: Where,
): ExplainedInput {
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
    ...imageInput(bytes, page, at, {
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

/** An image classifier. */
function imageInput(
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
): ExplainedInput {
  const view = viewAt(input, page, at);
  const { feed, pixel, box } = view;
  if (pixel.y < 0 || pixel.x < 0 || pixel.y >= input.crop[0] || pixel.x >= input.crop[1]) {
    throw new UsageError(`the network does not look at the point ${at.x},${at.y}: it sees the middle of the image.`, {
      file: page.name,
      remedy: `Use x from ${Math.ceil(box.x)} to ${Math.floor(box.x + box.width) - 1} and y from ${Math.ceil(box.y)} to ${Math.floor(box.y + box.height) - 1}.`,
    });
  }
  const graph = readOnnx(bytes, { file, shapes: { [inputName]: feed.shape } });
  return {
    ...view,
    question: 'image',
    graph,
    input: graph.inputs[0],
    output: graph.outputs[0],
    rule: input,
    classes,
    activation,
    fileValues: fileValuesAt(page, at),
    notes: [],
  };
}
