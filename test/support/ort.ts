import { InferenceSession, Tensor } from 'onnxruntime-node';
import type { Graph } from '../../src/graph/ir.ts';
import { writeOnnx } from '../../src/graph/onnx/write.ts';
import { decompose } from '../../src/graph/rewrite.ts';

/** Outputs of a graph by ONNX Runtime on the CPU, every op of ours by its reference decomposition. */
export async function runInOrt(
  graph: Graph,
  feeds: { readonly [input: string]: Float32Array },
): Promise<{
  readonly [output: string]: { readonly dims: readonly number[]; readonly data: ArrayLike<number | bigint> };
}> {
  const session = await InferenceSession.create(writeOnnx(decompose(graph)), {
    intraOpNumThreads: 1,
    logSeverityLevel: 3,
  });
  try {
    const tensors = graph.inputs.map(({ name, shape }) => [
      name,
      new Tensor('float32', feeds[name] as Float32Array, shape),
    ]);
    const results = await session.run(Object.fromEntries(tensors));
    return Object.fromEntries(
      Object.entries(results).map(([name, { dims, data }]) => [name, { dims, data: data as Float32Array }]),
    );
  } finally {
    await session.release();
  }
}
