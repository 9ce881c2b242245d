/** `log.jsonl`: the events of a run, one JSON object per line, in order. */

/** One step of training. */
export interface StepLine {
  readonly kind: 'step';
  /** Counted from 1. */
  readonly step: number;
  readonly loss: number;
  readonly learningRate: number;
  /** Euclidean norm of the gradient before clipping, if computed by the step. */
  readonly gradientNorm?: number;
  /** Time of the step, including waiting for its batch. */
  readonly ms: number;
}

/** One validation, after `step` steps. */
export interface ValidationLine {
  readonly kind: 'validation';
  readonly step: number;
  /** The score that selects the best model, higher is better; NaN for an undefined prediction. */
  readonly score: number;
  readonly metric: string;
  /** Other numbers, by name. */
  readonly scores: { readonly [name: string]: number };
  readonly best: boolean;
  readonly ms: number;
}

/** Start, resumption, a change of plan or the end, as text. */
export interface NoteLine {
  readonly kind: 'note';
  readonly step: number;
  readonly text: string;
}

export type LogLine = StepLine | ValidationLine | NoteLine;

/** The lines of a log; a truncated last line is ignored. */
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

/** One line of the file, with its line end. */
export function formatLogLine(line: LogLine): string {
  return `${JSON.stringify(line)}\n`;
}
