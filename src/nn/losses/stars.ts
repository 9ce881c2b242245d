import type { Value } from '../../graph/ir.ts';
import type { Build } from '../../graph/op-row.ts';
import { type MapLoss, ofMaps, weightedMean, withChannel } from './loss.ts';

export interface StarLossOptions {
  /** Weight of the distances beside the probability. Default 0.2. */
  readonly distanceWeight?: number;
  /** Weight of distances where there is no object, which are drawn to 0. Default 1e-4. */
  readonly backgroundWeight?: number;
}

/**
 * The loss of star-convex polygons: with the logit z of the probability, distances d of `rays` rays, their targets p
 * and t (`mapTargets`), and the pixel weight w,
 *
 *     L = sum w [softplus(z) - p z] / sum w  +  a ( sum w p |d - t| / sum w p  +  b sum w (1 - p) |d| / sum w )
 *
 * where |.| is the mean over the rays, a = `distanceWeight` and b = `backgroundWeight`. Schmidt et al. 2018, equation 2
 * with the weights of StarDist (`train_loss_weights`, `train_background_reg`), whose loss of distances is divided by the
 * mean of p as well.
 */
export function stars({ distanceWeight = 0.2, backgroundWeight = 1e-4 }: StarLossOptions = {}): MapLoss {
  return ofMaps((b, maps, { labels, weights }) => {
    const last = maps.shape[1] as number;
    const w = withChannel(b, weights);
    const [z, distances] = [b.slice(maps, [0], [1], [1]), b.slice(maps, [1], [last], [1])];
    const [p, aims] = [b.slice(labels, [0], [1], [1]), b.slice(labels, [1], [last], [1])];
    const inside = b.mul(w, p);
    const outside = b.sub(w, inside);
    const near = weightedMean(b, meanOfRays(b, b.sub(distances, aims)), inside);
    const far = b.div(
      weightedSum(b, meanOfRays(b, distances), outside),
      b.op('Max', [b.sum(w, [0, 1, 2, 3]), b.scalar(1e-12)]),
    );
    const distance = b.add(near, b.mul(far, b.scalar(backgroundWeight)));
    return b.add(weightedMean(b, softCrossEntropy(b, z, p), w), b.mul(distance, b.scalar(distanceWeight)));
  });
}

/** Cross entropy of a logit with a target of 0..1, softplus(z) - p z. */
export const softCrossEntropy = (b: Build, z: Value, p: Value): Value => b.sub(b.op('Softplus', [z]), b.mul(p, z));

const meanOfRays = (b: Build, differences: Value): Value =>
  b.op('ReduceMean', [b.op('Abs', [differences]), b.ints([1])], { keepdims: 1 });

const weightedSum = (b: Build, perPixel: Value, weights: Value): Value => b.sum(b.mul(perPixel, weights), [0, 1, 2, 3]);
