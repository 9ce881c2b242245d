/** Attention of opset 23, by products of matrices (https://onnx.ai/onnx/operators/onnx__Attention.html). */

import { ndarray } from '../../array/ndarray.ts';
import type { GraphBuilder } from '../builder.ts';
import type { Value } from '../ir.ts';

export interface AttentionOptions {
  /** Numbers of heads, for inputs [N, sequence, heads x size]; those of queries may be a multiple of those of keys. */
  readonly queryHeads?: number | undefined;
  readonly keyHeads?: number | undefined;
  /** Factor on the products; default: 1 / sqrt(size of a head). */
  readonly scale?: number | undefined;
  /** Scores are bent to between -cap and cap by tanh; 0: not. */
  readonly softcap: number;
  /** Whether each query sees only what comes before it. */
  readonly isCausal: boolean;
}

export interface AttentionInputs {
  readonly query: Value;
  readonly key: Value;
  readonly value: Value;
  /** What is added to the scores, or whether they count. */
  readonly mask: Value | undefined;
  readonly pastKey: Value | undefined;
  readonly pastValue: Value | undefined;
}

/** @returns the result in the form of the queries, and all keys and values [N, heads, sequence, size] */
export function attention(
  b: GraphBuilder,
  { query, key, value, mask, pastKey, pastValue }: AttentionInputs,
  { queryHeads = 1, keyHeads = queryHeads, scale, softcap, isCausal }: AttentionOptions,
): readonly [y: Value, keys: Value, values: Value] {
  const isFlat = query.shape.length === 3;
  const byHeads = (x: Value, heads: number): Value => {
    if (x.shape.length !== 3) return x;
    const [n, sequence, size] = x.shape as readonly [number, number, number];
    return b.transpose(b.reshape(x, [n, sequence, heads, size / heads]), [0, 2, 1, 3]);
  };
  const joined = (past: Value | undefined, x: Value): Value =>
    past === undefined ? x : b.op('Concat', [past, x], { axis: 2 });
  const queries = byHeads(query, queryHeads);
  const keys = joined(pastKey, byHeads(key, keyHeads));
  const values = joined(pastValue, byHeads(value, keyHeads));
  const [n, heads, rows, size] = queries.shape as readonly [number, number, number, number];
  const columns = keys.shape[2] as number;
  /** Heads of keys, each for as many of queries as share it. */
  const shared = (x: Value): Value => {
    const [, own, sequence, width] = x.shape as readonly [number, number, number, number];
    if (own === heads) return x;
    const spread = [n, own, heads / own, sequence, width];
    return b.reshape(b.op('Expand', [b.reshape(x, [n, own, 1, sequence, width]), b.ints(spread)]), [
      n,
      heads,
      sequence,
      width,
    ]);
  };
  const number = (of: number): Value => b.scalar(of, query.dtype);
  const product = b.op('MatMul', [queries, b.transpose(shared(keys), [0, 1, 3, 2])]);
  let scores = b.mul(product, number(scale ?? 1 / Math.sqrt(size)));
  if (softcap !== 0) scores = b.mul(b.op('Tanh', [b.div(scores, number(softcap))]), number(softcap));
  if (mask !== undefined && mask.dtype !== 'bool') scores = b.add(scores, mask);
  let seen = mask?.dtype === 'bool' ? mask : undefined;
  if (isCausal) {
    const before = Uint8Array.from({ length: rows * columns }, (_, i) =>
      Number((i % columns) - (columns - rows) * Number(pastKey !== undefined) <= Math.floor(i / columns)),
    );
    const causal = b.constant(ndarray('bool', [rows, columns], before));
    seen = seen === undefined ? causal : b.op('And', [seen, causal]);
  }
  // A score that does not count: far below every other, yet finite.
  const hidden = number(query.dtype === 'float16' ? -6e4 : -3e38);
  const softmax = (x: Value): Value => b.op('Softmax', [x], { axis: -1 });
  // A query that sees nothing has weights of 0.
  const weights = seen
    ? b.op('Where', [seen, softmax(b.op('Where', [seen, scores, hidden])), number(0)])
    : softmax(scores);
  const made = b.op('MatMul', [weights, shared(values)]);
  const width = made.shape[3] as number;
  const y = isFlat ? b.reshape(b.transpose(made, [0, 2, 1, 3]), [n, rows, heads * width]) : made;
  return [y, keys, values];
}
