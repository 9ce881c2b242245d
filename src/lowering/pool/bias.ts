import type { Value } from '../../graph/ir.ts';
import { integers } from '../../graph/op-row.ts';
import type { Formulation } from '../context.ts';
import { reduceBlocked } from '../layouts/moves.ts';

export const sumOfPoolGrad: Formulation<'ReduceSum'> = (lowering, node) => {
  const { b, forms, graph } = lowering;
  const [dx, axesInput] = node.inputs as readonly [Value, Value?];
  const known = axesInput === undefined ? undefined : graph.constants.get(axesInput);
  const maker = lowering.maker(dx);
  if (maker?.op !== 'lamella.MaxPoolGrad' || known === undefined) return false;
  const rank = dx.shape.length;
  const axes = new Set(integers(known).map((axis) => (axis < 0 ? axis + rank : axis)));
  if (dx.shape.some((_, axis) => axis >= 2 && !axes.has(axis))) return false;
  const dy = maker.inputs[1] as Value;
  const pooled = { ...node, inputs: [dy, axesInput] };
  if (reduceBlocked(lowering, pooled)) return true;
  const sum = b.op('ReduceSum', [forms.plain(dy), forms.plain(axesInput as Value)], node.attributes);
  forms.set(node.outputs[0], 'plain', sum);
  return true;
};
