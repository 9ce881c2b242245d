/** Runs a network over the strips of an image, column by column. */
import { float32, type NdArray } from '../array/ndarray.ts';
import { Interrupted } from '../errors.ts';
import type { Rows, StripRows } from '../graph/strips.ts';
import type { SegmentationModel, StripForm } from './model.ts';
import type { PagePlan, StripPlan } from './strip-plan.ts';
import type { StripKind, StripPrograms, Sweep } from './strip-programs.ts';
import { type RunOptions, requireOutput, runTiles } from './tiles.ts';
import type { Job, RunTile, TileInput } from './window.ts';

/** Runs the jobs of a slice as it was planned: tiles (`runTiles`), or strips. */
export function runPlan(
  model: SegmentationModel,
  input: TileInput,
  { y, x, strips }: PagePlan,
  jobs: readonly Job[],
  options: RunOptions,
  give: (tile: RunTile) => void | Promise<void>,
): Promise<void> {
  if (strips !== undefined) return runStrips(model, input, { strips, side: x.side, jobs }, options, give);
  return runTiles(model, input, { sides: { y: y.side, x: x.side }, jobs }, options, give);
}

/** The strips that a model gives of a slice, in this order: those of a column from the first to the last. */
interface StripRuns {
  readonly strips: StripPlan;
  /** Columns of a strip. */
  readonly side: number;
  readonly jobs: readonly Job[];
}

/** A strip of a column that is run, and the job that needs it. */
interface Run {
  readonly column: Column;
  readonly index: number;
  readonly job: Job;
}

interface Column {
  /** The strip that is to be scheduled next. */
  next: number;
  /** Undefined before its first strip is run. */
  sweep?: Sweep;
  /** What the last strip gave, and which rows of the image. */
  given?: { readonly rows: Rows; readonly output: NdArray<'float32'> };
}

/**
 * Runs the network over strips, one after the other; the input of the next is read while the network computes. As
 * `runTiles`, of which the tiles are the strips.
 * @throws ModelError if the model returns a shape other than declared; Interrupted if `signal` is aborted
 */
async function runStrips(
  model: SegmentationModel,
  input: TileInput,
  { strips, side, jobs }: StripRuns,
  { onProgress, signal }: RunOptions,
  give: (tile: RunTile) => void | Promise<void>,
): Promise<void> {
  const programs = await (model.strips as StripForm).open([strips.frame, side], strips.rows);
  const { channels } = input;
  const schedule = new Schedule(model, strips, programs);
  const columns = new Map<string, Column>();
  const runs: Run[] = [];
  const until: number[] = [];
  for (const job of jobs) {
    const column: Column = columns.get(columnOf(job)) ?? { next: schedule.beginFor(job) };
    columns.set(columnOf(job), column);
    for (; column.next <= schedule.lastFor(job); column.next++) runs.push({ column, index: column.next, job });
    until.push(runs.length);
  }

  const next = async ({ index, job }: Run): Promise<NdArray<'float32'>> => {
    const { from, to } = schedule.rowsOf(index);
    const feed = float32([1, channels, to - from, side]);
    const y = { ...job.y, origin: from - strips.lead };
    await input.fill(feed.data, { ...job, y }, { y: to - from, x: side });
    return feed;
  };
  let coming = runs[0] && next(runs[0]);
  let done = 0;
  for (const [i, job] of jobs.entries()) {
    for (; done < (until[i] as number); done++) {
      const { column, index } = runs[done] as Run;
      const image = (await coming) as NdArray<'float32'>;
      if (signal?.aborted === true) throw new Interrupted('Prediction was stopped.');
      const following = runs[done + 1];
      coming = following && next(following);
      // Reported when it is awaited.
      coming?.catch(() => {});
      column.sweep ??= await schedule.begin(index);
      const { sweep, rows, output } = await programs.step(column.sweep, image, schedule.kindOf(index));
      column.sweep = sweep;
      if (output !== undefined) {
        const { from, to } = { from: rows.from - strips.border, to: rows.to - strips.border };
        column.given = { rows: { from, to }, output: requireOutput(model, output, 4) };
      }
    }
    const column = columns.get(columnOf(job)) as Column;
    const { rows, output } = column.given as NonNullable<Column['given']>;
    await give({
      job: { ...job, y: { ...job.y, origin: rows.from } },
      output,
      index: 0,
      model,
      sides: { y: rows.to - rows.from, x: side },
      margin: { y: 0, x: model.rule.x.margin },
      share: 1,
      file: input.name,
    });
    onProgress?.(i + 1, jobs.length);
  }
}

const columnOf = ({ slice = 0, x }: Job): string => `${slice} ${x.origin}`;

/** Of fewer strips the first and the last take so much of the time that their programs are kept for the next image. */
const FEW = 8;

/** Which strips there are, and which give what. */
class Schedule {
  readonly #plan: StripPlan;
  readonly #programs: StripPrograms;
  /** Strips that end in the frame, the first included. */
  readonly #last: number;
  /** Rows of the image that the first gives, less than 0 if more are needed before. */
  readonly #start: number;
  /** Strips until nothing is left of what a column began with. */
  readonly #warmUp: number;

  constructor({ strips }: SegmentationModel, plan: StripPlan, programs: StripPrograms) {
    const { rows, first, frame, border } = plan;
    const { delay, changed } = (strips as StripForm).rule;
    this.#plan = plan;
    this.#programs = programs;
    this.#last = Math.ceil((frame - first) / rows);
    this.#start = first - delay - border;
    this.#warmUp = Math.ceil((changed + delay) / rows);
  }

  /** The rows of the frame that a strip adds. */
  rowsOf(index: number): Rows {
    const { rows, first, frame } = this.#plan;
    const end = (i: number): number => (i < 0 ? 0 : Math.min(frame, first + i * rows));
    return { from: end(index - 1), to: end(index) };
  }

  /** The strip after which the rows of a job are there. */
  lastFor({ y }: Job): number {
    return Math.min(this.#last, Math.ceil((y.to - this.#start) / this.#plan.rows));
  }

  /** The strip to begin with so that the rows of a job are as in the whole image. */
  beginFor(job: Job): number {
    const first = Math.min(this.#last, Math.ceil((job.y.from + 1 - this.#start) / this.#plan.rows));
    return first > this.#warmUp ? first - this.#warmUp : 0;
  }

  kindOf(index: number): StripKind {
    const isLast = index === this.#last;
    const often = index > 0 && !isLast;
    return { isLast, often, kept: often || this.#last < FEW };
  }

  /** A column before this strip, of which nothing is computed. */
  async begin(index: number): Promise<Sweep> {
    if (index === 0) return this.#programs.begin();
    const before = Array.from({ length: index }, (_, i) => this.#strip(i));
    return this.#programs.resume(before, this.#strip(index));
  }

  #strip(index: number): StripRows {
    const { from, to } = this.rowsOf(index);
    return { rows: to - from, isLast: index === this.#last };
  }
}
