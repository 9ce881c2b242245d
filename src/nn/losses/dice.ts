import type { Value } from '../../graph/ir.ts';
import { axesFrom, type Build } from '../../graph/op-row.ts';
import { crossEntropy } from './cross-entropy.ts';
import { isClass, type Loss, withChannel } from './loss.ts';

export interface DiceOptions {
  /** Added to numerator and denominator; keeps the loss of an absent class at 0. Default 1. */
  readonly smooth?: number;
  /** Whether to sum over the whole batch (default); otherwise the mean of Dice per image. */
  readonly batch?: boolean;
  /** Whether class 0 counts, with several channels; default false. */
  readonly background?: boolean;
}

/**
 * Soft Dice loss, 0..1, of probabilities p (softmax, or sigmoid of a single channel) and one-hot ground truth t:
 *
 *     L = mean_c (1 - (2 sum_x w p t + s) / (sum_x w p + sum_x w t + s))
 *
 * where w are the pixel weights (their scale matters only relative to `smooth`) and s = `smooth`. Milletari et al.
 * 2016, with sums instead of sums of squares as in Drozdzal et al. 2016.
 */
export function dice({ smooth = 1, batch = true, background = false }: DiceOptions = {}): Loss {
  return (b, logits, { labels, weights }) => {
    const axes = batch ? [0, ...axesFrom(logits, 2)] : axesFrom(logits, 2);
    const p = b.mul(probabilities(b, logits), withChannel(b, weights));
    const t = b.op('Cast', [isClass(b, labels, logits)], { to: 'float32' });
    const [s, two] = [b.scalar(smooth), b.scalar(2)];
    const overlap = b.sum(b.mul(p, t), axes);
    const sizes = b.add(b.sum(p, axes), b.sum(b.mul(t, withChannel(b, weights)), axes));
    const score = b.div(b.add(b.mul(two, overlap), s), b.add(sizes, s));
    const channels = logits.shape[1];
    const counted = channels > 1 && !background ? b.slice(score, [1], [channels], [score.shape.length - 1]) : score;
    const all = b.ints(counted.shape.map((_, i) => i));
    return b.sub(b.scalar(1), b.op('ReduceMean', [counted, all], { keepdims: 0 }));
  };
}

/** Soft Dice plus cross entropy, L = L_dice + L_ce, as in nnU-Net (Isensee et al. 2021). */
export function diceCrossEntropy(options: DiceOptions = {}): Loss {
  const [overlap, entropy] = [dice(options), crossEntropy()];
  return (b, logits, target) => b.add(overlap(b, logits, target), entropy(b, logits, target));
}

function probabilities(b: Build, logits: Value): Value {
  return logits.shape[1] === 1 ? b.op('Sigmoid', [logits]) : b.op('Softmax', [logits], { axis: 1 });
}
