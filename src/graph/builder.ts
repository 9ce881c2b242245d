import { type DType, int64, type NdArray, type Shape } from '../array/ndarray.ts';
import { GraphError } from '../errors.ts';
import type { AttributesOf, OpName } from './attributes.ts';
import { describeValue, type Graph, type Node, type Value } from './ir.ts';
import type { Build, InferContext, OpRow } from './op-row.ts';
import { OPS } from './ops/table.ts';
import { pack } from './pack.ts';

// Kept in the declarations, where the names and attributes of all ops would otherwise be missing.
export type {} from './ops/table.ts';

/**
 * Builds a graph node by node; shapes and dtypes are inferred and checked as each is added.
 *
 * @example
 * const b = new GraphBuilder('square');
 * const x = b.input('x', 'float32', [2, 3]);
 * const graph = b.build([b.output(b.mul(x, x), 'y')]);
 */
export class GraphBuilder implements Build {
  readonly name: string;
  readonly #inputs: Value[] = [];
  readonly #nodes: Node[] = [];
  readonly #constants = new Map<Value, NdArray>();
  readonly #names = new Set<string>();
  readonly #counts = new Map<string, number>();
  readonly #shared = new Map<string, Value>();
  readonly #reserved = new Set<string>();
  #scope = '';

  constructor(name = 'graph') {
    this.name = name;
  }

  /** A builder that continues `graph`, with the same values. */
  static from(graph: Graph): GraphBuilder {
    const b = new GraphBuilder(graph.name);
    for (const value of graph.inputs) b.#adopt(value);
    for (const [value, array] of graph.constants) {
      b.#adopt(value);
      b.#constants.set(value, array);
    }
    for (const node of graph.nodes) {
      b.#names.add(node.name);
      for (const value of node.outputs) b.#adopt(value);
      b.#nodes.push(node);
    }
    b.#inputs.push(...graph.inputs);
    return b;
  }

  /** Reserves names for values that are added later. */
  reserve(names: Iterable<string>): void {
    for (const name of names) this.#reserved.add(name);
  }

  /** Runs `body` with the prefix `scope/` on the names of everything it adds: `encoder1/Conv_2`. */
  scoped<T>(scope: string, body: () => T): T {
    const outer = this.#scope;
    this.#scope = `${outer}${scope}/`;
    try {
      return body();
    } finally {
      this.#scope = outer;
    }
  }

  input(name: string, dtype: DType, shape: Shape): Value {
    const value = this.#value(name, dtype, shape);
    this.#inputs.push(value);
    return value;
  }

  constant(array: NdArray, name?: string): Value {
    const value = this.#value(name ?? this.#unique('constant'), array.dtype, array.shape);
    this.#constants.set(value, array);
    return value;
  }

  scalar(value: number, dtype: DType = 'float32'): Value {
    return this.#share(`${dtype}:${value}`, () => pack(dtype, [], [value]));
  }

  ints(values: readonly number[]): Value {
    return this.#share(`ints:${values.join()}`, () => int64(values));
  }

  constantOf(value: Value | undefined): NdArray | undefined {
    return value === undefined ? undefined : this.#constants.get(value);
  }

  op<K extends OpName>(op: K, inputs: readonly (Value | undefined)[], attributes?: AttributesOf[K]): Value {
    const [first] = this.ops(op, inputs, attributes ?? ({} as AttributesOf[K]), 1);
    return first;
  }

  ops<K extends OpName>(
    op: K,
    inputs: readonly (Value | undefined)[],
    attributes: AttributesOf[K],
    outputs: number,
    name = this.#unique(op),
  ): readonly Value[] {
    const names = Array.from({ length: outputs }, (_, i) => this.fresh(i === 0 ? name : `${name}:${i}`));
    return this.node(op, inputs, attributes, names, name);
  }

  /** Appends a node whose outputs have the given names, as stored in a file. */
  node<K extends OpName>(
    op: K,
    inputs: readonly (Value | undefined)[],
    attributes: AttributesOf[K],
    outputs: readonly string[],
    name = this.#unique(op),
  ): readonly Value[] {
    const types = inferTypes({ op, name, inputs, attributes }, outputs.length, (value) => this.constantOf(value));
    const values = outputs.map((output, i) => {
      const type = types[i];
      if (type === undefined) throw new GraphError(`${op} '${name}' has no output ${i}.`);
      return this.#value(output, type.dtype, type.shape);
    });
    // A file does not record omitted optional inputs at the end.
    const last = inputs.findLastIndex((value) => value !== undefined);
    this.#nodes.push({ op, name, inputs: inputs.slice(0, last + 1), outputs: values, attributes } as unknown as Node);
    return values;
  }

  add(a: Value, b: Value): Value {
    return this.op('Add', [a, b]);
  }
  sub(a: Value, b: Value): Value {
    return this.op('Sub', [a, b]);
  }
  mul(a: Value, b: Value): Value {
    return this.op('Mul', [a, b]);
  }
  div(a: Value, b: Value): Value {
    return this.op('Div', [a, b]);
  }
  neg(x: Value): Value {
    return this.op('Neg', [x]);
  }
  reshape(x: Value, shape: Shape): Value {
    return this.op('Reshape', [x, this.ints(shape)]);
  }
  transpose(x: Value, perm: readonly number[]): Value {
    return this.op('Transpose', [x], { perm });
  }
  sum(x: Value, axes: readonly number[], { keepdims = false }: { keepdims?: boolean } = {}): Value {
    return axes.length === 0 ? x : this.op('ReduceSum', [x, this.ints(axes)], { keepdims: keepdims ? 1 : 0 });
  }
  slice(x: Value, starts: readonly number[], ends: readonly number[], axes: readonly number[]): Value {
    return this.op('Slice', [x, this.ints(starts), this.ints(ends), this.ints(axes)]);
  }

  /** The same tensor under a chosen name, to serve as an output of the graph. */
  output(value: Value, name: string): Value {
    const types = [{ dtype: value.dtype, shape: value.shape }] as const;
    const named = this.#value(name, types[0].dtype, types[0].shape);
    this.#nodes.push({
      op: 'Identity',
      name: this.#unique('Identity'),
      inputs: [value],
      outputs: [named],
      attributes: {},
    });
    return named;
  }

  /** The finished graph, containing only the nodes and constants that the outputs need. */
  build(outputs: readonly Value[], { symbols }: Pick<Graph, 'symbols'> = {}): Graph {
    const needed = new Set<Value>(outputs);
    const nodes: Node[] = [];
    for (let i = this.#nodes.length - 1; i >= 0; i--) {
      const node = this.#nodes[i];
      if (!node.outputs.some((value) => needed.has(value))) continue;
      for (const value of node.inputs) if (value !== undefined) needed.add(value);
      nodes.push(node);
    }
    nodes.reverse();
    const constants = new Map([...this.#constants].filter(([value]) => needed.has(value)));
    const graph = { name: this.name, inputs: [...this.#inputs], outputs: [...outputs], nodes, constants };
    return symbols === undefined ? graph : { ...graph, symbols };
  }

  #share(key: string, make: () => NdArray): Value {
    const held = this.#shared.get(key);
    if (held !== undefined) return held;
    const value = this.constant(make());
    this.#shared.set(key, value);
    return value;
  }

  #adopt(value: Value): void {
    this.#names.add(value.name);
  }

  #value(name: string, dtype: DType, shape: Shape): Value {
    if (this.#names.has(name)) throw new GraphError(`The name '${name}' is used twice in the graph '${this.name}'.`);
    this.#names.add(name);
    return { name, dtype, shape };
  }

  #unique(stem: string): string {
    const scoped = `${this.#scope}${stem.replace('.', '_')}`;
    let count = this.#counts.get(scoped) ?? 0;
    while (this.#taken(`${scoped}_${count}`)) count++;
    this.#counts.set(scoped, count + 1);
    return `${scoped}_${count}`;
  }

  /** `name`, with a number appended if it is taken. */
  fresh(name: string): string {
    let candidate = name;
    for (let i = 1; this.#taken(candidate); i++) candidate = `${name}.${i}`;
    return candidate;
  }

  #taken(name: string): boolean {
    return this.#names.has(name) || this.#reserved.has(name);
  }
}

/**
 * Shape and dtype of a node's outputs, from its row.
 * @throws GraphError naming the node and the shapes of its inputs.
 */
export function inferTypes<K extends OpName>(
  node: Pick<Node<K>, 'op' | 'name' | 'inputs' | 'attributes'>,
  outputs: number,
  constantOf: (value: Value | undefined) => NdArray | undefined,
): readonly { readonly dtype: DType; readonly shape: Shape }[] {
  const row = OPS[node.op] as OpRow<K>;
  const fail = (problem: string): never => {
    const inputs = node.inputs.map(describeValue).join(', ');
    throw new GraphError(`${node.op} '${node.name}' (${inputs}): ${problem}`);
  };
  const [fewest, most] = row.arity;
  if (node.inputs.length < fewest || node.inputs.length > most) {
    fail(`takes ${fewest === most ? fewest : `${fewest} to ${most}`} inputs, not ${node.inputs.length}.`);
  }
  const context: InferContext<K> = {
    node,
    outputs,
    fail,
    input: (i) => node.inputs[i] ?? fail(`input ${i} is missing.`),
    known: (i) => constantOf(node.inputs[i]) ?? fail(`input ${i} must be a constant.`),
  };
  return row.infer(context).slice(0, Math.max(outputs, 1));
}
