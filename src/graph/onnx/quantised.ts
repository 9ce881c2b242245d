/** Operations on whole numbers that stand for real ones, value = scale (number - zero point), as operations on those. */

import { elementCount, type NdArray, ndarray } from '../../array/ndarray.ts';
import { GraphError } from '../../errors.ts';
import { integers } from '../op-row.ts';
import {
  type AttributeProto,
  AttributeProtoSchema,
  type GraphProto,
  type NodeProto,
  NodeProtoSchema,
  AttributeType as Type,
} from './messages.ts';
import { create } from './protobuf.ts';
import { tensorFromProto, tensorToProto } from './tensor.ts';

/** Least and largest number of each type. */
const RANGES: { readonly [dtype: string]: readonly [number, number] } = {
  uint8: [0, 255],
  int8: [-128, 127],
  uint16: [0, 65_535],
  int16: [-32_768, 32_767],
};

/** Operations that choose or move numbers, whatever these mean. */
const PASSED: ReadonlySet<string> = new Set([
  ...['Clip', 'Concat', 'DepthToSpace', 'Dropout', 'Expand', 'Flatten', 'Gather', 'Identity', 'Max', 'MaxPool', 'Min'],
  ...['Pad', 'Reshape', 'Resize', 'Slice', 'SpaceToDepth', 'Split', 'Squeeze', 'Tile', 'Transpose', 'Unsqueeze'],
]);
/** Those whose results are no numbers of this kind: sizes and places. */
const UNMARKED: ReadonlySet<string> = new Set(['ArgMax', 'ArgMin', 'Shape', 'Size']);

/** The nodes in place of one; undefined if it stays. */
type Rewrite = (graph: Quantised, node: NodeProto) => readonly NodeProto[] | undefined;

const named = ({ opType, name, output }: NodeProto): string => `${opType} '${name || output[0]}'`;

const attribute = (node: NodeProto, name: string): AttributeProto | undefined =>
  node.attribute.find((each) => each.name === name);

/** Name of real numbers in place of whole ones: that before quantisation, where it is known. */
const plainName = (name: string): string => (name.endsWith(ADDED) ? name.slice(0, -ADDED.length) : `${name}/float`);
/** What ONNX Runtime adds to names. */
const ADDED = '_quantized';

/** `X, its scale and zero point, those of the result` as `X` with the node's attributes, and kept within the range. */
const alike =
  (opType: string): Rewrite =>
  (graph, node) => {
    const [x = '', scale, zero, ownScale, ownZero] = node.input;
    return graph.clipped(node, opType, [graph.real(node, x, scale, zero)], ownScale, ownZero);
  };

/** The same of two operands. */
const ofTwo =
  (opType: string): Rewrite =>
  (graph, node) => {
    const [a = '', aScale, aZero, b = '', bScale, bZero, scale, zero] = node.input;
    const operands = [graph.real(node, a, aScale, aZero), graph.real(node, b, bScale, bZero)];
    return graph.clipped(node, opType, operands, scale, zero);
  };

/** A product of whole numbers, of inputs [x, weights, their zero points]. */
const ofWhole =
  (opType: 'Conv' | 'MatMul'): Rewrite =>
  (graph, node) => {
    const [x = '', w = '', , zero] = node.input;
    if (!graph.isReal(x)) graph.refuse(node, `its input '${x}' is not made of real numbers`);
    return graph.dynamicProduct(node, opType, x, w, zero);
  };

const REWRITES: { readonly [type: string]: Rewrite } = {
  QuantizeLinear: (graph, node) => {
    const [x = '', scale, zero] = node.input;
    const [output = ''] = node.output;
    const steps = graph.steps(node, scale, zero);
    const known = graph.stored(x);
    if (known === undefined) return graph.clipped(node, undefined, [x], scale, zero);
    graph.store(output, rounded(known, steps));
    graph.tag(output, steps);
    return [];
  },
  DequantizeLinear: (graph, node) => {
    const [x = '', scale, zero] = node.input;
    const [output = ''] = node.output;
    if (Number(attribute(node, 'block_size')?.i ?? 0n) !== 0) graph.refuse(node, 'blocks of weights are not supported');
    const steps = graph.steps(node, scale, zero);
    if (graph.isReal(x)) {
      graph.requireSame(node, x, steps);
      return [graph.node('Identity', [x], output, node.name)];
    }
    const known = graph.stored(x);
    if (known !== undefined) {
      graph.store(output, dequantised(known, steps, Number(attribute(node, 'axis')?.i ?? 1n)));
      return [];
    }
    const [factor, offset] = [steps.scale, steps.zero].map((list, i) =>
      graph.constant(`${output}/${i}`, ndarray('float32', [], Float32Array.of(list[0] as number))),
    ) as [string, string];
    const whole = graph.node('Cast', [x], `${output}/whole`, '', [int('to', 1)]);
    const centred = graph.node('Sub', [`${output}/whole`, offset], `${output}/centred`);
    return [whole, centred, graph.node('Mul', [`${output}/centred`, factor], output, node.name)];
  },
  // Of the range of the data: numbers, their scale and zero point
  DynamicQuantizeLinear: (graph, node) => {
    const [x = ''] = node.input;
    const [y = '', scale = '', zero = ''] = node.output;
    graph.store(scale, ndarray('float32', [], Float32Array.of(1)));
    graph.store(zero, ndarray('uint8', [], Uint8Array.of(0)));
    graph.tag(y, undefined);
    return [graph.node('Identity', [x], y, node.name)];
  },
  ConvInteger: ofWhole('Conv'),
  MatMulInteger: ofWhole('MatMul'),
  QLinearConv: (graph, node) => {
    const [x = '', xScale, xZero, w = '', wScale, wZero, scale, zero, bias] = node.input;
    const image = graph.real(node, x, xScale, xZero);
    const weights = graph.steps(node, wScale, wZero);
    const known = graph.stored(w) ?? graph.refuse(node, 'its weights are computed');
    const kernel = graph.constant(plainName(w), dequantised(known, weights, 0));
    const [factor] = graph.steps(node, xScale, xZero).scale as [number];
    const steps = { ...weights, scale: weights.scale.map((each) => each * factor), zero: [0] };
    const sums = bias ? (graph.stored(bias) ?? graph.refuse(node, 'its bias is computed')) : undefined;
    const added = sums && graph.constant(plainName(bias as string), dequantised(sums, steps, 0));
    return graph.clipped(node, 'Conv', [image, kernel, ...(added === undefined ? [] : [added])], scale, zero);
  },
  QLinearMatMul: ofTwo('MatMul'),
  QLinearAdd: ofTwo('Add'),
  QLinearMul: ofTwo('Mul'),
  QLinearSigmoid: alike('Sigmoid'),
  QLinearLeakyRelu: alike('LeakyRelu'),
  QLinearAveragePool: alike('AveragePool'),
  QLinearGlobalAveragePool: alike('GlobalAveragePool'),
  QLinearConcat: (graph, node) => {
    const [scale, zero, ...parts] = node.input;
    const operands = parts.flatMap((x, i) => (i % 3 === 0 ? [graph.real(node, x, parts[i + 1], parts[i + 2])] : []));
    return graph.clipped(node, 'Concat', operands, scale, zero);
  },
};

/** What the numbers of a tensor mean: of all, or of each along an axis. */
export interface Steps {
  readonly scale: readonly number[];
  readonly zero: readonly number[];
  readonly dtype: string;
}

const int = (name: string, i: number): AttributeProto =>
  create(AttributeProtoSchema, { name, type: Type.INT, i: BigInt(i) });

function dequantised(array: NdArray, { scale, zero }: Steps, axis: number): NdArray<'float32'> {
  const { shape } = array;
  const at = axis < 0 ? axis + shape.length : axis;
  const inner = scale.length === 1 ? elementCount(shape) : elementCount(shape.slice(at + 1));
  const of = (list: readonly number[], i: number): number =>
    list.length === 1 ? (list[0] as number) : (list[Math.floor(i / inner) % list.length] as number);
  const numbers = integers(array);
  return ndarray(
    'float32',
    shape,
    Float32Array.from(numbers, (n, i) => (n - of(zero, i)) * of(scale, i)),
  );
}

/** Numbers as they are after quantisation by one scale. */
function rounded({ shape, data }: NdArray, { scale: [scale = 1], zero: [zero = 0], dtype }: Steps): NdArray<'float32'> {
  const [low, high] = RANGES[dtype] as readonly [number, number];
  const even = (value: number): number => {
    const floor = Math.floor(value);
    const isUp = value - floor > 0.5 || (value - floor === 0.5 && floor % 2 !== 0);
    return isUp ? floor + 1 : floor;
  };
  const step = (value: number): number => Math.min(high, Math.max(low, even(value / scale) + zero));
  return ndarray(
    'float32',
    shape,
    Float32Array.from(data as Float32Array, (value) => (step(value) - zero) * scale),
  );
}

/** A graph of a file while its operations on whole numbers are replaced. */
export class Quantised {
  readonly #graph: GraphProto;
  readonly #opset: number;
  readonly #stored: Map<string, NdArray>;
  /** Values of whole numbers that are real ones by now, with what their numbers meant; undefined: it is computed. */
  readonly #real = new Map<string, Steps | undefined>();
  /** Scales that weights have taken up. */
  readonly #folded = new Map<string, string>();
  count = 0;

  constructor(graph: GraphProto, opset: number) {
    this.#graph = graph;
    this.#opset = opset;
    this.#stored = new Map();
  }

  /** The nodes in place of one of the file, which are given in order. */
  rewritten(node: NodeProto): readonly NodeProto[] {
    const made = REWRITES[node.opType]?.(this, node);
    if (made !== undefined) {
      this.count++;
      return made;
    }
    const [folded] = node.output.flatMap((name) => this.#folded.get(name) ?? []);
    if (folded !== undefined) return [this.node('Identity', [folded], node.output[0] as string, node.name)];
    return [this.#onReal(node)];
  }

  /** A node that does not compute with numbers, such as a pooling: its results mean what its inputs mean. */
  #onReal(node: NodeProto): NodeProto {
    const first = node.input.find((name) => this.#real.has(name));
    if (first === undefined || UNMARKED.has(node.opType)) return node;
    if (!PASSED.has(node.opType)) this.refuse(node, `it computes with the whole numbers of '${first}'`);
    const steps = this.#real.get(first);
    const input = node.input.map((name, i) => {
      if (steps !== undefined && this.#real.has(name)) this.requireSame(node, name, steps);
      const constant = i === 0 || name === '' || this.#real.has(name) ? undefined : this.stored(name);
      if (steps === undefined || constant === undefined || RANGES[constant.dtype] === undefined) return name;
      return this.constant(plainName(name), dequantised(constant, steps, 0));
    });
    for (const name of node.output) this.#real.set(name, steps);
    return create(NodeProtoSchema, { ...node, input });
  }

  isReal(name: string): boolean {
    return this.#real.has(name);
  }

  tag(name: string, steps: Steps | undefined): void {
    this.#real.set(name, steps);
  }

  refuse(node: NodeProto, problem: string): never {
    throw new GraphError(`${named(node)} cannot be computed in float32: ${problem}.`);
  }

  stored(name: string): NdArray | undefined {
    const known = this.#stored.get(name);
    if (known !== undefined) return known;
    const tensor = this.#graph.initializer.find((each) => each.name === name) ?? this.#constantNode(name);
    const array = tensor && tensorFromProto(tensor);
    if (array !== undefined) this.#stored.set(name, array);
    return array;
  }

  #constantNode(name: string) {
    const node = this.#graph.node.find(({ opType, output }) => opType === 'Constant' && output[0] === name);
    return node && attribute(node, 'value')?.t;
  }

  /** Makes a value of the graph a stored tensor. */
  store(name: string, array: NdArray): void {
    this.#graph.initializer.push(tensorToProto(array, name));
    this.#stored.set(name, array);
  }

  /** A tensor of this name, stored once. */
  constant(name: string, array: NdArray): string {
    const held = this.#stored.get(name);
    const isSame = held?.data.every((value, i) => value === array.data[i]) ?? false;
    if (isSame) return name;
    if (held !== undefined) return this.constant(`${name}+`, array);
    this.store(name, array);
    return name;
  }

  node(opType: string, input: readonly string[], output: string, name = '', attributes: AttributeProto[] = []) {
    const fields = { opType, input: [...input], output: [output], name: name || output, attribute: attributes };
    return create(NodeProtoSchema, fields);
  }

  steps(node: NodeProto, scale: string | undefined, zero: string | undefined): Steps {
    const scales = this.stored(scale ?? '') ?? this.refuse(node, 'its scale is computed');
    const zeros = zero ? (this.stored(zero) ?? this.refuse(node, 'its zero point is computed')) : undefined;
    return {
      scale: Array.from(scales.data as ArrayLike<number>),
      zero: zeros === undefined ? [0] : integers(zeros),
      dtype: zeros?.dtype ?? 'uint8',
    };
  }

  requireSame(node: NodeProto, x: string, { scale, zero }: Steps): void {
    const own = this.#real.get(x);
    if (own !== undefined && (own.scale.join() !== scale.join() || own.zero.join() !== zero.join()))
      this.refuse(node, `'${x}' was made with another scale or zero point`);
  }

  /** The real numbers that an operand stands for. */
  real(node: NodeProto, x: string, scale: string | undefined, zero: string | undefined): string {
    const steps = this.steps(node, scale, zero);
    const known = this.#real.has(x) ? undefined : this.stored(x);
    if (known !== undefined) return this.constant(plainName(x), dequantised(known, steps, known.shape.length - 1));
    if (!this.#real.has(x)) this.refuse(node, `its input '${x}' is not made of real numbers`);
    this.requireSame(node, x, steps);
    return x;
  }

  /** The operation, if any, whose result stays within what the numbers of its type can mean. */
  clipped(
    node: NodeProto,
    opType: string | undefined,
    inputs: readonly string[],
    scale: string | undefined,
    zero: string | undefined,
  ): readonly NodeProto[] {
    const [output = ''] = node.output;
    const steps = this.steps(node, scale, zero);
    const [low, high] = RANGES[steps.dtype] ?? this.refuse(node, `its numbers are ${steps.dtype}`);
    if (steps.scale.length !== 1) this.refuse(node, 'its result has several scales');
    const [step, middle] = [steps.scale[0] as number, steps.zero[0] as number];
    const bounds = [low, high].map((n) => (n - middle) * step);
    this.tag(output, steps);
    const before = opType === undefined ? (inputs[0] as string) : `${output}/free`;
    const own = opType === undefined ? [] : [this.node(opType, inputs, before, node.name, node.attribute)];
    return [...own, this.#clip(before, output, bounds, opType === undefined ? node.name : output)];
  }

  /** Before opset 11 the bounds of Clip were attributes. */
  #clip(from: string, to: string, bounds: readonly number[], name: string): NodeProto {
    if (this.#opset < 11) {
      const attributes = bounds.map((f, i) =>
        create(AttributeProtoSchema, { name: i === 0 ? 'min' : 'max', type: Type.FLOAT, f }),
      );
      return this.node('Clip', [from], to, name, attributes);
    }
    const limits = bounds.map((f, i) =>
      this.constant(`${to}/${i === 0 ? 'least' : 'most'}`, ndarray('float32', [], Float32Array.of(f))),
    );
    return this.node('Clip', [from, ...limits], to, name);
  }

  /**
   * A product with weights of whole numbers. Where its result is multiplied by their scale, and nothing else comes
   * between, the weights take up the scale, so that they are as large as before.
   */
  dynamicProduct(
    node: NodeProto,
    opType: 'Conv' | 'MatMul',
    x: string,
    w: string,
    zero: string | undefined,
  ): readonly NodeProto[] {
    const known = this.stored(w) ?? this.refuse(node, 'its weights are computed');
    const zeros = zero ? (this.stored(zero) ?? this.refuse(node, 'its zero point is computed')) : undefined;
    const [output = ''] = node.output;
    const scale = this.#scaleAfter(output);
    const steps = { scale: scale ?? [1], zero: zeros === undefined ? [0] : integers(zeros), dtype: known.dtype };
    const axis = opType === 'Conv' ? 0 : known.shape.length - 1;
    const weights = this.constant(plainName(w), dequantised(known, steps, axis));
    return [this.node(opType, [x, weights], output, node.name, node.attribute)];
  }

  /** The scale of weights in `Mul(Cast(product), Mul(scale of the data, scale of the weights))`, which goes. */
  #scaleAfter(product: string): readonly number[] | undefined {
    const only = (name: string, opType: string): NodeProto | undefined => {
      const users = this.#graph.node.filter(({ input }) => input.includes(name));
      return users.length === 1 && users[0]?.opType === opType ? users[0] : undefined;
    };
    const cast = only(product, 'Cast');
    const scaled = cast && only(cast.output[0] ?? '', 'Mul');
    const other = scaled?.input.find((name) => name !== cast?.output[0]);
    const scales = this.#graph.node.find(({ opType, output }) => opType === 'Mul' && output[0] === other);
    const known = scales?.input.map((name) => this.stored(name));
    if (scaled === undefined || known?.some((each) => each === undefined) !== false) return undefined;
    const [a, b] = known.map((each) => Array.from((each as NdArray).data as ArrayLike<number>)) as [number[], number[]];
    if (a.length !== 1 && b.length !== 1) return undefined;
    this.#folded.set(scaled.output[0] as string, cast?.output[0] as string);
    const [one, several] = a.length === 1 ? [a, b] : [b, a];
    return several.map((each) => each * (one[0] as number));
  }
}
