/** Flows, by hand and against Cellpose: scripts/golden/flows.py. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { float32, ndarray } from '../../src/array/ndarray.ts';
import { flowObjects } from '../../src/objects/flows/flow-objects.ts';
import { labelFlows } from '../../src/objects/flows/flow-targets.ts';
import { expectAllClose } from '../support/expect-all-close.ts';

interface Stored {
  readonly shape: number[];
  readonly data: number[];
}

interface Golden {
  readonly targets: readonly { readonly labels: Stored; readonly flows: Stored }[];
  readonly labels: Stored;
  readonly decodings: readonly (Readonly<
    Record<'spread' | 'turned' | 'cellprob_threshold' | 'flow_threshold' | 'niter' | 'min_size', number>
  > & { readonly labels: Stored })[];
}

const golden: Golden = JSON.parse(readFileSync('test/golden/flows.json', 'utf8'));
const ints = ({ shape, data }: Stored) => ndarray('int32', shape, Int32Array.from(data));
type Labels = ReturnType<typeof ints>;

/** As in the script. */
const noise = (i: number): number => (Math.imul(i, 2654435761) >>> 0) / 2 ** 32;

function predicted(labels: Labels, spread = 0, turned = 0) {
  const { shape, data } = labelFlows(labels);
  const size = labels.data.length;
  const label = (i: number): number => labels.data[i % size] as number;
  const sign = (i: number): number => (turned > 0 && label(i) > 0 && label(i) % turned === 0 ? -1 : 1);
  return {
    flows: float32(
      shape,
      data.map((flow, i) => 5 * sign(i) * flow + spread * (noise(i) - 0.5)),
    ),
    cell: float32(
      labels.shape,
      Float32Array.from(labels.data, (own, i) => (own > 0 ? 4 : -4) + 9 * (noise(i) - 0.5)),
    ),
  };
}

describe('flows of label maps', () => {
  it('lead to the middle, and are 0 there by symmetry and in the background', () => {
    const { shape, data } = labelFlows(ndarray('uint8', [1, 5], Uint8Array.of(0, 9, 9, 9, 0)));
    expect(shape).toEqual([2, 1, 5]);
    expectAllClose(data, [0, 0, 0, 0, 0, 0, 1, 0, -1, 0]);
  });

  it.each(golden.targets)('are those of Cellpose, $labels.shape', ({ labels, flows }) => {
    const own = labelFlows(ints(labels));
    expect(own.shape).toEqual(flows.shape);
    // Unit vectors in single precision; what is 0 by symmetry is rounding in both.
    expectAllClose(own.data, flows.data, { atol: 1e-7 });
  });
});

/** Whether two maps have the same objects, under any numbers. */
function expectSameObjects(own: Labels, other: Labels): void {
  const pairs = new Map<number, number>();
  for (let i = 0; i < own.data.length; i++) {
    const [a, b] = [own.data[i] as number, other.data[i] as number];
    if (!pairs.has(a)) pairs.set(a, b);
    if (pairs.get(a) !== b)
      expect.fail(`pixel ${i} is ${a} here and ${b} there, where ${a} is ${pairs.get(a)} elsewhere`);
  }
  expect(new Set(pairs.values()).size).toBe(pairs.size);
}

describe('objects from flows', () => {
  it('are those that the flows were made from, touching ones apart', () => {
    const labels = ndarray('int32', [12, 20]);
    for (let y = 1; y < 11; y++) labels.data.fill(1, y * 20 + 1, y * 20 + 10).fill(2, y * 20 + 10, y * 20 + 19);
    const maps = predicted(labels);
    maps.cell.data.set(labels.data.map((label) => (label > 0 ? 1 : -1)));
    expect(flowObjects(maps)).toEqual({ labels, count: 2 });
    // 90 pixels each.
    expect(flowObjects(maps, { minSize: 91 }).count).toBe(0);
    expect(flowObjects(maps, { maxFraction: 89 / 240 }).count).toBe(0);
    expect(flowObjects(maps, { threshold: 1 }).count).toBe(0);
  });

  it('are removed if their flows are not theirs, whatever is small besides', () => {
    const labels = ndarray('int32', [12, 40]);
    for (let y = 1; y < 11; y++) labels.data.fill(1, y * 40 + 1, y * 40 + 11).fill(2, y * 40 + 20, y * 40 + 30);
    for (let y = 1; y < 5; y++) labels.data.fill(3, y * 40 + 35, y * 40 + 39);
    const maps = predicted(labels);
    maps.cell.data.set(labels.data.map((label) => (label > 0 ? 1 : -1)));
    // Flows of the first lead to its middle, but ten times too slowly: the squared error is (1 - 0.1)^2.
    for (let i = 0; i < 960; i++)
      if (labels.data[i % 480] === 1) maps.flows.data[i] = 0.1 * (maps.flows.data[i] as number);
    expect(flowObjects(maps, { flowError: 0, minSize: 1 }).count).toBe(3);
    expect(flowObjects(maps, { flowError: 0.82, minSize: 1 }).count).toBe(3);
    expect(flowObjects(maps, { flowError: 0.8, minSize: 1 }).count).toBe(2);
    const { labels: left, count } = flowObjects(maps, { minSize: 17 });
    expect(count).toBe(1);
    expectSameObjects(
      left,
      ndarray(
        'int32',
        [12, 40],
        labels.data.map((label) => (label === 2 ? 1 : 0)),
      ),
    );
  });

  it('are filled', () => {
    const labels = ndarray('int32', [12, 12]);
    for (let y = 1; y < 11; y++) labels.data.fill(1, y * 12 + 1, y * 12 + 11);
    const maps = predicted(labels);
    maps.cell.data.set(labels.data.map((label, i) => (label > 0 && i !== 5 * 12 + 4 ? 1 : -1)));
    expect(flowObjects(maps, { maxFraction: 1 }).labels).toEqual(labels);
  });

  it('are none where there is no cell', () => {
    const maps = { flows: float32([2, 3, 4]), cell: float32([3, 4]) };
    expect(flowObjects(maps).count).toBe(0);
    expect(() => flowObjects({ ...maps, cell: float32([4, 3]) })).toThrow(/do not fit/);
    maps.flows.data[3] = Number.NaN;
    expect(() => flowObjects(maps)).toThrow(/not all finite/);
  });

  it.each(golden.decodings)('are those of Cellpose: $spread of noise, turned $turned', (stored) => {
    const { spread, turned, labels } = stored;
    const own = flowObjects(predicted(ints(golden.labels), spread, turned), {
      threshold: stored.cellprob_threshold,
      flowError: stored.flow_threshold,
      steps: stored.niter,
      minSize: stored.min_size,
    });
    expectSameObjects(own.labels, ints(labels));
  });
});
