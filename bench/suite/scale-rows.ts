/** Images larger than memory: stores beside zarr-python. */
import type { Inputs } from './inputs.ts';
import type { Comparison } from './rows.ts';

export function scaleRows({ folder }: Inputs): readonly Comparison[] {
  const store = (what: 'write' | 'read'): Comparison => {
    const options = { folder, side: 8192, what };
    return {
      name: `${what} sharded Zarr with Zstandard, 8192x8192`,
      group: 'scale',
      task: 'store',
      ours: options,
      peer: options,
      python: 'stores',
      goal: 1,
      warmUp: 1,
    };
  };
  return [store('write'), store('read')];
}
