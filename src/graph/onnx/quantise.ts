/**
 * A network of float32 as one of 8 bits, in operations of ONNX alone (Q/DQ): convolutions read and give values by way of
 * QuantizeLinear and DequantizeLinear, from which runtimes make convolutions of whole numbers
 * (https://onnxruntime.ai/docs/performance/model-optimizations/quantization.html). A number q of a value means
 * scale (q - zero); of uint8 for activations, with one scale per value; of int8 without zero for weights, with a scale per
 * output channel; of int32 for biases.
 */

import { elementCount, int64, type NdArray, ndarray } from '../../array/ndarray.ts';
import {
  AttributeProtoSchema,
  type GraphProto,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  AttributeType as Type,
  ValueInfoProtoSchema,
} from './messages.ts';
import { type DeclaredTensor, declared, domainOf, fedInputs, parseModel } from './model.ts';
import { inOrder, inputsOf } from './plain-nodes.ts';
import { create, toBinary } from './protobuf.ts';
import { DATA_TYPES, tensorFromProto, tensorToProto } from './tensor.ts';

/** The least and the largest number of each value, by its name. */
export type Ranges = ReadonlyMap<string, readonly [least: number, largest: number]>;

/** Largest number of an activation; 0 is the least. */
const MOST = 255;
/**
 * Largest number of a weight. Kernels for processors without VNNI add two products in 16 bits, where 2 x 255 x 64 still fits
 * (`reduce_range` in ONNX Runtime's documentation).
 */
const MOST_WEIGHT = 64;

/**
 * Kernels of whole numbers take channels four at a time. An image of one channel, 512 x 512, to 32: 30 ms, with three more
 * of zeros 8.
 */
const CHANNELS_AT_ONCE = 4;

/** Operations that move numbers, whatever these mean. */
const PASSED: ReadonlySet<string> = new Set(['MaxPool', 'Resize', 'Slice']);

/** Which values of a graph are quantised. */
class Plan {
  /** Convolutions of 8 bits. */
  readonly convolutions = new Set<NodeProto>();
  /** Values of 8 bits. */
  readonly values = new Set<string>();
  readonly #graph: GraphProto;
  readonly #users = new Map<string, NodeProto[]>();
  /** Values that have the scale of another. */
  readonly #sharing = new Map<string, string>();

  constructor(graph: GraphProto, floats: ReadonlySet<string>) {
    this.#graph = graph;
    for (const node of graph.node) {
      for (const name of node.input) this.#users.set(name, [...(this.#users.get(name) ?? []), node]);
    }
    for (const node of graph.node) {
      if (isConvolution(graph, node) && !floats.has(node.name)) this.#addConvolution(node);
    }
    for (const node of graph.node) this.#follow(node);
  }

  #addConvolution(node: NodeProto): void {
    const result = this.resultOf(node);
    if (this.#graph.output.some(({ name }) => name === result)) return;
    this.convolutions.add(node);
    this.values.add(node.input[0] as string).add(result);
  }

  #follow({ opType, input, output }: NodeProto): void {
    const [x = ''] = input;
    const [y = ''] = output;
    if (PASSED.has(opType) && this.values.has(x)) {
      this.values.add(y);
      this.#sharing.set(y, x);
    }
    if (opType === 'Concat' && input.every((name) => this.values.has(name))) this.values.add(y);
  }

  /** Whether a value is read by convolutions of 8 bits alone, which can be given channels of zeros. */
  isReadByConvolutions(name: string): boolean {
    const users = this.#users.get(name) ?? [];
    return users.every((node) => this.convolutions.has(node) && node.input[0] === name && groupsOf(node) === 1);
  }

  /** What a convolution gives: with the ReLU after it, which numbers that begin at 0 are already. */
  resultOf({ output }: NodeProto): string {
    const [y = ''] = output;
    const [relu, ...others] = this.#users.get(y) ?? [];
    return relu?.opType === 'Relu' && others.length === 0 ? (relu.output[0] as string) : y;
  }

  /** The value whose scale one has. */
  root(name: string): string {
    const other = this.#sharing.get(name);
    return other === undefined ? name : this.root(other);
  }

  /**
   * Lets the parts of joined values have the scale of the whole, so that joining copies them. Those that begin at 0 keep their
   * own where others do not: it makes them a ReLU.
   */
  join(ranges: Ranges): void {
    for (const { opType, input, output } of this.#graph.node) {
      const [y = ''] = output;
      if (opType !== 'Concat' || !this.values.has(y)) continue;
      const [least, largest] = rangeOf(ranges, y);
      for (const name of input.filter((part) => this.values.has(part))) {
        const part = this.root(name);
        const own = rangeOf(ranges, part);
        if (part !== y && own[0] === least && own[1] <= largest) this.#sharing.set(part, y);
      }
    }
  }
}

/** A range with 0 in it, which padding needs. */
function rangeOf(ranges: Ranges, name: string): readonly [number, number] {
  const [least, largest] = ranges.get(name) as readonly [number, number];
  return [Math.min(0, least), Math.max(0, largest)];
}

const axisOf = ({ attribute }: NodeProto): number => Number(attribute.find(({ name }) => name === 'axis')?.i ?? -1n);

const groupsOf = ({ attribute }: NodeProto): number => Number(attribute.find(({ name }) => name === 'group')?.i ?? 1n);

const isConvolution = ({ initializer }: GraphProto, { opType, domain, input }: NodeProto): boolean =>
  opType === 'Conv' &&
  domainOf(domain) === '' &&
  input.slice(1).every((name) => initializer.some((tensor) => tensor.name === name));

/** The names of the convolutions that can be of 8 bits, from the image on. */
export function convolutionsOf(bytes: Uint8Array): readonly string[] {
  const { graph } = parseModel(bytes);
  const plan = new Plan(graph, new Set());
  return [...plan.convolutions].map(({ name }) => name);
}

const LEAST = 'least of ';
const LARGEST = 'largest of ';

/** The file with two numbers more as outputs for each value that can be of 8 bits: `rangesFrom` reads them. */
export function withRanges(bytes: Uint8Array): Uint8Array {
  const { model, graph } = parseModel(bytes);
  for (const name of new Plan(graph, new Set()).values) {
    for (const [opType, output] of [
      ['ReduceMin', `${LEAST}${name}`],
      ['ReduceMax', `${LARGEST}${name}`],
    ] as const) {
      const attribute = [create(AttributeProtoSchema, { name: 'keepdims', type: Type.INT, i: 0n })];
      graph.node.push(create(NodeProtoSchema, { opType, name: output, input: [name], output: [output], attribute }));
      const type = { tensorType: { elemType: DATA_TYPES.float32, shape: { dim: [] } } };
      graph.output.push(create(ValueInfoProtoSchema, { name: output, type }));
    }
  }
  return toBinary(ModelProtoSchema, model);
}

/** Ranges that hold those of before and what a run of `withRanges` gives. */
export function rangesFrom(outputs: { readonly [name: string]: NdArray }, before: Ranges = new Map()): Ranges {
  const found = new Map(before);
  for (const [output, { data }] of Object.entries(outputs)) {
    if (!output.startsWith(LEAST)) continue;
    const name = output.slice(LEAST.length);
    const [least, largest] = [Number(data[0]), Number(outputs[`${LARGEST}${name}`]?.data[0])];
    const own = found.get(name) ?? [least, largest];
    found.set(name, [Math.min(own[0], least), Math.max(own[1], largest)]);
  }
  return found;
}

/**
 * The file with convolutions of 8 bits.
 * @param bytes ONNX of opset 18 or later
 * @param ranges of every value that `withRanges` gives
 * @param options floats: names of convolutions that stay as they are
 */
export function quantise(
  bytes: Uint8Array,
  ranges: Ranges,
  { floats = new Set() }: { readonly floats?: ReadonlySet<string> } = {},
): Uint8Array {
  const { model, graph } = parseModel(bytes);
  graph.node = inOrder(graph.node);
  const plan = new Plan(graph, floats);
  plan.join(ranges);
  const writer = new Writer(graph, plan, ranges);
  for (const input of fedInputs(graph)) writer.addImage(declared(input));
  for (const node of graph.node) writer.add(node);
  const used = new Set(writer.nodes.flatMap(inputsOf));
  graph.node = writer.nodes;
  graph.initializer = graph.initializer.filter(({ name }) => used.has(name));
  graph.valueInfo = [];
  return toBinary(ModelProtoSchema, model);
}

/** What a value's numbers mean, and the constants that say so. */
interface Steps {
  readonly scale: number;
  readonly names: readonly [scale: string, zero: string];
}

class Writer {
  readonly nodes: NodeProto[] = [];
  readonly #graph: GraphProto;
  readonly #plan: Plan;
  readonly #ranges: Ranges;
  readonly #steps = new Map<string, Steps>();
  readonly #folded = new Set<string>();
  /** Number of channels of zeros that inputs were given. */
  readonly #filled = new Map<string, number>();

  constructor(graph: GraphProto, plan: Plan, ranges: Ranges) {
    this.#graph = graph;
    this.#plan = plan;
    this.#ranges = ranges;
  }

  /** An input, with channels of zeros where that is faster. */
  addImage({ name, dims = [] }: DeclaredTensor): void {
    const channels = dims[1];
    const missing = typeof channels === 'number' ? -channels & (CHANNELS_AT_ONCE - 1) : 0;
    if (missing === 0 || !this.#plan.values.has(name) || !this.#plan.isReadByConvolutions(name)) {
      this.quantise(name);
      return;
    }
    const before = dims.map(() => 0);
    this.#filled.set(name, missing);
    this.#node(
      'Pad',
      [name, this.#store(`${name}/pads`, int64([...before, ...before.with(1, missing)]))],
      `${name}/filled`,
    );
    this.quantise(name, `${name}/filled`);
  }

  add(node: NodeProto): void {
    if (this.#folded.has(node.output[0] as string)) return;
    if (this.#plan.convolutions.has(node)) {
      this.#addConvolution(node);
      return;
    }
    const input = node.input.map((name) => this.#read(name));
    if (node.opType === 'Softmax' && axisOf(node) === 1) this.#addSoftmax(input[0] as string, node.output[0] as string);
    else this.nodes.push(create(NodeProtoSchema, { ...node, input }));
    for (const name of node.output) this.quantise(name);
  }

  /**
   * Rounds a value, if it is one of those of 8 bits.
   * @param from the value that is read for it
   */
  quantise(name: string, from = name): void {
    if (!this.#plan.values.has(name)) return;
    const { names } = this.#stepsOf(name);
    this.#node('QuantizeLinear', [from, ...names], `${name}/q`);
    this.#node('DequantizeLinear', [`${name}/q`, ...names], this.#read(name));
  }

  /** Over the channels, by its parts, as `lowering/passes/softmax-by-parts.ts`. */
  #addSoftmax(x: string, y: string): void {
    const axes = this.#store(`${y}/axes`, int64([1]));
    this.#node('ReduceMax', [x, axes], `${y}/largest`);
    this.#node('Sub', [x, `${y}/largest`], `${y}/scores`);
    this.#node('Exp', [`${y}/scores`], `${y}/powers`);
    this.#node('ReduceSum', [`${y}/powers`, axes], `${y}/sum`);
    this.#node('Div', [`${y}/powers`, `${y}/sum`], y);
  }

  #read(name: string): string {
    return this.#plan.values.has(name) ? `${name}/dq` : name;
  }

  #addConvolution(node: NodeProto): void {
    const [x = '', w = '', b] = node.input;
    const weights = roundedWeights(withZeros(this.#stored(w), this.#filled.get(x) ?? 0));
    const channels = weights.scale.shape;
    const input = [this.#read(x), this.#constant(w, weights)];
    if (b) {
      const scale = weights.scale.data.map((each) => each * this.#stepsOf(x).scale);
      const numbers = Int32Array.from(this.#stored(b).data as Float32Array, (value, k) =>
        clamp(Math.round(value / (scale[k] as number)), 2 ** 31 - 1),
      );
      const rounded = { numbers: ndarray('int32', channels, numbers), scale: ndarray('float32', channels, scale) };
      input.push(this.#constant(b, rounded));
    }
    const result = this.#plan.resultOf(node);
    this.#folded.add(result);
    this.nodes.push(create(NodeProtoSchema, { ...node, input, output: [result] }));
    this.quantise(result);
  }

  /** The numbers and scales of a tensor, one per index of its first axis, as a value. */
  #constant(name: string, { numbers, scale }: Rounded): string {
    const zero = ndarray(numbers.dtype, scale.shape);
    const parts = Object.entries({ q: numbers, scale, zero }).map(([part, array]) =>
      this.#store(`${name}/${part}`, array),
    );
    const axis = create(AttributeProtoSchema, { name: 'axis', type: Type.INT, i: 0n });
    return this.#node('DequantizeLinear', parts, `${name}/dq`, [axis]);
  }

  #stepsOf(name: string): Steps {
    const root = this.#plan.root(name);
    const known = this.#steps.get(root);
    if (known !== undefined) return known;
    const [least, largest] = rangeOf(this.#ranges, root);
    // All of them 0: any scale does.
    const scale = Math.fround((largest - least) / MOST) || 1;
    const zero = Math.round(-least / scale);
    const names = [
      this.#store(`${root}/scale`, ndarray('float32', [], Float32Array.of(scale))),
      this.#store(`${root}/zero`, ndarray('uint8', [], Uint8Array.of(zero))),
    ] as const;
    const steps = { scale, names };
    this.#steps.set(root, steps);
    return steps;
  }

  #stored(name: string): NdArray {
    const tensor = this.#graph.initializer.find((each) => each.name === name);
    return tensorFromProto(tensor as NonNullable<typeof tensor>);
  }

  #store(name: string, array: NdArray): string {
    this.#graph.initializer.push(tensorToProto(array, name));
    return name;
  }

  #node(opType: string, input: readonly string[], output: string, attribute: NodeProto['attribute'] = []): string {
    this.nodes.push(create(NodeProtoSchema, { opType, name: output, input, output: [output], attribute }));
    return output;
  }
}

interface Rounded {
  readonly numbers: NdArray;
  /** [channels]. */
  readonly scale: NdArray<'float32'>;
}

const clamp = (value: number, most: number): number => Math.max(-most, Math.min(most, value));

/** Weights [K, C, ...] with more channels, all of them 0. */
function withZeros({ shape, data }: NdArray, more: number): NdArray {
  const [count = 0, channels = 0, ...kernel] = shape;
  const [from, to] = [elementCount([channels, ...kernel]), elementCount([channels + more, ...kernel])];
  const filled = new Float32Array(count * to);
  for (let k = 0; k < count; k++) filled.set((data as Float32Array).subarray(k * from, (k + 1) * from), k * to);
  return ndarray('float32', [count, channels + more, ...kernel], filled);
}

/** Weights [K, ...] as whole numbers of a scale per output channel. */
function roundedWeights({ shape, data }: NdArray): Rounded {
  const weights = data as Float32Array;
  const per = elementCount(shape.slice(1));
  const scale = new Float32Array(shape[0] as number);
  const numbers = new Int8Array(weights.length);
  for (let k = 0; k < scale.length; k++) {
    const own = weights.subarray(k * per, (k + 1) * per);
    const most = own.reduce((so, value) => Math.max(so, Math.abs(value)), 0);
    const step = most / MOST_WEIGHT || 1;
    scale[k] = step;
    for (let i = 0; i < per; i++) numbers[k * per + i] = clamp(Math.round((own[i] as number) / step), MOST_WEIGHT);
  }
  return { numbers: ndarray('int8', shape, numbers), scale: ndarray('float32', [scale.length], scale) };
}
