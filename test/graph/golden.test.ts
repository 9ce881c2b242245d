import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { DType, NdArray, Shape } from '../../src/array/ndarray.ts';
import type { AttributesOf, OpName } from '../../src/graph/attributes.ts';
import { backward } from '../../src/graph/autodiff.ts';
import { GraphBuilder } from '../../src/graph/builder.ts';
import { pack } from '../../src/graph/pack.ts';
import { expectAllClose } from '../support/expect-all-close.ts';
import { interpret, type Tensor, tensor } from '../support/interpreter.ts';

interface Numbers {
  readonly shape: Shape;
  readonly data: readonly number[];
}
interface Golden {
  readonly op: OpName;
  readonly name: string;
  readonly attributes: AttributesOf[OpName];
  /** Inputs by position that are not differentiated: dtype, shape, content. */
  readonly constants: { readonly [position: string]: readonly [DType, Shape, readonly number[]] };
  readonly inputs: readonly Numbers[];
  readonly output: Numbers;
  readonly dOutput: Numbers;
  readonly dInputs: readonly Numbers[];
}

const { cases, torch } = JSON.parse(readFileSync(new URL('../golden/gradients.json', import.meta.url), 'utf8')) as {
  readonly torch: string;
  readonly cases: readonly Golden[];
};

describe(`forward and gradient as PyTorch ${torch} computes them`, () => {
  it.each(cases.map((one) => [`${one.op} ${one.name}`.trim(), one] as const))('%s', (_, one) => {
    const b = new GraphBuilder('golden');
    const inputs = one.inputs.map(({ shape }, i) => b.input(`x${i}`, 'float32', shape));
    const operands = [...inputs] as ((typeof inputs)[number] | undefined)[];
    for (const [position, [dtype, shape, content]] of Object.entries(one.constants)) {
      const at = Number(position);
      while (operands.length < at) operands.push(undefined);
      operands[at] = b.constant(pack(dtype, shape, content) as NdArray);
    }
    const y = b.output(b.op(one.op, operands, one.attributes), 'y');
    // sum(y d) has the gradient d with respect to y.
    const d = b.input('d', 'float32', one.dOutput.shape);
    const loss = b.op('ReduceSum', [b.mul(y, d)], { keepdims: 0 });
    const { nodes } = b.build([loss]);
    const gradients = backward(b, nodes, loss, inputs).map((value, i) => b.output(value, `d${i}`));
    const graph = b.build([y, ...gradients]);
    const feeds: { [name: string]: Tensor } = { d: tensor(one.dOutput.shape, one.dOutput.data) };
    one.inputs.forEach(({ shape, data }, i) => {
      feeds[`x${i}`] = tensor(shape, data);
    });
    const results = interpret(graph, feeds);
    expect(y.shape).toEqual(one.output.shape);
    // float32 attributes and constants in a float64 computation
    const tolerance = { rtol: 1e-6, atol: 1e-7 };
    expectAllClose((results.y as Tensor).data, one.output.data, tolerance);
    one.dInputs.forEach(({ data }, i) => {
      expectAllClose((results[`d${i}`] as Tensor).data, data, tolerance);
    });
  });
});
