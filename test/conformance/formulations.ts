/**
 * Random shapes for every op that is lowered in more than one way. A case is made from its kind and number
 * alone, so Node and a page mean the same one.
 */
import { float32, type NdArray } from '../../src/array/ndarray.ts';
import { type Random, stream } from '../../src/array/random.ts';
import { backward } from '../../src/graph/autodiff.ts';
import { GraphBuilder } from '../../src/graph/builder.ts';
import type { Graph, Value } from '../../src/graph/ir.ts';
import type { Runtime } from '../../src/runtime/runtime.ts';
import type { Result } from './jobs.ts';

/** Builds a graph from inputs that it makes, and returns its result. */
type Kind = (b: GraphBuilder, random: Random) => Value;

type Pair = readonly [number, number];
type Triple = readonly [number, number, number];

function oneOf<T>(random: Random, ...choices: readonly T[]): T {
  return choices[random.integer(choices.length)] as T;
}

/** A whole number from `low` to `high`, both included. */
function within(random: Random, low: number, high: number): number {
  return low + random.integer(high - low + 1);
}

/** Below, at and above whole blocks of 8 and of 16. */
const channels = (random: Random): number => oneOf(random, 1, 2, 3, 5, 8, 16, 24, 32, 48);
const wholeBlocks = (random: Random): number => oneOf(random, 16, 32, 48);
const batch = (random: Random): number => oneOf(random, 1, 1, 2, 3);

const sizeOfVolume = (random: Random): Triple => [within(random, 5, 7), within(random, 4, 7), within(random, 4, 7)];

/** A layer's input as a convolution leaves it: in blocks, where the device has them. */
function afterConvolution(b: GraphBuilder, random: Random, size: Pair): Value {
  const [n, c, k] = [batch(random), oneOf(random, 3, 16), wholeBlocks(random)];
  const x = b.input('x', 'float32', [n, c, ...size]);
  const y = b.op('Conv', [x, b.input('w', 'float32', [k, c, 1, 1])], { kernel_shape: [1, 1] });
  return oneOf(random, true, false) ? b.op('Relu', [y]) : y;
}

/** A window and, most times, an input that it tiles. */
function tiled(random: Random): { readonly window: Pair; readonly size: Pair; readonly strides: Pair } {
  const window: Pair = [within(random, 2, 3), within(random, 2, 3)];
  const tiles = oneOf(random, true, true, false);
  const size: Pair = tiles
    ? [window[0] * within(random, 2, 4), window[1] * within(random, 2, 4)]
    : [within(random, 5, 11), within(random, 5, 11)];
  return { window, size, strides: tiles ? window : oneOf<Pair>(random, [1, 1], [2, 1], [2, 2]) };
}

interface Convolution {
  readonly n: number;
  readonly c: number;
  readonly k: number;
  readonly size: Pair;
  readonly attributes: { readonly [A in 'kernel_shape' | 'strides' | 'dilations' | 'pads']: number[] };
  readonly output: Pair;
}

/** One group, mostly with stride 1 and pads within the kernel, to which the formulations of gradients apply. */
function convolution(random: Random): Convolution {
  const kernel = [within(random, 1, 3), within(random, 1, 4)];
  const strides = oneOf(random, [1, 1], [1, 1], [1, 1], [2, 1]);
  const dilations = oneOf(random, [1, 1], [1, 1], [2, 1]);
  const reach = kernel.map((taps, i) => (dilations[i] as number) * (taps - 1));
  const pads = Array.from({ length: 4 }, (_, i) => within(random, 0, Math.min(2, reach[i % 2] as number)));
  const size: Pair = [within(random, 5, 9), within(random, 5, 9)];
  const output = size.map((side, i) => {
    const free = side + (pads[i] as number) + (pads[i + 2] as number) - (reach[i] as number) - 1;
    return Math.floor(free / (strides[i] as number)) + 1;
  });
  const [n, c, k] = [batch(random), channels(random), channels(random)];
  return {
    n,
    c,
    k,
    size,
    output: output as unknown as Pair,
    attributes: { kernel_shape: kernel, strides, dilations, pads },
  };
}

/** Gradients by themselves: what every device computes in a formulation of ours. */
const GRADIENTS = {
  "gradient of a convolution's input"(b, random) {
    const { n, c, k, size, output, attributes } = convolution(random);
    const dy = b.input('dy', 'float32', [n, k, ...output]);
    const w = b.input('w', 'float32', [k, c, ...attributes.kernel_shape]);
    return b.op('lamella.ConvGradInput', [dy, w], { ...attributes, input_shape: [n, c, ...size] });
  },
  "gradient of a convolution's weights"(b, random) {
    const { n, c, k, size, output, attributes } = convolution(random);
    const dy = b.input('dy', 'float32', [n, k, ...output]);
    const x = b.input('x', 'float32', [n, c, ...size]);
    return b.op('lamella.ConvGradWeight', [dy, x], attributes);
  },
  "gradient of a depthwise convolution's weights"(b, random) {
    const { n, c, size, output, attributes } = convolution(random);
    const k = c * oneOf(random, 1, 1, 2);
    const dy = b.input('dy', 'float32', [n, k, ...output]);
    const x = b.input('x', 'float32', [n, c, ...size]);
    return b.op('lamella.ConvGradWeight', [dy, x], { ...attributes, group: c });
  },
  'gradient of weights whose windows tile the input'(b, random) {
    const window: Pair = [within(random, 1, 3), within(random, 2, 3)];
    const output: Pair = [within(random, 2, 4), within(random, 2, 4)];
    const [n, c, k] = [batch(random), channels(random), channels(random)];
    const dy = b.input('dy', 'float32', [n, k, ...output]);
    const x = b.input('x', 'float32', [n, c, window[0] * output[0], window[1] * output[1]]);
    return b.op('lamella.ConvGradWeight', [dy, x], { kernel_shape: window, strides: window });
  },
  'gradient of a max pool and a ReLU'(b, random) {
    const { window, size, strides } = tiled(random);
    const x = b.input('x', 'float32', [batch(random), channels(random), ...size]);
    const relu = b.op('Relu', [x]);
    const y = b.op('MaxPool', [relu], { kernel_shape: window, strides });
    const dy = b.input('dy', 'float32', y.shape);
    const dRelu = b.op('lamella.MaxPoolGrad', [relu, dy, y], { kernel_shape: window, strides });
    return b.op('Where', [b.op('Greater', [relu, b.scalar(0)]), dRelu, b.scalar(0)]);
  },
  'gradient of a bias before a max pool'(b, random) {
    const { window, size, strides } = tiled(random);
    const x = b.input('x', 'float32', [batch(random), channels(random), ...size]);
    const y = b.op('MaxPool', [x], { kernel_shape: window, strides });
    const dx = b.op('lamella.MaxPoolGrad', [x, b.input('dy', 'float32', y.shape), y], {
      kernel_shape: window,
      strides,
    });
    return b.sum(dx, oneOf(random, [0, 2, 3], [2, 3]), { keepdims: oneOf(random, true, false) });
  },
} as const satisfies { readonly [kind: string]: Kind };

/** Layers, each with its gradients: what the blocked kernels compute and what lies between them. */
const LAYERS = {
  convolution(b, random) {
    const [n, c, k, group] = [
      oneOf(random, 1, 1, 2, 3, 17),
      channels(random),
      channels(random),
      oneOf(random, 1, 1, 1, 2),
    ];
    const kernel = [within(random, 1, 3), within(random, 1, 4)];
    const x = b.input('x', 'float32', [n, c * group, within(random, 5, 14), within(random, 5, 14)]);
    const w = b.input('w', 'float32', [k * group, c, ...kernel]);
    const bias = oneOf(random, true, false) ? b.input('bias', 'float32', [k * group]) : undefined;
    const y = b.op('Conv', bias === undefined ? [x, w] : [x, w, bias], {
      kernel_shape: kernel,
      group,
      strides: oneOf<Pair>(random, [1, 1], [1, 1], [2, 2], [1, 2]),
      dilations: oneOf<Pair>(random, [1, 1], [1, 1], [2, 1]),
      pads: Array.from({ length: 4 }, () => within(random, 0, 2)),
    });
    return oneOf(random, true, false) ? b.op('Relu', [y]) : y;
  },
  'convolution with a bias before a max pool'(b, random) {
    const { window, size, strides } = tiled(random);
    const [c, k] = [channels(random), wholeBlocks(random)];
    const x = b.input('x', 'float32', [batch(random), c, ...size]);
    const inputs = [x, b.input('w', 'float32', [k, c, 1, 1]), b.input('bias', 'float32', [k])];
    return b.op('MaxPool', [b.op('Conv', inputs, { kernel_shape: [1, 1] })], { kernel_shape: window, strides });
  },
  '3 x 3 convolution'(b, random) {
    const [n, c, k] = [batch(random), wholeBlocks(random), wholeBlocks(random)];
    const x = b.input('x', 'float32', [n, c, within(random, 3, 13), within(random, 3, 13)]);
    const w = b.input('w', 'float32', [k, c, 3, oneOf(random, 3, 3, 3, 1, 2)]);
    const bias = oneOf(random, true, false) ? b.input('bias', 'float32', [k]) : undefined;
    const y = b.op('Conv', bias === undefined ? [x, w] : [x, w, bias], {
      kernel_shape: w.shape.slice(2),
      pads: Array.from({ length: 4 }, (_, i) => within(random, 0, (w.shape[2 + (i % 2)] as number) - 1)),
    });
    return oneOf(random, true, false) ? b.op('Relu', [y]) : y;
  },
  'depthwise convolution and a clip'(b, random) {
    const [n, c] = [batch(random), wholeBlocks(random)];
    const kernel = [within(random, 1, 3), within(random, 1, 4)];
    const x = b.input('x', 'float32', [n, c, within(random, 5, 14), within(random, 5, 14)]);
    const w = b.input('w', 'float32', [c, 1, ...kernel]);
    const bias = oneOf(random, true, false) ? b.input('bias', 'float32', [c]) : undefined;
    const y = b.op('Conv', bias === undefined ? [x, w] : [x, w, bias], {
      kernel_shape: kernel,
      group: c,
      strides: oneOf<Pair>(random, [1, 1], [2, 2], [1, 2], [3, 1]),
      dilations: oneOf<Pair>(random, [1, 1], [1, 1], [2, 1]),
      pads: Array.from({ length: 4 }, () => within(random, 0, 2)),
    });
    const [low, high] = [b.scalar(-0.25), b.scalar(0.5)];
    return b.op('Clip', oneOf<(Value | undefined)[]>(random, [y, low, high], [y, low], [y, undefined, high]));
  },
  'down-sampling convolution'(b, random) {
    const { window, size } = tiled(random);
    const [c, k] = [channels(random), channels(random)];
    const x = b.input('x', 'float32', [batch(random), c, ...size]);
    const w = b.input('w', 'float32', [k, c, ...window]);
    return b.op('Conv', [x, w], { kernel_shape: window, strides: window });
  },
  'up-convolution'(b, random) {
    const { window, strides } = tiled(random);
    const [c, k] = oneOf<Pair>(random, [16, 16], [32, 16], [16, 48], [5, 3]);
    const x = b.input('x', 'float32', [batch(random), c, within(random, 2, 5), within(random, 2, 5)]);
    const w = b.input('w', 'float32', [c, k, ...window]);
    const bias = oneOf(random, true, false) ? b.input('bias', 'float32', [k]) : undefined;
    return b.op('ConvTranspose', bias === undefined ? [x, w] : [x, w, bias], { kernel_shape: window, strides });
  },
  'max pool'(b, random) {
    const { window, size, strides } = tiled(random);
    return b.op('MaxPool', [afterConvolution(b, random, size)], { kernel_shape: window, strides });
  },
  'average pool'(b, random) {
    const { window, size, strides } = tiled(random);
    return b.op('AveragePool', [afterConvolution(b, random, size)], { kernel_shape: window, strides });
  },
  upsampling(b, random) {
    const x = afterConvolution(b, random, [within(random, 2, 6), within(random, 2, 6)]);
    const scales = b.constant(float32([4], [1, 1, within(random, 1, 3), within(random, 1, 3)]));
    return b.op('Resize', [x, undefined, scales], {
      mode: 'nearest',
      coordinate_transformation_mode: 'asymmetric',
      nearest_mode: 'floor',
    });
  },
  'skip with a crop'(b, random) {
    const [h, w] = [within(random, 5, 9), within(random, 5, 9)];
    const x = afterConvolution(b, random, [h, w]);
    const [n, c] = x.shape as readonly [number, number];
    const [top, left] = [within(random, 0, 2), within(random, 0, 2)];
    const size = [h - top - 1, w - left - 1];
    const cut = b.slice(x, [top, left], [h - 1, w - 1], [2, 3]);
    const kernel = [h - (size[0] as number) + 1, w - (size[1] as number) + 1];
    const k = oneOf(random, 16, 32, 5);
    const deep = b.op('Conv', [x, b.input('w2', 'float32', [k, c, ...kernel])], { kernel_shape: kernel });
    const scale = b.input('scale', 'float32', [n, c + k, 1, 1]);
    return b.mul(b.op('Concat', [cut, deep], { axis: 1 }), scale);
  },
} as const satisfies { readonly [kind: string]: Kind };

/** Layers on volumes [N, C, D, H, W], each with its gradients. */
const VOLUMES = {
  // WebGPU has no groups here: a gap in conformance.test.ts.
  'convolution of a volume'(b, random) {
    const [n, c, k] = [oneOf(random, 1, 2), oneOf(random, 1, 3, 16), oneOf(random, 2, 5, 16)];
    const kernel = oneOf<Triple>(random, [3, 3, 3], [1, 3, 3], [2, 1, 3]);
    const x = b.input('x', 'float32', [n, c, ...sizeOfVolume(random)]);
    const w = b.input('w', 'float32', [k, c, ...kernel]);
    const y = b.op('Conv', [x, w, b.input('bias', 'float32', [k])], {
      kernel_shape: kernel,
      strides: oneOf<Triple>(random, [1, 1, 1], [1, 1, 1], [2, 2, 2], [1, 2, 2]),
      dilations: oneOf<Triple>(random, [1, 1, 1], [1, 1, 1], [2, 1, 1]),
      pads: Array.from({ length: 6 }, () => within(random, 0, 2)),
    });
    return b.op('Relu', [y]);
  },
  'up-convolution of a volume'(b, random) {
    const window: Triple = [within(random, 1, 3), 2, within(random, 1, 3)];
    const [c, k] = oneOf<Pair>(random, [16, 16], [5, 3]);
    const x = b.input('x', 'float32', [oneOf(random, 1, 2), c, ...sizeOfVolume(random)]);
    const inputs = [x, b.input('w', 'float32', [c, k, ...window]), b.input('bias', 'float32', [k])];
    return b.op('ConvTranspose', inputs, {
      kernel_shape: window,
      strides: oneOf<Triple>(random, window, window, [1, 1, 1], [2, 1, 2]),
      pads: [oneOf(random, 0, 1), 0, 0, oneOf(random, 0, 1), 0, 0],
    });
  },
  'max pool of a volume'(b, random) {
    const window = oneOf<Triple>(random, [2, 2, 2], [1, 2, 2], [1, 3, 2]);
    const x = b.input('x', 'float32', [oneOf(random, 1, 2), channels(random), ...sizeOfVolume(random)]);
    return b.op('MaxPool', [x], { kernel_shape: window, strides: window });
  },
  'upsampling of a volume'(b, random) {
    const x = b.input('x', 'float32', [oneOf(random, 1, 2), channels(random), ...sizeOfVolume(random)]);
    const scales = b.constant(float32([5], [1, 1, ...[1, 2, 3].map(() => within(random, 1, 3))]));
    return b.op('Resize', [x, undefined, scales], {
      mode: 'nearest',
      coordinate_transformation_mode: 'asymmetric',
      nearest_mode: 'floor',
    });
  },
} as const satisfies { readonly [kind: string]: Kind };

export type GradientName = keyof typeof GRADIENTS;
export type LayerName = keyof typeof LAYERS;
export type VolumeName = keyof typeof VOLUMES;
type KindName = GradientName | LayerName | VolumeName;
export const GRADIENT_NAMES = Object.keys(GRADIENTS) as readonly GradientName[];
export const LAYER_NAMES = Object.keys(LAYERS) as readonly LayerName[];
export const VOLUME_NAMES = Object.keys(VOLUMES) as readonly VolumeName[];

/** The result `y` of a case; for a layer also the gradient of the sum of y dy for every input. */
export function graphOf(kind: KindName, index: number): Graph {
  const b = new GraphBuilder(`${kind} ${index}`);
  const build: Kind = { ...GRADIENTS, ...LAYERS, ...VOLUMES }[kind];
  const y = build(b, stream(20260101, kind, 0, index));
  if (kind in GRADIENTS) return b.build([b.output(y, 'y')]);
  const parameters = b.build([y]).inputs;
  const loss = b.op('ReduceSum', [b.mul(y, b.input('dy', 'float32', y.shape))], { keepdims: 0 });
  const gradients = backward(b, b.build([loss]).nodes, loss, parameters);
  const outputs = gradients.map((value, i) => b.output(value, `d${(parameters[i] as Value).name}`));
  return b.build([b.output(y, 'y'), ...outputs]);
}

/** Inputs between -1 and 1. */
function feedsOf(graph: Graph): { readonly [input: string]: NdArray } {
  return Object.fromEntries(
    graph.inputs.map(({ name, shape }) => {
      const random = stream(1, `${graph.name} ${name}`);
      const array = float32(shape);
      for (let i = 0; i < array.data.length; i++) array.data[i] = random.between(-1, 1);
      return [name, array];
    }),
  );
}

/** Runs one case. @param exact by the reference decompositions instead of the device's formulations */
async function runCase(runtime: Runtime, kind: KindName, index: number, exact: boolean): Promise<Result> {
  try {
    const graph = graphOf(kind, index);
    const program = await runtime.compile(graph, { exact });
    try {
      const results = await program.run(feedsOf(graph));
      return Object.fromEntries(Object.entries(results).map(([name, { data }]) => [name, Array.from(data, Number)]));
    } finally {
      await program.dispose();
    }
  } catch (error) {
    return { error: String(error) };
  }
}

/** The first `count` cases of a kind. */
export async function runKind(
  runtime: Runtime,
  kind: KindName,
  count: number,
  exact = false,
): Promise<readonly Result[]> {
  const results: Result[] = [];
  for (let i = 0; i < count; i++) results.push(await runCase(runtime, kind, i, exact));
  return results;
}
