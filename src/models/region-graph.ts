import type { Graph, Value } from '../graph/ir.ts';
import type { Network } from '../nn/network.ts';
import { PROBABILITIES_NAME } from './prediction.ts';

/**
 * `probabilityGraph` of a network whose logits are of regions that may overlap, each in the channel of the class that it is
 * shown as. With s_k the sigmoid of the k-th region in their order, class k has
 *
 *     p_k ~ min(s_k, 1 - s_j for all j > k),   p_0 ~ min(1 - s_j for all j),   which sum to 1
 *
 * so that the most probable class is that of the last region with s_k > 1/2, or class 0, as nnU-Net paints them.
 */
export function regionGraph({ builder: b, logits }: Network, regions: readonly { readonly shownAs: number }[]): Graph {
  const each = b.op('Sigmoid', [logits]);
  const one = b.scalar(1);
  const maps: Value[] = [];
  let outside: Value | undefined;
  for (const { shownAs } of regions.toReversed()) {
    const inside = b.slice(each, [shownAs], [shownAs + 1], [1]);
    const not = b.sub(one, inside);
    maps[shownAs] = outside === undefined ? inside : b.op('Min', [inside, outside]);
    outside = outside === undefined ? not : b.op('Min', [not, outside]);
  }
  maps[0] = outside as Value;
  const all = b.op('Concat', maps, { axis: 1 });
  return b.build([b.output(b.div(all, b.sum(all, [1], { keepdims: true })), PROBABILITIES_NAME)]);
}
