/** The threshold at which objects are found in maps is the best on the images that are scored. */

import { expect, test } from 'vitest';
import { float32, ndarray } from '../../src/array/ndarray.ts';
import { ModelError } from '../../src/errors.ts';
import { MAP_THRESHOLDS, mapScorer } from '../../src/evaluate/map-scorer.ts';
import type { ModelMetadata } from '../../src/models/metadata.ts';
import { mapTargets } from '../../src/objects/map-targets.ts';
import { thresholdOf } from '../../src/predict/own-maps.ts';

const SIDE = 48;

/** Two discs, one of which is no object. */
const numbers = Int32Array.from({ length: SIDE * SIDE }, (_, p) => {
  const [y, x] = [Math.floor(p / SIDE), p % SIDE];
  if ((y - 14) ** 2 + (x - 14) ** 2 < 81) return 1;
  return (y - 32) ** 2 + (x - 32) ** 2 < 81 ? 2 : 0;
});
const objects = numbers.map((value) => (value === 1 ? 1 : 0));
const page = { name: 'discs', height: SIDE, width: SIDE, label: Uint8Array.from(objects) };

/** Maps of both discs, in the middle of which stars are as probable as this. */
function stars(first: number, second: number) {
  const maps = mapTargets(ndarray('int32', [SIDE, SIDE], numbers), { by: 'stars', rays: 32, scalePx: 1, contextPx: 0 });
  const data = maps.data.map((value, i) => {
    if (i >= numbers.length) return value;
    return value * (numbers[i] === 1 ? first : second);
  });
  return { page, probabilities: float32(maps.shape, data), objects };
}

/** @param logits of the pixels of both discs */
function flows(first: number, second: number) {
  const maps = mapTargets(ndarray('int32', [SIDE, SIDE], numbers), { by: 'flows', contextPx: 0 });
  const plane = numbers.length;
  const data = maps.data.map((value, i) => {
    if (i < 2 * plane) return 5 * value;
    const number = numbers[i - 2 * plane];
    return number === 0 ? -5 : number === 1 ? first : second;
  });
  return { page, probabilities: float32(maps.shape, data), objects };
}

const logit = (p: number): number => Math.log(p / (1 - p));

test('stars whose probability stays below 0.5 are found at the threshold that tells them from others', () => {
  const scorer = mapScorer('stars');
  scorer.add(stars(0.38, 0.28));
  const { score, scores, separation } = scorer.result();
  expect(separation).toEqual({ by: 'stars', threshold: 0.3 });
  expect([score, scores.threshold]).toEqual([1, 0.3]);

  const usual = mapScorer('stars', { threshold: 0.5 });
  usual.add(stars(0.38, 0.28));
  expect(usual.result()).toMatchObject({ score: 0, separation: { by: 'stars', threshold: 0.5 } });
});

test('flows: a threshold between the logits of what is an object and what is not', () => {
  const scorer = mapScorer('flows');
  scorer.add(flows(logit(0.68), logit(0.58)));
  expect(scorer.result()).toMatchObject({ score: 1, separation: { by: 'flows', threshold: 0.6 } });
});

test('of several as good the one nearest to 0.5, also where nothing is found', () => {
  for (const by of ['stars', 'flows'] as const) {
    const scorer = mapScorer(by);
    scorer.add(by === 'stars' ? stars(0.05, 0.05) : flows(-4, -4));
    expect(MAP_THRESHOLDS[by]).toContain(0.5);
    expect(scorer.result()).toMatchObject({ score: 0, separation: { by, threshold: 0.5 } });
  }
});

test('of a model: the threshold that it keeps, and none but a probability', () => {
  const kept = (separation?: ModelMetadata['separation']) =>
    thresholdOf({ metadata: { maps: { by: 'flows', contextPx: 0 }, separation } as ModelMetadata });
  expect(kept({ by: 'flows', threshold: 0.3 })).toBe(0.3);
  expect(kept()).toBeUndefined();
  expect(thresholdOf({})).toBeUndefined();
  for (const threshold of [-0.1, 1.5, '0.5']) expect(() => kept({ by: 'flows', threshold })).toThrow(ModelError);
});
