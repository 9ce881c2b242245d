import { expect, test } from 'vitest';
import { float32, type NdArray, ndarray } from '../../src/array/ndarray.ts';
import { stream } from '../../src/array/random.ts';
import { buildNetwork, type ModelSpec } from '../../src/models/registry.ts';
import { crossEntropy } from '../../src/nn/losses/cross-entropy.ts';
import { adamW } from '../../src/nn/optimizers/adam.ts';
import { initialWeights, trainingStep } from '../../src/train/step.ts';
import { cpu, runGraph } from '../support/run-graph.ts';

const SIDE = 32;
const STANDARDISED = { name: 'unet', channels: 1, numClasses: 2, baseChannels: 4, depth: 1, norm: 'weight' } as const;
const SPEC: ModelSpec = { ...STANDARDISED, brightness: true };

test('a U-Net sees how bright a flat image is where the convolution of the image is not standardised', async () => {
  const logitsAt = async (spec: ModelSpec, level: number) => {
    const { builder, logits, parameters } = buildNetwork(spec, [1, 1, SIDE, SIDE]);
    const graph = builder.build([builder.output(logits, 'logits')]);
    const image = float32([1, 1, SIDE, SIDE], new Float32Array(SIDE * SIDE).fill(level));
    const { logits: found } = await runGraph(graph, { image, ...initialWeights(parameters, 0) });
    // In the middle, where zeros beyond the border are not seen.
    return (found as NdArray<'float32'>).data[(SIDE / 2) * SIDE + SIDE / 2] as number;
  };
  const difference = async (spec: ModelSpec) => Math.abs((await logitsAt(spec, 1)) - (await logitsAt(spec, -1)));
  expect(await difference(SPEC)).toBeGreaterThan(0.01);
  expect(await difference(STANDARDISED)).toBeLessThan(1e-6);
});

test('it learns within sixty steps to tell dark from bright, without an edge between them', async () => {
  const network = buildNetwork(SPEC, [1, 1, SIDE, SIDE], { training: true });
  const step = trainingStep(network, crossEntropy(), adamW(), { clipNorm: 1 });
  const program = await (await cpu()).compile(step.graph, { state: step.state });
  const pixels = SIDE * SIDE;
  // Annotated is the middle alone; what is there has one level, and the noise of both classes is the same.
  const middle = Float32Array.from({ length: pixels }, (_, p) => {
    const [y, x] = [Math.floor(p / SIDE), p % SIDE];
    return Math.max(Math.abs(y - 16), Math.abs(x - 16)) < 4 ? 1 : 0;
  });
  const losses: number[] = [];
  try {
    await program.writeState(step.initialState(0));
    for (let at = 0; at < 60; at++) {
      const random = stream(0, 'noise', at);
      const isBright = at % 2;
      const image = Float32Array.from({ length: pixels }, () => isBright - 0.5 + 0.05 * random.normal());
      const { loss } = await program.run({
        image: float32([1, 1, SIDE, SIDE], image),
        labels: ndarray('int32', [1, SIDE, SIDE], new Int32Array(pixels).fill(isBright)),
        pixelWeights: float32([1, SIDE, SIDE], middle),
        learningRate: float32([], [0.0015 * Math.min(1, (at + 1) / 6)]),
      });
      losses.push(loss?.data[0] as number);
    }
  } finally {
    await program.dispose();
  }
  // One that cannot tell them apart has log 2 on average.
  expect(Math.max(...losses.slice(-10))).toBeLessThan(0.5 * Math.log(2));
});
