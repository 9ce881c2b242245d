/**
 * The interface of a loss. To add one: a function from options to a `Loss` in its own file here, its line in `LOSSES`
 * in `registry.ts`, its test.
 */
import type { Value } from '../../graph/ir.ts';
import type { Build } from '../../graph/op-row.ts';

/** The target that the logits are compared with. */
export interface Target {
  /**
   * int32 [N, H, W]: the class of each pixel. With one logit channel 1 is foreground and everything else background.
   * Where the weight is 0, any value is allowed. Of losses of maps float32 [N, C, H, W]: `mapTargets`.
   */
  readonly labels: Value;
  /** float32 [N, H, W], >= 0: the weight of each pixel; 0 means ignored. */
  readonly weights: Value;
}

/**
 * Appends the loss of `logits`, float32 [N, C, H, W], to the graph and returns it: a scalar, shape [], 0 if all weights
 * are 0. For networks of vectors the shapes are [N, C] and [N].
 */
export type Loss = (b: Build, logits: Value, target: Target) => Value;

/** A loss that compares maps with maps, not logits with classes. */
export type MapLoss = Loss & { readonly ofMaps: true };

export const ofMaps = (loss: Loss): MapLoss => Object.assign(loss, { ofMaps: true } as const);

export const isMapLoss = (loss: Loss): loss is MapLoss => 'ofMaps' in loss;

/** [N, H, W] as [N, 1, H, W]. */
export function withChannel(b: Build, x: Value): Value {
  return b.op('Unsqueeze', [x, b.ints([1])]);
}

/** Whether each label equals the channel's class, bool [N, C, H, W]; with one channel, whether it is 1. */
export function isClass(b: Build, labels: Value, logits: Value): Value {
  const channels = logits.shape[1];
  const classes = Int32Array.from({ length: channels }, (_, c) => (channels === 1 ? 1 : c));
  const shape = logits.shape.map((_, i) => (i === 1 ? channels : 1));
  return b.op('Equal', [withChannel(b, labels), b.constant({ dtype: 'int32', shape, data: classes })]);
}

/** sum(weights * perPixel) / sum(weights), 0 if all weights are 0. Both have the same shape. */
export function weightedMean(b: Build, perPixel: Value, weights: Value): Value {
  const axes = perPixel.shape.map((_, i) => i);
  const total = b.op('Max', [b.sum(weights, axes), b.scalar(1e-12)]);
  return b.div(b.sum(b.mul(perPixel, weights), axes), total);
}
