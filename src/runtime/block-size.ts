/**
 * ONNX Runtime's blocked kernels are internal to it, and their block size depends on the CPU (16 channels with AVX-512,
 * 8 with AVX2, none in WebAssembly). They are therefore detected and tested when a runtime opens.
 */
import type * as Ort from 'onnxruntime-common';
import { float32, type NdArray } from '../array/ndarray.ts';
import { GraphBuilder } from '../graph/builder.ts';
import type { Graph } from '../graph/ir.ts';
import { decompose } from '../graph/rewrite.ts';
import { inBlocks } from '../lowering/in-blocks.ts';
import type { BlockedLowering } from '../lowering/lower.ts';
import { runOnce } from './session.ts';
import { reason } from './session-errors.ts';
import type { OrtModule } from './tensors.ts';

export interface BlockedKernels {
  readonly blocks?: BlockedLowering;
  /** Why there are none; undefined if there are. */
  readonly why?: string;
}

/** Finds the block size of this CPU and compares convolution and its gradients with the reference. */
export async function findBlockedKernels(
  ort: OrtModule,
  sessionOptions: Ort.InferenceSession.SessionOptions,
): Promise<BlockedKernels> {
  try {
    const [blocked] = Object.values(await runOnce(ort, sessionOptions, reorderOfFour(), [float32([1, 4, 1, 1])]));
    const size = blocked?.dims[1];
    if (size !== 8 && size !== 16) return { why: `the block of ${size} channels is not known` };
    const blocks = inBlocks(size);
    const graph = smallConvolutions(size);
    const feeds = graph.inputs.map(({ shape }, i) => pattern(shape, i));
    const expected = await runOnce(ort, sessionOptions, decompose(graph), feeds);
    const actual = await runOnce(ort, sessionOptions, blocks.lower(graph, {}).graph, feeds);
    for (const { name } of graph.outputs) {
      const error = largestDifference(actual[name]?.data as Float32Array, expected[name]?.data as Float32Array);
      // Sums of at most 1,000 products of numbers below 1: rounding stays under 1e-5.
      if (!(error < 1e-4)) return { why: `${name} differs from the reference by ${error}` };
    }
    return { blocks };
  } catch (cause) {
    return { why: reason(cause) };
  }
}

/** ReorderInput pads four channels to one block; its output shape reveals the block size. */
function reorderOfFour(): Graph {
  const b = new GraphBuilder('reorder');
  const x = b.input('x', 'float32', [1, 4, 1, 1]);
  const graph = b.build([b.output(b.op('nchwc.ReorderInput', [x]), 'y')]);
  return { ...graph, symbols: new Map([['y', ['n', 'c', 'h', 'w']]]) };
}

function smallConvolutions(block: number): Graph {
  const b = new GraphBuilder('convolutions');
  const x = b.input('x', 'float32', [1, block, 7, 9]);
  const w = b.input('w', 'float32', [2 * block, block, 3, 3]);
  const bias = b.input('bias', 'float32', [2 * block]);
  const dy = b.input('dy', 'float32', [1, 2 * block, 7, 9]);
  const attributes = { kernel_shape: [3, 3], pads: [1, 1, 1, 1] };
  return b.build([
    b.output(b.op('Relu', [b.op('Conv', [x, w, bias], attributes)]), 'forward'),
    b.output(b.op('lamella.ConvGradInput', [dy, w], { ...attributes, input_shape: x.shape }), 'input gradient'),
    b.output(b.op('lamella.ConvGradWeight', [dy, x], attributes), 'weight gradient'),
  ]);
}

/** Numbers between -1 and 1 without any regularity that could hide a layout error. */
function pattern(shape: readonly number[], seed: number): NdArray {
  const array = float32(shape);
  for (let i = 0; i < array.data.length; i++) array.data[i] = Math.sin(1 + seed + i * i * 0.37);
  return array;
}

function largestDifference(a: Float32Array, b: Float32Array): number {
  let largest = a.length === b.length ? 0 : Number.NaN;
  for (let i = 0; i < a.length; i++) {
    const difference = Math.abs(a[i] - b[i]);
    if (!(difference <= largest)) largest = difference;
  }
  return largest;
}
