/** Images larger than memory: stores beside zarr-python, components beside dask-image. */
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
  const formula = (format: string): Comparison => ({
    name: `write 16384x16384 from a formula as .${format}, with lower resolutions, against 8192x8192`,
    group: 'scale',
    task: 'formula',
    ours: { folder, side: 16_384, format },
    against: { name: '8192x8192', task: 'formula', options: { folder, side: 8192, format } },
    memory: true,
    memoryGoal: 1.05,
    warmUp: 1,
  });
  const objects: Comparison = {
    name: 'objects by blocks of 16384x16384 from a formula, by shape, against 8192x8192',
    group: 'scale',
    task: 'formulaObjects',
    ours: { folder, side: 16_384 },
    against: { name: '8192x8192', task: 'formulaObjects', options: { folder, side: 8192 } },
    memory: true,
    memoryGoal: 1.05,
    warmUp: 0,
  };
  const measured = (compare: 'truth' | 'nothing'): Comparison => ({
    name: `measure 16384x16384 by region${compare === 'truth' ? ', against ground truth and with ROIs' : ''}, against 8192x8192`,
    group: 'scale',
    task: 'measureRegions',
    ours: { folder, side: 16_384, compare },
    against: { name: '8192x8192', task: 'measureRegions', options: { folder, side: 8192, compare } },
    memory: true,
    memoryGoal: 1.05,
    warmUp: 0,
  });
  const options = { side: 3000, block: 500 };
  const components: Comparison = {
    name: 'connected components of 3000x3000 in 36 blocks',
    group: 'scale',
    task: 'components',
    ours: options,
    peer: options,
    python: 'blocks',
    goal: 1 / 50,
    warmUp: 1,
  };
  return [
    store('write'),
    store('read'),
    formula('ome.zarr'),
    formula('ome.tif'),
    objects,
    measured('nothing'),
    measured('truth'),
    components,
  ];
}
