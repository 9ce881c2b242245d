/** Weights [K, C, kh, kw] in the memory layout of the blocked kernels. */
import { ndarray } from '../../array/ndarray.ts';
import type { GraphBuilder } from '../../graph/builder.ts';
import type { Value } from '../../graph/ir.ts';

/** The number of outputs rounded up to a multiple of the block size. */
export function padOutputs(outputs: number, block: number): number {
  return Math.ceil(outputs / block) * block;
}

/** Plain weights with zero outputs appended, up to a multiple of the block size. */
function withWholeBlocks(b: GraphBuilder, w: Value, block: number): Value {
  const [k, c, kh, kw] = w.shape;
  const padded = padOutputs(k, block);
  if (padded === k) return w;
  return b.op('Concat', [w, b.constant(ndarray('float32', [padded - k, c, kh, kw]))], { axis: 0 });
}

/** Plain weights of fewer than a block of inputs as [K/B][C][kh][kw][B of K]. */
export function kernelOfFewInputs(b: GraphBuilder, w: Value, block: number): Value {
  const whole = withWholeBlocks(b, w, block);
  const [k, c, kh, kw] = whole.shape;
  return b.reshape(b.transpose(b.reshape(whole, [k / block, block, c * kh * kw]), [0, 2, 1]), whole.shape);
}

/** Plain weights whose output count is not a multiple of B, as [K'/B][C/B][kh][kw][B of C][B of K], K' rounded up. */
export function kernelOfOddOutputs(b: GraphBuilder, w: Value, block: number): Value {
  return kernelFromPlain(b, withWholeBlocks(b, w, block), block);
}

/**
 * Plain weights as [K/B][C/B][taps][B of C][B of K]: first K/B transposes of whole matrices, which are fast in ONNX
 * Runtime, then a Transpose that moves rows of B floats. Moving single floats takes several times as long (7 ns per
 * float instead of 1 to 2).
 */
export function kernelFromPlain(b: GraphBuilder, w: Value, block: number): Value {
  const [k, c, kh, kw] = w.shape;
  const turned = b.transpose(b.reshape(w, [k / block, block, c * kh * kw]), [0, 2, 1]);
  const split = b.reshape(turned, [k / block, c / block, block, kh * kw, block]);
  return b.reshape(kh * kw === 1 ? split : b.transpose(split, [0, 1, 3, 2, 4]), w.shape);
}

/** The inverse of `kernelFromPlain`. */
export function plainFromKernel(b: GraphBuilder, w: Value, block: number): Value {
  const [k, c, kh, kw] = w.shape;
  const split = b.reshape(w, [k / block, c / block, kh * kw, block, block]);
  const rows = b.reshape(kh * kw === 1 ? split : b.transpose(split, [0, 1, 3, 2, 4]), [k / block, c * kh * kw, block]);
  return b.reshape(b.transpose(rows, [0, 2, 1]), w.shape);
}

/**
 * Weights in the layout [K/B][C/B][taps][B of C][B of K] as the kernel of the input's gradient:
 * [C/B][K/B][taps reversed][B of K][B of C], declared [C, K, kh, kw].
 */
export function flippedKernel(b: GraphBuilder, w: Value, block: number): Value {
  const [k, c, kh, kw] = w.shape;
  const [outputs, taps] = [k / block, kh * kw];
  const order: number[] = [];
  for (let i = 0; i < c / block; i++) {
    for (let j = 0; j < outputs; j++) {
      for (let tap = taps - 1; tap >= 0; tap--) order.push((j * (c / block) + i) * taps + tap);
    }
  }
  return b.reshape(exchangeRoles(b, w, block, order), [c, k, kh, kw]);
}

/**
 * Weights [C, K, s, s] of an up-convolution, in the layout [C/B][K/B][taps][B of K][B of C], as the kernel
 * of a 1x1 Conv to s s K outputs: [taps][K/B][C/B][B of C][B of K], declared [s s K, C, 1, 1].
 */
export function upKernel(b: GraphBuilder, w: Value, block: number): Value {
  const [c, k, sy, sx] = w.shape;
  const taps = sy * sx;
  const order: number[] = [];
  for (let tap = 0; tap < taps; tap++) {
    for (let j = 0; j < k / block; j++) {
      for (let i = 0; i < c / block; i++) order.push((i * (k / block) + j) * taps + tap);
    }
  }
  return b.reshape(exchangeRoles(b, w, block, order), [taps * k, c, 1, 1]);
}

/**
 * The B x B matrices of [P/B][Q/B][taps][B of Q][B of P], each transposed to [B of P][B of Q], in the given order:
 * first transposes of whole matrices, then a Gather of rows of B floats.
 */
function exchangeRoles(b: GraphBuilder, w: Value, block: number, order: readonly number[]): Value {
  const [p, q, kh, kw] = w.shape;
  const matrices = (q / block) * kh * kw;
  const turned = b.transpose(b.reshape(w, [p / block, matrices * block, block]), [0, 2, 1]);
  const rows = b.reshape(turned, [p * matrices, block]);
  // rows: [P/B][B of P][Q/B taps]
  const index = new BigInt64Array(order.length * block);
  let n = 0;
  for (const matrix of order) {
    const [outer, inner] = [Math.floor(matrix / matrices), matrix % matrices];
    for (let row = 0; row < block; row++) index[n++] = BigInt((outer * block + row) * matrices + inner);
  }
  return b.op('Gather', [rows, b.constant(ndarray('int64', [index.length], index))], { axis: 0 });
}
