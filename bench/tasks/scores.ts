/** Scores of one slice at one threshold, each from the two pictures. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ndarray } from '../../src/array/ndarray.ts';
import { scikitImageAdaptedRand, variationOfInformationBits } from '../../src/metrics/clustering.ts';
import { contingency } from '../../src/metrics/contingency.ts';
import { isbiSliceScores } from '../../src/metrics/isbi.ts';
import { pixelCounts, pixelScores } from '../../src/metrics/pixel-error.ts';
import { WarpingScorer } from '../../src/metrics/warping.ts';
import { connectedComponents } from '../../src/objects/connected-components.ts';
import { vincentSoilleWatershed } from '../../src/objects/watershed.ts';
import type { Task } from './task.ts';

export interface ScoresTask {
  readonly what: 'pixel' | 'rand' | 'information' | 'thinning' | 'warping' | 'all';
  readonly folder: string;
  readonly side: number;
}

export async function scoresTask({ what, folder, side }: ScoresTask): Promise<Task> {
  const shape = [side, side];
  const bytes = (name: string) => Uint8Array.from(readFileSync(join(folder, `${name}.raw`)));
  const truth = ndarray('uint8', shape, bytes('truth'));
  const probability = ndarray('float32', shape, new Float32Array(bytes('probability').buffer));
  const mask = ndarray(
    'uint8',
    shape,
    Uint8Array.from(probability.data, (p) => (p > 0.5 ? 1 : 0)),
  );
  const membrane = ndarray(
    'uint8',
    shape,
    Uint8Array.from(mask.data, (inside) => 1 - inside),
  );
  const table = () => contingency(connectedComponents(truth).labels, connectedComponents(mask).labels);
  const jobs: { readonly [W in ScoresTask['what']]: () => unknown } = {
    pixel: () => pixelScores(pixelCounts(truth, mask)),
    rand: () => scikitImageAdaptedRand(table()),
    information: () => variationOfInformationBits(table()),
    thinning: () => vincentSoilleWatershed(membrane),
    warping: () => new WarpingScorer(truth).score(probability.data, 0.5),
    all: () => isbiSliceScores(truth, probability),
  };
  return {
    run: async () => {
      jobs[what]();
    },
  };
}
