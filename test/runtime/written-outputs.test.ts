import * as ort from 'onnxruntime-node';
import { expect, it } from 'vitest';
import { float32 } from '../../src/array/ndarray.ts';
import { GraphBuilder } from '../../src/graph/builder.ts';
import { writeOnnx } from '../../src/graph/onnx/write.ts';
import { type OrtSession, toTensor } from '../../src/runtime/tensors.ts';
import { LAST_CONVERTED, runInto } from '../../src/runtime/written-outputs.ts';

async function doubling(): Promise<OrtSession> {
  const b = new GraphBuilder('double');
  const x = b.input('x', 'float32', [2]);
  const graph = b.build([b.output(b.add(x, x), 'y')]);
  return ort.InferenceSession.create(writeOnnx(graph, { emptySequence: LAST_CONVERTED }), { logSeverityLevel: 4 });
}

it('outputs are written into the arrays given, which are what comes back', async () => {
  const session = await doubling();
  const y = float32([2]);
  const fetches = { y: toTensor(ort, y) };
  const results = await runInto(session, { x: toTensor(ort, float32([2], [1, 2])) }, fetches);
  expect(results.y).toBe(fetches.y);
  expect(Array.from(y.data)).toEqual([2, 4]);
});

it('this onnxruntime-node stops at the sequence, before it copies; else outputs are copied for nothing', async () => {
  const session = await doubling();
  const fetches = { [LAST_CONVERTED]: null, y: toTensor(ort, float32([2])) };
  await expect(session.run({ x: toTensor(ort, float32([2])) }, fetches)).rejects.toThrow(/^Non tensor type/);
});

it('what really goes wrong is thrown', async () => {
  const session = await doubling();
  const fetches = { y: toTensor(ort, float32([2])) };
  await expect(runInto(session, { x: toTensor(ort, float32([3])) }, fetches)).rejects.toThrow('x');
});
