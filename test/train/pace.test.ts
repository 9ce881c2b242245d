import { expect, test } from 'vitest';
import { measurePace } from '../../src/train/pace.ts';

test('the mean of the steps of the last minute', () => {
  const pace = measurePace();
  expect(pace.stepMs).toBeNaN();
  pace.add(100);
  pace.add(300);
  expect(pace.stepMs).toBe(200);
  for (let i = 0; i < 1000; i++) pace.add(500);
  expect(pace.stepMs).toBe(500);
  // 60 s hold 100 steps of 600 ms.
  for (let i = 0; i < 50; i++) pace.add(600);
  expect(pace.stepMs).toBeCloseTo((50 * 600 + 61 * 500) / 111, 6);
});

test('of slow steps, the last 32', () => {
  const pace = measurePace();
  for (let i = 0; i < 40; i++) pace.add(5000);
  for (let i = 0; i < 16; i++) pace.add(7000);
  expect(pace.stepMs).toBe(6000);
});
