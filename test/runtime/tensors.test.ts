import * as ort from 'onnxruntime-node';
import { expect, test } from 'vitest';
import { ndarray } from '../../src/array/ndarray.ts';
import { stream } from '../../src/array/random.ts';
import { GraphBuilder } from '../../src/graph/builder.ts';
import { writeOnnx } from '../../src/graph/onnx/write.ts';
import { type OrtSession, toTensor } from '../../src/runtime/tensors.ts';

test('sums have the same bits wherever in a buffer the input lies', async () => {
  const b = new GraphBuilder('sum');
  const x = b.input('x', 'float32', [1000]);
  const model = writeOnnx(b.build([b.output(b.sum(x, [0]), 'y')]));
  const options = { intraOpNumThreads: 1, logSeverityLevel: 4 } as const;
  const session: OrtSession = await ort.InferenceSession.create(model, options);
  const random = stream(1, 'values');
  for (let round = 0; round < 20; round++) {
    const values = Float32Array.from({ length: 1000 }, () => random.normal());
    const sums = [0, 4, 8, 12, 16, 20].map(async (offset) => {
      const data = new Float32Array(new ArrayBuffer(4000 + offset), offset, 1000);
      data.set(values);
      const { y } = await session.run({ x: toTensor(ort, ndarray('float32', [1000], data)) });
      return y?.data[0];
    });
    expect(new Set(await Promise.all(sums)).size).toBe(1);
  }
});

test('an aligned array is shared, not copied', () => {
  const data = new Float32Array(new ArrayBuffer(64), 16, 8);
  expect(toTensor(ort, ndarray('float32', [8], data)).data).toBe(data);
});
