/** What is run by the jobs of a command in shards, whatever starts them. */

import type { MeasureStage, ShardStage } from '../../workflows/choices.ts';

export interface JobRequest {
  /** The program, as it is started where jobs run. */
  readonly program: readonly [string, ...string[]];
  /** Arguments of `lamella`, the first of which is the command, without what says which share it is. */
  readonly args: readonly [string, ...string[]];
  /** What the jobs do, each stage after the one before. */
  readonly stages: readonly JobStage[];
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

/** What some jobs do; where it is shared, there are as many of them as there are shares. */
export interface JobStage {
  readonly stage: ShardStage | MeasureStage;
  readonly isShared: boolean;
}

/** @param objects whether objects are separated */
export const predictStages = (objects: boolean): readonly JobStage[] => [
  { stage: 'scan', isShared: false },
  { stage: 'predict', isShared: true },
  ...(objects ? [{ stage: 'objects', isShared: true } as const] : []),
  { stage: 'finish', isShared: false },
];

export const measureStages: readonly JobStage[] = [
  { stage: 'count', isShared: true },
  { stage: 'values', isShared: true },
  { stage: 'finish', isShared: false },
];

/** The command line of a stage. @param k which share, such as `auto` */
export function commandOf(
  { program, args, shards }: Pick<JobRequest, 'program' | 'args' | 'shards'>,
  { stage, isShared }: JobStage,
  k = 'auto',
): readonly string[] {
  const which = stage === 'predict' ? [] : ['--stage', stage];
  return [...program, ...args, ...which, ...(isShared ? ['--shard', `${k}/${shards}`, '--resume'] : [])];
}

/** A word of a shell, quoted where it has to be. */
const quoted = (word: string): string => (/^[\w./:=@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);

export const shellLine = (words: readonly string[]): string => words.map(quoted).join(' ');

/** What a job asks for beyond the memory that the program takes: that of Node.js and of files being read. */
const SPARE = 1.25;
export const mebibytes = ({ memory }: Pick<JobRequest, 'memory'>): number => Math.ceil((SPARE * memory) / 2 ** 20);
