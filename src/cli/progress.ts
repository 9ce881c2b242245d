import { SingleBar } from 'cli-progress';
import type { ValidationResult } from '../train/log.ts';
import type { TrainEvent } from '../train/loop.ts';
import { totalSteps } from '../train/plan.ts';

/** `4:05`, `1:12:33`. */
export function formatDuration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  const two = (value: number): string => String(value).padStart(2, '0');
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor(seconds / 60) % 60;
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}

/** Displays the progress of training. */
export interface TrainDisplay {
  onEvent(event: TrainEvent): void;
  /** Restores the terminal. */
  stop(): void;
}

/** Interval between lines without a terminal. */
const EVERY_MS = 10_000;
/** Another plan is a line of its own where the number of steps differs by this fraction from the one last shown. */
const OTHER_PLAN = 0.25;

/** The loss over about the last 30 steps. */
function smoother(): (loss: number) => number {
  let mean = 0;
  let weight = 0;
  return (loss) => {
    mean = 0.95 * mean + 0.05 * loss;
    weight = 0.95 * weight + 0.05;
    return mean / weight;
  };
}

/** A progress bar on a terminal, otherwise a line at intervals. */
export const trainDisplay = (stream: NodeJS.WriteStream): TrainDisplay =>
  stream.isTTY === true ? barDisplay(stream) : lineDisplay(stream);

const rate = (imagesPerSecond: number): string => `${imagesPerSecond.toPrecision(3)} images/s`;

function barDisplay(stream: NodeJS.WriteStream): TrainDisplay {
  const smooth = smoother();
  let score = '';
  let bar: SingleBar | undefined;
  return {
    onEvent(event) {
      if (event.kind === 'step') {
        const payload = {
          loss: smooth(event.loss).toFixed(4),
          score,
          rate: rate(event.imagesPerSecond),
          left: formatDuration(event.leftMs),
        };
        bar ??= startedBar(stream, '[{bar}] {value}/{total}  loss {loss}{score}  {rate}  {left} left', {
          done: event.step,
          total: event.total,
          payload,
          clearOnComplete: false,
        });
        bar.setTotal(event.total);
        bar.update(event.step, payload);
      } else if (event.kind === 'validation') {
        score = `  ${event.result.metric} ${event.result.score.toFixed(4)}${partsOf(event.result)}${event.best ? ' (best)' : ''}`;
      }
    },
    stop() {
      bar?.stop();
    },
  };
}

/** The threshold that it is the best of, and scores on old and new images, side by side. */
const partsOf = ({ scores: { threshold }, parts }: ValidationResult): string =>
  `${threshold === undefined || Number.isNaN(threshold) ? '' : ` at threshold ${threshold}`}${
    parts === undefined ? '' : ` (before ${parts.before.toFixed(4)}, new ${parts.new.toFixed(4)})`
  }`;

function lineDisplay(stream: NodeJS.WriteStream): TrainDisplay {
  const smooth = smoother();
  let shownMs = Date.now();
  let planned: number | undefined;
  return {
    onEvent(event) {
      if (event.kind === 'step') {
        const loss = smooth(event.loss);
        planned ??= event.total;
        if (event.step < event.total && event.step > 1 && Date.now() - shownMs < EVERY_MS) return;
        shownMs = Date.now();
        stream.write(
          `step ${event.step}/${event.total}  loss ${loss.toFixed(4)}  ${rate(event.imagesPerSecond)}  ${formatDuration(event.leftMs)} left\n`,
        );
      } else if (event.kind === 'validation') {
        const { metric, score } = event.result;
        stream.write(
          `step ${event.step}  validation ${metric} ${score.toFixed(4)}${partsOf(event.result)}${event.best ? ', the best so far' : ''}\n`,
        );
      } else if (event.kind === 'replanned') {
        const total = totalSteps(event.plan);
        if (planned !== undefined && Math.abs(total - planned) < OTHER_PLAN * planned) return;
        planned = total;
        stream.write(`step ${event.step}  replanned to meet the deadline: ${total} steps in all\n`);
      }
    },
    stop() {},
  };
}

/** Displays the progress of countable work. */
export interface CountDisplay {
  /** Begins with the first call, ends when all is done, and may begin again. */
  update(done: number, total: number): void;
  /** Restores the terminal. */
  stop(): void;
}

/** On stderr: a progress bar on a terminal, otherwise a line at intervals, with the remaining time at the current speed. */
export function countDisplay(what: string): CountDisplay {
  const stream = process.stderr;
  let began: number | undefined;
  let shownMs = 0;
  let bar: SingleBar | undefined;
  const stop = (): void => {
    bar?.stop();
    bar = undefined;
    began = undefined;
  };
  return {
    update(done, total) {
      const nowMs = Date.now();
      if (began === undefined) shownMs = nowMs;
      began ??= nowMs;
      const left = formatDuration(((nowMs - began) / Math.max(1, done)) * (total - done));
      if (stream.isTTY === true) {
        bar ??= startedBar(stream, `[{bar}] {value}/{total} ${what}  {left} left`, { total, payload: { left: '' } });
        bar.update(done, { left });
      } else if (done === total || nowMs - shownMs >= EVERY_MS) {
        shownMs = nowMs;
        stream.write(`${done}/${total} ${what}  ${left} left\n`);
      }
      if (done === total) stop();
    },
    stop,
  };
}

function startedBar(
  stream: NodeJS.WriteStream,
  format: string,
  {
    done = 0,
    total,
    payload,
    clearOnComplete = true,
  }: { readonly done?: number; readonly total: number; readonly payload: object; readonly clearOnComplete?: boolean },
): SingleBar {
  const looks = { barCompleteChar: '=', barIncompleteChar: ' ', barsize: 24 };
  const bar = new SingleBar({ stream, hideCursor: true, clearOnComplete, gracefulExit: false, format, ...looks });
  bar.start(total, done, payload);
  return bar;
}
