import type { GradientDevices } from '../../../train/parallel.ts';
import { type NodeDevice, openRuntime } from '../runtime.ts';
import { joinMpi, launchedRanks } from './library.ts';
import { dismissRanks, followRankZero, rankDevices, rankPlace } from './ranks.ts';

/** For rank 0 of an MPI job: the ranks, and what it may use of its own machine. */
export interface Ranks {
  readonly devices: GradientDevices;
  readonly threads: number;
  readonly index: number;
}

/**
 * Trains with the other processes that `mpirun` started, if this is one of several: rank 0 is the run, the others follow
 * it.
 * @param device of each rank
 * @returns what `train` returns; undefined for a rank that followed
 * @throws RunError if MPI is not there
 */
export async function inMpiJob<T>(
  device: NodeDevice | 'auto' | undefined,
  train: (ranks: Ranks | undefined) => Promise<T>,
): Promise<T | undefined> {
  if (launchedRanks() === undefined) return train(undefined);
  const mpi = await joinMpi();
  const place = await rankPlace(mpi);
  const { threads, index } = place;
  if (mpi.rank === 0) {
    try {
      return await train({ devices: rankDevices(mpi, place), threads, index });
    } finally {
      await dismissRanks(mpi);
    }
  }
  // Rank 0 stops at the end of its step, with a checkpoint, and needs the others until then.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => {});
  await followRankZero(mpi, () => openRuntime({ device: device ?? 'auto', threads, index }));
  return undefined;
}
