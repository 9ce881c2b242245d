/** What is run by the jobs of a prediction in shards, whatever starts them. */

import type { ShardStage } from '../../workflows/choices.ts';

export interface JobRequest {
  /** The program, as it is started where jobs run. */
  readonly program: readonly [string, ...string[]];
  /** Arguments of `lamella` without what says which share it is. */
  readonly args: readonly [string, ...string[]];
  /** Folder in which the arguments are meant. */
  readonly folder: string;
  readonly out: string;
  readonly shards: number;
  /** Shares that run at once. */
  readonly parallel: number;
  readonly cpus: number;
  /** In bytes. */
  readonly memory: number;
  readonly minutes?: number;
}

/** What the jobs do, each stage after the one before; a stage that is shared has as many jobs as there are shares. */
export const JOB_STAGES: readonly { readonly stage: ShardStage; readonly isShared: boolean }[] = [
  { stage: 'scan', isShared: false },
  { stage: 'predict', isShared: true },
  { stage: 'finish', isShared: false },
];

/** The command line of a stage. @param k which share, such as `auto` */
export function commandOf(
  { program, args, shards }: Pick<JobRequest, 'program' | 'args' | 'shards'>,
  { stage, isShared }: (typeof JOB_STAGES)[number],
  k = 'auto',
): readonly string[] {
  return [...program, ...args, ...(isShared ? ['--shard', `${k}/${shards}`, '--resume'] : ['--stage', stage])];
}

/** A word of a shell, quoted where it has to be. */
const quoted = (word: string): string => (/^[\w./:=@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);

export const shellLine = (words: readonly string[]): string => words.map(quoted).join(' ');

/** What a job asks for beyond the memory that the program takes: that of Node.js and of files being read. */
const SPARE = 1.25;
export const mebibytes = ({ memory }: Pick<JobRequest, 'memory'>): number => Math.ceil((SPARE * memory) / 2 ** 20);
