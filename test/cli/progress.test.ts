import { expect, test } from 'vitest';
import { trainDisplay } from '../../src/cli/progress.ts';
import type { TrainEvent } from '../../src/train/loop.ts';
import { fixedPlan } from '../../src/train/plan.ts';

test('without a terminal, another plan is said only where the number of steps changes by a fourth', () => {
  const lines: string[] = [];
  const stream = { isTTY: false, write: (text: string) => lines.push(text) } as unknown as NodeJS.WriteStream;
  const { onEvent } = trainDisplay(stream);
  const step: TrainEvent = { kind: 'step', step: 1, total: 1000, loss: 1, imagesPerSecond: 2, leftMs: 60_000 };
  const replanned = (at: number, total: number): TrainEvent => ({
    kind: 'replanned',
    step: at,
    plan: fixedPlan(total, 5),
  });
  for (const event of [step, replanned(20, 1050), replanned(40, 800), replanned(60, 1300), replanned(80, 1100)])
    onEvent(event);
  // From the 1300 that was said last, 980 differs by less than a fourth, 970 by more.
  for (const event of [replanned(100, 980), replanned(120, 970)]) onEvent(event);
  expect(lines.slice(1)).toEqual([
    'step 60  replanned to meet the deadline: 1300 steps in all\n',
    'step 120  replanned to meet the deadline: 970 steps in all\n',
  ]);
});
