import { isClass, type Loss, weightedMean, withChannel } from './loss.ts';

/**
 * The perceptron's criterion, whose gradient is Rosenblatt's rule: correct samples have none, misclassified ones move w
 * by x.
 *
 *     one output:   L = sum_x w max(0, -s z) / sum_x w,  s = +1 for class 1, else -1; z = 0 counts as wrong
 *     n outputs:    L = sum_x w (max_k z_k - z_t) / sum_x w
 *
 * so that a step with learning rate 1 on one image adds s x, or adds x to the weights of the true class and subtracts
 * it from those of the winner. Rosenblatt 1958; Duda & Hart 1973, sections 5.5 and 5.12. PyTorch has no counterpart in
 * which z = 0 counts as wrong.
 */
export function perceptronCriterion(): Loss {
  return (b, logits, { labels, weights }) => {
    const chosen = isClass(b, labels, logits);
    if (logits.shape[1] === 1) {
      const against = b.mul(logits, b.op('Where', [chosen, b.scalar(-1), b.scalar(1)]));
      const wrong = b.op('Where', [b.op('GreaterOrEqual', [against, b.scalar(0)]), against, b.scalar(0)]);
      return weightedMean(b, wrong, withChannel(b, weights));
    }
    const highest = b.op('ReduceMax', [logits, b.ints([1])], { keepdims: 1 });
    const own = b.sum(b.op('Where', [chosen, logits, b.scalar(0)]), [1], { keepdims: true });
    return weightedMean(b, b.sub(highest, own), withChannel(b, weights));
  };
}
