/** Weights [K, C, kh, kw] in the memory that the blocked kernels want. */
import { ndarray } from '../array/ndarray.ts';
import type { GraphBuilder } from '../graph/builder.ts';
import type { Value } from '../graph/ir.ts';

type Four = readonly [number, number, number, number];

/** The number of outputs rounded up to whole blocks. */
export function padOutputs(outputs: number, block: number): number {
  return Math.ceil(outputs / block) * block;
}

/** Zero outputs appended to plain weights, up to whole blocks. */
function withWholeBlocks(b: GraphBuilder, w: Value, block: number): Value {
  const [k, c, kh, kw] = w.shape as Four;
  const padded = padOutputs(k, block);
  if (padded === k) return w;
  return b.op('Concat', [w, b.constant(ndarray('float32', [padded - k, c, kh, kw]))], { axis: 0 });
}

/** Plain weights of fewer than a block of inputs as [K/B][C][kh][kw][B of K]. */
export function kernelOfFewInputs(b: GraphBuilder, w: Value, block: number): Value {
  const whole = withWholeBlocks(b, w, block);
  const [k, c, kh, kw] = whole.shape as Four;
  return b.reshape(b.transpose(b.reshape(whole, [k / block, block, c * kh * kw]), [0, 2, 1]), whole.shape);
}

/** Plain weights whose outputs are no whole blocks as [K'/B][C/B][kh][kw][B of C][B of K], K' rounded up. */
export function kernelOfOddOutputs(b: GraphBuilder, w: Value, block: number): Value {
  const whole = withWholeBlocks(b, w, block);
  const [k, c, kh, kw] = whole.shape as Four;
  const split = b.reshape(whole, [k / block, block, c / block, block, kh * kw]);
  return b.reshape(b.transpose(split, [0, 2, 4, 3, 1]), whole.shape);
}

/**
 * Weights in the layout [K/B][C/B][taps][B of C][B of K] as the kernel of the input's gradient:
 * [C/B][K/B][taps reversed][B of K][B of C], declared [C, K, kh, kw].
 *
 * First the transpose of K/B matrices, which ONNX Runtime does fast, then a Gather of rows of B floats;
 * a Transpose that moves single floats takes ten times as long.
 */
export function flippedKernel(b: GraphBuilder, w: Value, block: number): Value {
  const [k, c, kh, kw] = w.shape as Four;
  const taps = kh * kw;
  const rows = b.reshape(b.transpose(b.reshape(w, [k / block, c * taps, block]), [0, 2, 1]), [
    (k * c * taps) / block,
    block,
  ]);
  // rows: [K][C/B][taps], wanted: [C/B][K/B][taps reversed][B of K]
  const order = new BigInt64Array((k * c * taps) / block);
  let n = 0;
  for (let i = 0; i < c / block; i++) {
    for (let j = 0; j < k / block; j++) {
      for (let tap = taps - 1; tap >= 0; tap--) {
        for (let l = 0; l < block; l++) order[n++] = BigInt(((j * block + l) * (c / block) + i) * taps + tap);
      }
    }
  }
  const gathered = b.op('Gather', [rows, b.constant(ndarray('int64', [order.length], order))], { axis: 0 });
  return b.reshape(gathered, [c, k, kh, kw]);
}
