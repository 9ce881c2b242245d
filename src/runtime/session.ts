import type * as Ort from 'onnxruntime-common';
import { float32, type NdArray } from '../array/ndarray.ts';
import { GraphBuilder } from '../graph/builder.ts';
import type { Graph, Value } from '../graph/ir.ts';
import { writeOnnx } from '../graph/onnx/write.ts';
import { reason } from './session-errors.ts';
import { type OrtModule, type OrtTensor, toTensor } from './tensors.ts';

/** Runs a graph once, in a temporary session. @throws what ONNX Runtime throws. */
export async function runOnce(
  ort: OrtModule,
  options: Ort.InferenceSession.SessionOptions,
  graph: Graph,
  feeds: readonly NdArray[],
): Promise<{ readonly [output: string]: OrtTensor }> {
  const session = await ort.InferenceSession.create(writeOnnx(graph), options);
  try {
    const tensors: Record<string, OrtTensor> = {};
    graph.inputs.forEach(({ name }, i) => {
      tensors[name] = toTensor(ort, feeds[i]);
    });
    return await session.run(tensors);
  } finally {
    await session.release();
  }
}

/** Tests whether a device starts and adds correctly; returns the reason if not. */
export async function whyNotWorking(
  ort: OrtModule,
  options: Ort.InferenceSession.SessionOptions,
): Promise<string | undefined> {
  const b = new GraphBuilder('trial');
  const x = b.input('x', 'float32', [2]);
  try {
    const { y } = await runOnce(ort, options, b.build([b.output(b.add(x, x), 'y')]), [float32([2], [1, 2])]);
    const sum = y.data as Float32Array;
    return sum[0] === 2 && sum[1] === 4 ? undefined : 'it computes 1 + 1 wrongly';
  } catch (cause) {
    return reason(cause);
  }
}

/** A graph of identities, to copy tensors from a device: outputs are named like the inputs, prefixed with `>`. */
export function handOn(values: readonly Pick<Value, 'name' | 'dtype' | 'shape'>[]): Graph {
  const b = new GraphBuilder('download');
  return b.build(values.map(({ name, dtype, shape }) => b.output(b.input(name, dtype, shape), `>${name}`)));
}
