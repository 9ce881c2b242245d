/** Lowering: from the graph that autodiff produces to the one that a device runs fastest. */
import type { Graph } from '../graph/ir.ts';
import { decompose } from '../graph/rewrite.ts';
import { broadcastExpands } from './passes/broadcast-expands.ts';
import { hideShapes } from './passes/hide-shapes.ts';
import { mergeReshapes } from './passes/merge-reshapes.ts';
import { nameOutputs } from './passes/name-outputs.ts';
import { volumesAsSlices } from './passes/volumes.ts';
import { type LoweredGraph, type LowerOptions, lowerStandard } from './walk.ts';

/** Lowering to ONNX Runtime's blocked kernels: see `inBlocks`. */
export interface BlockedLowering {
  /** Channels per block. */
  readonly size: 8 | 16;
  lower(graph: Graph, options: LowerOptions): LoweredGraph;
}

/** What a graph is lowered for. */
export interface LoweringTarget extends LowerOptions {
  /** Undefined if the device has no blocked kernels. */
  readonly blocks?: BlockedLowering;
  /** Use only the reference decompositions: direct convolutions with the reference's order of summation. */
  readonly exact?: boolean;
  /** Use less memory where ONNX Runtime plans it: hides the shapes of large tensors in graphs with state. */
  readonly hidesShapes?: boolean;
}

/** The same computation, with each custom op replaced by the formulation that suits the target. */
export function lower(graph: Graph, { hidesShapes = false, ...target }: LoweringTarget): LoweredGraph {
  const { packed, ...formulated } = formulate(graph, target);
  const lowered = { packed, graph: nameOutputs(mergeReshapes(formulated.graph)) };
  const trains = Object.keys(target.state ?? {}).length > 0;
  return hidesShapes && trains ? { ...lowered, graph: hideShapes(lowered.graph) } : lowered;
}

function formulate(graph: Graph, { blocks, exact = false, ...options }: LoweringTarget): LoweredGraph {
  if (exact) return { graph: decompose(graph), packed: new Map() };
  const lean = volumesAsSlices(broadcastExpands(graph));
  if (blocks !== undefined && lean.nodes.some(({ op }) => op === 'Conv')) return blocks.lower(lean, options);
  return { graph: lowerStandard(lean, options), packed: new Map() };
}
