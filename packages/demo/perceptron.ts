/** Rosenblatt's rule on points that a line can divide, and on XOR. */
import { float32, ndarray, type Runtime } from 'lamella';
import { type Random, stream } from 'lamella/array';
import { buildNetwork, convergence, perceptronCriterion, sgd, trainingStep } from 'lamella/nn';
import { type PerceptronFrame, type PerceptronRun, perceptronPage, perceptronSvg } from './perceptron-page.ts';

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
    perceptronCriterion(),
    sgd({ momentum: 0 }),
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
        image: float32([1, 1, 1, 2], [...points[at]]),
        labels: ndarray('int32', [1], Int32Array.of(labels[at])),
        pixelWeights: float32([1], [1]),
        learningRate: float32([], [1]),
      });
      const gradientNorm = outputs.gradientNorm.data[0] as number;
      end = watch.see({ loss: 0, gradientNorm });
      if (gradientNorm === 0) continue;
      const state = await program.readState();
      const [wx, wy] = state['output/weight'].data as Float32Array;
      const [bias] = state['output/bias'].data as Float32Array;
      frames.push({ weights: [wx, wy], bias, corrected: at });
    }
    return { title, points, labels, frames, verdict: end ?? watch.verdict() };
  } finally {
    await program.dispose();
  }
}

/** Names of the files that `perceptronDemo` makes: the page, and an animation per set of points. */
export const PERCEPTRON_FILES = ['perceptron.html', 'separable.svg', 'xor.svg'] as const;

export interface PerceptronDemo {
  /** Title and result of each set of points. */
  readonly results: readonly { readonly title: string; readonly verdict: string }[];
  readonly files: { readonly [Name in (typeof PERCEPTRON_FILES)[number]]: string };
}

/**
 * The line of a perceptron moving over linearly separable points, and over XOR.
 * @param createdAt ISO 8601, for the page
 */
export async function perceptronDemo(
  runtime: Runtime,
  { seed, createdAt }: { readonly seed: number; readonly createdAt: string },
): Promise<PerceptronDemo> {
  const divided = await learn(runtime, separable(stream(seed, 'demo perceptron'), 40), 100);
  const xor = await learn(runtime, XOR, 6);
  return {
    results: [divided, xor],
    files: {
      'perceptron.html': perceptronPage([divided, xor], createdAt),
      'separable.svg': perceptronSvg(divided),
      'xor.svg': perceptronSvg(xor),
    },
  };
}
