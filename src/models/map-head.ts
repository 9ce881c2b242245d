/** From the logits of a network to maps of stars or flows. */

import { float32 } from '../array/ndarray.ts';
import type { Graph, Value } from '../graph/ir.ts';
import type { Network } from '../nn/network.ts';
import { FLOW_UNIT, mapChannels, type ObjectMaps } from '../objects/object-maps.ts';

/**
 * The network with the maps that its loss compares as its logits, float32 [N, channels, H, W]:
 *
 *     stars: z_0, scalePx (1 + z_1), scalePx (1 + z_2), ...      flows: 5 z_0, 5 z_1, z_2
 *
 * so that outputs of about 1, with which training begins, are distances and flows of the right size.
 */
export function withMapHead(network: Network, maps: ObjectMaps): Network {
  const { builder: b, logits } = network;
  const channels = mapChannels(maps);
  const perChannel = (of: (channel: number) => number): Value =>
    b.constant(
      float32(
        [1, channels, 1, 1],
        Float32Array.from({ length: channels }, (_, channel) => of(channel)),
      ),
    );
  const stretched = (factor: (channel: number) => number): Value => b.mul(logits, perChannel(factor));
  if (maps.by === 'flows') return { ...network, logits: stretched((channel) => (channel < 2 ? FLOW_UNIT : 1)) };
  const { scalePx } = maps;
  const shift = perChannel((channel) => (channel === 0 ? 0 : scalePx));
  return {
    ...network,
    logits: b.add(
      stretched((channel) => (channel === 0 ? 1 : scalePx)),
      shift,
    ),
  };
}

/**
 * What a file gives, as the output `stars` or `flows`: of stars the probability and not its logit, as StarDist; of flows
 * the maps as they are, as Cellpose.
 */
export function mapGraph(network: Network, maps: ObjectMaps): Graph {
  const { builder: b, logits } = withMapHead(network, maps);
  if (maps.by === 'flows') return b.build([b.output(logits, maps.by)]);
  const probability = b.op('Sigmoid', [b.slice(logits, [0], [1], [1])]);
  const distances = b.slice(logits, [1], [mapChannels(maps)], [1]);
  return b.build([b.output(b.op('Concat', [probability, distances], { axis: 1 }), maps.by)]);
}
