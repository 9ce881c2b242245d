import type { Shape4 } from '../array/ndarray.ts';
import { constant } from '../nn/initialise.ts';
import { dense, flatten } from '../nn/layers.ts';
import { type Network, NetworkBuilder } from '../nn/network.ts';
import type { ImageNetworkSpec, NetworkDefinition } from './definition.ts';

/** One layer and a sign: Rosenblatt 1958. More than two classes have one output each. */
export interface PerceptronSpec extends ImageNetworkSpec {
  readonly name: 'perceptron';
}

/**
 * The perceptron, y = sign(w.x + b), initially w = 0. With one output it separates two classes; with one output per
 * class the largest wins. Rosenblatt 1958.
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

export const PERCEPTRON: NetworkDefinition<PerceptronSpec> = {
  title: 'A perceptron',
  summary: 'one layer and a sign (Rosenblatt 1958), for classes of whole images',
  build: perceptron,
  options: [],
  typical: { spec: { name: 'perceptron', channels: 1, numClasses: 10, input: [28, 28] }, size: [28, 28] },
  singleOutput: true,
  // Rosenblatt's rule: one image per step, which corrects the weights if it is misclassified. The learning rate only
  // scales w.
  training: {
    loss: { name: 'perceptron' },
    optimizer: { name: 'sgd', momentum: 0 },
    learningRate: 1,
    schedule: { name: 'constant' },
    batch: 1,
    otherLoss: { learningRate: 0.1, batch: 32 },
    minutes: 1,
    passes: 100,
    patch: 0,
    separation: null,
    clipNorm: null,
    averageDecay: null,
  },
};
