import { describe, expect, it } from 'vitest';
import type { Region } from '../../src/annotate/region.ts';
import { ndarray } from '../../src/array/ndarray.ts';
import { keepLabels } from '../../src/dataset/annotate.ts';
import { scoredPart } from '../../src/dataset/hold-out.ts';
import { IGNORE } from '../../src/dataset/labels/labels.ts';
import { prepareDataset } from '../../src/dataset/prepare.ts';
import { type LabelledImage, rawDataset } from '../../src/dataset/raw.ts';
import { BasisCounter, describeBasis } from '../../src/evaluate/basis.ts';
import { scorerFor } from '../../src/evaluate/scorer.ts';
import { contingency } from '../../src/metrics/contingency.ts';
import { matchInstances } from '../../src/metrics/instances.ts';
import { fingerprintOf } from '../../src/train/config.ts';

const I = IGNORE;
const N = 65535;

describe('what scores rest on', () => {
  it('is pixels and objects that are annotated', () => {
    const basis = new BasisCounter();
    basis.add(Uint8Array.of(0, 1, 1, I, I, 1), Int32Array.of(0, 7, 7, 8, N, 9));
    basis.add(Uint8Array.of(0, 1, 0, 1), Int32Array.of(0, 7, 0, 7));
    expect(basis.result()).toEqual({ images: 2, pixels: 8, ofPixels: 10, objects: 3 });
    expect(describeBasis(basis.result(), 2)).toBe('8 pixels (80 % of 2 images), 3 objects, 2 regions');
  });
  it('is all of an image without numbered objects', () => {
    const basis = new BasisCounter();
    basis.add(new Uint8Array(1200));
    expect(describeBasis(basis.result())).toBe('1,200 pixels (all of 1 image)');
  });
});

describe('scores', () => {
  it('count no object that is not annotated, whatever its number', () => {
    const grid = (values: readonly number[]) => ndarray('int32', [1, values.length], Int32Array.from(values));
    const ignore = ndarray('uint8', [1, 6], Uint8Array.of(0, 0, 0, 1, 1, 1));
    const { truthCount, predictionCount, pairs } = matchInstances(
      contingency(grid([0, 4, 4, -1, 9, N]), grid([0, 2, 2, 2, 3, 3]), { ignore }),
    );
    expect([truthCount, predictionCount, pairs]).toEqual([1, 1, [{ truth: 1, prediction: 1, iou: 1 }]]);
  });

  it('are those of the annotated pixels alone', () => {
    const probabilities = ndarray('float32', [2, 1, 4], Float32Array.of(0.9, 0.1, 0.1, 0.1, 0.1, 0.9, 0.9, 0.9));
    const dice = (label: Uint8Array) => {
      const scorer = scorerFor({ kind: 'dice' }, ['background', 'cell']);
      scorer.add({ page: { name: 'a', height: 1, width: 4, label }, probabilities });
      return scorer.result().score;
    };
    expect(dice(Uint8Array.of(0, 1, 0, 0))).toBe(0.5);
    expect(dice(Uint8Array.of(0, 1, I, I))).toBe(1);
  });
});

describe('a region that is held out', () => {
  const region: Region = {
    id: 3,
    shape: { box: [2, 0, 2, 2] },
    complete: true,
    origin: 'painted',
    held: true,
  };
  const of = (values: readonly number[]) =>
    ({ ...ndarray('uint16', [2, 4], Uint16Array.from(values)), axes: 'yx', spacing: {} }) as const;
  const sample: LabelledImage = { name: 'a', image: of([1, 2, 3, 4, 5, 6, 7, 8]), label: of([0, 5, N, 6, 0, 5, 6, 6]) };
  const raw = rawDataset([sample]);
  const prepare = (held: readonly Region[]) =>
    prepareDataset(raw, {
      classes: [
        { name: 'background', values: [0] },
        { name: 'cell', values: 'rest' },
      ],
      annotation: { notAnnotated: N, regions: { a: held } },
    });

  it('is all that a report or a comparison scores of its image', () => {
    const [page] = raw.pages;
    const { heldRegions } = prepare([region]);
    const scored = scoredPart(page as NonNullable<typeof page>, heldRegions, N);
    expect([...scored.label.values]).toEqual([N, N, N, 6, N, N, 6, 6]);
    expect(scoredPart(page as NonNullable<typeof page>, undefined, N)).toBe(page);
    expect([...keepLabels(page as NonNullable<typeof page>, 'outside', [region], N).label.values]).toEqual([
      0,
      5,
      N,
      N,
      0,
      5,
      N,
      N,
    ]);
  });

  it('makes other data of the same image, which a resumed run notices', () => {
    const fingerprint = ({ train, validation }: ReturnType<typeof prepare>) =>
      fingerprintOf([...train.pages, ...validation]);
    expect(fingerprint(prepare([region]))).toBe(fingerprint(prepare([region])));
    expect(fingerprint(prepare([region]))).not.toBe(
      fingerprint(prepare([{ ...region, shape: { box: [2, 0, 2, 1] } }])),
    );
  });
});
