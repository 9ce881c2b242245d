import { expect, test } from 'vitest';
import { formatLogLine, type LogLine, parseLog } from '../../src/train/log.ts';

const lines: readonly LogLine[] = [
  { kind: 'step', step: 1, loss: 0.5, learningRate: 0.001, ms: 12 },
  { kind: 'validation', step: 1, score: Number.NaN, metric: 'V-Rand', scores: {}, best: true, ms: 3 },
  { kind: 'note', step: 1, text: 'planned anew' },
];
const text = lines.map(formatLogLine).join('');

test('what was written is read, a score that is NaN too', () => {
  expect(parseLog(text)).toEqual(lines);
});

test('a last line that was cut off is left out', () => {
  for (let cut = 1; cut < 20; cut++) expect(parseLog(text.slice(0, -1 - cut))).toEqual(lines.slice(0, 2));
});
