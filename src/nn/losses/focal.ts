import { sigmoidTerm, softmaxTerm } from './cross-entropy.ts';
import { isClass, type Loss, weightedMean, withChannel } from './loss.ts';

export interface FocalOptions {
  /** How strongly easy pixels are down-weighted, >= 0; default 2. With 0 it is cross entropy. */
  readonly gamma?: number;
  /** For one logit channel only: weight of the foreground, with 1 - alpha for the background; default: both 1. */
  readonly alpha?: number;
}

/**
 * Focal loss, L = sum_x w a (1 - p_t)^gamma (-log p_t) / sum_x w, where p_t is the probability of the true class. Lin
 * et al. 2017, equation 5.
 */
export function focal({ gamma = 2, alpha }: FocalOptions = {}): Loss {
  return (b, logits, { labels, weights }) => {
    const single = logits.shape[1] === 1;
    const entropy = single ? sigmoidTerm(b, logits, labels) : softmaxTerm(b, logits, labels);
    // 1 - p_t = 1 - exp(-entropy); kept above 0, where the derivative of a power below 1 is infinite.
    const miss = b.op('Max', [b.sub(b.scalar(1), b.op('Exp', [b.neg(entropy)])), b.scalar(1e-12)]);
    const factor = gamma === 2 ? b.mul(miss, miss) : b.op('Pow', [miss, b.scalar(gamma)]);
    const perPixel = b.mul(factor, entropy);
    if (alpha === undefined || !single) return weightedMean(b, perPixel, withChannel(b, weights));
    const balance = b.op('Where', [isClass(b, labels, logits), b.scalar(alpha), b.scalar(1 - alpha)]);
    return weightedMean(b, b.mul(perPixel, balance), withChannel(b, weights));
  };
}
