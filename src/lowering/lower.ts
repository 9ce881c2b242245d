/** Lowering: from the graph that autodiff made to the one that a device runs fastest. */
import type { Graph } from '../graph/ir.ts';
import { decompose } from '../graph/rewrite.ts';

/** What a graph is lowered for. */
export interface LoweringTarget {
  /** Channels in one block of ONNX Runtime's blocked kernels; absent where the device has none. */
  readonly blockSize?: 8 | 16;
  /** Only the reference decompositions: direct convolutions with the reference's order of summation. */
  readonly exact?: boolean;
}

/** The same computation, each op of ours replaced by the formulation that suits the target. */
export function lower(graph: Graph, _target: LoweringTarget): Graph {
  return decompose(graph);
}
