import { Interrupted, LamellaError, UsageError } from '../errors.ts';
import { withFlags } from './option-words.ts';

interface Failure {
  readonly text: string;
  /** 130 after Ctrl-C, the convention of shells. */
  readonly exitCode: 1 | 2 | 130;
}

/** An error for display: one sentence, or with `verbose` also the stack. */
export function explainFailure(cause: unknown, { verbose }: { readonly verbose: boolean }): Failure {
  const exitCode = cause instanceof Interrupted ? 130 : cause instanceof UsageError ? 2 : 1;
  const text = verbose && cause instanceof Error ? withFlags(withCauses(cause)) : sentence(cause);
  return { text: `lamella: ${text}`, exitCode };
}

function sentence(cause: unknown): string {
  if (cause instanceof LamellaError) return withFlags(cause.message);
  const message = cause instanceof Error ? (cause.message.split('\n')[0] as string) : String(cause);
  return (cause as NodeJS.ErrnoException | undefined)?.code === 'ENOSPC'
    ? `there is no space left on the disk (${message}). Free some, or choose another place.`
    : `something went wrong that should not: ${message} Run it again with --verbose to see where.`;
}

function withCauses(error: Error): string {
  const stack = error.stack ?? error.message;
  return error.cause instanceof Error ? `${stack}\n  because of ${withCauses(error.cause)}` : stack;
}
