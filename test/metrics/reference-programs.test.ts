import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ndarray } from '../../src/array/ndarray.ts';
import { cremiAdaptedRand, scikitImageAdaptedRand, variationOfInformationBits } from '../../src/metrics/clustering.ts';
import { contingency } from '../../src/metrics/contingency.ts';
import { instanceScores, matchInstances } from '../../src/metrics/instances.ts';
import { dice, iou } from '../../src/metrics/overlap.ts';
import {
  averageSymmetricSurfaceDistance,
  contourDistances,
  edgeDistances,
  hausdorff,
  hausdorffMonai,
  hausdorffPooled,
  hausdorffSurfaceDistance,
  meanSurfaceDistance,
  surfaceDice,
} from '../../src/metrics/surface-distance.ts';
import { describeWithData, goldenFolder } from '../support/data.ts';
import { expectAllClose } from '../support/expect-all-close.ts';
import { type ReferenceCases, readGolden, readGrey } from './support.ts';

interface ReferenceInstances {
  skimage_ARE: number;
  skimage_returned_precision: number;
  skimage_returned_recall: number;
  skimage_vi_bits_ignore0: [number, number];
  skimage_vi_bits_all: [number, number];
  cremi_adapted_rand: [number, number, number];
  cremi_voi_split_merge_bits: [number, number];
  ctc_SEG: number;
  matching: Record<
    'thresh' | 'tp' | 'fp' | 'fn' | 'precision' | 'recall' | 'accuracy' | 'f1' | 'panoptic_quality',
    number
  >[];
  'dsb2018_mean_of_tp_over_tp_fp_fn_0.5_0.95': number;
}

interface ReferenceSurfaces {
  dice: number;
  iou: number;
  deepmind_avg_surface: [number, number];
  deepmind_HD100: number;
  deepmind_HD95: number;
  deepmind_surface_dice: Record<string, number>;
  edge_HD100: number;
  edge_HD95_max_of_directed_quantiles_linear: number;
  edge_HD95_pooled: number;
  edge_NSD: Record<string, number>;
  edge_ASSD: number;
}

const close = { rtol: 0, atol: 1e-9 };

function labels(rows: number[][]) {
  return ndarray('int32', [rows.length, rows[0]?.length ?? 0], Int32Array.from(rows.flat()));
}

describeWithData('label maps, by scikit-image, CREMI, Cell Tracking Challenge and StarDist', () => {
  for (const name of ['A', 'B'] as const) {
    for (const kind of ['pred_components_th0.5', 'pred_watershed_th0.5'] as const) {
      it(`gives the same numbers (${name}/${kind})`, () => {
        const pictures = readGolden<ReferenceCases>('golden.json')[name];
        const expected = readGolden<Record<string, ReferenceInstances>>('golden_instances.json')[`${name}/${kind}`];
        if (expected === undefined) throw new Error('no such case');
        const table = contingency(labels(pictures.gt_components), labels(pictures[kind]));

        const ours = scikitImageAdaptedRand(table);
        // scikit-image returns the two under each other's name.
        expectAllClose(
          [ours.error, ours.recall, ours.precision],
          [expected.skimage_ARE, expected.skimage_returned_precision, expected.skimage_returned_recall],
          close,
        );
        const cremi = cremiAdaptedRand(table);
        expectAllClose([cremi.error, cremi.precision, cremi.recall], expected.cremi_adapted_rand, close);
        const inForeground = variationOfInformationBits(table);
        const everywhere = variationOfInformationBits(table, { truthBackground: true });
        expectAllClose([inForeground.split, inForeground.merge], expected.cremi_voi_split_merge_bits, close);
        expectAllClose([inForeground.split, inForeground.merge], expected.skimage_vi_bits_ignore0, close);
        expectAllClose([everywhere.split, everywhere.merge], expected.skimage_vi_bits_all, close);

        const scores = instanceScores([matchInstances(table)]);
        expectAllClose([scores.seg], [expected.ctc_SEG], close);
        expectAllClose([scores.meanAveragePrecision], [expected['dsb2018_mean_of_tp_over_tp_fp_fn_0.5_0.95']], close);
        expect(scores.perThreshold.length).toBe(expected.matching.length);
        for (const [t, at] of scores.perThreshold.entries()) {
          const reference = expected.matching[t];
          if (reference === undefined) throw new Error('no such threshold');
          expectAllClose(
            [
              at.iouThreshold,
              at.truePositives,
              at.falsePositives,
              at.falseNegatives,
              at.precision,
              at.recall,
              at.averagePrecision,
              at.f1,
              at.panopticQuality,
            ],
            [
              reference.thresh,
              reference.tp,
              reference.fp,
              reference.fn,
              reference.precision,
              reference.recall,
              reference.accuracy,
              reference.f1,
              reference.panoptic_quality,
            ],
            close,
          );
        }
      });
    }
  }
});

describeWithData('surfaces, by surface-distance and by MONAI', () => {
  for (const [y, x] of [
    [1, 1],
    [2, 0.5],
  ] as const) {
    it(`gives the same numbers (spacing ${y} x ${x})`, () => {
      const key = `C/spacing_y${y.toFixed(1)}_x${x.toFixed(1)}`;
      const expected = readGolden<Record<string, ReferenceSurfaces>>('golden_instances.json')[key];
      if (expected === undefined) throw new Error('no such case');
      const truth = readGrey(join(goldenFolder(), 'metrics', 'caseC_gt.png'));
      const prediction = readGrey(join(goldenFolder(), 'metrics', 'caseC_pred.png'));
      expectAllClose([dice(truth, prediction), iou(truth, prediction)], [expected.dice, expected.iou], close);

      const contours = contourDistances(truth, prediction, { spacing: [y, x] });
      expectAllClose(
        [
          meanSurfaceDistance(contours.truthToPrediction),
          meanSurfaceDistance(contours.predictionToTruth),
          hausdorff(contours),
          hausdorffSurfaceDistance(contours),
        ],
        [...expected.deepmind_avg_surface, expected.deepmind_HD100, expected.deepmind_HD95],
        close,
      );
      const tolerances = Object.keys(expected.deepmind_surface_dice);
      expect(tolerances.length).toBe(4);
      expectAllClose(
        tolerances.map((tolerance) => surfaceDice(contours, Number(tolerance))),
        Object.values(expected.deepmind_surface_dice),
        close,
      );

      const edges = edgeDistances(truth, prediction, { spacing: [y, x] });
      expectAllClose(
        [hausdorff(edges), hausdorffMonai(edges), hausdorffPooled(edges), averageSymmetricSurfaceDistance(edges)],
        [
          expected.edge_HD100,
          expected.edge_HD95_max_of_directed_quantiles_linear,
          expected.edge_HD95_pooled,
          expected.edge_ASSD,
        ],
        close,
      );
      expectAllClose(
        Object.keys(expected.edge_NSD).map((tolerance) => surfaceDice(edges, Number(tolerance))),
        Object.values(expected.edge_NSD),
        close,
      );
    });
  }
});
