/** Scores of objects that are found in maps, and the threshold that is best on them. */

import { type DecodeOptions, decodeMaps, USUAL_THRESHOLD } from '../objects/decode-maps.ts';
import { labelGrid } from '../objects/grid.ts';
import type { MapKind } from '../objects/object-maps.ts';
import { ignoreMask } from './ignore-mask.ts';
import { ObjectScorer } from './objects.ts';
import { objectScores, type Scorer } from './scorer.ts';

/**
 * Tried on validation images. The middle of an object, which stars learn to be 1, is far below it early in training, as
 * most pixels of objects are nearer their border; whether a pixel belongs to an object is not.
 */
export const MAP_THRESHOLDS: { readonly [K in MapKind]: readonly number[] } = {
  stars: [0.2, 0.3, 0.4, 0.5, 0.6, 0.7],
  flows: [0.3, 0.4, 0.5, 0.6, 0.7],
};

/**
 * Average precision of objects at IoU 0.5.
 * @param options threshold: as `DecodeOptions.threshold`. Default: that of `MAP_THRESHOLDS` which is best on the slices, of
 * equal ones the nearest to 0.5; it is returned as `separation`, and among the scores.
 */
export function mapScorer(by: MapKind, options: Pick<DecodeOptions, 'threshold'> = {}): Scorer {
  const thresholds = options.threshold === undefined ? MAP_THRESHOLDS[by] : [options.threshold];
  const tried = thresholds.map((threshold) => ({ threshold, scorer: new ObjectScorer() }));
  return {
    add({ page: { height, width, label }, probabilities, objects = new Int32Array(label.length) }) {
      const shape = [height, width];
      const truth = labelGrid(objects, shape);
      const mask = ignoreMask(label, shape);
      for (const { threshold, scorer } of tried)
        scorer.add(truth, decodeMaps(by, probabilities, { threshold }).labels, mask);
    },
    result() {
      const all = tried.map(({ threshold, scorer }) => ({ threshold, ...objectScores(scorer) }));
      const best = all.reduce((a, b) => {
        const isNearer = Math.abs(b.threshold - USUAL_THRESHOLD) < Math.abs(a.threshold - USUAL_THRESHOLD);
        return b.score > a.score || (b.score === a.score && isNearer) ? b : a;
      });
      const { threshold, scores, ...others } = best;
      return { ...others, scores: { ...scores, threshold }, separation: { by, threshold } };
    },
  };
}
