/** One comparison: both sides in turn, A B A B, so that a machine whose load changes changes it for both. */
import { cpus } from 'node:os';
import type { Budget } from '../../apps/studio/test/budgets.ts';
import type { PythonName } from './python.ts';
import type { Machine } from './report.ts';
import type { Comparison } from './rows.ts';
import { ours, peer, type Side } from './side.ts';

export interface Times {
  readonly about: string;
  readonly medianMs: number;
  readonly minMs: number;
  readonly maxMs: number;
  readonly peakMiB: number;
}

export interface Result {
  readonly name: string;
  readonly group: string;
  readonly rounds: number;
  /** Cores that other programs kept busy, just before or just after. */
  readonly load: number;
  readonly date: string;
  /** Where it was measured, if elsewhere than the others. */
  readonly machine?: Machine;
  /** Absent where it failed. */
  readonly ours?: Times;
  readonly peer?: Times;
  /** Why a side has no times. */
  readonly failures?: readonly string[];
  /** Our median as a share of the peer's. */
  readonly ratio?: number;
  readonly goal?: number;
  readonly limitMs?: number;
  readonly budget?: Budget;
  readonly memoryRatio?: number;
  readonly memoryGoal?: number;
}

/** What the peers need, or why it cannot be had. */
export interface Peers {
  readonly python: (name: PythonName) => string | Error;
  /** Installs TensorFlow.js. @throws Error when it cannot be had */
  readonly tensorflow: () => void;
}

/** One of the two, with what it has measured so far. */
interface Entrant {
  readonly who: string;
  readonly side: Side;
  readonly times: number[];
}

/** Does something for one of the two. @returns undefined where it failed, which is noted */
type Attempt = <T>(who: string, act: () => Promise<T>) => Promise<T | undefined>;

/** Never throws: a side that fails is named in the result, and the other one goes on. */
export async function compare(row: Comparison, peers: Peers, rounds: number): Promise<Result> {
  const failures: string[] = [];
  const started: Side[] = [];
  const attempt: Attempt = async (who, act) => {
    try {
      return await act();
    } catch (cause) {
      failures.push(`${who}: ${(cause as Error).message.split('\n')[0]}`);
      return undefined;
    }
  };
  const before = await busyCores();
  try {
    const entrants = await enter(row, peers, attempt, started);
    const racing = new Set(entrants.filter((entrant) => entrant !== undefined));
    const { warmUp = 2 } = row;
    for (let round = -warmUp; round < rounds; round++) {
      for (const entrant of racing) {
        const ms = await attempt(entrant.who, entrant.side.run);
        if (ms === undefined) racing.delete(entrant);
        else if (round >= 0) entrant.times.push(ms);
        // Threads that wait for more work stop turning before the other side is measured.
        await pause(60);
      }
    }
    const peaks = new Map<Entrant, number>();
    for (const entrant of racing) peaks.set(entrant, (await attempt(entrant.who, entrant.side.close)) ?? Number.NaN);
    const load = Math.max(before, await busyCores());
    const [mine, other] = entrants.map((entrant) =>
      entrant !== undefined && racing.has(entrant) ? summary(entrant, peaks.get(entrant) as number) : undefined,
    );
    const { name, group, goal, limitMs, budget, memory = false, memoryGoal } = row;
    return {
      ...{ name, group, rounds, load, date: new Date().toISOString().slice(0, 10) },
      ...(mine !== undefined && { ours: mine }),
      ...(other !== undefined && { peer: other }),
      ...(failures.length > 0 && { failures }),
      ...(mine !== undefined && other !== undefined && { ratio: mine.medianMs / other.medianMs }),
      ...(mine !== undefined && other !== undefined && memory && { memoryRatio: mine.peakMiB / other.peakMiB }),
      ...(memoryGoal !== undefined && { memoryGoal }),
      ...(goal !== undefined && { goal }),
      ...(limitMs !== undefined && { limitMs }),
      ...(budget !== undefined && { budget }),
    };
  } finally {
    // A side that waits for more work would keep the whole suite from ending.
    for (const side of started) side.kill();
  }
}

/** Starts ours, and the peer where the row has one. @param started takes the processes */
async function enter(
  { task, ours: options, peer: theirs, peerTask = task, python: name = 'core', against, sameTab = false }: Comparison,
  { python, tensorflow }: Peers,
  attempt: Attempt,
  started: Side[],
): Promise<readonly (Entrant | undefined)[]> {
  const start = async (who: string, make: () => Promise<Side>): Promise<Entrant | undefined> => {
    const side = await attempt(who, make);
    if (side !== undefined) started.push(side);
    return side && { who, side, times: [] };
  };
  if (sameTab) {
    const who = 'TensorFlow.js';
    const isThere = await attempt(who, async () => {
      tensorflow();
      return true;
    });
    const mine = await start('ours', () => ours(task, { ...options, ...(isThere && { tensorflow: 1 }) }));
    const beside = mine?.side.beside;
    return [mine, beside && { who, side: beside, times: [] }];
  }
  const mine = await start('ours', () => ours(task, options));
  if (against !== undefined) return [mine, await start(against.name, () => ours(against.task, against.options))];
  if (theirs === undefined) return [mine];
  const other = await start('peer', async () => {
    const found = python(name);
    if (found instanceof Error) throw found;
    return peer(found, peerTask, theirs);
  });
  return [mine, other];
}

/** Cores that are busy while nothing of this suite runs. */
async function busyCores(): Promise<number> {
  const total = () =>
    cpus()
      .map(({ times: { idle, ...others } }) => [idle, Object.values(others).reduce((sum, ms) => sum + ms, 0)] as const)
      .reduce(([idle, busy], core) => [idle + core[0], busy + core[1]] as const, [0, 0] as const);
  await pause(100);
  const [idle, busy] = total();
  await pause(400);
  const [idleAfter, busyAfter] = total();
  const passed = idleAfter - idle + busyAfter - busy;
  return passed > 0 ? (cpus().length * (busyAfter - busy)) / passed : 0;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function summary({ side, times }: Entrant, peakMiB: number): Times {
  const sorted = [...times].sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.floor(share * (sorted.length - 1))] as number;
  return { about: side.about, medianMs: at(0.5), minMs: at(0), maxMs: at(1), peakMiB };
}
