import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { float32, int64 } from '../../src/array/ndarray.ts';
import { RunError } from '../../src/errors.ts';
import {
  type Checkpoint,
  decodeCheckpoint,
  encodeCheckpoint,
  loadCheckpoint,
  saveCheckpoint,
} from '../../src/train/checkpoint.ts';
import { memoryStore } from '../support/memory-store.ts';

const checkpoint: Checkpoint = {
  step: 120,
  best: { step: 100, score: 0.875 },
  configHash: 'cafe0001',
  state: {
    'encoder/weight': float32([2, 3], [1, -2, 3.5, 0, Number.MIN_VALUE, 6]),
    step: float32([], [120]),
    n: int64([7]),
  },
};

test('what was written is read, bit for bit', () => {
  const read = decodeCheckpoint(encodeCheckpoint(checkpoint), 'a.ckpt');
  expect(read).toEqual(checkpoint);
});

test('a state without a best score and with an empty tensor', () => {
  const bare = { ...checkpoint, best: undefined, state: { empty: float32([0, 4]) } };
  expect(decodeCheckpoint(encodeCheckpoint(bare), 'a.ckpt')).toEqual(bare);
});

test('a best score that is NaN stays so', () => {
  const silent = { ...checkpoint, best: { step: 3, score: Number.NaN } };
  expect(decodeCheckpoint(encodeCheckpoint(silent), 'a.ckpt')).toEqual(silent);
});

test('any changed byte and any missing end is noticed', () => {
  const bytes = encodeCheckpoint(checkpoint);
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
      const damaged = bytes.slice();
      damaged[at] = (damaged[at] as number) ^ change;
      expect(() => decodeCheckpoint(damaged, 'a.ckpt')).toThrow(RunError);
    }),
  );
  for (const length of [0, 7, 15, 40, bytes.length - 8]) {
    expect(() => decodeCheckpoint(bytes.slice(0, length), 'a.ckpt')).toThrow(/a\.ckpt: this checkpoint is damaged/);
  }
});

describe('in a run', () => {
  test('the newest two are kept', async () => {
    const store = memoryStore();
    for (const step of [10, 20, 30, 1000]) await saveCheckpoint(store, { ...checkpoint, step });
    expect(await store.list('checkpoints')).toEqual(['step-000000030.ckpt', 'step-000001000.ckpt']);
    expect((await loadCheckpoint(store, 'cafe0001')).checkpoint?.step).toBe(1000);
  });

  test('a damaged one is named, and the one before is taken', async () => {
    const store = memoryStore();
    await saveCheckpoint(store, { ...checkpoint, step: 10 });
    const newest = await saveCheckpoint(store, { ...checkpoint, step: 20 });
    await store.write(newest, ((await store.read(newest)) as Uint8Array).subarray(0, 100));
    const loaded = await loadCheckpoint(store, 'cafe0001');
    expect(loaded.checkpoint?.step).toBe(10);
    expect(loaded.damaged).toEqual(['memory/checkpoints/step-000000020.ckpt']);
  });

  test('all damaged is an error that says so; none at all is a run at its beginning', async () => {
    const store = memoryStore();
    expect(await loadCheckpoint(store, 'cafe0001')).toEqual({ checkpoint: undefined, damaged: [] });
    await store.write(await saveCheckpoint(store, checkpoint), 'rubbish');
    await expect(loadCheckpoint(store, 'cafe0001')).rejects.toThrow(/the only checkpoint is damaged/);
  });

  test('one of another configuration is refused', async () => {
    const store = memoryStore();
    await saveCheckpoint(store, checkpoint);
    await expect(loadCheckpoint(store, 'cafe0002')).rejects.toThrow(/another configuration/);
  });
});
