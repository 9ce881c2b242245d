import { FLOW_UNIT } from '../../objects/object-maps.ts';
import { type MapLoss, ofMaps, weightedMean, withChannel } from './loss.ts';
import { softCrossEntropy } from './stars.ts';

/**
 * The loss of flows: with the flows f along y and x, the logit z of cells, their targets g (unit vectors) and c
 * (`mapTargets`), and the pixel weight w,
 *
 *     L = 1/2 sum w mean (f - 5 g)^2 / sum w  +  sum w [softplus(z) - c z] / sum w
 *
 * where the mean is over y and x. Stringer et al. 2021, as Cellpose computes it.
 */
export function flows(): MapLoss {
  return ofMaps((b, maps, { labels, weights }) => {
    const w = withChannel(b, weights);
    const [f, z] = [b.slice(maps, [0], [2], [1]), b.slice(maps, [2], [3], [1])];
    const [g, c] = [b.slice(labels, [0], [2], [1]), b.slice(labels, [2], [3], [1])];
    const difference = b.sub(f, b.mul(g, b.scalar(FLOW_UNIT)));
    const squares = b.op('ReduceMean', [b.mul(difference, difference), b.ints([1])], { keepdims: 1 });
    return b.add(b.mul(weightedMean(b, squares, w), b.scalar(0.5)), weightedMean(b, softCrossEntropy(b, z, c), w));
  });
}
