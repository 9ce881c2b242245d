import { describe, expect, test } from 'vitest';
import { formatProfile, layerOf, sumProfile } from '../../src/runtime/profile.ts';

const run = (ts: number, dur: number) => ({ cat: 'Session', name: 'model_run', ts, dur });
const kernel = (ts: number, dur: number, name: string, op: string) => ({
  cat: 'Node',
  name: `${name}_kernel_time`,
  ts,
  dur,
  args: { op_name: op, provider: 'CPUExecutionProvider' },
});

/** One run of warm-up, then two: 10 and 14 ms. */
const TRACE = JSON.stringify([
  { cat: 'Session', name: 'session_initialization', ts: 0, dur: 900 },
  run(1000, 50_000),
  kernel(1001, 40_000, 'encoder0/conv1/Conv_0', 'Conv'),
  run(60_000, 10_000),
  kernel(60_010, 4000, 'encoder0/conv1/Conv_0/Conv_0', 'Conv'),
  { cat: 'Node', name: 'encoder0/conv1/Conv_0/Conv_0_fence_after', ts: 64_010, dur: 500 },
  kernel(64_100, 2000, 'backward/encoder0/conv1/lamella_ConvGradWeight_0/Conv_1', 'Conv'),
  kernel(66_200, 1000, 'backward/Add_0', 'Add'),
  run(80_000, 14_000),
  kernel(80_010, 6000, 'encoder0/conv1/Conv_0/Conv_0', 'Conv'),
  kernel(86_100, 4000, 'backward/encoder0/conv1/lamella_ConvGradWeight_0/Conv_1', 'Conv'),
  kernel(90_200, 1000, 'backward/Add_0', 'Add'),
  kernel(91_300, 200, 'Transpose_token_7', 'Transpose'),
]);

test('the layer of a node is its name before the first op', () => {
  expect(layerOf('encoder1/conv1/Conv_0')).toBe('encoder1/conv1');
  expect(layerOf('encoder1/conv1/Conv_0/ReorderInput_1')).toBe('encoder1/conv1');
  expect(layerOf('backward/up/lamella_ConvGradInput_12/Col2Im_0')).toBe('backward/up');
  expect(layerOf('Add_3')).toBe('');
  expect(layerOf('reorder')).toBe('');
});

describe('a trace of three runs, the first left out', () => {
  const profile = sumProfile(TRACE, { leaveOut: 1 });

  test('is averaged over the others', () => {
    expect(profile).toMatchObject({ runs: 2, runMs: 12 });
    expect(profile.kernelsMs).toBeCloseTo(9.1, 9);
  });

  test('by op, the slowest first', () => {
    expect(profile.ops).toEqual([
      { name: 'Conv', ms: 8, calls: 2 },
      { name: 'Add', ms: 1, calls: 1 },
      { name: 'Transpose', ms: 0.1, calls: 0.5 },
    ]);
  });

  test('by layer, forward and backward', () => {
    expect(profile.layers).toEqual([
      { name: 'encoder0/conv1', ms: 8, calls: 2, backwardMs: 3 },
      { name: 'backward', ms: 1, calls: 1, backwardMs: 1 },
      { name: '(added by ONNX Runtime)', ms: 0.1, calls: 0.5, backwardMs: 0 },
    ]);
  });

  test('as text', () => {
    expect(formatProfile(profile)).toBe(`profile of 2 runs: a run takes 12.00 ms, its kernels 9.10 ms

op           ms   share  calls
Conv       8.00  87.9 %      2
Add        1.00  11.0 %      1
Transpose  0.10   1.1 %    0.5

layer                      ms   share  calls  forward  backward
encoder0/conv1           8.00  87.9 %      2     5.00      3.00
backward                 1.00  11.0 %      1     0.00      1.00
(added by ONNX Runtime)  0.10   1.1 %    0.5     0.10      0.00
`);
  });
});

test('with fewer runs than are to be left out, the last one counts; without runs there is nothing', () => {
  expect(sumProfile(TRACE)).toMatchObject({ runs: 1, runMs: 14 });
  expect(sumProfile('[]')).toEqual({ runs: 0, runMs: 0, kernelsMs: 0, ops: [], layers: [] });
});
