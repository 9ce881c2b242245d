/**
 * Prediction of images larger than memory: read, predicted and written block by block. Equal to the prediction of the
 * whole image (`predictImage`) in the same tiles, to the last bit.
 */

import { copyBox, offsetIn, stridesOf } from '../array/boxes.ts';
import { allocate, bytesPer, type DType, elementCount, float32, type Storage } from '../array/ndarray.ts';
import type { Rectangle } from '../array/window-sums.ts';
import { LamellaError } from '../errors.ts';
import { type Image, sizes } from '../image/image.ts';
import type { ImageSink } from '../image/sink.ts';
import { type ImageInfo, type ImageSource, infoAt, type Region } from '../image/source.ts';
import { type InputRegions, type InputScan, needsWhole, openInputRegions } from '../input/input-regions.ts';
import type { SegmentationModel } from './model.ts';
import { onGridOf } from './output.ts';
import { type PredictOptions, planPage } from './predict.ts';
import { runPlan } from './run-strips.ts';
import { type AxisTile, isExact } from './tile-plan.ts';
import { takesVolumes } from './volume.ts';
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
  /** The box to predict, made of whole blocks; default: everything. It is as in the whole, to the last bit. */
  readonly part?: ImagePart;
  /** What was found of a slice by reading it (`InputRegions.scan`), in every slice that is predicted. Default: it is found now. */
  readonly scanOf?: (t: number, z: number) => InputScan | undefined;
}

/** A box of an image of several slices, of one time. */
export interface ImagePart extends Rectangle {
  readonly t: number;
  readonly z: number;
  readonly slices: number;
}

/**
 * Why an image has to be predicted as a whole, as a noun; undefined if it can be by region.
 */
export function wholeFor(model: SegmentationModel, info: ImageInfo): string | undefined {
  if (takesVolumes(model)) return 'the network, which takes volumes';
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

/** Blocks are at most so many units long. */
const MOST_UNITS = 8;
/** A block that tiles of this share of the largest fill is as good as any. */
const GOOD_SHARE = 0.95;

/** A part as a region of an image, with all its channels. */
export function regionOfPart(info: ImageInfo, { t, z, y, x, slices, height, width }: ImagePart): Region {
  const first: Readonly<Record<string, number>> = { t, z, c: 0, y, x };
  const extent: Readonly<Record<string, number>> = { t: 1, z: slices, c: sizes(info).channels, y: height, x: width };
  const along = (of: Readonly<Record<string, number>>) => [...info.axes].map((axis) => of[axis]);
  return { start: along(first), shape: along(extent) };
}

/** What of a sink decides how blocks are made for it. */
export type BlockSink = Pick<ImageSink, 'info' | 'unit' | 'inOrder'>;

/**
 * The blocks in which slices are predicted for these sinks: whole units of each that are filled by tiles nearly as large
 * as can be, except that a sink that is written in order takes all columns at once.
 * @param core pixels that the largest tile gives, along y and x
 * @param options bytes: for the blocks (`sinkBytes`), as far as units allow, default any; parts: sides of the parts to
 * predict one by one, which blocks divide
 */
export function blockFor(
  sinks: readonly BlockSink[],
  core: readonly [y: number, x: number],
  {
    bytes = Number.POSITIVE_INFINITY,
    parts,
  }: { readonly bytes?: number; readonly parts?: Readonly<Record<'y' | 'x', number>> } = {},
): readonly [y: number, x: number] {
  const sides = (axis: 'y' | 'x', most: number): readonly number[] => {
    const unit = unitOf(sinks, axis);
    const lengths = Array.from({ length: MOST_UNITS }, (_, i) => (i + 1) * unit);
    const shares = lengths
      .filter((side) => parts === undefined || parts[axis] % side === 0)
      .map((side) => ({ side, share: side / Math.ceil(side / most) / most }));
    const best = shares.reduce((max, { share }) => Math.max(max, share), 0);
    // From the best to the least: the smallest block that is good, then whatever fits.
    const good = shares.filter(({ share }) => share >= Math.min(best, GOOD_SHARE));
    return [...good, ...shares.filter((one) => !good.includes(one)).reverse()].map(({ side }) => side);
  };
  const whole = sinks.find(({ inOrder }) => inOrder);
  const across = whole === undefined ? sides('x', core[1]) : [sizes(whole.info).width];
  const pairs = sides('y', core[0]).map((y, i) => [y, across[Math.min(i, across.length - 1)]] as const);
  const least = pairs.reduce((a, b) => (b[0] * b[1] < a[0] * a[1] ? b : a));
  return pairs.find((pair) => sinkBytes(sinks, pair) <= bytes) ?? least;
}

/** Bytes of the blocks that are collected and written. */
export function sinkBytes(sinks: readonly BlockSink[], block: readonly [y: number, x: number]): number {
  const depth = unitOf(sinks, 'z');
  return sinks.reduce((sum, { info }) => {
    const { channels, slices, height, width } = sizes(info);
    const values = channels * Math.min(depth, slices) * Math.min(block[0], height) * Math.min(block[1], width);
    return sum + BUFFERS * values * bytesPer(info.dtype);
  }, 0);
}

/** The least that is a whole number of units of each sink; 1 along an axis that they do not have. */
const unitOf = (sinks: readonly BlockSink[], axis: string): number =>
  sinks.map(({ unit, info }) => unit[info.axes.indexOf(axis)] ?? 1).reduce(leastCommonMultiple, 1);

/**
 * Predicts an image by region. Memory is that of one tile's activations, and of the blocks that are read and written.
 * Reading and writing overlap with the network. Closes no source; finishes the sinks, or aborts them after an error.
 *
 * @param outputs at least one; sinks made for `outputInfo`
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
    part,
    scanOf,
    ...options
  }: PredictRegionsOptions & Required<Pick<PredictRegionsOptions, 'block'>>,
): Promise<readonly string[]> {
  const { tta = 1, block } = options;
  const info = infoAt(source, level);
  const { times, slices, height, width } = sizes(info);
  const why = wholeFor(model, info);
  if (why !== undefined) throw mustBeWhole(why, info.source);
  const plan = planPage(model, height, width, options);
  const within = part ?? { y: 0, x: 0, height, width };
  const rows = blocksOf(plan.y.tiles, block[0], height).filter(isWithin(within.y, within.height));
  const columns = blocksOf(plan.x.tiles, block[1], width).filter(isWithin(within.x, within.width));
  // Strips go down column by column, unless a block is as wide as the image.
  const areas =
    plan.strips === undefined
      ? rows.flatMap((y) => columns.map((x) => ({ y, x })))
      : columns.flatMap((x) => rows.map((y) => ({ y, x })));
  // Sinks take so many slices at once.
  const depth = Math.min(
    slices,
    unitOf(
      outputs.map(({ sink }) => sink),
      'z',
    ),
  );
  const writers = outputs.map((output) => new BlockWriter(output, [depth, ...block]));
  const notes = new Set<string>();
  const firstPage = part === undefined ? 0 : part.t * slices + part.z;
  const pages = part?.slices ?? times * slices;
  for (let done = 0; done < pages; ) {
    const [t, z] = [Math.floor((firstPage + done) / slices), (firstPage + done) % slices];
    const together = Math.min(depth, slices - z, pages - done);
    const input: InputRegions[] = [];
    for (let slice = 0; slice < together; slice++) {
      const at = { t, z: z + slice };
      const scan = scanOf?.(at.t, at.z);
      const regions = await openInputRegions(source, model.input, { level, ...at, channel, signal, scan });
      if (regions === undefined) throw mustBeWhole('the image, whose values may be Hounsfield units', info.source);
      input.push(regions);
    }
    const remaining = areas.map(({ y, x }) => ({
      block: { t, z, slices: together, ...rectangleOf({ y, x }) },
      runs: together * y.tiles.length * x.tiles.length * tta,
    }));
    const jobs = areas.flatMap(({ y, x }) => jobsOf(y.tiles, x.tiles, together, tta));
    let sum = float32([0]);
    const [before, all] = [(done * jobs.length) / together, (pages * jobs.length) / together];
    await runPlan(
      model,
      regionsInput(input as [InputRegions, ...InputRegions[]]),
      plan,
      jobs,
      { ...options, signal, onProgress: onProgress && ((runs) => onProgress(before + runs, all)) },
      async (tile) => {
        const { orientation, slice = 0 } = tile.job;
        const area = rectangleOf(tile.job);
        if (orientation === 0) sum = float32([model.classes.length, area.height, area.width]);
        addTile(sum, tile, area);
        const [now] = remaining;
        now.runs--;
        if (orientation === tta - 1) {
          const prediction: Image<'float32'> = { ...sum, axes: 'cyx', spacing: {}, channels: model.classes };
          for (const writer of writers) writer.place(prediction, { ...area, z: z + slice }, now.block);
        }
        if (now.runs > 0) return;
        for (const writer of writers) await writer.write(now.block);
        remaining.shift();
      },
    );
    for (const regions of input) for (const note of regions.notes()) notes.add(note);
    done += together;
  }
  for (const writer of writers) await writer.end();
  return [...notes];
}

const isWithin =
  (start: number, length: number) =>
  ({ from, to }: Stretch): boolean =>
    from >= start && to <= start + length;

/** The runs of a block: slice by slice, tile by tile, each in all orientations. */
function jobsOf(rows: readonly AxisTile[], columns: readonly AxisTile[], slices: number, tta: number): readonly Job[] {
  const jobs: Job[] = [];
  for (let slice = 0; slice < slices; slice++) {
    for (const y of rows) {
      for (const x of columns) {
        for (let orientation = 0; orientation < tta; orientation++) jobs.push({ y, x, orientation, slice });
      }
    }
  }
  return jobs;
}

type Stretch = Pick<AxisTile, 'from' | 'to'>;

/** What tiles, or blocks of them, give. */
const rectangleOf = ({ y, x }: { readonly y: Stretch; readonly x: Stretch }): Rectangle => ({
  y: y.from,
  x: x.from,
  height: y.to - y.from,
  width: x.to - x.from,
});

function mustBeWhole(why: string, file: string | undefined): LamellaError {
  return new LamellaError(`this cannot be predicted by region because of ${why}.`, {
    file,
    remedy: 'Predict it as a whole.',
  });
}

interface AxisBlock extends Stretch {
  readonly tiles: readonly AxisTile[];
}

/** The tiles of an axis by blocks. */
function blocksOf(tiles: readonly AxisTile[], block: number, length: number): readonly AxisBlock[] {
  return Array.from({ length: Math.ceil(length / block) }, (_, i) => {
    const [from, to] = [i * block, Math.min(length, (i + 1) * block)];
    return { from, to, tiles: tiles.filter((tile) => tile.from >= from && tile.from < to) };
  });
}

/** One block is written while the next is collected. */
const BUFFERS = 2;

/** Collects an output until a block of it is complete. */
class BlockWriter {
  readonly #output: RegionOutput;
  readonly #channels: number;
  /** In turn. */
  readonly #buffers: readonly Storage[DType][];
  #turn = 0;
  #writing: Promise<void> = Promise.resolve();

  constructor(output: RegionOutput, [depth, rows, columns]: readonly [number, number, number]) {
    const { info } = output.sink;
    const { channels, height, width } = sizes(info);
    this.#output = output;
    this.#channels = channels;
    const length = channels * depth * Math.min(rows, height) * Math.min(columns, width);
    this.#buffers = Array.from({ length: BUFFERS }, () => allocate(info.dtype, length));
  }

  /** Takes a part of one slice of the block. */
  place(prediction: Image<'float32'>, area: Rectangle & Pick<ImagePart, 'z'>, block: ImagePart): void {
    const { data } = this.#output.of(prediction);
    const strides = stridesOf([this.#channels, block.slices, block.height, block.width]);
    const shape = [this.#channels, 1, area.height, area.width];
    const at = offsetIn([0, area.z - block.z, area.y - block.y, area.x - block.x], strides);
    copyBox(data, 0, stridesOf(shape), this.#buffers[this.#turn], at, strides, shape);
  }

  /** Begins to write the block, when the one before is written. */
  async write(block: ImagePart): Promise<void> {
    const { sink } = this.#output;
    const region = regionOfPart(sink.info, block);
    const data = this.#buffers[this.#turn].subarray(0, elementCount(region.shape));
    await this.#writing;
    this.#turn = (this.#turn + 1) % BUFFERS;
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
