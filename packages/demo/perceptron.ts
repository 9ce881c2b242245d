import { join } from 'node:path';
import { float32, type NdArray, ndarray } from '../../array/ndarray.ts';
import { type Random, stream } from '../../array/random.ts';
import { buildNetwork } from '../../models/registry.ts';
import { lossOf } from '../../nn/losses/registry.ts';
import { optimizerOf } from '../../nn/optimizers/registry.ts';
import { atomicWrite } from '../../platform/node/atomic-write.ts';
import { nodeFiles } from '../../platform/node/files.ts';
import { openRuntime } from '../../platform/node/runtime.ts';
import {
  type PerceptronFrame,
  type PerceptronRun,
  perceptronPage,
  perceptronSvg,
} from '../../report/perceptron-page.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import { convergence } from '../../train/convergence.ts';
import { trainingStep } from '../../train/step.ts';
import { requireFreeFolder } from '../../workflows/out-folder.ts';
import { say } from '../print.ts';

interface Points {
  readonly title: string;
  readonly points: readonly (readonly [number, number])[];
  readonly labels: readonly number[];
}

/** Points on both sides of a slanted line, with a margin. */
function separable(random: Random, count: number): Points {
  const points: [number, number][] = [];
  const labels: number[] = [];
  while (points.length < count) {
    const [x, y] = [random.between(-1, 1), random.between(-1, 1)];
    const side = 0.8 * x + 0.6 * y - 0.25;
    if (Math.abs(side) < 0.08) continue;
    points.push([x, y]);
    labels.push(side > 0 ? 1 : 0);
  }
  return { title: 'Points that a line can divide', points, labels };
}

const XOR: Points = {
  title: 'XOR, which no line can divide',
  points: [
    [-0.7, -0.7],
    [-0.7, 0.7],
    [0.7, -0.7],
    [0.7, 0.7],
  ],
  labels: [0, 1, 1, 0],
};

/** Rosenblatt's rule with the same step as `train`, observed after every correction. */
async function learn(runtime: Runtime, { title, points, labels }: Points, passes: number): Promise<PerceptronRun> {
  const spec = { name: 'perceptron', channels: 1, numClasses: 1, input: [1, 2] } as const;
  const step = trainingStep(
    buildNetwork(spec, [1, 1, 1, 2], { training: true }),
    lossOf({ name: 'perceptron' }),
    optimizerOf({ name: 'sgd', momentum: 0 }),
    { measureNorm: true },
  );
  const program = await runtime.compile(step.graph, { state: step.state });
  try {
    await program.writeState(step.initialState(0));
    const watch = convergence(points.length);
    const frames: PerceptronFrame[] = [{ weights: [0, 0], bias: 0, corrected: undefined }];
    let end: string | undefined;
    for (let i = 0; i < passes * points.length && end === undefined; i++) {
      const at = i % points.length;
      const outputs = await program.run({
        image: float32([1, 1, 1, 2], [...(points[at] as readonly number[])]),
        labels: ndarray('int32', [1], Int32Array.of(labels[at] as number)),
        pixelWeights: float32([1], [1]),
        learningRate: float32([], [1]),
      });
      const gradientNorm = outputs.gradientNorm?.data[0] as number;
      end = watch.see({ loss: 0, gradientNorm });
      if (gradientNorm === 0) continue;
      const state = await program.readState();
      const [wx, wy] = (state['output/weight'] as NdArray).data as Float32Array;
      const [bias] = (state['output/bias'] as NdArray).data as Float32Array;
      frames.push({ weights: [wx as number, wy as number], bias: bias as number, corrected: at });
    }
    return { title, points, labels, frames, verdict: end ?? watch.verdict() };
  } finally {
    await program.dispose();
  }
}

const FILES = ['perceptron.html', 'separable.svg', 'xor.svg'] as const;

/** The line of a perceptron moving over linearly separable points, and over XOR. */
export async function runDemoPerceptron(folder: string, { seed }: { readonly seed: number }): Promise<void> {
  await requireFreeFolder(nodeFiles, folder, { ignore: FILES, option: 'another folder' });
  const runtime = await openRuntime({ device: 'cpu', threads: 1 });
  try {
    const runs = [
      await learn(runtime, separable(stream(seed, 'demo perceptron'), 40), 100),
      await learn(runtime, XOR, 6),
    ] as const;
    for (const { title, verdict } of runs) say(`${title}: ${verdict}`);
    const [page, first, second] = FILES;
    await atomicWrite(join(folder, first), perceptronSvg(runs[0]));
    await atomicWrite(join(folder, second), perceptronSvg(runs[1]));
    await atomicWrite(join(folder, page), perceptronPage(runs, new Date().toISOString()));
    say(`Open in a browser: ${join(folder, page)}`);
  } finally {
    await runtime.dispose();
  }
}
