import type { WritableFiles } from '../../files.ts';
import { statusOf, type WorkStatus } from '../shards/status.ts';
import { type MeasuredPart, MeasuredParts } from './parts.ts';

/** What of a measurement by several processes is there. */
export interface MeasureStatus {
  /** Blocks whose objects are counted, and those that are measured. */
  readonly counts: WorkStatus;
  readonly values: WorkStatus;
  /** Why label maps cannot be measured. */
  readonly failed: readonly string[];
  /** Whether the tables are written. */
  readonly finished: boolean;
  readonly maps: number;
}

/** What is there of a measurement; undefined in a folder without one. @throws LamellaError if its plan cannot be read */
export async function readMeasureStatus(files: WritableFiles, out: string): Promise<MeasureStatus | undefined> {
  const parts = new MeasuredParts(files, out);
  const plan = await parts.plan();
  if (plan === undefined) return undefined;
  const maps = Object.entries(plan.maps);
  const places = maps.flatMap(([name, { times, blocks }]) =>
    Array.from({ length: times * blocks }, (_, i) => ({ name, t: Math.floor(i / blocks), index: i % blocks })),
  );
  const reasons = new Set<string>();
  const work = (part: MeasuredPart) =>
    statusOf(places, async (place) => {
      const { lack: why, failed } = await parts.state(part, place);
      if (failed !== undefined) reasons.add(failed);
      return why === undefined ? [] : [{ file: parts.file(part, place), why }];
    });
  return {
    counts: await work('counts'),
    values: await work('values'),
    failed: [...reasons],
    finished: await parts.isFinished(),
    maps: maps.length,
  };
}
