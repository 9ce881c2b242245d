import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { float32, type NdArray } from '../../src/array/ndarray.ts';
import { stream } from '../../src/array/random.ts';
import { GraphBuilder } from '../../src/graph/builder.ts';
import {
  type CalibrationCounts,
  calibrate,
  countPixels,
  fitCalibration,
  noCounts,
  withCalibration,
} from '../../src/predict/calibration.ts';
import { expectAllClose } from '../support/expect-all-close.ts';
import { runGraph } from '../support/run-graph.ts';

/** Counts of pixels whose class is drawn with the probability `truth(p)`, as expected. */
function countsOf(truth: (p: number) => number, weight: (p: number) => number = () => 1000): CalibrationCounts {
  const counts = noCounts();
  for (let k = 0; k < counts.all.length; k++) {
    const p = (k + 0.5) / counts.all.length;
    counts.all[k] = weight(p);
    counts.positive[k] = weight(p) * truth(p);
  }
  return counts;
}

describe('the fit', () => {
  it('of what is calibrated already changes nothing', () => {
    expectAllClose(fitCalibration(countsOf((p) => p)) as readonly number[], [0, 1, 0, 0], { atol: 1e-9 });
  });
  it('finds a monotone cubic again', () => {
    const cubic = [0.05, 0.2, 0.1, 0.6] as const;
    const found = fitCalibration(countsOf((p) => calibrate(cubic, p)));
    // The thousandth of weight that draws to q = p.
    expectAllClose(found as readonly number[], cubic, { atol: 2e-3 });
  });
  it('takes back that classes were drawn alike: half means less where the class is rare', () => {
    // One in five pixels is of the class; Bayes' rule with a prior of 0.2 instead of 0.5.
    const truth = (p: number) => (0.2 * p) / (0.2 * p + 0.8 * (1 - p));
    const cubic = fitCalibration(countsOf(truth)) as NonNullable<ReturnType<typeof fitCalibration>>;
    // A cubic cannot follow the curve everywhere, but in the middle to some percent.
    expect(calibrate(cubic, 0.5)).toBeGreaterThan(0.13);
    expect(calibrate(cubic, 0.5)).toBeLessThan(0.27);
  });
  it('is nothing where there is one class only', () => {
    expect(fitCalibration(countsOf(() => 0))).toBeUndefined();
    expect(fitCalibration(noCounts())).toBeUndefined();
  });
  it('never falls, whatever is counted', () => {
    const cell = fc.record({
      all: fc.integer({ min: 0, max: 1000 }),
      share: fc.double({ min: 0, max: 1, noNaN: true }),
    });
    fc.assert(
      fc.property(
        fc.array(cell, { minLength: 256, maxLength: 256 }),
        fc.integer({ min: 1, max: 60 }),
        (cells, every) => {
          const counts = noCounts();
          cells.forEach(({ all, share }, k) => {
            // Few bins with many pixels, as bad networks have.
            counts.all[k] = k % every === 0 ? all : 0;
            counts.positive[k] = Math.floor((counts.all[k] as number) * share);
          });
          const cubic = fitCalibration(counts);
          if (cubic === undefined) return;
          const [, c1, c2, c3] = cubic;
          for (let p = 0; p <= 1; p += 1 / 64) expect(c1 + 2 * c2 * p + 3 * c3 * p * p).toBeGreaterThan(-1e-9);
        },
      ),
    );
  });
  it('counts pixels by their probability and leaves ignored ones out', () => {
    const counts = noCounts();
    countPixels(counts, Float32Array.of(0, 0.999, 1, 0.5, 0.5), Uint8Array.of(0, 1, 1, 0, 255));
    expect([counts.all[0], counts.all[255], counts.positive[255], counts.all[128]]).toEqual([1, 2, 2, 1]);
  });
});

it('in the graph the second class gets the cubic and the first the rest', async () => {
  const b = new GraphBuilder('two');
  const x = b.input('x', 'float32', [3, 2, 2, 1]);
  const graph = b.build([b.output(b.op('Softmax', [x], { axis: 1 }), 'probabilities')]);
  const random = stream(1, 'logits');
  const feed = float32([3, 2, 2, 1]);
  for (let i = 0; i < feed.data.length; i++) feed.data[i] = random.between(-4, 4);
  const before = (await runGraph(graph, { x: feed })).probabilities as NdArray<'float32'>;
  const cubic = [-0.1, 1.4, -1.2, 0.95] as const;
  const after = (await runGraph(withCalibration(graph, cubic), { x: feed })).probabilities as NdArray<'float32'>;
  for (let n = 0; n < 3; n++) {
    for (let p = 0; p < 2; p++) {
      const at = (c: number) => (2 * n + c) * 2 + p;
      expect(after.data[at(1)]).toBeCloseTo(calibrate(cubic, before.data[at(1)] as number), 6);
      expect(after.data[at(0)]).toBeCloseTo(1 - (after.data[at(1)] as number), 6);
    }
  }
});
