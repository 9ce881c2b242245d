/**
 * Prediction of images larger than memory: read, predicted and written block by block. Equal to the prediction of the
 * whole image (`predictImage`) in the same tiles, to the last bit.
 */

import { copyBox, offsetIn, stridesOf } from '../array/boxes.ts';
import { allocate, type DType, elementCount, float32, type NdArray, type Storage } from '../array/ndarray.ts';
import type { Rectangle } from '../array/window-sums.ts';
import { LamellaError } from '../errors.ts';
import { type Image, sizes } from '../image/image.ts';
import type { ImageSink } from '../image/sink.ts';
import type { ImageInfo, ImageSource } from '../image/source.ts';
import { infoAt, needsWhole, openInputRegions } from '../input/input-regions.ts';
import type { SegmentationModel } from './model.ts';
import { onGridOf } from './output.ts';
import { type PredictOptions, planPage } from './predict.ts';
import { type AxisTile, isExact } from './tile-plan.ts';
import { runTiles } from './tiles.ts';
import { addTile, type Job, regionsInput } from './window.ts';

/** What is made of the probabilities, pixel by pixel: `probabilityImage`, `labelImage`. */
export type OutputOf = (prediction: Image<'float32'>) => Image;

/** An output and where it is written. */
export interface RegionOutput {
  readonly of: OutputOf;
  readonly sink: ImageSink;
}

export interface PredictRegionsOptions extends PredictOptions {
  /** Which resolution of the image; default 0, the full one. */
  readonly level?: number;
}

/**
 * Why an image has to be predicted as a whole, as a noun; undefined if it can be by region.
 */
export function wholeFor(model: SegmentationModel, info: ImageInfo): string | undefined {
  if (!isExact(model.rule.y) || !isExact(model.rule.x))
    return 'the network, whose tiles are blended or of a fixed size';
  const why = needsWhole(info);
  return why === undefined ? undefined : `the image, for ${why}`;
}

/** The output of an image of this kind, without its pixels: for the sink that it is written to. */
export function outputInfo(model: SegmentationModel, info: ImageInfo, of: OutputOf): ImageInfo {
  const { times, slices, height, width } = sizes(info);
  const pixel = onGridOf(
    { ...info, shape: info.shape.map(() => 1), data: new Float32Array(1) },
    'float32',
    model.classes,
    new Float32Array(model.classes.length),
  );
  const { data: _, ...made } = of(pixel);
  const { channels } = sizes(made);
  const extents: Readonly<Record<string, number>> = { t: times, c: channels, z: slices, y: height, x: width };
  return { ...made, shape: [...made.axes].map((axis) => extents[axis]) };
}

/**
 * The sides of the blocks in which pages are predicted for these sinks: whole units of each, and about a tile, except
 * that a sink that is written in order takes all columns at once.
 * @param core pixels that the largest tile gives, along y and x
 */
export function blockFor(
  sinks: readonly ImageSink[],
  core: readonly [y: number, x: number],
): readonly [y: number, x: number] {
  const side = (axis: 'y' | 'x', most: number): number => {
    const units = sinks.map(({ unit, info }) => unit[info.axes.indexOf(axis)]);
    const unit = units.reduce(leastCommonMultiple, 1);
    return unit * Math.max(1, Math.floor(most / unit));
  };
  const rows = side('y', core[0]);
  const whole = sinks.find(({ inOrder }) => inOrder);
  return whole === undefined ? [rows, side('x', core[1])] : [rows, sizes(whole.info).width];
}

/**
 * Predicts an image by region. Memory is that of one tile's activations, and of the blocks that are read and written.
 * Reading and writing overlap with the network. Closes no source; finishes the sinks, or aborts them after an error.
 *
 * @param outputs at least one; sinks made for `outputInfo`, whose units have one slice of `t` and `z`
 * @param options block: as `blockFor` gives it
 * @returns notes on the image, as `predictImage`
 * @throws as `predictImage`; LamellaError for an image or a model that has to be predicted as a whole (`wholeFor`)
 */
export async function predictToSinks(
  model: SegmentationModel,
  source: ImageSource,
  outputs: readonly RegionOutput[],
  options: PredictRegionsOptions & Required<Pick<PredictRegionsOptions, 'block'>>,
): Promise<readonly string[]> {
  try {
    const notes = await predictBlocks(model, source, outputs, options);
    for (const { sink } of outputs) await sink.finish();
    return notes;
  } catch (cause) {
    for (const { sink } of outputs) await sink.abort();
    throw cause;
  }
}

async function predictBlocks(
  model: SegmentationModel,
  source: ImageSource,
  outputs: readonly RegionOutput[],
  {
    level = 0,
    channel,
    signal,
    onProgress,
    ...options
  }: PredictRegionsOptions & Required<Pick<PredictRegionsOptions, 'block'>>,
): Promise<readonly string[]> {
  const { tta = 1, block } = options;
  const info = infoAt(source, level);
  const { times, slices, height, width } = sizes(info);
  const why = wholeFor(model, info);
  if (why !== undefined) throw mustBeWhole(why, info.source);
  const plan = planPage(model, height, width, options);
  const sides = { y: plan.y.side, x: plan.x.side };
  const blocks = blocksOf(plan.y.tiles, block[0], height).flatMap((y) =>
    blocksOf(plan.x.tiles, block[1], width).map((x) => ({ y, x })),
  );
  const jobs = blocks.flatMap(({ y, x }) =>
    y.tiles.flatMap((tileY) =>
      x.tiles.flatMap((tileX) =>
        Array.from({ length: tta }, (_, orientation): Job => ({ y: tileY, x: tileX, orientation })),
      ),
    ),
  );
  const writers = outputs.map((output) => new BlockWriter(output, block));
  const notes = new Set<string>();
  const pages = times * slices;
  for (let page = 0; page < pages; page++) {
    const place = { t: Math.floor(page / slices), z: page % slices };
    const regions = await openInputRegions(source, model.input, { level, ...place, channel, signal });
    if (regions === undefined) throw mustBeWhole('the image, whose values may be Hounsfield units', info.source);
    const remaining = blocks.map(({ y, x }) => ({
      area: { y: y.from, x: x.from, height: y.to - y.from, width: x.to - x.from },
      runs: y.tiles.length * x.tiles.length * tta,
    }));
    let current: { readonly area: Rectangle; readonly sum: NdArray<'float32'> } | undefined;
    const give: Parameters<typeof runTiles>[4] = async (tile) => {
      const { y, x, orientation } = tile.job;
      if (orientation === 0) {
        const area = { y: y.from, x: x.from, height: y.to - y.from, width: x.to - x.from };
        current = { area, sum: float32([model.classes.length, area.height, area.width]) };
      }
      const { area, sum } = current as NonNullable<typeof current>;
      addTile(sum, tile, area);
      const [now] = remaining;
      now.runs--;
      if (orientation === tta - 1) {
        const prediction: Image<'float32'> = { ...sum, axes: 'cyx', spacing: {}, channels: model.classes };
        for (const writer of writers) writer.place(prediction, area, now.area);
      }
      if (now.runs > 0) return;
      for (const writer of writers) await writer.write(now.area, place);
      remaining.shift();
    };
    await runTiles(
      model,
      regionsInput(regions),
      { sides, jobs },
      {
        ...options,
        signal,
        onProgress: onProgress && ((done, total) => onProgress(page * total + done, pages * total)),
      },
      give,
    );
    for (const note of regions.notes()) notes.add(note);
  }
  for (const writer of writers) await writer.end();
  return [...notes];
}

function mustBeWhole(why: string, file: string | undefined): LamellaError {
  return new LamellaError(`this cannot be predicted by region because of ${why}.`, {
    file,
    remedy: 'Predict it as a whole.',
  });
}

interface AxisBlock {
  readonly from: number;
  readonly to: number;
  readonly tiles: readonly AxisTile[];
}

/** The tiles of an axis by blocks. */
function blocksOf(tiles: readonly AxisTile[], block: number, length: number): readonly AxisBlock[] {
  return Array.from({ length: Math.ceil(length / block) }, (_, i) => {
    const [from, to] = [i * block, Math.min(length, (i + 1) * block)];
    return { from, to, tiles: tiles.filter((tile) => tile.from >= from && tile.from < to) };
  });
}

/** Collects an output until a block of it is complete. One block is written while the next is collected. */
class BlockWriter {
  readonly #output: RegionOutput;
  readonly #channels: number;
  /** Two, in turn: the other is being written. */
  readonly #buffers: readonly Storage[DType][];
  #turn = 0;
  #writing: Promise<void> = Promise.resolve();

  constructor(output: RegionOutput, [rows, columns]: readonly [number, number]) {
    const { info } = output.sink;
    const { channels, height, width } = sizes(info);
    this.#output = output;
    this.#channels = channels;
    const length = channels * Math.min(rows, height) * Math.min(columns, width);
    this.#buffers = [allocate(info.dtype, length), allocate(info.dtype, length)];
  }

  /** Takes a part of the block. */
  place(prediction: Image<'float32'>, area: Rectangle, block: Rectangle): void {
    const { data } = this.#output.of(prediction);
    const strides = stridesOf([this.#channels, block.height, block.width]);
    const shape = [this.#channels, area.height, area.width];
    const at = offsetIn([0, area.y - block.y, area.x - block.x], strides);
    copyBox(data, 0, stridesOf(shape), this.#buffers[this.#turn], at, strides, shape);
  }

  /** Begins to write the block, when the one before is written. */
  async write({ y, x, height, width }: Rectangle, { t, z }: { readonly t: number; readonly z: number }): Promise<void> {
    const { sink } = this.#output;
    const first: Readonly<Record<string, number>> = { t, z, c: 0, y, x };
    const extent: Readonly<Record<string, number>> = { t: 1, z: 1, c: this.#channels, y: height, x: width };
    const along = (of: Readonly<Record<string, number>>) => [...sink.info.axes].map((axis) => of[axis]);
    const region = { start: along(first), shape: along(extent) };
    const data = this.#buffers[this.#turn].subarray(0, elementCount(region.shape));
    await this.#writing;
    this.#turn = 1 - this.#turn;
    this.#writing = sink.write(region, data);
    // Reported when it is awaited.
    this.#writing.catch(() => {});
  }

  async end(): Promise<void> {
    await this.#writing;
  }
}

function leastCommonMultiple(a: number, b: number): number {
  const divisor = (m: number, n: number): number => (n === 0 ? m : divisor(n, m % n));
  return (a / divisor(a, b)) * b;
}
