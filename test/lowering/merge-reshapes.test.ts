import { expect, it } from 'vitest';
import { GraphBuilder } from '../../src/graph/builder.ts';
import { checkGraph } from '../../src/graph/check.ts';
import { mergeReshapes } from '../../src/lowering/passes/merge-reshapes.ts';

const ops = (graph: ReturnType<GraphBuilder['build']>) => graph.nodes.map(({ op }) => op);

it('makes one view of two, and none of a view that is as the value was', () => {
  const b = new GraphBuilder('views');
  const x = b.input('x', 'float32', [2, 6]);
  const there = b.reshape(b.reshape(x, [3, 4]), [12]);
  const back = b.reshape(there, [2, 6]);
  const again = b.reshape(x, [12]);
  const sum = b.op('Add', [b.op('Add', [there, again]), b.reshape(b.op('Mul', [back, x]), [12])]);
  const merged = mergeReshapes(b.build([b.output(sum, 'y')]));
  checkGraph(merged);
  // x as [12] once, x itself for `back`, and the product as [12].
  expect(ops(merged).filter((op) => op === 'Reshape')).toHaveLength(2);
  const [add] = merged.nodes.filter(({ op }) => op === 'Add');
  expect(add?.inputs[0]).toBe(add?.inputs[1]);
  const [mul] = merged.nodes.filter(({ op }) => op === 'Mul');
  expect(mul?.inputs.map((value) => value?.name)).toEqual(['x', 'x']);
});

it('leaves outputs their names, and drops what nobody reads', () => {
  const b = new GraphBuilder('outputs');
  const x = b.input('x', 'float32', [4]);
  const y = b.output(b.reshape(b.reshape(x, [2, 2]), [4]), 'y');
  const merged = mergeReshapes(b.build([y]));
  checkGraph(merged);
  expect(merged.outputs.map(({ name }) => name)).toEqual(['y']);
  expect(ops(merged).filter((op) => op === 'Reshape').length).toBeLessThan(2);
  expect([...merged.constants.keys()].every((value) => merged.nodes.some(({ inputs }) => inputs.includes(value)))).toBe(
    true,
  );
});
