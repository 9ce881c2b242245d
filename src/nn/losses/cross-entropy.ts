import type { Value } from '../../graph/ir.ts';
import type { Build } from '../../graph/op-row.ts';
import { isClass, type Loss, weightedMean, withChannel } from './loss.ts';

/**
 * Softmax cross entropy with pixel weights, or with one logit channel sigmoid cross entropy:
 *
 *     L = sum_x w(x) l(x) / sum_x w(x),   l(x) = -log p_{t(x)}(x),   p_k = exp(z_k) / sum_j exp(z_j)
 *
 * where t is the label, w the weight of pixel x and z the logits. L >= 0; log(C) for equal logits. Ronneberger et al.
 * 2015, equation 1, divided by the sum of the weights; as PyTorch's `cross_entropy` and
 * `binary_cross_entropy_with_logits`. Finite for all finite logits.
 */
export function crossEntropy(): Loss {
  return (b, logits, { labels, weights }) => {
    const perPixel = logits.shape[1] === 1 ? sigmoidTerm(b, logits, labels) : softmaxTerm(b, logits, labels);
    return weightedMean(b, perPixel, withChannel(b, weights));
  };
}

/**
 * Sigmoid cross entropy per channel, one against the rest (channel c: whether the label is c; a single channel: whether
 * it is 1), averaged over the channels:
 *
 *     l(x) = 1/C sum_c softplus(-s_c z_c),   s_c = +1 where the label is c, else -1
 */
export function sigmoidCrossEntropy(): Loss {
  return (b, logits, { labels, weights }) => {
    const terms = sigmoidTerm(b, logits, labels);
    const perPixel = logits.shape[1] === 1 ? terms : b.op('ReduceMean', [terms, b.ints([1])], { keepdims: 1 });
    return weightedMean(b, perPixel, withChannel(b, weights));
  };
}

/** -log sigmoid(s z) = softplus(-s z) for each channel, [N, C, H, W]. */
export function sigmoidTerm(b: Build, logits: Value, labels: Value): Value {
  const sign = b.op('Where', [isClass(b, labels, logits), b.scalar(-1), b.scalar(1)]);
  return b.op('Softplus', [b.mul(logits, sign)]);
}

/** -log softmax(z)_t, [N, 1, H, W]. */
export function softmaxTerm(b: Build, logits: Value, labels: Value): Value {
  const chosen = isClass(b, labels, logits);
  if (logits.shape[1] === 2) {
    // Two classes: softplus(z_other - z_t), half the passes of LogSoftmax along a strided axis.
    const sign = b.op('Where', [chosen, b.scalar(-1), b.scalar(1)]);
    return b.op('Softplus', [b.sum(b.mul(logits, sign), [1], { keepdims: true })]);
  }
  const mask = b.op('Where', [chosen, b.scalar(-1), b.scalar(0)]);
  return b.sum(b.mul(b.op('LogSoftmax', [logits], { axis: 1 }), mask), [1], { keepdims: true });
}
