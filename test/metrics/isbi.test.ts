import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ndarray } from '../../src/array/ndarray.ts';
import { UsageError } from '../../src/errors.ts';
import { isbiScores, isbiSliceScores } from '../../src/metrics/isbi.ts';
import { simplePointTable } from '../../src/metrics/simple-points.ts';
import { WARPING_CLASSES, WarpingScorer } from '../../src/metrics/warping.ts';

/** '#' = inside (255), '.' = membrane. */
const truthOf = (...rows: string[]) =>
  ndarray(
    'uint8',
    [rows.length, rows[0]?.length ?? 0],
    Uint8Array.from(rows.join(''), (c) => (c === '#' ? 255 : 0)),
  );
/** Digits are tenths, '#' is 1. */
const probabilityOf = (...rows: string[]) =>
  ndarray(
    'float32',
    [rows.length, rows[0]?.length ?? 0],
    Float32Array.from(rows.join(''), (c) => (c === '#' ? 1 : c === '.' ? 0 : Number(c) / 10)),
  );
const at = (truth: ReturnType<typeof truthOf>, prediction: ReturnType<typeof probabilityOf>, threshold = 0.5) => {
  const [scores] = isbiSliceScores(truth, prediction, { thresholds: [threshold] });
  if (scores === undefined) throw new Error('no scores');
  return scores;
};

describe('one slice at one threshold', () => {
  const truth = truthOf('##.##');

  it('is perfect for the truth itself', () => {
    const { pixel, components, thinned, warping } = at(truth, probabilityOf('##.##'));
    expect(pixel).toMatchObject({ precision: 1, recall: 1, fScore: 1, meanSquaredError: 0 });
    for (const { rand, info } of [components, thinned]) {
      expect(rand).toMatchObject({ precision: 1, recall: 1, fScore: 1, pairError: 0 });
      expect(info).toMatchObject({ mergeScore: 1, splitScore: 1, fScore: 1, variationOfInformationNats: 0 });
    }
    expect(warping).toMatchObject({ error: 0, merge: 0, split: 0, pixels: 5 });
  });

  it('sees a merge', () => {
    const { pixel, components, warping } = at(truth, probabilityOf('#####'));
    expect(pixel).toMatchObject({ truePositives: 4, falsePositives: 1, precision: 0.8, recall: 1 });
    // Joint 2^2 + 2^2, truth the same, prediction 4^2 (of the truth's foreground).
    expect(components.rand).toMatchObject({ precision: 0.5, recall: 1 });
    expect(components.rand.fScore).toBeCloseTo(2 / 3, 15);
    expect(components.rand.pairError).toBeCloseTo(8 / 12, 15);
    expect(components.info.fScore).toBe(0);
    expect(components.info.mergeNats).toBeCloseTo(Math.LN2, 15);
    expect(components.info.splitNats).toBe(0);
    expect(warping).toMatchObject({ merge: 1, mergeClusters: 1, split: 0, error: 0.2 });
  });

  it('sees a split, and pixels predicted as background count one by one', () => {
    const whole = truthOf('#####');
    const { components, thinned, warping } = at(whole, probabilityOf('##.##'));
    // Joint and prediction 2^2 + 2^2 + 1, truth 5^2.
    expect(components.rand).toMatchObject({ precision: 1, recall: 9 / 25 });
    expect(thinned.rand).toMatchObject({ precision: 1, recall: 9 / 25 });
    const entropy = (4 / 5) * Math.log(5 / 2) + (1 / 5) * Math.log(5);
    expect(components.info.splitNats).toBeCloseTo(entropy, 15);
    expect(components.info.mergeNats).toBe(0);
    expect(warping).toMatchObject({ split: 1, splitClusters: 1, merge: 0, error: 0.2 });
  });

  it('forgives a border that is too thick once it is thinned', () => {
    const wide = truthOf('####.####');
    const thick = probabilityOf('###...###');
    expect(at(wide, thick).components.rand.fScore).toBeLessThan(0.8);
    expect(at(wide, thick).thinned.rand.fScore).toBe(1);
    expect(at(wide, thick).warping?.error).toBe(0);
  });

  it('knows holes and lost or added objects from splits and merges', () => {
    const scorer = (rows: string[], prediction: string[]) =>
      new WarpingScorer(truthOf(...rows)).score(probabilityOf(...prediction).data, 0.5);
    expect(scorer(['###', '###', '###'], ['###', '#.#', '###']).counts).toMatchObject({ holeAddition: 1, split: 0 });
    expect(scorer(['###', '#.#', '###'], ['###', '###', '###']).counts).toMatchObject({ holeDeletion: 1, merge: 0 });
    expect(scorer(['...', '.#.', '...'], ['...', '...', '...']).counts).toMatchObject({ objectDeletion: 1 });
    const added = scorer(['...', '...', '...'], ['...', '.#.', '...']);
    expect(added.counts).toMatchObject({ objectAddition: 1 });
    expect(added).toMatchObject({ mismatches: 1, error: 0 });
    expect(added.classes[4]).toBe(WARPING_CLASSES.objectAddition);
  });

  it('leaves ignored pixels out', () => {
    const ignore = truthOf('..#..');
    const [scores] = isbiSliceScores(truth, probabilityOf('#####'), { thresholds: [0.5], ignore });
    expect(scores?.pixel).toMatchObject({ falsePositives: 0, fScore: 1 });
    expect(scores?.warping).toMatchObject({ error: 0, pixels: 4 });
    // The segment is still one, so the merge counts.
    expect(scores?.components.rand.precision).toBe(0.5);
  });
});

describe('what is empty, constant or wrong', () => {
  it('scores constant predictions', () => {
    const truth = truthOf('##.##');
    const nothing = at(truth, probabilityOf('.....'));
    expect(nothing.pixel).toMatchObject({ precision: 0, recall: 0, fScore: 0 });
    // Four single pixels: joint and prediction 4, truth 8.
    expect(nothing.components.rand).toMatchObject({ precision: 1, recall: 0.5 });
    // One basin.
    expect(nothing.thinned.rand).toMatchObject({ precision: 0.5, recall: 1 });
    const scores = isbiScores([isbiSliceScores(truth, probabilityOf('55555'))]);
    expect(scores.pixelError).toMatchObject({ threshold: 0, precision: 0.8, recall: 1 });
  });

  it('has nothing to partition in a truth without foreground, but pixels to agree on', () => {
    const { pixel, components, warping } = at(truthOf('...'), probabilityOf('...'));
    expect(pixel).toMatchObject({ precision: 1, recall: 1, fScore: 1 });
    expect(components.rand.fScore).toBeNaN();
    expect(components.info.fScore).toBeNaN();
    expect(components.info.variationOfInformationNats).toBeNaN();
    expect(warping?.error).toBe(0);
    const scores = isbiScores([isbiSliceScores(truthOf('...'), probabilityOf('...'))]);
    expect(scores.vRand.value).toBeNaN();
    expect(scores.randError).toMatchObject({ value: Number.NaN, threshold: Number.NaN });
    expect(scores.pixelError.value).toBe(0);
  });

  it('agrees fully on a slice that is one cell', () => {
    const { components } = at(truthOf('###'), probabilityOf('###'));
    expect(components.rand.fScore).toBe(1);
    expect(components.info).toMatchObject({ fScore: 1, mergeScore: 1, splitScore: 1 });
  });

  it('refuses NaN, values that are no probability, and shapes that differ', () => {
    const truth = truthOf('##', '##');
    const bad = ndarray('float32', [2, 2], Float32Array.of(0, 0, Number.NaN, 0));
    expect(() => isbiSliceScores(truth, bad)).toThrow(/NaN at row 1, column 0/);
    const bytes = ndarray('float32', [2, 2], Float32Array.of(0, 255, 0, 0));
    expect(() => isbiSliceScores(truth, bytes)).toThrow(/255 at row 0, column 1/);
    expect(() => isbiSliceScores(truth, probabilityOf('##'))).toThrow(/\[2, 2\].*\[1, 2\]/);
    expect(() => isbiSliceScores(truth, probabilityOf('##', '##'), { ignore: truthOf('##') })).toThrow(UsageError);
    expect(() => isbiSliceScores(truth, probabilityOf('##', '##'), { thresholds: [] })).toThrow(UsageError);
    expect(() => isbiSliceScores(truthOf(''), probabilityOf(''))).toThrow(UsageError);
    expect(() => isbiScores([])).toThrow(UsageError);
  });
});

describe('thresholds', () => {
  it('finds the best one and keeps the curve', () => {
    const scores = isbiScores([isbiSliceScores(truthOf('##.##'), probabilityOf('993##'))]);
    expect(scores.curve.length).toBe(11);
    // At 0.3 float32(0.3) is above the threshold 0.30000000000000004; at 0.4 the gap opens.
    expect(scores.vRand).toMatchObject({ value: 1, threshold: 0.4, precision: 1, recall: 1 });
    expect(scores.randError.value).toBe(0);
    expect(scores.warpingError).toMatchObject({ value: 0, threshold: 0.4 });
    expect(scores.curve[0]).toMatchObject({ threshold: 0, pixelError: expect.closeTo(1 - 8 / 9, 12) });
    expect(scores.curve[10]?.warpingError).toBeUndefined();
  });

  it('is the same in float32 and float64 input', () => {
    const prediction = probabilityOf('993##');
    const wide = ndarray('float64', prediction.shape, Float64Array.of(0.9, 0.9, 0.3, 1, 1));
    expect(isbiSliceScores(truthOf('##.##'), wide)).toEqual(isbiSliceScores(truthOf('##.##'), prediction));
  });
});

describe('a stack', () => {
  const good = isbiSliceScores(truthOf('##.##'), probabilityOf('##.##'), { thresholds: [0.5] });
  const merged = isbiSliceScores(truthOf('##.##'), probabilityOf('#####'), { thresholds: [0.5] });

  it('sums pixels and pairs, and takes means of the others', () => {
    const scores = isbiScores([good, merged]);
    expect(scores.slices).toBe(2);
    expect(scores.pixelError.value).toBeCloseTo(1 - 16 / 17, 15);
    // Joint 8 + 8, prediction 8 + 16, truth 8 + 8.
    expect(scores.randError.value).toBeCloseTo(1 - 32 / 40, 15);
    expect(scores.vRand.value).toBeCloseTo((1 + 2 / 3) / 2, 15);
    expect(scores.vInfo.value).toBeCloseTo(0.5, 15);
    expect(scores.warpingError).toEqual({ value: 0.1, threshold: 0.5, merge: 1, split: 0 });
  });

  it('leaves slices without foreground out of the means', () => {
    const empty = isbiSliceScores(truthOf('...'), probabilityOf('...'), { thresholds: [0.5] });
    expect(isbiScores([merged, empty]).vRand.value).toBeCloseTo(2 / 3, 15);
    expect(isbiScores([merged, empty]).warpingError.value).toBe(0.1);
  });

  it('refuses different thresholds', () => {
    expect(() => isbiScores([good, isbiSliceScores(truthOf('#'), probabilityOf('#'))])).toThrow(UsageError);
  });
});

/** Pass after pass over all that is left, to the letter. */
function warpPlainly(truth: Uint8Array, prediction: Float32Array, h: number, w: number, threshold: number) {
  const simple = simplePointTable();
  const source: number[] = Array.from(truth, (value) => (value === 0 ? 0 : 1));
  const value = (y: number, x: number) => (y < 0 || x < 0 || y >= h || x >= w ? 0 : (source[y * w + x] as number));
  let open: number[] = [];
  for (let x = 0; x < w; x++) {
    for (let y = 0; y < h; y++) {
      const i = y * w + x;
      if (source[i] !== ((prediction[i] as number) > threshold ? 1 : 0)) open.push(i);
    }
  }
  const key = (i: number) => Math.fround(Math.abs((prediction[i] as number) - threshold));
  open.sort((a, b) => key(b) - key(a));
  for (let before = -1; before !== open.length; ) {
    before = open.length;
    open = open.filter((i) => {
      const [y, x] = [Math.floor(i / w), i % w];
      let pattern = 0;
      for (let k = 0; k < 9; k++) pattern |= value(y + Math.floor(k / 3) - 1, x + (k % 3) - 1) << k;
      if (simple[pattern] === 1) source[i] = 1 - (source[i] as number);
      return simple[pattern] === 0;
    });
  }
  return { source, left: open.length };
}

describe('WarpingScorer', () => {
  it('flips the same pixels as plain passes over the whole list', () => {
    const side = fc.integer({ min: 1, max: 14 });
    fc.assert(
      fc.property(
        side,
        side,
        fc.infiniteStream(fc.nat({ max: 255 })),
        fc.constantFrom(0, 0.3, 0.5, 0.9),
        (h, w, stream, threshold) => {
          const truth = ndarray(
            'uint8',
            [h, w],
            Uint8Array.from([...stream.take(h * w)], (v) => (v < 140 ? 255 : 0)),
          );
          const prediction = Float32Array.from([...stream.take(h * w)], (v) => v / 255);
          const plain = warpPlainly(truth.data, prediction, h, w, threshold);
          const { warped, mismatches, counts } = new WarpingScorer(truth).score(prediction, threshold);
          expect([...warped]).toEqual(plain.source);
          expect(mismatches).toBe(plain.left);
          expect(Object.values(counts).reduce((a, b) => a + b, 0)).toBe(mismatches);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('does the same on thin structures that take many passes', () => {
    const [h, w] = [40, 40];
    // A comb: the truth has the back, the prediction also long teeth, with equal confidence everywhere.
    const truth = ndarray(
      'uint8',
      [h, w],
      new Uint8Array(h * w).map((_, i): number => (i % w < 2 ? 1 : 0)),
    );
    const prediction = new Float32Array(h * w).map((_, i) => (i % w < 2 || Math.floor(i / w) % 2 === 0 ? 0.75 : 0.25));
    const reversed = prediction.map((value, i) => (value > 0.5 ? 0.75 + 0.2 * ((i % w) / w) : value));
    for (const values of [prediction, reversed]) {
      const plain = warpPlainly(truth.data, values, h, w, 0.5);
      const found = new WarpingScorer(truth).score(values, 0.5);
      expect([...found.warped]).toEqual(plain.source);
      expect(found.mismatches).toBe(0);
    }
  });
});

describe('precision and recall', () => {
  it('are low for merges and for splits in Rand and in information alike', () => {
    const cells = truthOf('######.######');
    const split = at(cells, probabilityOf('##.###.######')).components;
    expect([split.rand.precision, split.info.mergeScore]).toEqual([1, 1]);
    expect(split.rand.recall).toBeLessThan(1);
    expect(split.info.splitScore).toBeLessThan(1);
    const merged = at(truthOf('##.###.######'), probabilityOf('######.######')).components;
    expect([merged.rand.recall, merged.info.splitScore]).toEqual([1, 1]);
    expect(merged.rand.precision).toBeLessThan(1);
    expect(merged.info.mergeScore).toBeLessThan(1);
  });
});
