/** Explains a network's prediction for one pixel: one forward and one backward run, with intermediate values kept. */

import { float32, type Image, type NdArray, type Runtime, UsageError } from 'lamella';
import { dependsOn, graphCost, receptiveField, type Value } from 'lamella/graph';
import { inputNotes, type Point, type Rectangle } from 'lamella/predict';
import { checkField, checkMap, checkPrediction, checkSlope, checkSteps } from './checks.ts';
import { type ExplainedInput, intersection, type NamedPage, openExplainedInput } from './explained-input.ts';
import type {
  Attribution,
  Check,
  Explanation,
  Passage,
  Plane,
  ProbabilityStep,
  ReceptiveFieldView,
} from './explanation.ts';
import { gradCam, gradientsOf, halfSideHolding, magnitudes, reasonOf, type Target } from './gradients.ts';
import { type Head, probabilitiesOf, withBoth } from './head.ts';
import { type Forward, Inside, LAST } from './inside.ts';
import { isMap } from './layers.ts';
import { featuresOf, filtersOf, inputAt, inputPlanes, summarise } from './parts.ts';
import type { Probe } from './probes.ts';
import { cropPlane, resampleToView } from './view.ts';

export interface ExplainOptions {
  /** The pixel. Default: the centre of the image. */
  readonly at?: Point;
  /**
   * Layer whose feature maps, Grad-CAM and arithmetic are shown. Default: the deepest maps, where they are smallest.
   */
  readonly layer?: string;
  /** Class by name or number. Default: the most probable one. */
  readonly target?: string;
  /** Maximum number of feature maps and filters. Default 32. */
  readonly maps?: number;
  /** The image that the page is of, for its notes and those on its channels and pixel size. */
  readonly image?: Image;
  /** The model's file, for messages. */
  readonly file?: string;
}

/** Fraction of the gradient inside the effective receptive field. */
const EFFECTIVE_SHARE = 0.95;
/** Change of the score intended for a step along the gradient. */
const SLOPE_STEP = 0.01;
const SLOPE_TRIES = 6;

/**
 * Explains a model's prediction for a pixel of an image: the class of the pixel for segmentation, of the image for
 * image classifiers. Supports models of other programs; if an operation has no gradient, saliency is omitted with a
 * note.
 * @throws UsageError if the point is outside the image, or there is no such layer or class; FormatError, ModelError,
 * GraphError: the model; DatasetError: the image does not match it; DeviceError.
 *
 * @example const { probabilities, checks } = await explain(runtime, bytes, page, { at: { x: 120, y: 80 } });
 */
export async function explain(
  runtime: Runtime,
  bytes: Uint8Array,
  page: NamedPage,
  options: ExplainOptions = {},
): Promise<Explanation> {
  const { at = { x: Math.floor(page.width / 2), y: Math.floor(page.height / 2) }, maps = 32, file } = options;
  const explained = await openExplainedInput(runtime, bytes, page, at, { file });
  const inside = new Inside(explained, options.layer);
  const forward = inside.ask();
  try {
    await forward.probes.run(runtime, explained.feed);
    return await explanationOf(runtime, inside, forward, {
      at,
      maps,
      page,
      image: options.image,
      target: options.target,
    });
  } finally {
    await forward.probes.dispose();
  }
}

function chooseClass(classes: readonly string[], probabilities: readonly number[], name: string | undefined): number {
  if (name === undefined) return probabilities.reduce((best, p, c) => (p > probabilities[best] ? c : best), 0);
  const named = classes.indexOf(name);
  const index = named >= 0 || !/^\d+$/.test(name) ? named : Number(name);
  if (index >= 0 && index < classes.length) return index;
  throw new UsageError(`The model has no class '${name}'.`, { remedy: `It has ${classes.join(', ')}.` });
}

interface Wish {
  readonly at: Point;
  readonly maps: number;
  readonly page: NamedPage;
  readonly image: Image | undefined;
  readonly target: string | undefined;
}

async function explanationOf(runtime: Runtime, inside: Inside, forward: Forward, wish: Wish): Promise<Explanation> {
  const { explained, head, chosen, first, layers, view } = inside;
  const { graph, classes, pixel, shown } = explained;
  const { at, maps, page, image } = wish;
  const computed = probabilitiesOf(forward.scores.read(), head, classes.length);
  const probabilities =
    head.result !== undefined ? withBoth(Array.from(forward.given.read()), classes.length) : computed;
  const target = chooseClass(classes, probabilities, wish.target);
  const alone = head.scores.shape[1] === 1;
  const score: Target = {
    value: head.scores,
    channel: alone ? 0 : target,
    at: inside.place(head.scores),
    ...(alone && target === 0 ? { sign: -1 as const } : {}),
  };
  const passages = forward.passages.map(({ name, steps }): Passage => {
    if (name !== LAST) return { name, steps: steps() };
    return { name, steps: [...steps(score.channel), ...probabilitySteps(head, forward, classes.length)] };
  });
  const cost = graphCost(graph);
  const ofImage = image === undefined ? [] : [...(image.notes ?? []), ...inputNotes(image, page, explained.rule)];
  const notes = [...ofImage.map((note) => `${page.name}: ${note}`), ...explained.notes];
  const before = computed[target];
  if (Math.abs(before - probabilities[target]) > 1e-4) {
    const after = probabilities[target].toFixed(4);
    notes.push(`Behind the ${head.activation} the probability is calibrated: ${before.toFixed(4)} becomes ${after}.`);
  }
  const gradients = await backwards(runtime, inside, score).catch((cause: unknown) => {
    notes.push(`There is no saliency, no Grad-CAM and no effective receptive field: ${reasonOf(cause)}`);
    return undefined;
  });
  const fields = [
    fieldOf('the output', head.scores, gradients?.image, inside),
    ...(chosen === undefined || !isMap(chosen.result)
      ? []
      : [fieldOf(chosen.name, chosen.result, gradients?.layer, inside)]),
  ];
  const filters = first && forward.filters && filtersOf(first, forward.filters, explained, view, maps);
  const summaries = summarise(layers, forward.means, explained, view);
  const features = chosen && forward.features && featuresOf(chosen, forward.features, view, maps);
  const attribution = gradients && attributionOf(gradients, inside, forward.features);
  const probabilityMap = forward.answer && answerMap(forward.answer.read(), target, inside);
  const checks: Check[] = [...checkSteps(passages), ...fields.flatMap(checkField)];
  if (probabilityMap !== undefined) {
    const here = probabilityMap.data[(pixel.y - shown.y) * shown.width + pixel.x - shown.x];
    checks.unshift(checkMap(here, probabilities[target]));
  }
  const predicted = await explained.predicted?.();
  if (predicted !== undefined) checks.unshift(checkPrediction(probabilities, predicted, target));
  // Runs the forward graph again: its previous results are no longer needed.
  if (gradients !== undefined) checks.push(...(await slope(runtime, forward, explained, score, gradients.image)));
  return {
    question: explained.question,
    image: { name: page.name, widthPx: page.width, heightPx: page.height },
    at,
    view: {
      widthPx: shown.width,
      heightPx: shown.height,
      box: explained.box,
      point: { x: pixel.x - shown.x, y: pixel.y - shown.y },
    },
    input: inputPlanes(explained),
    pixel: { file: explained.fileValues, input: inputAt(explained) },
    classes,
    target,
    probabilities,
    probabilityMap,
    parameters: cost.parameters,
    macs: cost.macs,
    inputShape: explained.feed.shape,
    layers: summaries,
    filters,
    features,
    fields,
    attribution,
    passages,
    checks,
    notes,
  };
}

function probabilitySteps(head: Head, { scores, activated }: Forward, classes: number): ProbabilityStep[] {
  if (head.activation === 'none') return [];
  const list = Array.from(scores.read());
  const totals = probabilitiesOf(list, head, classes);
  const graph = head.result !== undefined ? withBoth(Array.from(activated.read()), classes) : totals;
  // Exponentials in float32 are accurate to some units in the last place.
  return [{ kind: 'probability', how: head.activation, scores: list, totals, graph, tolerance: 1e-6 }];
}

interface Gradients {
  /** Gradient of the score with respect to the input [1, C, H, W]. */
  readonly image: NdArray<'float32'>;
  /** Gradient of the score with respect to the chosen layer's maps. */
  readonly maps?: NdArray<'float32'>;
  /** Gradient of the sum of the chosen layer's values at the pixel with respect to the input. */
  readonly layer?: NdArray<'float32'>;
}

async function backwards(runtime: Runtime, inside: Inside, score: Target): Promise<Gradients> {
  const { graph, input, feed } = inside.explained;
  const value = inside.chosen?.result;
  if (value === undefined || !isMap(value)) {
    const [[image]] = (await gradientsOf(runtime, graph, feed, [{ target: score, on: [input] }])) as [
      [NdArray<'float32'>],
    ];
    return { image };
  }
  const [[image, maps], [layer]] = (await gradientsOf(runtime, graph, feed, [
    { target: score, on: [input, value] },
    { target: { value, at: inside.place(value) }, on: [input] },
  ])) as [[NdArray<'float32'>, NdArray<'float32'>], [NdArray<'float32'>]];
  return { image, maps, layer };
}

function attributionOf(
  { image, maps }: Gradients,
  { chosen, view, explained }: Inside,
  probe: Probe | undefined,
): Attribution {
  const width = explained.feed.shape[3];
  const saliency = cropPlane(magnitudes(image, 'largest'), width, view.shown);
  if (chosen === undefined || maps === undefined || probe === undefined) return { saliency };
  const { result } = chosen;
  const map = gradCam(float32(result.shape, probe.read()), maps);
  return { saliency, gradCam: { layer: chosen.name, map: resampleToView(map, result, view) } };
}

/** The receptive field of a value's element at the pixel, in pixels of the view. */
function fieldOf(
  of: string,
  value: Value,
  gradient: NdArray<'float32'> | undefined,
  inside: Inside,
): ReceptiveFieldView {
  const { dependence, view, explained } = inside;
  const { shown } = view;
  const place = inside.place(value);
  const { globalOps } = receptiveField(dependence, value);
  const rows = dependsOn(dependence, value, 2, place.y);
  const columns = dependsOn(dependence, value, 3, place.x);
  const theoretical: Rectangle | undefined =
    rows === undefined || columns === undefined || globalOps.length > 0
      ? undefined
      : {
          x: columns[0] - shown.x,
          y: rows[0] - shown.y,
          width: columns[1] - columns[0] + 1,
          height: rows[1] - rows[0] + 1,
        };
  if (gradient === undefined) return { of, theoretical };
  const width = explained.feed.shape[3];
  const plane = cropPlane(magnitudes(gradient, 'sum'), width, shown);
  const known = { of, theoretical, gradient: plane };
  // For a whole image there is no pixel that it could surround.
  if (theoretical === undefined && explained.question === 'image') return known;
  const centre =
    theoretical === undefined
      ? { x: explained.pixel.x - shown.x, y: explained.pixel.y - shown.y }
      : { x: theoretical.x + (theoretical.width >> 1), y: theoretical.y + (theoretical.height >> 1) };
  const half = halfSideHolding(plane.data, plane, centre, EFFECTIVE_SHARE);
  const square = { x: centre.x - half, y: centre.y - half, width: 2 * half + 1, height: 2 * half + 1 };
  return { ...known, effective: intersection(square, theoretical ?? { x: 0, y: 0, ...plane }) };
}

/** The probability of a class at every pixel of the view that has one. */
function answerMap(data: Float32Array, target: number, { explained, head, view }: Inside): Plane | undefined {
  const { grid, output, classes } = explained;
  const [, outputs, height, width] = output.shape;
  if (grid === undefined) return undefined;
  const { margin, scale } = grid;
  const { shown } = view;
  const plane = new Float32Array(shown.width * shown.height).fill(Number.NaN);
  const column = new Float32Array(outputs);
  for (let y = 0; y < shown.height; y++) {
    for (let x = 0; x < shown.width; x++) {
      // A coarser map is shown as blocks.
      const row = Math.floor((y + shown.y - margin.y) * scale.y);
      const at = Math.floor((x + shown.x - margin.x) * scale.x);
      if (row < 0 || at < 0 || row >= height || at >= width) continue;
      for (let c = 0; c < outputs; c++) column[c] = data[(c * height + row) * width + at];
      const probabilities =
        head.result !== undefined
          ? withBoth([...column], classes.length)
          : probabilitiesOf(column, head, classes.length);
      plane[y * shown.width + x] = probabilities[target];
    }
  }
  return { height: shown.height, width: shown.width, data: plane };
}

/** The score after a step of the input along the gradient and against it. */
async function slope(
  runtime: Runtime,
  { probes, scores }: Forward,
  { feed }: ExplainedInput,
  { channel = 0, sign = 1 }: Target,
  image: NdArray<'float32'>,
): Promise<Check[]> {
  const norm = Math.sqrt(image.data.reduce((sum, g) => sum + g * g, 0));
  if (norm === 0) return [];
  const scoreAt = async (step: number): Promise<number> => {
    const moved = feed.data.map((value, i) => value + (step * image.data[i]) / norm);
    await probes.run(runtime, float32(feed.shape, moved));
    return sign * scores.read()[channel];
  };
  let found: Check | undefined;
  // A step across a kink of the network is not described by the gradient: reduce it.
  for (let length = Math.min(0.1, SLOPE_STEP / norm), tries = 0; tries < SLOPE_TRIES; length /= 4, tries++) {
    const [up, down] = [await scoreAt(length), await scoreAt(-length)];
    found = checkSlope(up - down, 2 * length * norm, Math.max(Math.abs(up), Math.abs(down)));
    if (found.passed) break;
  }
  return found === undefined ? [] : [found];
}
