/** Scores of image classifiers, the same in training, report, `compare` and `evaluate`. */
import { expect, it } from 'vitest';
import { float32 } from '../../src/array/ndarray.ts';
import { labelScores, mainLabelScores } from '../../src/evaluate/classes.ts';
import { topKAccuracy } from '../../src/metrics/top-k.ts';

const NAMES = ['a', 'b', 'c'];

it('counts by hand: an image right, one wrong, a tie, and NaN', () => {
  const probabilities = float32([5, 3], [0.7, 0.2, 0.1, 0.6, 0.3, 0.1, 0.4, 0.4, 0.2, Number.NaN, 0, 0, 0, 0.1, 0.9]);
  const labels = [0, 1, 0, 0, 2];
  const scores = labelScores(probabilities, labels, NAMES);
  // Of equally probable classes the true one is not the prediction, nor is one of NaN.
  expect(scores.perImage).toEqual([1, 0, 0, 0, 1]);
  expect(scores.confusion).toEqual([
    [1, 2, 0],
    [1, 0, 0],
    [0, 0, 1],
  ]);
  expect(scores.perClass).toEqual([
    { name: 'a', images: 3, recall: 1 / 3, precision: 1 / 2 },
    { name: 'b', images: 1, recall: 0, precision: 0 },
    { name: 'c', images: 1, recall: 1, precision: 1 },
  ]);
  expect(scores.top1).toBe(topKAccuracy(probabilities, labels, 1));
  expect(scores.top1).toBe(scores.perImage.reduce((a, b) => a + b, 0) / 5);
  expect(mainLabelScores(scores)).toEqual({ accuracy: 0.4 });
});

it('names top-5 accuracy where there are more than five classes', () => {
  const names = ['a', 'b', 'c', 'd', 'e', 'f'];
  const scores = labelScores(float32([1, 6], [0.3, 0.2, 0.2, 0.1, 0.15, 0.05]), [3], names);
  expect(mainLabelScores(scores)).toEqual({ accuracy: 0, 'top-5 accuracy': 1 });
  expect(scores.perClass[0]).toEqual({ name: 'a', images: 0, recall: Number.NaN, precision: 0 });
});
