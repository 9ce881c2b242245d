import { expect, test } from 'vitest';
import { ndarray } from '../../src/array/ndarray.ts';
import { backgroundOf, IGNORE, type LabelMapping } from '../../src/dataset/labels/labels.ts';
import { scorerFor } from '../../src/evaluate/scorer.ts';
import { chooseMetric } from '../../src/train/validate.ts';

const SIDE = 4;
const NAMES = ['membrane', 'inside'];

/** A quarter membrane, a quarter not annotated, a half inside: nothing that membranes part, so the score is Dice. */
const LABEL = Uint8Array.from({ length: SIDE * SIDE }, (_, i) => (i < 4 ? 0 : i < 8 ? IGNORE : 1));

/** float32 [2, 4, 4] that says `inside` everywhere. */
const ALL_INSIDE = ndarray(
  'float32',
  [2, SIDE, SIDE],
  Float32Array.from({ length: 2 * SIDE * SIDE }, (_, i) => (i < SIDE * SIDE ? 0.1 : 0.9)),
);

function scoreOf(values: readonly [number, number], ignore: readonly number[]): { score: number; reason: string } {
  const mapping: LabelMapping = {
    kind: 'integer',
    classes: NAMES.map((name, c) => ({ name, values: [values[c] as number] })),
    ignore,
  };
  const page = { name: 'a', height: SIDE, width: SIDE, label: LABEL };
  const { metric, reason } = chooseMetric([page], mapping);
  const scorer = scorerFor(metric, NAMES);
  scorer.add({ page, probabilities: ALL_INSIDE });
  return { score: scorer.result().score, reason };
}

// Dice of inside: 2 * 8 / (8 + 12) = 0.8; of membrane: 0.
test('strokes of two classes, 0 not painted: a model that says one class everywhere gets half', () => {
  const { score, reason } = scoreOf([1, 2], [0]);
  expect(score).toBeCloseTo(0.4, 12);
  expect(reason).toBe('validation score: mean Dice over all classes, since none is the background');
});

test('with a background of value 0 the foreground alone counts', () => {
  const { score, reason } = scoreOf([0, 1], [7]);
  expect(score).toBeCloseTo(0.8, 12);
  expect(reason).toBe('validation score: mean Dice of the foreground');
});

test('the rest of the values, and a class that includes 0, are the background', () => {
  const mapping = (values: readonly number[] | 'rest'): LabelMapping => ({
    kind: 'integer',
    classes: [
      { name: 'a', values },
      { name: 'b', values: [3] },
    ],
    ignore: [],
  });
  expect(backgroundOf(mapping('rest'))).toEqual([0]);
  expect(backgroundOf(mapping([0, 5]))).toEqual([0]);
  expect(backgroundOf(mapping([1]))).toEqual([]);
});
