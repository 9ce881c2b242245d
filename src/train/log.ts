/** `log.jsonl`: what happened in a run, one JSON object a line, in order. */

/** One step of training. */
export interface StepLine {
  readonly kind: 'step';
  /** Counted from 1. */
  readonly step: number;
  readonly loss: number;
  readonly learningRate: number;
  /** Euclidean norm of the gradient before clipping, where the step computes it. */
  readonly gradientNorm?: number;
  /** Time of the step, with waiting for its batch. */
  readonly ms: number;
}

/** One validation, after `step` steps. */
export interface ValidationLine {
  readonly kind: 'validation';
  readonly step: number;
  /** The number that decides which model is best, higher is better; NaN of a network that says nothing. */
  readonly score: number;
  readonly metric: string;
  /** Other numbers, by name. */
  readonly scores: { readonly [name: string]: number };
  readonly best: boolean;
  readonly ms: number;
}

/** Start, resumption, a change of plan or the end, in words. */
export interface NoteLine {
  readonly kind: 'note';
  readonly step: number;
  readonly text: string;
}

export type LogLine = StepLine | ValidationLine | NoteLine;

/** The lines of a log; a last line that was cut off is left out. */
export function parseLog(text: string): readonly LogLine[] {
  return text.split('\n').flatMap((line): LogLine[] => {
    if (line.trim() === '') return [];
    try {
      const parsed = JSON.parse(line) as LogLine;
      // JSON has no NaN: it was written as null.
      return [parsed.kind === 'validation' ? { ...parsed, score: parsed.score ?? Number.NaN } : parsed];
    } catch {
      return [];
    }
  });
}

/** One line of the file, with its end. */
export function formatLogLine(line: LogLine): string {
  return `${JSON.stringify(line)}\n`;
}
