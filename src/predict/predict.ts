/** Prediction of whole images, tile by tile: [channels, height, width] to [classes, height, width] probabilities. */

import { float32, type NdArray } from '../array/ndarray.ts';
import { resize } from '../array/resize.ts';
import type { Rectangle } from '../array/window-sums.ts';
import { option, UsageError } from '../errors.ts';
import { type Image, sizes } from '../image/image.ts';
import { type AxisMap, inverseMap, reorient } from '../image/orient.ts';
import { type ChannelChoice, type NamedPage, pickChannels } from '../input/channels.ts';
import { inputNotes, inputPages, prepareInput } from '../input/network-input.ts';
import { scaleToTrained } from '../input/pixel-size.ts';
import type { SegmentationModel } from './model.ts';
import { onGridOf } from './output.ts';
import { runPlan } from './run-strips.ts';
import { type PagePlan, planStrips } from './strip-plan.ts';
import { DEFAULT_TILE, planAxis, planRegion } from './tile-plan.ts';
import type { RunOptions } from './tiles.ts';
import { planVolume, predictVolume, requireImages, takesVolumes } from './volume.ts';
import { addTile, type Job, type PreparedPage, planesInput } from './window.ts';

/** A rectangle of whole pixels inside a page. */
export type PageRegion = Rectangle;

export interface PredictOptions extends RunOptions {
  /** Largest side of a tile in pixels. Default 640, or what the network needs. */
  readonly tile?: number;
  /** As `AxisOptions.block`: how a page is tiled that is predicted by region (`predictToSinks`). Default: no blocks. */
  readonly block?: readonly [y: number, x: number];
  /** Pixels mirrored around the image in addition to the network's margin. Default: 32 for padded networks. */
  readonly border?: number;
  /** Channels of the image to use, by name or by number from 0; default: as in training. */
  readonly channel?: ChannelChoice;
  /**
   * Whether an image whose pixels are more than a quarter larger or smaller than those of the training images is predicted
   * at their size: its values are interpolated, and the probabilities back to its own pixels. Default false. Without
   * effect where a size is unknown.
   */
  readonly resample?: boolean;
}

/** How a single page is predicted. */
export interface PagePredictOptions extends PredictOptions {
  /** Give only these pixels, equal to those of the whole page's prediction. Default: all. */
  readonly region?: PageRegion;
  /** Factor by which the page is enlarged for the network; its probabilities are scaled back. Default 1. */
  readonly scale?: number;
}

/** How an image of this size would be cut: to print, or to estimate. */
export function planPage(
  model: SegmentationModel,
  height: number,
  width: number,
  options: PredictOptions = {},
): PagePlan & { readonly description: string } {
  const { block, tile, border, tta = 1 } = options;
  const y = planAxis(height, model.rule.y, { tile, border, block: block?.[0] });
  const x = planAxis(width, model.rule.x, { tile, border, block: block?.[1] });
  const tiles = y.tiles.length * x.tiles.length;
  const pixels = tiles * y.side * x.side;
  const strips =
    tta === 1 && model.strips !== undefined
      ? planStrips(
          height,
          width,
          model.strips.rule,
          { rules: model.rule, pixels: (tile ?? DEFAULT_TILE) ** 2, border, block },
          pixels,
        )
      : undefined;
  const size = `${width} x ${height} pixels in`;
  if (strips !== undefined) {
    const columns = strips.x.tiles.length === 1 ? '' : `${strips.x.tiles.length} columns of `;
    const { rows } = strips.strips;
    return {
      ...strips,
      description: `${size} ${columns}${strips.y.tiles.length} strips of ${strips.x.side} x ${rows}`,
    };
  }
  const blended = [...y.tiles, ...x.tiles].some(({ weights }) => weights !== undefined);
  const what = tiles === 1 ? 'one tile' : `${tiles} ${blended ? 'blended ' : ''}tiles`;
  return { y, x, description: `${size} ${what} of ${x.side} x ${y.side}` };
}

/** How the slices of an image would be tiled, for display. */
export function describeTiles(model: SegmentationModel, image: Image, options: PredictOptions = {}): string {
  const { slices, height, width } = sizes(image);
  if (takesVolumes(model)) return planVolume(model, { depth: slices, height, width }, options).description;
  const scale = options.resample === true ? scaleToTrained(model.input.pixelMm, image) : 1;
  return planPage(model, ...scaledSides([height, width], scale), options).description;
}

/**
 * The probabilities of one slice, float32 [classes, height, width]; they sum to 1 at every pixel (except for models
 * from other programs with independent ones).
 *
 * The result does not depend on `tile` and `batch`, up to float rounding, if the rule of the network is exact. Supports
 * any size from 1 x 1; networks with a window, from the window's size. Memory: the slice as float32, the result, and
 * one tile's activations.
 *
 * @throws DatasetError if the channels do not match the model; UsageError for a tile that is too small; ModelError if
 * the model returns a shape other than declared, or NaN; Interrupted if `signal` is aborted.
 */
export async function predictPage(
  model: SegmentationModel,
  page: NamedPage,
  options: PagePredictOptions = {},
): Promise<NdArray<'float32'>> {
  const { channel, scale = 1 } = options;
  const given = channel === undefined ? page : pickChannels(page, channel);
  const prepared = { ...page, planes: prepareInput(given, model.input) };
  return scale === 1 ? predictPlanes(model, prepared, options) : predictScaled(model, prepared, scale, options);
}

const scaledSides = ([height, width]: readonly [number, number], scale: number): [number, number] => [
  Math.max(1, Math.round(scale * height)),
  Math.max(1, Math.round(scale * width)),
];

/** `predictPlanes` of the page at another size, brought back to its own. */
async function predictScaled(
  model: SegmentationModel,
  page: PreparedPage,
  scale: number,
  options: PagePredictOptions,
): Promise<NdArray<'float32'>> {
  requireImages(model);
  if (options.region !== undefined) {
    throw new UsageError('A region of a page that is scaled cannot be predicted alone.', {
      remedy: 'Predict the whole page.',
    });
  }
  const own = [page.height, page.width] as const;
  const [height, width] = scaledSides(own, scale);
  const planes = resize(page.planes, model.input.channels.count, own, [height, width]);
  const { data } = await predictPlanes(model, { ...page, height, width, planes }, options);
  const classes = model.classes.length;
  return float32([classes, ...own], resize(data, classes, [height, width], own));
}

/** `predictPage` for an image that is already normalised, such as validation images. */
export async function predictPlanes(
  model: SegmentationModel,
  page: PreparedPage,
  options: PagePredictOptions = {},
): Promise<NdArray<'float32'>> {
  const { tta = 1 } = options;
  requireImages(model);
  const { height, width } = page;
  const region = options.region ?? { y: 0, x: 0, height, width };
  requireInside(region, page);
  const plan = planOf(model, page, options);
  const result = float32([model.classes.length, region.height, region.width]);
  await runPlan(model, planesInput(page, model.input.channels.count), plan, jobsOf(plan, tta), options, (tile) => {
    addTile(result, tile, region);
  });
  return result;
}

/** Strips column by column; all tiles in one orientation, then in the next: runs of the same shape are consecutive. */
function jobsOf({ y, x, strips }: PagePlan, tta: number): readonly Job[] {
  if (strips !== undefined)
    return x.tiles.flatMap((column) => y.tiles.map((row) => ({ y: row, x: column, orientation: 0 })));
  const jobs: Job[] = [];
  for (let orientation = 0; orientation < tta; orientation++) {
    for (const row of y.tiles) for (const column of x.tiles) jobs.push({ y: row, x: column, orientation });
  }
  return jobs;
}

/** The tiles of a region, or of the page where only all of them together are exact. */
function planOf(model: SegmentationModel, { height, width }: PreparedPage, options: PagePredictOptions): PagePlan {
  const { region, tta = 1 } = options;
  if (region !== undefined && tta === 1) {
    const { tile, border } = options;
    const y = planRegion(height, { from: region.y, to: region.y + region.height }, model.rule.y, { tile, border });
    const x = planRegion(width, { from: region.x, to: region.x + region.width }, model.rule.x, { tile, border });
    if (y !== undefined && x !== undefined) return { y, x };
  }
  return planPage(model, height, width, options);
}

function requireInside({ y, x, height, width }: PageRegion, page: PreparedPage): void {
  const whole = [y, x, height, width].every(Number.isInteger);
  if (whole && y >= 0 && x >= 0 && height > 0 && width > 0 && y + height <= page.height && x + width <= page.width)
    return;
  throw new UsageError(
    `The region of ${width} x ${height} at x ${x}, y ${y} does not lie in the image of ${page.width} x ${page.height}.`,
    { remedy: 'Use whole pixels inside the image.' },
  );
}

/** One predicted slice of a stack. */
export interface PredictedPage {
  /** Its time and depth in the image. */
  readonly t: number;
  readonly z: number;
  /** [classes, height, width]. */
  readonly probabilities: NdArray<'float32'>;
  /** Notes on how its channels were converted and on the size of its pixels. */
  readonly notes: readonly string[];
}

/**
 * Predicts the slices of an image one by one, over time and depth; a 2D network sees each slice independently, one of
 * volumes all slices of a time together, oriented for display if the image states its orientation (`displayMap`).
 * `onProgress` counts over all slices, or volumes.
 * @throws as `predictPage`, or `predictVolume`; DatasetError for NaN or infinite pixels.
 */
export async function* predictPages(
  model: SegmentationModel,
  image: Image,
  { channel, onProgress, resample = false, ...options }: PredictOptions = {},
): AsyncGenerator<PredictedPage> {
  const scale = resample ? scaleToTrained(model.input.pixelMm, image) : 1;
  if (scale !== 1 && takesVolumes(model)) {
    throw new UsageError(`A network of volumes does not go with ${option('resample')}.`, {
      file: image.source,
      remedy: 'Scale the volume to the voxel size of the training images first.',
    });
  }
  // In the orientation used for training; the result is turned back.
  const { pages, map } = inputPages(image, { channel });
  const depth = sizes(image).slices;
  const within = (part: number, parts: number) => ({
    ...options,
    onProgress: onProgress && ((done: number, total: number) => onProgress(part * total + done, parts * total)),
  });
  let volume: readonly NdArray<'float32'>[] = [];
  for (const [i, page] of pages.entries()) {
    if (takesVolumes(model) && i % depth === 0) {
      const [first, ...others] = pages.slice(i, i + depth).map((slice) => {
        const { name, height, width } = slice;
        return { name, height, width, planes: prepareInput(slice, model.input) };
      });
      volume = await predictVolume(model, [first as PreparedPage, ...others], within(i / depth, pages.length / depth));
    }
    const probabilities = volume[i % depth] ?? (await predictPage(model, page, { ...within(i, pages.length), scale }));
    yield {
      t: Math.floor(i / depth),
      z: i % depth,
      probabilities: map === undefined ? probabilities : turnBack(probabilities, map),
      notes: [...inputNotes(image, page, model.input, { resample }), ...tileNotes(model, image, options)],
    };
  }
}

/** What is to be said of the tiles of a volume. */
function tileNotes(model: SegmentationModel, image: Image, options: PredictOptions): readonly string[] {
  if (!takesVolumes(model)) return [];
  const { slices, height, width } = sizes(image);
  const { note } = planVolume(model, { depth: slices, height, width }, options);
  return note === undefined ? [] : [note];
}

function turnBack(probabilities: NdArray<'float32'>, map: AxisMap): NdArray<'float32'> {
  const { shape, data } = reorient({ ...probabilities, axes: 'cyx', spacing: {} }, inverseMap(map));
  return float32(shape, data as Float32Array);
}

/**
 * The probabilities of an image: float32 with the axes of the image and `c` for the classes, so `cyx` [classes, H, W]
 * for a single slice; pixel size kept, channels named by class; `notes` if its pixel size differs from the model's, or
 * its colour was converted. @throws as `predictPages`.
 */
export async function predictImage(
  model: SegmentationModel,
  image: Image,
  options: PredictOptions = {},
): Promise<Image<'float32'>> {
  const { times, slices: depth, height, width } = sizes(image);
  const classes = model.classes.length;
  const pixels = height * width;
  let data = new Float32Array(0);
  const notes = new Set<string>();
  for await (const { t, z, probabilities, notes: said } of predictPages(model, image, options)) {
    for (const note of said) notes.add(note);
    if (times * depth === 1) {
      data = probabilities.data as Float32Array<ArrayBuffer>;
      break;
    }
    if (data.length === 0) data = new Float32Array(times * classes * depth * pixels);
    for (let c = 0; c < classes; c++) {
      data.set(probabilities.data.subarray(c * pixels, (c + 1) * pixels), ((t * classes + c) * depth + z) * pixels);
    }
  }
  const prediction = onGridOf(image, 'float32', model.classes, data);
  return notes.size === 0 ? prediction : { ...prediction, notes: [...notes] };
}
