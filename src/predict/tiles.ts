/** Runs a network over the tiles of a slice. */

import { cropped } from '../array/boxes.ts';
import { float32, type NdArray, type Shape4 } from '../array/ndarray.ts';
import { DatasetError, Interrupted, ModelError, UsageError } from '../errors.ts';
import type { Program } from '../runtime/runtime.ts';
import type { MiddleProgram, SegmentationModel, TileRules } from './model.ts';
import { orientedShape, type TestTimeAugmentation } from './orientation.ts';
import type { AxisTile } from './tile-plan.ts';
import { type Job, orient, type RunTile, type Sides, type TileInput } from './window.ts';

/** How tiles are run. */
export interface RunOptions {
  /** Number of orientations to average over. Default 1: none. */
  readonly tta?: TestTimeAugmentation;
  /** Tiles per run, if the model supports batches. Default 1. */
  readonly batch?: number;
  /** Called after each run with the numbers of completed and of all runs. */
  readonly onProgress?: (done: number, total: number) => void;
  /** Checked before every run. */
  readonly signal?: AbortSignal;
}

/** The runs of a slice, in this order, with windows of one size. */
export interface TileRuns {
  readonly sides: Sides;
  readonly jobs: readonly Job[];
}

/**
 * Runs the network over tiles, one run after the other. The input of the next run is read while the network computes.
 * @param give takes what the network gave for a tile, in the order of the jobs, before the next run begins
 * @throws DatasetError for a slice smaller than the network's window; UsageError for tiles that cannot be rotated;
 * ModelError if the model returns a shape other than declared; Interrupted if `signal` is aborted.
 */
export async function runTiles(
  model: SegmentationModel,
  input: TileInput,
  { sides, jobs }: TileRuns,
  { tta = 1, batch = 1, onProgress, signal }: RunOptions,
  give: (tile: RunTile) => void | Promise<void>,
): Promise<void> {
  requireOrientations(model, tta);
  requireWindowFits(model, input);
  const size = Math.max(1, Math.min(batch, model.maxBatch));
  const { channels } = input;
  await model.prepare?.([size, channels, sides.y, sides.x], Math.floor(jobs.length / size));
  const middle = await middleFor(model, [size, channels, sides.y, sides.x], jobs);
  const window = new Float32Array(channels * sides.y * sides.x);
  /** The jobs from `at` on that run together, and their input. */
  const next = async (at: number) => {
    const shape = orientedShape(sides.y, sides.x, jobs[at].orientation);
    const program = middle !== undefined && isInside(jobs[at], sides, middle.margin) ? middle : undefined;
    const taken: Job[] = [];
    for (const job of jobs.slice(at, at + size)) {
      if (orientedShape(sides.y, sides.x, job.orientation)[0] !== shape[0]) break;
      if (program !== undefined && !isInside(job, sides, program.margin)) break;
      taken.push(job);
    }
    const feed = float32([taken.length, channels, ...shape]);
    for (const [i, job] of taken.entries()) {
      await input.fill(window, job, sides);
      orient(feed.data.subarray(i * window.length, (i + 1) * window.length), window, channels, sides, job.orientation);
    }
    return { taken, feed, program };
  };
  let coming = jobs.length > 0 ? next(0) : undefined;
  for (let done = 0; coming !== undefined; ) {
    const { taken, feed, program } = await coming;
    if (signal?.aborted === true) throw new Interrupted('Prediction was stopped.');
    done += taken.length;
    coming = done < jobs.length ? next(done) : undefined;
    // Reported when it is awaited.
    coming?.catch(() => {});
    const output = await runModel(model, feed, program);
    const margin = { y: program?.margin ?? model.rule.y.margin, x: program?.margin ?? model.rule.x.margin };
    for (const [index, job] of taken.entries()) {
      await give({ job, output, index, model, sides, margin, share: 1 / tta, file: input.name });
    }
    onProgress?.(done, jobs.length);
  }
}

/** @throws UsageError for orientations that there are not, or that tiles of a fixed size cannot have */
export function requireOrientations({ rule: { y, x } }: SegmentationModel, tta: number): void {
  if (tta !== 1 && tta !== 4 && tta !== 8) {
    throw new UsageError(`Averaging over ${tta} orientations is not supported.`, { remedy: 'Use 1, 4 or 8.' });
  }
  if (tta === 8 && y.fixed !== x.fixed) {
    throw new UsageError(
      `The model takes ${x.fixed ?? 'any'} x ${y.fixed ?? 'any'} pixels only, which cannot be rotated.`,
      { remedy: 'Average over 4 orientations.' },
    );
  }
}

function requireWindowFits({ patches }: SegmentationModel, { height, width, name }: TileInput): void {
  const cover = patches?.window.cover ?? 0;
  if (Math.min(height, width) >= cover) return;
  throw new DatasetError(`the image is ${width} x ${height}, smaller than the network's window of ${cover} pixels.`, {
    file: name,
    remedy: 'Use larger images, or train a network with a smaller window (n1, n2, n3).',
  });
}

/** Whether a tile gives only pixels that lie at least `margin` from its edges. */
function isInside({ y, x }: Job, sides: Sides, margin: number): boolean {
  const along = ({ origin, from, to }: AxisTile, side: number): boolean =>
    from - origin >= margin && to - origin <= side - margin;
  return along(y, sides.y) && along(x, sides.x);
}

/** For tiles that give nothing but their middle, where the receptive field does not reach their edges. */
async function middleFor(
  model: SegmentationModel,
  shape: Shape4,
  jobs: readonly Job[],
): Promise<MiddleProgram | undefined> {
  const { y, x } = model.rule;
  const sides = { y: shape[2], x: shape[3] };
  const halo = Math.max(y.halo, x.halo);
  const upright = jobs.every(({ orientation }) => orientation === 0);
  const padded = y.exact && x.exact && y.margin === 0 && x.margin === 0;
  const pays = upright && padded && jobs.some((job) => isInside(job, sides, halo));
  return pays ? model.middle?.(shape) : undefined;
}

/** @throws ModelError if the model gives another kind of output than declared */
export async function runModel(
  model: SegmentationModel,
  feed: NdArray<'float32'>,
  program: Pick<Program, 'run'> = model.program,
): Promise<NdArray<'float32'>> {
  const outputs = await program.run({ [model.inputName]: feed });
  return withoutSpare(requireOutput(model, outputs[model.outputName], feed.shape.length), model.rule);
}

/** @throws ModelError for another kind of output than declared, of an input of so many axes */
export function requireOutput(
  { outputName, outputs }: SegmentationModel,
  output: NdArray | undefined,
  axes: number,
): NdArray<'float32'> {
  if (output?.dtype === 'float32' && output.shape.length === axes && output.shape[1] === outputs) {
    return output as NdArray<'float32'>;
  }
  const found = output === undefined ? 'nothing' : `${output.dtype} [${output.shape.join(', ')}]`;
  throw new ModelError(
    `The model gave ${found} as '${outputName}', expected float32 [N, ${outputs}, ${axes === 5 ? 'D, ' : ''}H, W].`,
  );
}

/** The output without what it has on one side only. */
function withoutSpare(output: NdArray<'float32'>, { z, y, x }: TileRules): NdArray<'float32'> {
  const { shape } = output;
  const spare = shape.map((_, axis) => [z, y, x][axis - shape.length + 3]?.spare);
  if (spare.every((own) => own === undefined)) return output;
  const [start, end] = [0, 1].map((side) => spare.map((own) => own?.[side] ?? 0)) as [number[], number[]];
  return cropped(
    output,
    start,
    shape.map((n, axis) => n - start[axis] - end[axis]),
  );
}
