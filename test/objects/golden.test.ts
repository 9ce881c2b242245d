/** Against SciPy and scikit-image on random input: scripts/golden/objects.py. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ndarray } from '../../src/array/ndarray.ts';
import { connectedComponents } from '../../src/objects/connected-components.ts';
import { distanceToZero } from '../../src/objects/distance-transform.ts';
import { fillHoles } from '../../src/objects/fill-holes.ts';
import { filterObjects } from '../../src/objects/filter-objects.ts';
import { hMaxima } from '../../src/objects/h-maxima.ts';
import { relabelConsecutive } from '../../src/objects/relabel.ts';
import { watershed } from '../../src/objects/seeded-watershed.ts';
import { aboveThreshold, otsuThreshold } from '../../src/objects/threshold.ts';
import { expectAllClose } from '../support/expect-all-close.ts';

interface Stored {
  readonly shape: number[];
  readonly data: number[];
}

interface Case {
  readonly spacing: number[];
  readonly labels: { readonly faces: Stored; readonly corners: Stored };
  readonly watershed: { readonly [kind in 'faces' | 'corners' | 'masked' | 'maskedCorners']: Stored };
  readonly plateauWatershed: { readonly [kind in 'faces' | 'masked']: Stored };
  readonly hMaxima: { readonly [h: string]: Stored };
}

type Arrays = {
  readonly [name in
    | 'mask'
    | 'speckled'
    | 'distance'
    | 'distanceSpaced'
    | 'image'
    | 'seeds'
    | 'plateaus'
    | 'plateauSeeds'
    | 'rings'
    | 'filled'
    | 'filledCorners'
    | 'objects'
    | 'gapped'
    | 'relabelled'
    | 'above'
    | 'large'
    | 'inner']: Stored;
};

interface Golden {
  readonly cases: readonly (Case & Arrays)[];
  readonly otsu: readonly {
    readonly dtype: 'uint8' | 'int16' | 'float64';
    readonly values: number[];
    readonly threshold: number;
  }[];
}

const golden: Golden = JSON.parse(readFileSync('test/golden/objects.json', 'utf8'));

const ints = ({ shape, data }: Stored) => ndarray('int32', shape, Int32Array.from(data));
const data = (array: { readonly data: ArrayLike<number> }) => Array.from(array.data);

describe.each(golden.cases)('objects as SciPy and scikit-image find them, $mask.shape', (stored) => {
  const corners = stored.mask.shape.length === 2 ? 8 : 26;
  const mask = ints(stored.mask);
  const image = ints(stored.image);
  const seeds = ints(stored.seeds);

  it('connected components', () => {
    const speckled = ints(stored.speckled);
    expect(data(connectedComponents(speckled).labels)).toEqual(stored.labels.faces.data);
    expect(data(connectedComponents(speckled, { connectivity: corners }).labels)).toEqual(stored.labels.corners.data);
  });

  it('distance transform, with and without spacing', () => {
    // Both take the root of a sum of three squares.
    expectAllClose(distanceToZero(mask).distance.data, stored.distance.data, { rtol: 1e-15 });
    const { distance } = distanceToZero(mask, { spacing: stored.spacing });
    expectAllClose(distance.data, stored.distanceSpaced.data, { rtol: 1e-15 });
  });

  it('watershed where every value occurs once', () => {
    const { faces, corners: byCorners, masked, maskedCorners } = stored.watershed;
    expect(data(watershed(image, seeds))).toEqual(faces.data);
    expect(data(watershed(image, seeds, { connectivity: corners }))).toEqual(byCorners.data);
    expect(data(watershed(image, seeds, { mask }))).toEqual(masked.data);
    expect(data(watershed(image, seeds, { mask, connectivity: corners }))).toEqual(maskedCorners.data);
  });

  it('watershed on plateaus, from seeds of different values', () => {
    const plateaus = ints(stored.plateaus);
    const few = ints(stored.plateauSeeds);
    expect(data(watershed(plateaus, few))).toEqual(stored.plateauWatershed.faces.data);
    expect(data(watershed(plateaus, few, { mask, connectivity: corners }))).toEqual(
      stored.plateauWatershed.masked.data,
    );
  });

  it.each(Object.keys(stored.hMaxima))('peaks that stand out by %s', (h) => {
    const { labels } = hMaxima(image, Number(h));
    expect(data(labels).map((label) => Math.min(label, 1))).toEqual(stored.hMaxima[h]?.data);
  });

  it('filled holes', () => {
    const rings = ints(stored.rings);
    expect(data(fillHoles(rings))).toEqual(stored.filled.data);
    expect(data(fillHoles(rings, { connectivity: corners }))).toEqual(stored.filledCorners.data);
  });

  it('objects by size and border', () => {
    const objects = ints(stored.objects);
    const back = ({ labels, values }: ReturnType<typeof filterObjects>) => data(labels).map((label) => values[label]);
    expect(back(filterObjects(objects, { minSize: 8 }))).toEqual(stored.large.data);
    expect(back(filterObjects(objects, { border: 'clear' }))).toEqual(stored.inner.data);
  });
});

describe.each(golden.cases)('labels and masks as numpy and scikit-image make them, $mask.shape', (stored) => {
  it('labels with gaps counted anew', () => {
    expect(data(relabelConsecutive(ints(stored.gapped)).labels)).toEqual(stored.relabelled.data);
  });

  it('above a threshold', () => {
    expect(data(aboveThreshold(ints(stored.image), 100))).toEqual(stored.above.data);
  });
});

describe('thresholds as scikit-image finds them', () => {
  it.each(golden.otsu)('Otsu, $dtype', ({ dtype, values, threshold }) => {
    const shape = [values.length];
    const image = {
      uint8: () => ndarray('uint8', shape, Uint8Array.from(values)),
      int16: () => ndarray('int16', shape, Int16Array.from(values)),
      float64: () => ndarray('float64', shape, Float64Array.from(values)),
    }[dtype]();
    // Centres of bins are added up in another order there.
    expectAllClose([otsuThreshold(image)], [threshold], { rtol: 1e-12 });
  });
});
