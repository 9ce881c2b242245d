import { expect, it } from 'vitest';
import { ndarray } from '../../src/array/ndarray.ts';
import { isbiWholeImageVariationOfInformation, wholeImageRand } from '../../src/metrics/clustering.ts';
import { contingency } from '../../src/metrics/contingency.ts';
import { isbiScores, isbiSliceScores } from '../../src/metrics/isbi.ts';
import type { RandScores } from '../../src/metrics/rand.ts';
import { simplePointTable } from '../../src/metrics/simple-points.ts';
import { WarpingScorer } from '../../src/metrics/warping.ts';
import { connectedComponents } from '../../src/objects/connected-components.ts';
import { vincentSoilleWatershed } from '../../src/objects/watershed.ts';
import { describeWithData } from '../support/data.ts';
import { expectAllClose } from '../support/expect-all-close.ts';
import { above, type ReferenceCases, type ReferenceCounts, readCase, readGolden } from './support.ts';

// The reference values are printed with 12 decimals; both sides sum in double precision.
const rounding = { rtol: 0, atol: 1e-9 };

function expectRand({ sums, precision, recall, fScore }: RandScores, reference: ReferenceCounts) {
  const { joint, truth, prediction, pixels } = sums;
  const { tp, fp, fn, tn, metricValue } = reference;
  expect([joint, prediction - joint, truth - joint]).toEqual([tp, fp, fn]);
  expect(pixels ** 2 - prediction - truth + joint).toBe(tn);
  expectAllClose(
    [precision, recall, fScore, 1 - (prediction + truth - 2 * joint) / pixels ** 2],
    [reference.precision, reference.recall, reference.fscore, metricValue],
    rounding,
  );
}

describeWithData("the challenge's own program", () => {
  it('has the same simple points', () => {
    const reference = readGolden<{ simple: number[] }>('simple_point_table.json');
    expect([...simplePointTable()]).toEqual(reference.simple);
  });

  for (const name of ['A', 'B'] as const) {
    const reference = () => readGolden<ReferenceCases>('golden.json')[name];

    it(`has the same component, watershed and warped images (case ${name})`, () => {
      const { label, prediction } = readCase(name);
      const golden = reference();
      const mask = above(prediction, 0.5);
      expect([...connectedComponents(label).labels.data]).toEqual(golden.gt_components.flat());
      expect([...connectedComponents(mask).labels.data]).toEqual(golden['pred_components_th0.5'].flat());
      const inverse = ndarray(
        'uint8',
        mask.shape,
        mask.data.map((value) => 1 - value),
      );
      expect([...vincentSoilleWatershed(inverse).labels.data]).toEqual(golden['pred_watershed_th0.5'].flat());
      const { warped } = new WarpingScorer(label).score(prediction.data, 0.5);
      expect([...warped]).toEqual(golden['warped_gt_th0.5'].flat());
    });

    it(`has the same scores at every threshold (case ${name})`, () => {
      const { label, prediction } = readCase(name);
      const golden = reference().per_threshold;
      const thresholds = golden.map(({ th }) => th);
      const scores = isbiSliceScores(label, prediction, { thresholds });
      expect(golden.length).toBe(10);
      for (const [t, expected] of golden.entries()) {
        const found = scores[t];
        if (found === undefined) throw new Error(`no scores at threshold ${expected.th}`);
        const { pixel, components, thinned, warping } = found;
        expect([pixel.truePositives, pixel.falsePositives, pixel.falseNegatives, pixel.trueNegatives]).toEqual([
          expected.pixel.tp,
          expected.pixel.fp,
          expected.pixel.fn,
          expected.pixel.tn,
        ]);
        expectAllClose(
          [pixel.precision, pixel.recall, pixel.fScore, pixel.meanSquaredError, pixel.meanSquaredError],
          [
            expected.pixel.precision,
            expected.pixel.recall,
            expected.pixel.fscore,
            expected.pixel.metricValue,
            expected.pixel_error_mse,
          ],
          rounding,
        );
        expectRand(components.rand, expected.rand_fg);
        expectRand(thinned.rand, expected.v_rand_thinned);
        expectAllClose(
          [components.rand.pairError, components.info.fScore, thinned.info.fScore],
          [expected.rand_fg_error_choose2, expected.v_info_fg, expected.v_info_thinned],
          rounding,
        );
        expectAllClose([components.info.variationOfInformationNats], [expected.vi_fg_nats], rounding);

        const table = contingency(
          connectedComponents(label).labels,
          connectedComponents(above(prediction, expected.th)).labels,
        );
        const classic = wholeImageRand(table);
        const pairs = expected.rand_classic;
        expectAllClose(
          [
            classic.truePositives,
            classic.falsePositives,
            classic.falseNegatives,
            classic.trueNegatives,
            classic.precision,
            classic.recall,
            classic.fScore,
            classic.randIndex,
          ],
          [pairs.tp, pairs.fp, pairs.fn, pairs.tn, pairs.precision, pairs.recall, pairs.fscore, pairs.metricValue],
          rounding,
        );
        expectAllClose([isbiWholeImageVariationOfInformation(table)], [expected.vi_nats], rounding);

        const bend = expected.warping;
        if (warping === undefined) throw new Error(`no warping at threshold ${expected.th}`);
        const { mergeClusters, splitClusters, error, pixels, ...counts } = warping;
        expect(counts).toEqual({
          merge: bend.merge,
          split: bend.split,
          holeAddition: bend.hole_addition,
          objectDeletion: bend.object_deletion,
          objectAddition: bend.object_addition,
          holeDeletion: bend.hole_deletion,
        });
        const mismatches = Object.values(counts).reduce((sum, count) => sum + count, 0);
        expect(mismatches).toBe(bend.mismatch_pixels);
        expectAllClose(
          [error, mismatches / pixels, (mergeClusters + splitClusters) / pixels],
          [
            bend.split_merge_error ?? Number.NaN,
            bend.error_all ?? Number.NaN,
            bend.split_merge_clustered ?? Number.NaN,
          ],
          rounding,
        );
      }
    });

    it(`has the same challenge values (case ${name})`, () => {
      const { label, prediction } = readCase(name);
      const scores = isbiScores([isbiSliceScores(label, prediction)]);
      const golden = reference().challenge;
      expect({
        'warping_error_min_0_0.9': expect.closeTo(scores.warpingError.value, 9),
        'warping_error_min_0_0.9_r20': expect.closeTo(scores.warpingError.value, 9),
        rand_error_1_minus_maxF_fg: expect.closeTo(scores.randError.value, 9),
        pixel_error_1_minus_maxF: expect.closeTo(scores.pixelError.value, 9),
        v_rand_thinned_max_0_1: expect.closeTo(scores.vRandThinned.value, 9),
        v_info_thinned_max_0_1: expect.closeTo(scores.vInfoThinned.value, 9),
      }).toEqual(golden);
    });
  }
});
