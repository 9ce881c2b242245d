import { describe, expect, it } from 'vitest';
import { GraphBuilder } from '../../src/graph/builder.ts';
import { broadcastExpands } from '../../src/lowering/passes/broadcast-expands.ts';

describe('an Expand', () => {
  const graphOf = (other: readonly number[]) => {
    const b = new GraphBuilder('expand');
    const row = b.input('row', 'float32', [1, 3]);
    const x = b.input('x', 'float32', other);
    const wide = b.op('Expand', [row, b.ints([2, 3])]);
    return b.build([b.output(b.mul(wide, x), 'y')]);
  };

  it('is left out where the other operand has the whole shape', () => {
    const { nodes } = broadcastExpands(graphOf([2, 3]));
    expect(nodes.map(({ op }) => op)).toEqual(['Mul', 'Identity']);
    expect(nodes[0]?.inputs.map((value) => value?.name)).toEqual(['row', 'x']);
  });

  it('stays where the result would be smaller without it', () => {
    const { nodes, outputs } = broadcastExpands(graphOf([1, 3]));
    expect(nodes.map(({ op }) => op)).toEqual(['Expand', 'Mul', 'Identity']);
    expect(outputs[0]?.shape).toEqual([2, 3]);
  });

  it('leaves a graph without one as it is', () => {
    const b = new GraphBuilder('none');
    const x = b.input('x', 'float32', [2]);
    const graph = b.build([b.output(b.mul(x, x), 'y')]);
    expect(broadcastExpands(graph)).toBe(graph);
  });
});
