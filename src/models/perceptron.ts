import type { Shape4 } from '../array/ndarray.ts';
import { constant } from '../nn/initialise.ts';
import { dense, flatten } from '../nn/layers.ts';
import { type Network, NetworkBuilder } from '../nn/network.ts';
import type { PerceptronSpec } from './spec.ts';

/**
 * The perceptron, y = sign(w.x + b), from w = 0. With one output it divides two classes; with one output a class the
 * largest wins. Rosenblatt 1958.
 *
 * [N, channels, H, W] -> [N, numClasses]
 */
export function perceptron(
  { channels, numClasses, input: [height, width] }: PerceptronSpec,
  [batch]: Shape4,
  { training = false }: { training?: boolean } = {},
): Network {
  const net = new NetworkBuilder('perceptron', { training });
  const input = net.input('image', 'float32', [batch, channels, height, width]);
  return net.finish(input, dense(net, flatten(net, input), numClasses, { name: 'output', initialise: constant(0) }));
}
