import { describe, expect, test } from 'vitest';
import { float32, type NdArray, ndarray } from '../../src/array/ndarray.ts';
import { stream } from '../../src/array/random.ts';
import type { ModelSpec } from '../../src/models/registry.ts';
import { buildNetwork } from '../../src/models/registry.ts';
import { drawMasks } from '../../src/nn/dropout-masks.ts';
import { crossEntropy } from '../../src/nn/losses/cross-entropy.ts';
import { adamW } from '../../src/nn/optimizers/adam.ts';
import { sgd } from '../../src/nn/optimizers/sgd.ts';
import { type TrainingStep, trainingStep } from '../../src/train/step.ts';
import { cpu } from '../support/run-graph.ts';

/** Noise with a bright square, and where the square is. */
function squareInNoise(shape: readonly [number, number, number, number], margin: number) {
  const [batch, , height, width] = shape;
  const random = stream(7, 'test');
  const image = float32(shape);
  const labels = ndarray('int32', [batch, height - margin, width - margin]);
  for (let n = 0; n < batch; n++) {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const inside = y > height / 3 && y < (2 * height) / 3 && x > width / 3 && x < (2 * width) / 3;
        image.data[(n * height + y) * width + x] = (inside ? 0.5 : -0.5) + 0.7 * random.normal();
        const [top, left] = [y - margin / 2, x - margin / 2];
        if (inside && top >= 0 && left >= 0 && top < height - margin && left < width - margin) {
          labels.data[(n * (height - margin) + top) * (width - margin) + left] = 1;
        }
      }
    }
  }
  return { image, labels, pixelWeights: float32(labels.shape, new Float32Array(labels.data.length).fill(1)) };
}

async function losses(
  step: TrainingStep,
  feeds: { readonly [input: string]: NdArray },
  learningRate: number,
  steps: number,
) {
  const program = await (await cpu()).compile(step.graph, { state: step.state });
  await program.writeState(step.initialState(1));
  const values: number[] = [];
  for (let i = 0; i < steps; i++) {
    const masks = drawMasks(step.masks, 1, i);
    const { loss } = await program.run({ ...feeds, ...masks, learningRate: float32([], [learningRate]) });
    values.push(loss?.data[0] as number);
  }
  const state = await program.readState();
  await program.dispose();
  return { values, state };
}

describe('a training step', () => {
  test.each<[string, Omit<Extract<ModelSpec, { name: 'unet' }>, 'name' | 'channels' | 'numClasses'>, number]>([
    ['plain, one sigmoid', {}, 1],
    ['softmax of two', {}, 2],
    ['softmax of three', {}, 3],
    ['standardised weights', { norm: 'weight' }, 1],
    ['instance norm and residual blocks', { norm: 'instance', residual: true }, 1],
    ['linear upsampling and dropout', { upsampling: 'linear', dropout: 0.2 }, 1],
  ])('of a tiny unet (%s) learns one picture', async (_, options, outputs) => {
    const network = buildNetwork(
      { name: 'unet', channels: 1, numClasses: outputs, baseChannels: 4, depth: 2, ...options },
      [1, 1, 32, 32],
      {
        training: true,
      },
    );
    const step = trainingStep(network, crossEntropy(), adamW(), { clipNorm: 5, averageDecay: 0.9 });
    const { values, state } = await losses(step, squareInNoise([1, 1, 32, 32], 0), 0.005, 80);
    expect(values[0]).toBeCloseTo(Math.log(Math.max(2, outputs)), 1);
    expect(values.at(-1)).toBeLessThan(0.15);
    expect(state.step?.data[0]).toBe(80);
    expect(Object.keys(step.weightsOf(state))).toHaveLength(network.parameters.length);
  });

  test('of unet2015 with its dropout and momentum learns one picture', async () => {
    const shape = [1, 1, 188, 188] as const;
    const network = buildNetwork({ name: 'unet2015', channels: 1, numClasses: 2, baseChannels: 4 }, shape, {
      training: true,
    });
    const feeds = squareInNoise([1, 1, 188, 188], 184);
    feeds.labels.data.set([1, 1, 0, 0]);
    const { values } = await losses(trainingStep(network, crossEntropy(), sgd({ momentum: 0.99 })), feeds, 0.001, 60);
    expect(values.at(-1)).toBeLessThan(0.5 * (values[0] as number));
  });
});

describe('the sum of the weights', () => {
  // Wide enough for layers in blocks.
  const shape = [1, 1, 32, 32] as const;
  const spec: ModelSpec = { name: 'unet', channels: 1, numClasses: 2, baseChannels: 16, depth: 1 };
  const step = trainingStep(buildNetwork(spec, shape, { training: true }), crossEntropy(), adamW({ weightDecay: 0 }));
  const sumAfter = async (change: (state: { [input: string]: NdArray }) => void): Promise<number> => {
    const program = await (await cpu()).compile(step.graph, { state: step.state });
    const state = step.initialState(3);
    change(state);
    await program.writeState(state);
    const { weightSum } = await program.run({ ...squareInNoise(shape, 0), learningRate: float32([], [0]) });
    await program.dispose();
    return weightSum?.data[0] as number;
  };

  test('is that of all of them', async () => {
    let expected = 0;
    const sum = await sumAfter((state) => {
      for (const { value } of step.parameters) {
        expected += ((state[value.name] as NdArray).data as Float32Array).reduce((a, b) => a + b, 0);
      }
    });
    // Some 10,000 numbers below 1, summed in another order.
    expect(sum).toBeCloseTo(expected, 3);
  });

  test.each(step.parameters.map(({ value }) => value.name))(
    'is not finite when a single one of %s is not',
    async (name) => {
      for (const value of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
        const sum = await sumAfter((state) => {
          const { data } = state[name] as NdArray<'float32'>;
          data[data.length - 1] = value;
        });
        expect(Number.isFinite(sum)).toBe(false);
      }
    },
  );
});
