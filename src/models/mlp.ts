import type { Shape4 } from '../array/ndarray.ts';
import type { Value } from '../graph/ir.ts';
import { heNormal, xavierUniform } from '../nn/initialise.ts';
import { dense, dropout, flatten, relu } from '../nn/layers.ts';
import { type Network, NetworkBuilder } from '../nn/network.ts';
import type { HiddenActivation, MlpSpec } from './spec.ts';

/** The defaults of `MlpSpec`, in one place. */
export const MLP_DEFAULTS = { hidden: [512, 512], activation: 'relu', dropout: 0 } as const;

const ACTIVATIONS: { readonly [A in HiddenActivation]: (net: NetworkBuilder, x: Value) => Value } = {
  relu,
  tanh: (net, x) => net.op('Tanh', [x]),
  sigmoid: (net, x) => net.op('Sigmoid', [x]),
};

/**
 * Multi-layer perceptron: dense layers, each but the last followed by a nonlinearity. Rumelhart, Hinton & Williams
 * 1986. Weights begin as Glorot & Bengio 2010 for tanh and sigmoid, as He et al. 2015 for ReLU.
 *
 * [N, channels, H, W] -> [N, numClasses]
 */
export function mlp(spec: MlpSpec, [batch]: Shape4, { training = false }: { training?: boolean } = {}): Network {
  const {
    channels,
    numClasses,
    input: [height, width],
    hidden = MLP_DEFAULTS.hidden,
    activation = MLP_DEFAULTS.activation,
    dropout: rate = MLP_DEFAULTS.dropout,
  } = spec;
  const net = new NetworkBuilder('mlp', { training });
  const input = net.input('image', 'float32', [batch, channels, height, width]);
  const initialise = activation === 'relu' ? heNormal() : xavierUniform();
  let x = flatten(net, input);
  hidden.forEach((units, i) => {
    const name = `hidden${i + 1}`;
    const y = ACTIVATIONS[activation](net, dense(net, x, units, { name, initialise }));
    x = dropout(net, y, rate, { name: `dropout${i + 1}` });
  });
  return net.finish(input, dense(net, x, numClasses, { name: 'output', initialise: xavierUniform() }));
}
