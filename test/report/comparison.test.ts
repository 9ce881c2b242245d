import { describe, expect, test } from 'vitest';
import { stream } from '../../src/array/random.ts';
import { UsageError } from '../../src/errors.ts';
import { compareRuns, type RunResult } from '../../src/report/compare/comparison.ts';
import { renderComparison } from '../../src/report/compare/page.ts';
import { describePages, expectSound } from '../support/pages.ts';

function result(name: string, scores: readonly number[], rest: Partial<RunResult> = {}): RunResult {
  return {
    name,
    network: 'unet (base 8)',
    metric: 'Dice',
    perImage: scores.map((score, i) => ({ name: `slice-${i}.png`, score })),
    scores: { 'IoU of all pixels': 0.8 },
    parameters: 2e6,
    macs: 5e9,
    peakBytes: 3e8,
    predictionMs: 210,
    steps: 1000,
    trainingMs: 125_000,
    trainingImages: 20,
    machine: 'two cores',
    ...rest,
  };
}

const noisy = (mean: number, seed: number, images = 12, spread = 0.03): number[] => {
  const random = stream(seed, 'scores');
  return Array.from({ length: images }, () => mean + spread * random.normal());
};

describe('the data of a comparison', () => {
  const base = noisy(0.8, 1);
  const better = base.map((score, i) => score + 0.02 + 0.001 * (i % 3));

  test('a small but steady lead on the same images is shown, though the intervals of the scores overlap', () => {
    const { runs, pairs, notes } = compareRuns([result('a', base), result('b', better)]);
    expect(runs.map(({ name }) => name)).toEqual(['b', 'a']);
    expect((runs[0] as { score: { low: number } }).score.low).toBeLessThan(
      (runs[1] as { score: { high: number } }).score.high,
    );
    const [pair] = pairs;
    expect(pair?.difference.value).toBeCloseTo(-0.021, 10);
    expect(pair?.verdict).toBe('worse');
    expect(pair?.signFlip).toEqual({ p: 2 / 2 ** 12, exact: true });
    expect(pair?.ahead).toEqual([12, 0]);
    expect(notes.join(' ')).toContain('another random seed gives other weights');
  });

  test('runs that differ by their seed only are one group: mean, deviation, lowest and highest', () => {
    const same = (name: string, seed: number, more: number) =>
      result(name, [0.5 + more, 0.7 + more], { recipe: 'a', seed });
    const { seeds, runs, notes } = compareRuns([
      same('one', 1, 0),
      same('two', 2, 0.1),
      same('three', 3, 0.05),
      result('other', [0.9, 0.9], { recipe: 'b', seed: 1 }),
      // The same seed again is no other training.
      result('again', [0.2, 0.2], { recipe: 'c', seed: 1 }),
      result('again2', [0.2, 0.2], { recipe: 'c', seed: 1 }),
    ]);
    expect(seeds).toHaveLength(1);
    const [group] = seeds;
    expect(group?.runs.map((place) => runs[place]?.name)).toEqual(['two', 'three', 'one']);
    // 0.6, 0.65 and 0.7: mean 0.65, squares 0.0025 twice over 2.
    expect([group?.mean, group?.deviation, group?.lowest, group?.highest]).toEqual(
      [0.65, 0.05, 0.6, 0.7].map((value) => expect.closeTo(value, 12)),
    );
    expect(notes.join(' ')).toContain('with different random seeds differ by up to 0.1000 here');
  });

  test('noise of the same size is no progress', () => {
    const { pairs } = compareRuns([result('a', base), result('b', noisy(0.805, 2))]);
    expect(pairs[0]?.verdict).toBe('undecided');
  });

  test('with three images nothing can be shown, and that is said', () => {
    const { pairs, notes, leastP } = compareRuns([result('a', [0.5, 0.5, 0.5]), result('b', [0.9, 0.91, 0.92])]);
    expect(leastP).toBe(0.25);
    expect(pairs[0]?.verdict).toBe('undecided');
    expect(notes.join(' ')).toContain('With 3 images the permutation test cannot give a p below 0.25');
  });

  test('of several pairs the p are corrected', () => {
    const { pairs } = compareRuns([result('a', base), result('b', better), result('c', noisy(0.6, 3))]);
    expect(pairs).toHaveLength(3);
    for (const { signFlip, adjustedP } of pairs) expect(adjustedP).toBeGreaterThanOrEqual(signFlip.p);
  });

  test('the same seed gives the same numbers, the order of the runs does not matter to the scores', () => {
    const one = compareRuns([result('a', base), result('b', better)], { seed: 4 });
    expect(compareRuns([result('a', base), result('b', better)], { seed: 4 })).toEqual(one);
    const turned = compareRuns([result('b', better), result('a', base)], { seed: 4 });
    expect(turned.runs).toEqual(one.runs);
  });

  test('efficiency is the score per million parameters', () => {
    const { runs } = compareRuns([result('a', [0.5, 0.7], { parameters: 5e5 }), result('b', [0.4, 0.6])]);
    expect(runs.map(({ efficiency }) => efficiency)).toEqual([expect.closeTo(1.2, 12), expect.closeTo(0.25, 12)]);
  });

  test('images without a score in some run are left out of all', () => {
    const { images, runs, notes } = compareRuns([result('a', [0.5, Number.NaN, 0.7]), result('b', [0.4, 0.5, 0.6])]);
    expect(images).toEqual(['slice-0.png', 'slice-2.png']);
    expect(runs[1]?.perImage).toEqual([0.4, 0.6]);
    expect(notes[0]).toContain('1 image is excluded');
  });

  test.each([
    ['one run', [result('a', base)], /at least two runs/],
    ['another score', [result('a', base), result('b', base, { metric: 'V-Rand' })], /a is scored by Dice, b by V-Rand/],
    ['other images', [result('a', base), result('b', base.slice(1))], /a and b were scored on different images/],
    ['no scores', [result('a', [Number.NaN]), result('b', [0.5])], /None of the images has a score/],
  ])('%s is refused', (_, results, message) => {
    expect(() => compareRuns(results)).toThrow(UsageError);
    expect(() => compareRuns(results)).toThrow(message);
  });
});

/** Of three runs, one of a name that must not become markup. */
function samplePage(): string {
  const base = noisy(0.8, 1);
  const learning = (name: string, top: number) => ({
    name,
    metric: 'Dice',
    points: Array.from({ length: 8 }, (_, i) => [i + 1, top * (1 - 0.6 ** (i + 1))] as const),
  });
  return renderComparison({
    comparison: compareRuns([
      result('runs/n4', base, {
        network: 'n4',
        parameters: 219_290,
        macs: 9.8e10,
        predictionMs: 2400,
        learning: learning('runs/n4', 0.8),
      }),
      result(
        'runs/unet <small>',
        base.map((s) => s + 0.021),
        { parameters: 490_000, macs: 5.1e9, learning: learning('runs/unet', 0.83) },
      ),
      result(
        'runs/unet-32',
        base.map((s, i) => s + 0.025 + 0.02 * (i % 2)),
        {
          parameters: 7_760_000,
          macs: 4.4e10,
          predictionMs: 830,
          predictionJoules: 31,
          learning: learning('runs/unet-32', 0.84),
        },
      ),
    ]),
    title: 'Lamella compares n4, unet, unet-32',
    createdAt: '2026-11-22T20:00:00.000Z',
    where: '12 images that all runs held out from training',
    facts: [['Device', 'CPU']],
    commands: ['npx lamella compare runs/n4 runs/unet runs/unet-32'],
  });
}

describePages(
  'the page in a browser',
  () => ({ 'compare.html': samplePage() }),
  (open) => {
    test.each([
      ['light', 1280],
      ['dark', 1280],
      ['dark', 400],
    ] as const)(
      '%s, %i wide: charts and tables, nothing loaded, no complaints, no sideways scroll',
      async (colorScheme, width) => {
        const opened = await open('compare.html', { colorScheme, width });
        const { tab, output } = opened;
        await expectSound(opened);
        expect(await tab.locator('h2').allTextContents()).toEqual([
          'Scores',
          'Cost',
          'Image by image',
          'Learning',
          'Method',
        ]);
        expect(await tab.locator('figure.chart svg[role=img]').count()).toBe(6);
        expect(await tab.locator('.verdicts li.decided').count()).toBeGreaterThan(0);
        expect(await tab.locator('th', { hasText: 'runs/unet <small>' }).count()).toBeGreaterThan(0);
        await tab.screenshot({ path: output(`compare-${colorScheme}-${width}.png`), fullPage: true });
        await tab.close();
      },
    );

    test('areas of the discs are as the parameters', async () => {
      const { tab } = await open('compare.html');
      const chart = tab.locator('.wide figure.chart svg').first();
      const radii = await chart
        .locator('g[stroke-width="1.5"] circle')
        .evaluateAll((circles) => circles.map((c) => Number(c.getAttribute('r'))));
      expect(radii).toHaveLength(3);
      const [large, small] = [Math.max(...radii), Math.min(...radii)];
      expect((large / small) ** 2).toBeCloseTo(7_760_000 / 219_290, 0);
      await tab.close();
    });
  },
);
