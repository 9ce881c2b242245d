import type { Shape4 } from '../array/ndarray.ts';
import type { Value } from '../graph/ir.ts';
import { heNormal, xavierUniform } from '../nn/initialise.ts';
import { dense, dropout, flatten, relu } from '../nn/layers.ts';
import { type Network, NetworkBuilder } from '../nn/network.ts';
import type { ImageNetworkSpec, NetworkDefinition } from './definition.ts';

/** A multi-layer perceptron. */
export interface MlpSpec extends ImageNetworkSpec {
  readonly name: 'mlp';
  /** Units of each hidden layer; default [512, 512]. */
  readonly hidden?: readonly number[];
  /** Default `relu`. */
  readonly activation?: HiddenActivation;
  /** Dropout rate after each hidden layer; default 0. */
  readonly dropout?: number;
}

/** The nonlinearity between dense layers. */
export const ACTIVATIONS = {
  relu,
  tanh: (net, x) => net.op('Tanh', [x]),
  sigmoid: (net, x) => net.op('Sigmoid', [x]),
} satisfies { readonly [name: string]: (net: NetworkBuilder, x: Value) => Value };
export type HiddenActivation = keyof typeof ACTIVATIONS;

/**
 * Multi-layer perceptron: dense layers, each but the last followed by a nonlinearity. Rumelhart, Hinton & Williams
 * 1986. Weights are initialised as in Glorot & Bengio 2010 for tanh and sigmoid, as in He et al. 2015 for ReLU.
 *
 * [N, channels, H, W] -> [N, numClasses]
 */
export function mlp(spec: MlpSpec, [batch]: Shape4, { training = false }: { training?: boolean } = {}): Network {
  const {
    channels,
    numClasses,
    input: [height, width],
    hidden = [512, 512],
    activation = 'relu',
    dropout: rate = 0,
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

export const MLP: NetworkDefinition<MlpSpec> = {
  title: 'A multi-layer perceptron',
  summary: 'dense layers with tanh, sigmoid or ReLU between, for classes of whole images',
  build: mlp,
  options: ['hidden', 'activation', 'dropout'],
  typical: { spec: { name: 'mlp', channels: 1, numClasses: 10, input: [28, 28] }, size: [28, 28] },
  bends: true,
  training: {
    loss: { name: 'ce' },
    optimizer: { name: 'adamw', weightDecay: 0.01 },
    learningRate: 1e-3,
    schedule: { name: 'cosine', warmUp: 50 },
    batch: 128,
    minutes: 1.5,
    patch: 0,
    separation: null,
    clipNorm: null,
    averageDecay: 0.99,
  },
};
