/** What every device must compute alike. Imported by Node and by a page. */
import { elementCount, float32, type NdArray, ndarray } from '../../src/array/ndarray.ts';
import { gradient } from '../../src/graph/autodiff.ts';
import { GraphBuilder } from '../../src/graph/builder.ts';
import type { Graph, Value } from '../../src/graph/ir.ts';
import { unet } from '../../src/models/unet.ts';
import { crossEntropy } from '../../src/nn/losses/cross-entropy.ts';
import { sgd } from '../../src/nn/optimizers/sgd.ts';
import { denseGraph } from '../../src/predict/dense.ts';
import type { Runtime } from '../../src/runtime/runtime.ts';
import { trainingStep } from '../../src/train/step.ts';
import { CASES, type Case, spread } from '../graph/cases.ts';

/** Numbers by output, or what went wrong. */
export type Result = { readonly [output: string]: readonly number[] } | { readonly error: string };

/** The case's outputs and, where it is differentiable, the gradient of a weighted sum of them. */
function graphOf(one: Case): Graph {
  if (one.parameters.length === 0) return one.graph;
  const b = GraphBuilder.from(one.graph);
  const parts = one.graph.outputs
    .filter(({ dtype }) => dtype === 'float32')
    .map((y, i) => {
      const weights = b.constant(float32(y.shape, spread(y.shape, -1, 2, 97 + i)));
      return b.op('ReduceSum', [b.mul(y, weights)], { keepdims: 0 });
    });
  const loss = b.output(
    parts.reduce((sum, part) => b.add(sum, part)),
    'loss',
  );
  return gradient(b.build([...one.graph.outputs, loss]), loss, one.parameters);
}

export const STEPS = 10;
export const TRAINING = `${STEPS} training steps of a small U-Net`;

/** Far out, where a formula that is right near zero gives infinity or NaN. */
const FAR = [-1000, -200, -90, -50, -20, -1, 1, 20, 50, 90, 200, 1000];

/** Activations and losses over `FAR`; rows of three for those that compare classes. */
function farValues(): { readonly graph: Graph; readonly feeds: Case['feeds'] } {
  const b = new GraphBuilder('far values');
  const x = b.input('x', 'float32', [4, 3]);
  const outputs = (['Softplus', 'Sigmoid', 'Tanh', 'Erf', 'Softmax', 'LogSoftmax'] as const).map((op) =>
    b.output(b.op(op, [x]), op),
  );
  return { graph: b.build(outputs), feeds: { x: Float32Array.from(FAR) } };
}

/** A classifier of patches at every pixel at once: dilated convolutions and poolings. */
function dense(): { readonly graph: Graph; readonly feeds: Case['feeds'] } {
  const b = new GraphBuilder('patches');
  const x = b.input('image', 'float32', [1, 1, 12, 12]);
  const weights = (...shape: number[]) =>
    b.constant(float32(shape, spread(shape, -0.5, 0.5, shape.length + elementCount(shape))));
  const stage = (from: Value, channels: number, kernel: number) => {
    const inputs = from.shape[1] as number;
    const y = b.op('Conv', [from, weights(channels, inputs, kernel, kernel), weights(channels)]);
    return b.op('Tanh', [b.op('MaxPool', [y], { kernel_shape: [2, 2], strides: [2, 2] })]);
  };
  // 12 to 10 to 5, to 4 to 2 pixels.
  const flat = b.op('Flatten', [stage(stage(x, 16, 3), 16, 2)], { axis: 1 });
  const y = b.op('Softmax', [b.op('Gemm', [flat, weights(64, 2), weights(2)])], { axis: 1 });
  const graph = denseGraph(b.build([b.output(y, 'probabilities')]), { size: [20, 17] });
  return { graph, feeds: { image: spread([1, 1, 20, 17], -1, 1, 7) } };
}

/** Names of all jobs: every op's forward and gradient, and three more. */
export const JOBS: readonly string[] = [
  ...CASES.filter(({ notInOrt }) => notInOrt === undefined).map(({ name }) => name),
  'far values',
  'a patch classifier at every pixel at once',
  TRAINING,
];

/** Runs every job. @param exact the reference decompositions instead of the device's formulations. */
export async function runJobs(runtime: Runtime, exact = false): Promise<{ [job: string]: Result }> {
  const results: { [job: string]: Result } = {};
  for (const one of CASES) {
    if (one.notInOrt === undefined) results[one.name] = await runGraph(runtime, graphOf(one), one.feeds, exact);
  }
  const { graph, feeds: far } = farValues();
  results['far values'] = await runGraph(runtime, graph, far, exact);
  const patches = dense();
  results['a patch classifier at every pixel at once'] = await runGraph(runtime, patches.graph, patches.feeds, exact);
  results[TRAINING] = await trainSmallUnet(runtime, exact);
  return results;
}

async function runGraph(runtime: Runtime, graph: Graph, numbers: Case['feeds'], exact: boolean): Promise<Result> {
  try {
    const program = await runtime.compile(graph, { exact });
    try {
      const feeds: { [input: string]: NdArray } = {};
      for (const { name: input, shape } of graph.inputs) {
        feeds[input] = float32(shape, numbers[input] as Float32Array);
      }
      const results = await program.run(feeds);
      return Object.fromEntries(
        Object.entries(results).map(([output, { data }]) => [output, Array.from(data as ArrayLike<number>, Number)]),
      );
    } finally {
      await program.dispose();
    }
  } catch (error) {
    return { error: String(error) };
  }
}

/** Losses of ten steps of a small U-Net on a disc in noise, and a sum over each weight afterwards. */
async function trainSmallUnet(runtime: Runtime, exact: boolean): Promise<Result> {
  const side = 16;
  const network = unet({ name: 'unet', channels: 1, numClasses: 2, baseChannels: 16, depth: 1 }, [1, 1, side, side], {
    training: true,
  });
  const step = trainingStep(network, crossEntropy(), sgd({ momentum: 0.9 }));
  const image = float32([1, 1, side, side], spread([1, 1, side, side], -0.5, 0.5, 3));
  const labels = ndarray('int32', [1, side, side]);
  for (let i = 0; i < elementCount(labels.shape); i++) {
    const inside = (Math.floor(i / side) - 7.5) ** 2 + ((i % side) - 7.5) ** 2 < 25;
    labels.data[i] = inside ? 1 : 0;
    image.data[i] = (image.data[i] as number) + (inside ? 0.7 : 0);
  }
  const pixelWeights = float32([1, side, side]);
  pixelWeights.data.fill(1);
  const program = await runtime.compile(step.graph, { state: step.state, exact });
  try {
    await program.writeState(step.initialState(1));
    const losses: number[] = [];
    for (let i = 0; i < STEPS; i++) {
      const { loss } = await program.run({ image, labels, pixelWeights, learningRate: float32([], [0.05]) });
      losses.push((loss as NdArray).data[0] as number);
    }
    const state = await program.readState();
    const sums = Object.values(step.weightsOf(state)).map(({ data }) =>
      (data as Float32Array).reduce((sum, value) => sum + Math.abs(value), 0),
    );
    return { losses, sums };
  } finally {
    await program.dispose();
  }
}
