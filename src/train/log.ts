/** `log.jsonl`: the events of a run, one JSON object per line, in order. */

import type { NewStrokes } from '../dataset/revisions.ts';
import { RUN_FILES, type Store } from './store.ts';

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

/** How much a score rests on. */
export interface ScoredOn {
  /** Annotated pixels that are held out. */
  readonly pixels: number;
  /** Of labels that number objects: those that lie there, in part or whole. */
  readonly objects?: number;
}

/** The score of a state on the validation images. */
export interface ValidationResult {
  /** The score that selects the best model, higher is better; NaN for an undefined prediction. */
  readonly score: number;
  readonly metric: string;
  /** Other numbers, by name. */
  readonly scores: { readonly [name: string]: number };
  /** The score on images held out by the run that this one trains on from, and on new ones. */
  readonly parts?: { readonly before: number; readonly new: number };
  readonly on?: ScoredOn;
}

/** One validation, after `step` steps. */
export interface ValidationLine extends ValidationResult {
  readonly kind: 'validation';
  readonly step: number;
  readonly best: boolean;
  readonly ms: number;
}

/** The data that steps after `step` learn from. A run has one such line, a session one for each revision. */
export interface DataLine {
  readonly kind: 'data';
  readonly step: number;
  /** Counted from 0. */
  readonly revision: number;
  /** Of names and contents of all pages. */
  readonly fingerprint: string;
  /** Of a session: what the revision before did not have, seen more often in the next steps. */
  readonly newest?: readonly NewStrokes[];
  /** Of a run that trains on from another and rehearses its data: the pages to train on that are new. */
  readonly added?: readonly string[];
}

/** Start, resumption, a change of plan or the end, as text. */
export interface NoteLine {
  readonly kind: 'note';
  readonly step: number;
  readonly text: string;
}

export type LogLine = StepLine | ValidationLine | DataLine | NoteLine;

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

/** Removes the log entries of steps after `step`, which will be repeated, and returns the rest. */
export async function rewindLog(store: Store, step: number): Promise<readonly LogLine[]> {
  const bytes = await store.read(RUN_FILES.log);
  if (bytes === undefined) return [];
  const kept = parseLog(new TextDecoder().decode(bytes)).filter((line) => line.step <= step);
  await store.write(RUN_FILES.log, kept.map(formatLogLine).join(''));
  return kept;
}
