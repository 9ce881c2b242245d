import { describe, expect, it } from 'vitest';
import { ndarray } from '../../src/array/ndarray.ts';
import { UsageError } from '../../src/errors.ts';
import { contingency } from '../../src/metrics/contingency.ts';
import { instanceScores, matchInstances } from '../../src/metrics/instances.ts';

const row = (text: string) => ndarray('uint8', [1, text.length], Uint8Array.from(text, Number));
const match = (truth: string, prediction: string, ignore?: string) =>
  matchInstances(contingency(row(truth), row(prediction), ignore === undefined ? {} : { ignore: row(ignore) }));

describe('matchInstances', () => {
  it('pairs objects by IoU, whatever they are called', () => {
    const { pairs, truthCount, predictionCount } = match('1111022', '9990033');
    expect(pairs).toEqual([
      { truth: 1, prediction: 2, iou: 0.75 },
      { truth: 2, prediction: 1, iou: 1 },
    ]);
    expect([truthCount, predictionCount]).toEqual([2, 2]);
  });

  it('lets an object of two equal halves have one of them', () => {
    expect(match('1111', '1122').pairs).toEqual([{ truth: 1, prediction: 1, iou: 0.5 }]);
  });

  it('does not count objects under the ignore mask', () => {
    expect(match('1100022', '1100033', '0000111')).toMatchObject({ truthCount: 1, predictionCount: 1 });
  });
});

describe('instanceScores', () => {
  it('gives the textbook numbers', () => {
    // One pair of IoU 3/4, one true object missed, one segment too many.
    const scores = instanceScores([match('11110220', '11100003')], { iouThresholds: [0.5, 0.8] });
    expect(scores.perThreshold[0]).toMatchObject({
      truePositives: 1,
      falsePositives: 1,
      falseNegatives: 1,
      precision: 0.5,
      recall: 0.5,
      f1: 0.5,
      averagePrecision: 1 / 3,
      segmentationQuality: 0.75,
      panopticQuality: 0.375,
    });
    expect(scores.perThreshold[1]).toMatchObject({ truePositives: 0, f1: 0, averagePrecision: 0, panopticQuality: 0 });
    expect(scores.perThreshold[1]?.segmentationQuality).toBeNaN();
    expect(scores.meanAveragePrecision).toBeCloseTo(1 / 6, 15);
    expect(scores.seg).toBe(0.375);
  });

  it('adds the counts of images up', () => {
    const scores = instanceScores([match('11', '11'), match('1100', '0022')], { iouThresholds: [0.5] });
    expect(scores.perThreshold[0]).toMatchObject({ truePositives: 1, falsePositives: 1, falseNegatives: 1 });
    expect(scores.perThreshold[0]?.averagePrecision).toBe(1 / 3);
    expect(scores.seg).toBe(0.5);
  });

  it('takes the mean over images too, where each counts alike', () => {
    // 1 of 1 object, none of 2, and an image without any.
    const images = [match('11', '11'), match('1100', '0022'), match('000', '000')];
    expect(instanceScores(images, { iouThresholds: [0.5] }).perThreshold[0]?.imageMean).toBeCloseTo(2 / 3, 15);
    // 2 of 3 and 1 of 1: not 3 of 4.
    const uneven = [match('11022033', '11022000'), match('4', '4')];
    expect(instanceScores(uneven, { iouThresholds: [0.5] }).perThreshold[0]?.imageMean).toBeCloseTo(5 / 6, 15);
  });

  it('takes IoU = threshold as a match', () => {
    // 3/5 at 0.6.
    expect(
      instanceScores([match('1111', '1110'), match('11111', '11100')], { iouThresholds: [0.6] }).perThreshold[0],
    ).toMatchObject({
      truePositives: 2,
    });
  });

  it('agrees where there is nothing on either side, and fails where there is on one', () => {
    const nothing = instanceScores([match('000', '000')]);
    expect(nothing.perThreshold[0]).toMatchObject({
      precision: 1,
      recall: 1,
      f1: 1,
      averagePrecision: 1,
      panopticQuality: 1,
    });
    expect(nothing.meanAveragePrecision).toBe(1);
    expect(nothing.seg).toBeNaN();
    expect(instanceScores([match('000', '110')]).perThreshold[0]).toMatchObject({
      precision: 0,
      recall: 0,
      f1: 0,
      panopticQuality: 0,
    });
    expect(instanceScores([match('110', '000')])).toMatchObject({ meanAveragePrecision: 0, seg: 0 });
  });

  it('refuses thresholds where a match would not be unique', () => {
    expect(() => instanceScores([], { iouThresholds: [0.3] })).toThrow(UsageError);
    expect(() => instanceScores([], { iouThresholds: [Number.NaN] })).toThrow(UsageError);
  });

  it('refuses shapes that differ', () => {
    expect(() => match('11', '111')).toThrow(/shapes differ/);
  });
});
