/** Errors as data, for a wire, and as errors again on its other side. */

import {
  DatasetError,
  DeviceError,
  type Facts,
  FormatError,
  GraphError,
  Interrupted,
  LamellaError,
  ModelError,
  RunError,
  TrainingError,
  UsageError,
} from '../errors.ts';
import type { Problem } from './engine.ts';

const CLASSES = {
  LamellaError,
  UsageError,
  FormatError,
  DatasetError,
  GraphError,
  DeviceError,
  ModelError,
  RunError,
  Interrupted,
} as const;

/** A `LamellaError` as JSON. */
export interface ErrorData {
  readonly name: string;
  readonly problem: string;
  readonly file?: string;
  readonly remedy?: string;
  readonly facts?: Facts;
  readonly step?: number;
}

/** Whatever was thrown as a `LamellaError`; a fault of the program is named as one. */
export function asLamellaError(cause: unknown): LamellaError {
  if (cause instanceof LamellaError) return cause;
  const text = cause instanceof Error ? cause.message : String(cause);
  return new LamellaError(`Lamella failed: ${text}.`, {
    remedy: 'This is a fault of the program. Please report it with what you did before.',
    cause,
  });
}

export function errorData(cause: unknown): ErrorData {
  const error = asLamellaError(cause);
  const { name, problem, file, remedy, facts } = error;
  return { name, problem, file, remedy, facts, ...(error instanceof TrainingError && { step: error.step }) };
}

/** The error that `errorData` was made of, without its cause. */
export function reviveError({ name, problem, file, remedy, facts, step = 0 }: ErrorData): LamellaError {
  if (name === 'TrainingError') return new TrainingError(problem, { file, remedy, facts, step });
  const Kind = Object.hasOwn(CLASSES, name) ? CLASSES[name as keyof typeof CLASSES] : LamellaError;
  return new Kind(problem, { file, remedy, facts });
}

/** For a list of problems. */
export function problemOf(cause: unknown): Problem {
  const { problem, code, file, remedy, facts } = asLamellaError(cause);
  return { message: problem, code, file, remedy, ...(facts !== undefined && 'own' in facts && { own: facts.own }) };
}
