/** Networks whose outputs are stars (StarDist) or flows (Cellpose) and not classes: their maps of an image. */

import { float32, type NdArray } from '../array/ndarray.ts';
import { ModelError, option, UsageError } from '../errors.ts';
import { imageForm } from '../graph/onnx/image-form.ts';
import { type DeclaredTensor, readSignature, type Signature } from '../graph/onnx/model.ts';
import { type NamedPage, usualChannels } from '../input/channels.ts';
import { prepareInput } from '../input/network-input.ts';
import { byOperations, type NormalisationSpec } from '../input/normalise.ts';
import { isMap, type OutputShape, outputText } from '../models/class-maps.ts';
import { type DescribedObjects, readDescription } from '../models/described.ts';
import { readMetadata } from '../models/metadata.ts';
import type { MapKind } from '../objects/object-maps.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { openModel } from './open.ts';
import type { OpenedModel } from './own.ts';
import { namesOfMaps, openOwnMaps, thresholdOf } from './own-maps.ts';
import { type PredictOptions, predictPlanes } from './predict.ts';
import { validSide } from './tile-plan.ts';
import { runModel } from './tiles.ts';
import { fillWindow, type PreparedPage } from './window.ts';

export interface MapModel {
  readonly kind: MapKind;
  /** One for each output that is used, by which the maps follow each other. */
  readonly parts: readonly [OpenedModel, ...OpenedModel[]];
  /** Pixels of the image for one of the maps, along both axes. */
  readonly grid: number;
  /** How objects are found unless set otherwise: as its package says, or as was best in training. */
  readonly settings: Omit<DescribedObjects, 'kind'>;
  readonly notes: readonly string[];
}

/** Channels of distances at least, and those of flows and cells. */
const LEAST_RAYS = 3;
const FLOW_CHANNELS = 3;

/** What the programs do with an image before their networks see it, each channel by itself. */
const PERCENTILES: { readonly [K in MapKind]: readonly [number, number] } = { stars: [1, 99.8], flows: [1, 99] };

const scaled = ([low, high]: readonly [number, number]): NormalisationSpec =>
  byOperations([{ id: 'scale_range', kwargs: { axes: ['y'], min_percentile: low, max_percentile: high } }]);

/**
 * Opens a network that was trained here for stars or flows, or one of another program whose outputs are stars, one map
 * [N, 1 + rays, H, W] or a probability [N, 1, H, W]
 * beside distances [N, rays, H, W], or flows and a logit of cells, [N, 3, H, W] in the order y, x, cell. Stars may be
 * coarser than the image by a whole number. Without a package that says how, pixels are scaled from percentiles of each
 * channel to 0..1, as both programs do: 1 and 99.8 for stars, 1 and 99 for flows.
 * @param options output: the map of distances, or that of all, where several might be
 * @throws as `openModel`; ModelError for a network without such maps, naming its outputs
 */
export async function openMapModel(
  runtime: Runtime,
  given: Uint8Array,
  kind: MapKind,
  { file, output }: { readonly file?: string; readonly output?: string | undefined } = {},
): Promise<MapModel> {
  const own = readMetadata(readSignature(given, { file }), { file });
  if (own !== undefined) {
    const model = await openOwnMaps(runtime, given, kind, { file });
    const threshold = thresholdOf(model);
    if (threshold === undefined) return { kind, parts: [model], grid: 1, settings: {}, notes: model.notes };
    const said = `Unless set otherwise: threshold ${threshold}, the best on the validation images of its training.`;
    return { kind, parts: [model], grid: 1, settings: { threshold }, notes: [...model.notes, said] };
  }
  const { bytes, isByte } = imageForm(given);
  const signature = readSignature(bytes, { file });
  const names = chooseMaps(signature, kind, { file, output });
  const described = readDescription(signature, file);
  const normalisation = described === undefined && !isByte ? scaled(PERCENTILES[kind]) : undefined;
  const parts: OpenedModel[] = [];
  try {
    for (const name of names) {
      const model = await openModel(runtime, bytes, { file, output: name, ...(normalisation && { normalisation }) });
      parts.push({ ...model, activation: 'none', classes: namesOfMaps(model.outputs) });
    }
    const opened = parts as [OpenedModel, ...OpenedModel[]];
    const grid = await gridOf(opened[0], kind, file);
    const { kind: said, ...stated } = described?.objects ?? {};
    const settings = said === kind ? stated : {};
    requireRays(opened, kind, settings, file);
    const notes = notesOf(opened, grid, { kind, names, normalisation, described, settings });
    return { kind, parts: opened, grid, settings, notes };
  } catch (error) {
    for (const { program } of parts) await program.dispose();
    throw error;
  }
}

/** Names of the outputs in the order of their maps. */
function chooseMaps(
  { outputs }: Signature,
  kind: MapKind,
  { file, output }: { readonly file?: string | undefined; readonly output?: string | undefined },
): readonly string[] {
  const shapes = outputs.map((tensor: DeclaredTensor): OutputShape => ({ ...tensor, shape: tensor.dims ?? [] }));
  const refuse = (problem: string, remedy: string): never => {
    throw new ModelError(`${problem}: the model gives ${shapes.map(outputText).join('; ')}.`, { file, remedy });
  };
  const maps = shapes.filter(isMap);
  const channels = ({ shape }: OutputShape): number => (typeof shape[1] === 'number' ? shape[1] : 0);
  const fits = (map: OutputShape): boolean =>
    kind === 'flows' ? channels(map) === FLOW_CHANNELS : channels(map) >= LEAST_RAYS;
  const [first, ...others] = maps.filter((map) => fits(map) && (output === undefined || map.name === output));
  if (first === undefined) {
    return kind === 'flows'
      ? refuse('No map has the channels y, x and cell', 'Use a network with an output [N, 3, H, W].')
      : refuse('No map has distances along rays', 'Use a network with an output [N, 1 + rays, H, W].');
  }
  if (others.length > 0) refuse(`Several maps may be ${kind}`, `Choose one with ${option('output', first.name)}.`);
  const single = maps.filter((map) => channels(map) === 1);
  if (kind === 'flows' || single.length === 0) return [first.name];
  if (single.length > 1) refuse('Several maps may be the probability', 'Export the model with one of them.');
  return [(single[0] as OutputShape).name, first.name];
}

/** By a trial run. */
async function gridOf(model: OpenedModel, kind: MapKind, file: string | undefined): Promise<number> {
  const { rule, input } = model;
  const [height, width] = [rule.y.fixed ?? validSide(64, rule.y), rule.x.fixed ?? validSide(64, rule.x)];
  const feed = float32([1, input.channels.count, height, width]);
  const [, , rows, columns] = (await runModel(model, feed)).shape as readonly [number, number, number, number];
  const grid = height / rows;
  if (!Number.isInteger(grid) || width / columns !== grid || (kind === 'flows' && grid !== 1)) {
    throw new ModelError(`the model gives ${columns} x ${rows} for an image of ${width} x ${height}.`, {
      file,
      remedy: `Use a network whose maps have the size of the image${kind === 'stars' ? ', or a whole part of it' : ''}.`,
    });
  }
  return grid;
}

const mapsOf = (parts: readonly OpenedModel[]): number => parts.reduce((sum, { outputs }) => sum + outputs, 0);

/** @throws ModelError for fewer maps than the package says */
function requireRays(
  parts: readonly OpenedModel[],
  kind: MapKind,
  { rays }: MapModel['settings'],
  file: string | undefined,
): void {
  const maps = mapsOf(parts);
  if (kind !== 'stars' || rays === undefined || maps >= 1 + rays) return;
  throw new ModelError(`Of a probability and ${rays} rays, as its package says, the model gives ${maps} maps.`, {
    file,
    remedy: 'Use the package as it was published.',
  });
}

/** What is set by the package, in one sentence. */
function settingsText({ threshold, overlap, flowError, margin, minSize }: MapModel['settings']): readonly string[] {
  const shown = (n: number): number => Number(n.toPrecision(4));
  const all = [
    threshold === undefined ? undefined : `threshold ${shown(threshold)}`,
    overlap === undefined ? undefined : `overlap ${shown(overlap)}`,
    flowError === undefined ? undefined : `flow error ${shown(flowError)}`,
    margin === undefined ? undefined : `nothing within ${margin} pixels of the border of its maps`,
    minSize === undefined ? undefined : `no object of fewer than ${minSize} pixels`,
  ].filter((text) => text !== undefined);
  return all.length === 0 ? [] : [`Unless set otherwise, as its package says: ${all.join(', ')}.`];
}

function notesOf(
  parts: readonly [OpenedModel, ...OpenedModel[]],
  grid: number,
  {
    kind,
    names,
    normalisation,
    described,
    settings,
  }: {
    readonly settings: MapModel['settings'];
    readonly kind: MapKind;
    readonly names: readonly string[];
    readonly normalisation: NormalisationSpec | undefined;
    readonly described: ReturnType<typeof readDescription>;
  },
): readonly string[] {
  const what = kind === 'stars' ? 'a probability and distances along rays' : 'flows along y and x and a logit of cells';
  const [{ rule }] = parts;
  const isFixed = rule.y.fixed !== undefined;
  const others = kind === 'stars' && settings.rays !== undefined ? mapsOf(parts) - 1 - settings.rays : 0;
  return [
    ...(described?.notes ?? []),
    ...settingsText(settings),
    ...(others === 0 ? [] : [`It has ${settings.rays} rays: ${others} other maps, such as classes, are left out.`]),
    `${names.map((name) => `'${name}'`).join(' and ')}: taken as ${what}.`,
    ...(normalisation === undefined
      ? []
      : [`Pixel values are scaled: percentiles ${PERCENTILES[kind].join(' and ')} of each channel become 0 and 1.`]),
    ...(grid > 1 ? [`Its maps have one value for ${grid} x ${grid} pixels.`] : []),
    ...(isFixed
      ? ['It takes images of one size only: larger ones are predicted in tiles that are blended.']
      : isExact(rule) && grid === 1
        ? []
        : ['Tiles would not give what the whole image gives: each image is predicted in one piece.']),
  ];
}

const isExact = ({ y, x }: OpenedModel['rule']): boolean => y.exact && x.exact;

/**
 * The maps of a page: [channels, h, w], one value for `grid` x `grid` pixels, from the first. In tiles where they give
 * what the whole gives, or where the network takes one size only; else in one piece.
 * @throws UsageError for a tile that is asked for where it must be one piece; as `predictPlanes`
 */
export async function predictMaps(
  { kind, parts, grid }: MapModel,
  page: NamedPage & { readonly name?: string },
  options: Pick<PredictOptions, 'tile' | 'batch' | 'signal'> = {},
): Promise<NdArray<'float32'>> {
  const found: NdArray<'float32'>[] = [];
  for (const part of parts) {
    const prepared = { ...page, planes: planesFor(kind, page, part) };
    const isFixed = part.rule.y.fixed !== undefined;
    const isWhole = grid > 1 || !(isExact(part.rule) || isFixed);
    if (isWhole && options.tile !== undefined) {
      throw new UsageError(`${option('tile')} is not for this network: tiles would not give what the whole gives.`, {
        remedy: 'Remove it.',
      });
    }
    if (grid > 1) found.push(await inOnePiece(part, prepared, grid));
    else {
      const tile = isWhole ? Number.MAX_SAFE_INTEGER : options.tile;
      const maps = await predictPlanes(part, prepared, { ...options, tile });
      // Of a single channel the second of two.
      found.push(part.outputs === 1 ? channelsFrom(maps, 1) : maps);
    }
  }
  return joined(found);
}

/** Whether Cellpose's second channel, of nuclei, is left empty for an image of one. */
export const lacksNuclei = (kind: MapKind, { channels }: NamedPage, { input }: OpenedModel): boolean =>
  kind === 'flows' && channels === 1 && input.channels.count === 2;

function planesFor(kind: MapKind, page: NamedPage, model: OpenedModel): Float32Array {
  if (!lacksNuclei(kind, page, model)) return prepareInput(page, model.input);
  const only = prepareInput(page, { ...model.input, channels: usualChannels(1) });
  const planes = new Float32Array(2 * only.length);
  planes.set(only);
  return planes;
}

function channelsFrom({ shape, data }: NdArray<'float32'>, first: number): NdArray<'float32'> {
  const [channels, height, width] = shape as readonly [number, number, number];
  return float32([channels - first, height, width], data.subarray(first * height * width));
}

/** Maps of an image that is mirrored up to a size that the network takes. */
async function inOnePiece(model: OpenedModel, page: PreparedPage, grid: number): Promise<NdArray<'float32'>> {
  const { height, width, planes } = page;
  const sides = {
    y: model.rule.y.fixed ?? validSide(height, model.rule.y),
    x: model.rule.x.fixed ?? validSide(width, model.rule.x),
  };
  if (sides.y < height || sides.x < width) {
    throw new ModelError(`the model takes images of ${sides.x} x ${sides.y} only, and this has ${width} x ${height}.`, {
      file: page.name,
      remedy: 'Export it with open height and width.',
    });
  }
  const { count: channels } = model.input.channels;
  const feed = float32([1, channels, sides.y, sides.x]);
  fillWindow(feed.data, planes, { height, width, channels }, { y: 0, x: 0 }, sides);
  const output = await runModel(model, feed);
  const [, maps, , across] = output.shape as readonly [number, number, number, number];
  const [rows, columns] = [Math.ceil(height / grid), Math.ceil(width / grid)];
  const plane = output.data.length / maps;
  const result = float32([maps, rows, columns]);
  for (let c = 0; c < maps; c++) {
    for (let y = 0; y < rows; y++) {
      const from = c * plane + y * across;
      result.data.set(output.data.subarray(from, from + columns), (c * rows + y) * columns);
    }
  }
  return result;
}

function joined(maps: readonly NdArray<'float32'>[]): NdArray<'float32'> {
  const [first, ...others] = maps as readonly [NdArray<'float32'>, ...NdArray<'float32'>[]];
  if (others.length === 0) return first;
  const data = new Float32Array(maps.reduce((sum, map) => sum + map.data.length, 0));
  let at = 0;
  for (const map of maps) {
    data.set(map.data, at);
    at += map.data.length;
  }
  const [, height, width] = first.shape as readonly [number, number, number];
  return float32([data.length / (height * width), height, width], data);
}
