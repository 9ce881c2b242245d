import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ndarray } from '../../src/array/ndarray.ts';
import { contingency } from '../../src/metrics/contingency.ts';
import { instanceScores, matchInstances } from '../../src/metrics/instances.ts';
import { dice } from '../../src/metrics/overlap.ts';
import { edgeDistances, hausdorffMonai } from '../../src/metrics/surface-distance.ts';

/** Of scripts/golden/score_conventions.py, by the programs named there. */
const golden = JSON.parse(readFileSync('test/golden/score_conventions.json', 'utf8')) as Record<
  string,
  string | number
>;
const SIDES = ['both empty', 'only predicted', 'only true'] as const;

const mask = (there: boolean) =>
  ndarray(
    'uint8',
    [8, 8],
    Uint8Array.from({ length: 64 }, (_, p) => (there && p % 8 > 1 && p % 8 < 6 && p > 15 && p < 48 ? 1 : 0)),
  );
/** What our functions give, truth first. */
const ours = (score: (truth: ReturnType<typeof mask>, prediction: ReturnType<typeof mask>) => number): string[] =>
  SIDES.map((side) => String(score(mask(side === 'only true'), mask(side === 'only predicted'))));

const OURS: Readonly<Record<string, string[]>> = {
  Dice: ours(dice),
  HD95: ours((truth, prediction) => hausdorffMonai(edgeDistances(truth, prediction))),
  AP: ours(
    (truth, prediction) =>
      instanceScores([matchInstances(contingency(truth, prediction))]).perThreshold[0]?.averagePrecision ?? Number.NaN,
  ),
};

describe('the table of docs/scores.md where a class is missing', () => {
  const rows = readFileSync('docs/scores.md', 'utf8')
    .split('\n')
    .filter((line) => /^\| (Lamella|MONAI|MedPy|torchmetrics|StarDist)/.test(line))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );

  it('has every program that was run', () => {
    expect(rows.filter(([program]) => program !== 'Lamella')).toHaveLength(
      Object.keys(golden).filter((key) => key.endsWith('both empty')).length,
    );
  });
  it.each(rows.map((row) => [`${row[0]}, ${row[1]}`, row] as const))('%s', (_, [program, score, ...values]) => {
    const name = (program as string).split(' ')[0]?.toLowerCase();
    const expected =
      program === 'Lamella' ? OURS[score as string] : SIDES.map((side) => String(golden[`${name} ${score}, ${side}`]));
    expect(values).toEqual(expected);
  });
  it('scikit-image exchanges precision and recall of a split, and counts in bits', () => {
    expect(golden['scikit-image adapted_rand_error of a split, recall']).toBe(1);
    expect(golden['scikit-image adapted_rand_error of a split, precision']).toBeLessThan(0.5);
    expect(golden['scikit-image variation_of_information of halves, first']).toBe(1);
  });
});
