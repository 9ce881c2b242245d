/** Cross-checks of an explanation by independent computation. */
import type { Check, Passage, ReceptiveFieldView, Step } from './explanation.ts';

/** Whether two numbers agree. */
function check(what: string, shown: number, expected: number, tolerance: number, why: string): Check {
  return { what, shown, expected, tolerance, why, passed: Math.abs(shown - expected) <= tolerance };
}

/** Each number computed step by step against the one in the graph. */
export function checkSteps(passages: readonly Passage[]): Check[] {
  return passages.flatMap(({ name, steps }) =>
    steps.flatMap((step): Check[] => {
      if (step.kind === 'probability') {
        const off = (k: number): number => Math.abs(step.totals[k] - step.graph[k]);
        const worst = step.totals.reduce((at, _, k) => (off(k) > off(at) ? k : at), 0);
        const why = 'exponentials of float32 are right to some units in the last place';
        const what = `${name}: ${step.how}, the class with the largest difference`;
        return [check(what, step.totals[worst], step.graph[worst], step.tolerance, why)];
      }
      return [check(`${name}: ${describe(step)}`, step.total, step.graph, step.tolerance, reasonFor(step))];
    }),
  );
}

function describe(step: Exclude<Step, { kind: 'probability' }>): string {
  if (step.kind === 'element') return step.op;
  const kind = step.kind === 'convolution' && step.transposed !== undefined ? 'transposed convolution' : step.kind;
  return `${kind} '${step.layer}', number ${step.channel}`;
}

function reasonFor(step: Exclude<Step, { kind: 'probability' }>): string {
  if (step.kind === 'pooling' && step.how === 'maximum') return 'a maximum is not rounded';
  if (step.kind === 'pooling') return `${step.values.length} terms summed in float32`;
  if (step.kind === 'element') {
    const sums = step.op === 'InstanceNormalization';
    return sums ? 'mean and variance summed in float32' : 'float32, functions by their approximations';
  }
  return `${step.values.length + 1} terms summed in float32, in any order`;
}

/** The prediction computed by `predict`, with a separate program. */
export function checkPrediction(probabilities: readonly number[], predicted: readonly number[], target: number): Check {
  return check(
    'The probability, against lamella predict',
    probabilities[target],
    predicted[target],
    2e-5,
    'the same network by other kernels, in float32',
  );
}

/** The probability map at the pixel against the prediction for the pixel. */
export function checkMap(shown: number, expected: number): Check {
  return check('The map of probabilities at the pixel, against the answer', shown, expected, 1e-6, 'the same number');
}

/** The gradient must be zero outside the theoretical receptive field. */
export function checkField({ of, theoretical, gradient }: ReceptiveFieldView): Check[] {
  if (theoretical === undefined || gradient === undefined) return [];
  const { x, y, width, height } = theoretical;
  let outside = 0;
  for (let row = 0; row < gradient.height; row++) {
    for (let column = 0; column < gradient.width; column++) {
      const inside = row >= y && row < y + height && column >= x && column < x + width;
      if (!inside && gradient.data[row * gradient.width + column] !== 0) outside++;
    }
  }
  return [
    check(
      `Pixels with a gradient outside the receptive field of ${of}`,
      outside,
      0,
      0,
      'it is a bound that holds exactly',
    ),
  ];
}

/** A step of the input along the gradient, against the change predicted by the gradient. @param score its magnitude */
export function checkSlope(measured: number, foretold: number, score: number): Check {
  return check(
    'Change of the score by a small step along the gradient, against the gradient',
    measured,
    foretold,
    0.05 * Math.abs(foretold) + 4e-6 * score,
    'a network bends: ReLU and pooling switch within the step; float32',
  );
}
