/** One comparison: both sides in turn, A B A B, so that a machine whose load changes changes it for both. */
import { loadavg } from 'node:os';
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
  /** Processes that ran on the machine on average before this row, of the minute before. */
  readonly load: number;
  readonly date: string;
  readonly ours: Times;
  readonly peer?: Times;
  /** Our median as a share of the peer's. */
  readonly ratio?: number;
  readonly goal?: number;
  readonly limitMs?: number;
  readonly memoryRatio?: number;
}

export async function compare(row: Comparison, python: string | undefined, rounds: number): Promise<Result> {
  const sides: Side[] = [];
  try {
    return await measure(row, python, rounds, sides);
  } finally {
    // A side that waits for more work would keep the whole suite from ending.
    for (const side of sides) side.kill();
  }
}

/** @param sides takes the processes as they start */
async function measure(row: Comparison, python: string | undefined, rounds: number, sides: Side[]): Promise<Result> {
  const { name, group, warmUp = 2 } = row;
  const [load = 0] = loadavg();
  sides.push(await ours(row.task, row.ours));
  if (row.against !== undefined) sides.push(await ours(row.against.task, row.against.options));
  else if (row.peer !== undefined && python !== undefined) sides.push(await peer(python, row.task, row.peer));
  const times: number[][] = sides.map(() => []);
  for (let round = -warmUp; round < rounds; round++) {
    for (const [i, side] of sides.entries()) {
      const ms = await side.run();
      if (round >= 0) times[i]?.push(ms);
      // Threads that wait for more work stop turning before the other side is measured.
      await new Promise((resolve) => setTimeout(resolve, 60));
    }
  }
  const peaks: number[] = [];
  for (const side of sides) peaks.push(await side.close());
  const [mine, other] = sides.map((side, i) => summary(side.about, times[i] as number[], peaks[i] as number));
  return {
    name,
    group,
    rounds,
    load,
    date: new Date().toISOString().slice(0, 10),
    ours: mine as Times,
    ...(other !== undefined && { peer: other, ratio: (mine as Times).medianMs / other.medianMs }),
    ...(other !== undefined && row.memory && { memoryRatio: (mine as Times).peakMiB / other.peakMiB }),
    ...(row.goal !== undefined && { goal: row.goal }),
    ...(row.limitMs !== undefined && { limitMs: row.limitMs }),
  };
}

function summary(about: string, times: readonly number[], peakMiB: number): Times {
  const sorted = [...times].sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.floor(share * (sorted.length - 1))] as number;
  return { about, medianMs: at(0.5), minMs: at(0), maxMs: at(1), peakMiB };
}
