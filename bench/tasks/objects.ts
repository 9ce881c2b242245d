/** Components, distances and watershed of a picture that the suite left in a folder. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ndarray } from '../../src/array/ndarray.ts';
import { connectedComponents } from '../../src/objects/connected-components.ts';
import { distanceToZero } from '../../src/objects/distance-transform.ts';
import { watershed } from '../../src/objects/seeded-watershed.ts';
import type { Task } from './task.ts';

export interface ObjectsTask {
  readonly what: 'label' | 'labelInto' | 'distance' | 'watershed';
  readonly folder: string;
  readonly side: number;
}

export async function objectsTask({ what, folder, side }: ObjectsTask): Promise<Task> {
  const shape = [side, side];
  const bytes = (name: string) => Uint8Array.from(readFileSync(join(folder, `${name}.raw`)));
  const mask = ndarray('uint8', shape, bytes('mask'));
  const image = ndarray('float32', shape, new Float32Array(bytes('image').buffer));
  const seeds = ndarray('int32', shape, new Int32Array(bytes('seeds').buffer));
  const out = new Int32Array(side * side);
  const jobs = {
    label: () => connectedComponents(mask),
    labelInto: () => connectedComponents(mask, { out }),
    distance: () => distanceToZero(mask),
    watershed: () => watershed(image, seeds),
  };
  return {
    run: async () => {
      jobs[what]();
    },
  };
}
