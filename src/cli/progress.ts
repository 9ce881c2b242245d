import { SingleBar } from 'cli-progress';
import type { TrainEvent, ValidationResult } from '../train/loop.ts';

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

interface DisplayOptions {
  readonly stream: NodeJS.WriteStream;
  /** Interval between lines without a terminal. */
  readonly everyMs?: number;
  readonly now?: () => number;
}

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
export function trainDisplay({ stream, everyMs = 10_000, now = () => Date.now() }: DisplayOptions): TrainDisplay {
  return stream.isTTY === true ? barDisplay(stream) : lineDisplay(stream, everyMs, now);
}

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

/** Scores on old and new images, side by side. */
const partsOf = ({ parts }: ValidationResult): string =>
  parts === undefined ? '' : ` (before ${parts.before.toFixed(4)}, new ${parts.new.toFixed(4)})`;

function lineDisplay(stream: NodeJS.WriteStream, everyMs: number, now: () => number): TrainDisplay {
  const smooth = smoother();
  let shownMs = now();
  return {
    onEvent(event) {
      if (event.kind === 'step') {
        const loss = smooth(event.loss);
        if (event.step < event.total && event.step > 1 && now() - shownMs < everyMs) return;
        shownMs = now();
        stream.write(
          `step ${event.step}/${event.total}  loss ${loss.toFixed(4)}  ${rate(event.imagesPerSecond)}  ${formatDuration(event.leftMs)} left\n`,
        );
      } else if (event.kind === 'validation') {
        const { metric, score } = event.result;
        stream.write(
          `step ${event.step}  validation ${metric} ${score.toFixed(4)}${partsOf(event.result)}${event.best ? ', the best so far' : ''}\n`,
        );
      } else if (event.kind === 'replanned') {
        stream.write(`step ${event.step}  replanned to meet the deadline\n`);
      }
    },
    stop() {},
  };
}

/** Displays the progress of countable work. */
export interface CountDisplay {
  update(done: number, total: number): void;
  /** Restores the terminal. */
  stop(): void;
}

/** A progress bar on a terminal, otherwise a line at intervals, with the remaining time at the current speed. */
export function countDisplay(
  what: string,
  { stream, everyMs = 10_000, now = () => Date.now() }: DisplayOptions,
): CountDisplay {
  const beganMs = now();
  let shownMs = beganMs;
  const left = (done: number, total: number): string =>
    formatDuration(((now() - beganMs) / Math.max(1, done)) * (total - done));
  let bar: SingleBar | undefined;
  return {
    update(done, total) {
      if (stream.isTTY === true) {
        bar ??= startedBar(stream, `[{bar}] {value}/{total} ${what}  {left} left`, { total, payload: { left: '' } });
        bar.update(done, { left: left(done, total) });
      } else if (done === total || now() - shownMs >= everyMs) {
        shownMs = now();
        stream.write(`${done}/${total} ${what}  ${left(done, total)} left\n`);
      }
    },
    stop: () => bar?.stop(),
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
