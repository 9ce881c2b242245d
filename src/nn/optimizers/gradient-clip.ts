import type { Value } from '../../graph/ir.ts';
import type { Build } from '../../graph/op-row.ts';

/** sqrt(sum of squares over all gradients), shape []. */
export function globalNorm(b: Build, gradients: readonly Value[]): Value {
  const squares = gradients.map((g) =>
    b.sum(
      b.mul(g, g),
      g.shape.map((_, i) => i),
    ),
  );
  return b.op('Sqrt', [squares.reduce((sum, square) => b.add(sum, square))]);
}

/** The gradients times min(1, limit / (norm + 1e-6)), as torch.nn.utils.clip_grad_norm_ does. */
export function clipByNorm(b: Build, gradients: readonly Value[], norm: Value, limit: number): Value[] {
  const scale = b.op('Min', [b.div(b.scalar(limit), b.add(norm, b.scalar(1e-6))), b.scalar(1)]);
  return gradients.map((g) => b.mul(g, scale));
}
