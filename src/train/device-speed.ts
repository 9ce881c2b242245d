/** How fast a device trains, measured for a moment, so that the network chosen fits it. */

import { float32, ndarray } from '../array/ndarray.ts';
import { stream } from '../array/random.ts';
import { graphMacs } from '../graph/analysis/cost.ts';
import { buildNetwork, type ModelSpec } from '../models/registry.ts';
import { crossEntropy } from '../nn/losses/cross-entropy.ts';
import { adamW } from '../nn/optimizers/adam.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { DeviceSpeeds } from './kept-speeds.ts';
import { trainingStep } from './step.ts';
import type { Clock } from './store.ts';

const SIDE = 128;
/** A U-Net of the kind that is chosen, in the middle of the widths that are. */
const TYPICAL: ModelSpec = { name: 'unet', channels: 1, numClasses: 2, baseChannels: 16, depth: 4, norm: 'weight' };
/** Steps until memory is allocated and shaders are compiled. */
const WARM_UP = 2;
const LEAST_STEPS = 3;
const ENOUGH_MS = 500;

/**
 * Floating-point operations per second that training reaches on this device: two per MAC of the forward pass and twice
 * as much for the backward pass, as `chooseUnet` counts them, over the time of the fastest of some steps of a small U-Net,
 * which other programs have slowed least. Takes about a second, unless the device was measured before.
 * @throws DeviceError if the step does not compile
 */
export async function trainingFlops(runtime: Runtime, clock: Clock, speeds: DeviceSpeeds): Promise<number> {
  const known = await speeds.get(runtime);
  if (known !== undefined) return known;
  const shape = [1, 1, SIDE, SIDE] as const;
  const { builder, logits } = buildNetwork(TYPICAL, shape);
  const operations = 6 * graphMacs(builder.build([logits]));
  const step = trainingStep(buildNetwork(TYPICAL, shape, { training: true }), crossEntropy(), adamW());
  const program = await runtime.compile(step.graph, { state: step.state });
  try {
    await program.writeState(step.initialState(0));
    const random = stream(0, 'device speed');
    const feeds = {
      image: float32(
        shape,
        Float32Array.from({ length: SIDE * SIDE }, () => random.normal()),
      ),
      labels: ndarray(
        'int32',
        [1, SIDE, SIDE],
        Int32Array.from({ length: SIDE * SIDE }, (_, p) => p & 1),
      ),
      pixelWeights: float32([1, SIDE, SIDE], new Float32Array(SIDE * SIDE).fill(1)),
      learningRate: float32([], [0]),
    };
    for (let i = 0; i < WARM_UP; i++) await program.run(feeds);
    const times: number[] = [];
    const began = clock.nowMs();
    while (times.length < LEAST_STEPS || clock.nowMs() - began < ENOUGH_MS) {
      const before = clock.nowMs();
      await program.run(feeds);
      times.push(clock.nowMs() - before);
    }
    const flops = operations / (Math.min(...times) / 1000);
    await speeds.set(runtime, flops);
    return flops;
  } finally {
    await program.dispose();
  }
}
