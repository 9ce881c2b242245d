/** A training step on fixed data: forward, softmax cross entropy, backward, SGD with momentum, in one graph. */
import { readFileSync } from 'node:fs';
import { float32, ndarray } from '../../src/array/ndarray.ts';
import { openOnnxNetwork } from '../../src/models/onnx/open.ts';
import { unet } from '../../src/models/unet.ts';
import { unet2015 } from '../../src/models/unet2015.ts';
import { crossEntropy } from '../../src/nn/losses/cross-entropy.ts';
import { adamW } from '../../src/nn/optimizers/adam.ts';
import { sgd } from '../../src/nn/optimizers/sgd.ts';
import { openRuntime } from '../../src/platform/node/runtime.ts';
import { trainingStep } from '../../src/train/step.ts';
import { noise, type UnetStep, unetStep } from '../unet-step.ts';
import type { Task } from './task.ts';

export interface StepTask {
  readonly net: 'unet' | 'unet2015';
  readonly base: number;
  readonly size: number;
  readonly batch: number;
}

export function stepTask({ net, base, size, batch }: StepTask): Promise<Task> {
  return repeated(net === 'unet' ? unetStep({ base, size, batch }) : unpaddedStep({ base, size, batch }));
}

/** The same of a network that another program has written, with the weights of its file. */
export function foreignStepTask({ file, size }: { readonly file: string; readonly size: number }): Promise<Task> {
  const { build, spec, weights } = openOnnxNetwork(new Uint8Array(readFileSync(file)), file);
  const network = build(spec, [1, spec.channels, size, size], { training: true });
  const step = trainingStep(network, crossEntropy(), sgd());
  const feeds = feedsOf(network.logits.shape as Four, [spec.channels, size]);
  return repeated({ ...step, initial: { ...step.initialState(1), ...weights }, feeds });
}

async function repeated({ graph, state, initial, feeds }: Step): Promise<Task> {
  const runtime = await openRuntime({ device: 'cpu' });
  const program = await runtime.compile(graph, { state });
  await program.writeState(initial);
  return {
    about: runtime.description,
    run: async () => {
      await program.run(feeds);
    },
  };
}

/** So many steps a round, as the runs of `train` that they are compared with. */
export const STEPS_OF_A_RUN = 50;

/** The median without the first steps, which allocate memory, and in which the border weights of 30 pages are made. */
export function medianOfSteps(times: readonly number[]): number {
  const later = times.slice(32).sort((a, b) => a - b);
  return later[later.length >> 1] as number;
}

/** The step that `lamella train` makes by default, without the loop around it. */
export async function bareTask({ base, size, batch }: Omit<StepTask, 'net'>): Promise<Task> {
  const spec = { name: 'unet', channels: 1, numClasses: 2, baseChannels: base, depth: 4, norm: 'none' } as const;
  const network = unet(spec, [batch, 1, size, size], { training: true });
  const step = trainingStep(network, crossEntropy(), adamW(), { clipNorm: 1, averageDecay: 0.99 });
  const runtime = await openRuntime({ device: 'cpu' });
  const program = await runtime.compile(step.graph, { state: step.state });
  await program.writeState(step.initialState(1));
  const feeds = feedsOf(network.logits.shape as Four, [1, size]);
  return {
    run: async () => {
      const times: number[] = [];
      for (let i = 0; i < STEPS_OF_A_RUN; i++) {
        const start = performance.now();
        await program.run(feeds);
        times.push(performance.now() - start);
      }
      return medianOfSteps(times);
    },
  };
}

type Four = readonly [number, number, number, number];
type Step = Pick<UnetStep, 'graph' | 'state' | 'initial' | 'feeds'>;

/** The U-Net of 2015, whose output is smaller than its input, without dropout. */
function unpaddedStep({ base, size, batch }: Omit<StepTask, 'net'>): Step {
  const network = unet2015({ name: 'unet2015', channels: 1, numClasses: 2, baseChannels: base, dropout: 0 }, [
    batch,
    1,
    size,
    size,
  ]);
  const step = trainingStep(network, crossEntropy(), sgd());
  return {
    graph: step.graph,
    state: step.state,
    initial: step.initialState(1),
    feeds: feedsOf(network.logits.shape as Four, [1, size]),
  };
}

/** Noise to learn. */
function feedsOf(
  [batch, , height, width]: Four,
  [channels, size]: readonly [channels: number, size: number],
): Step['feeds'] {
  const random = noise(1);
  const image = float32([batch, channels, size, size]);
  for (let i = 0; i < image.data.length; i++) image.data[i] = random();
  const labels = ndarray('int32', [batch, height, width]);
  for (let i = 0; i < labels.data.length; i++) labels.data[i] = random() > 0 ? 1 : 0;
  const pixelWeights = float32([batch, height, width]);
  pixelWeights.data.fill(1);
  return { image, labels, pixelWeights, learningRate: float32([], [1e-3]) };
}
