/** Reads any ONNX file as a graph of static shapes. */

import type { NdArray } from '../../array/ndarray.ts';
import { FormatError, GraphError } from '../../errors.ts';
import type { AttributesOf, OpName } from '../attributes.ts';
import { GraphBuilder } from '../builder.ts';
import { checkGraph } from '../check.ts';
import type { Graph, Value } from '../ir.ts';
import type { OpRow } from '../op-row.ts';
import { OPS, rowOf } from '../ops/table.ts';
import { fold, foldSizes, readsSizes } from './fold.ts';
import { translate } from './foreign.ts';
import type { NodeProto } from './messages.ts';
import { type DeclaredTensor, declared, domainOf, fedInputs, parseModel } from './model.ts';
import { plainNodes } from './plain-nodes.ts';
import { constantContent, type RawAttribute, type RawNode, type Reading, rawAttribute } from './raw-node.ts';
import { dtypeOf, type ExternalData, tensorFromProto } from './tensor.ts';
import { upgrade } from './upgrade.ts';

export interface ReadOnnxOptions {
  /** The file's name, for errors. */
  readonly file?: string;
  /** A number for each symbolic size of the file (see `readSignature`). */
  readonly bind?: { readonly [symbol: string]: number };
  /** Complete shapes of inputs, by name, applied before `bind`. */
  readonly shapes?: { readonly [input: string]: readonly number[] };
  /** Bytes of external weight files. */
  readonly externalData?: ExternalData;
}

/** Operations on numbers in steps of a scale. */
const QUANTISED = /^(?:Dynamic)?QuantizeLinear$|^DequantizeLinear$|^QLinear|^(?:Conv|MatMul)Integer$/;

/** `Conv`, `lamella.MaxPoolGrad`, `nchwc.Conv`: the name in our table; other domains keep their own. */
function typeOf({ opType, domain }: NodeProto): string {
  const own = domainOf(domain);
  if (own === '') return opType;
  return `${own === 'com.microsoft.nchwc' ? 'nchwc' : own}.${opType}`;
}

function isOp(type: string): type is OpName {
  return Object.hasOwn(OPS, type);
}

/**
 * The graph in an ONNX file. Older variants of operations are upgraded to opset 18, size computations of exporters are
 * folded into constants, and everything is checked. Symbolic sizes stay declared in `Graph.symbols` unless part of the
 * graph was fixed to the sizes that they are bound to.
 * @throws FormatError if the bytes are not ONNX.
 * @throws GraphError, naming node and op, if an operation is unknown, a size is left unbound, or shapes do not match.
 */
export function readOnnx(bytes: Uint8Array, options: ReadOnnxOptions = {}): Graph {
  const { file } = options;
  try {
    return new Reader(bytes, options).read();
  } catch (error) {
    if (error instanceof GraphError && error.file === undefined && file !== undefined) {
      throw new GraphError(error.message, { file, cause: error });
    }
    throw error;
  }
}

class Reader {
  readonly #options: ReadOnnxOptions;
  readonly #parsed: ReturnType<typeof parseModel>;
  readonly #b: GraphBuilder;
  readonly #values = new Map<string, Value>();
  /** Content computed for values that are not constants. */
  readonly #folded = new Map<Value, NdArray>();
  /** Values whose shape may change with a symbolic size. */
  readonly #open = new Set<Value>();
  /** Values whose content may change with it. */
  readonly #sized = new Set<Value>();
  #sizesFixed = false;

  constructor(bytes: Uint8Array, options: ReadOnnxOptions) {
    this.#options = options;
    this.#parsed = parseModel(bytes, options.file);
    this.#b = new GraphBuilder(this.#parsed.graph.name || 'graph');
  }

  read(): Graph {
    const { graph } = this.#parsed;
    const { file, externalData } = this.#options;
    this.#b.reserve(graph.node.flatMap(({ output }) => output));
    const inputs = fedInputs(graph).map(declared);
    for (const input of inputs) this.#addInput(input);
    for (const tensor of graph.initializer) {
      this.#values.set(tensor.name, this.#b.constant(tensorFromProto(tensor, file, externalData), tensor.name));
    }
    for (const node of plainNodes(this.#parsed.model, graph.node)) this.#addNode(node);
    const outputs = graph.output.map(({ name }) => {
      const value = this.#values.get(name);
      if (value === undefined) throw new GraphError(`The output '${name}' is never computed.`);
      return value;
    });
    const built = this.#b.build(outputs);
    const symbols = this.#symbols([...inputs, ...graph.output.map(declared)]);
    const read = symbols === undefined ? built : { ...built, symbols };
    checkGraph(read);
    return read;
  }

  #addInput({ name, dtype, dims }: DeclaredTensor): void {
    const { file, bind = {}, shapes = {} } = this.#options;
    const known = dtypeOf(declaredType(this.#parsed.graph.input, name));
    if (known === undefined)
      throw new FormatError(`The input '${name}' is of type ${dtype}, which is not supported.`, { file });
    if (dims === undefined && shapes[name] === undefined) {
      throw new GraphError(`The input '${name}' has no declared shape.`, {
        file,
        remedy: `Declare one: shapes: { '${name}': [...] }.`,
      });
    }
    const open: string[] = [];
    const shape =
      shapes[name] ??
      (dims ?? []).map((n) => {
        if (typeof n === 'number') return n;
        const bound = bind[n];
        if (bound === undefined) open.push(n);
        return bound ?? 1;
      });
    if (open.length > 0) {
      throw new GraphError(`The input '${name}' has dynamic sizes: ${open.join(', ')}.`, {
        file,
        remedy: `Bind them: bind: { ${open.map((symbol) => `'${symbol}': 1`).join(', ')} }.`,
      });
    }
    if (
      dims !== undefined &&
      (dims.length !== shape.length || dims.some((n, i) => typeof n === 'number' && n !== shape[i]))
    ) {
      throw new GraphError(`The input '${name}' is declared as [${dims.join(', ')}], not [${shape.join(', ')}].`, {
        file,
      });
    }
    const value = this.#b.input(name, known, shape);
    this.#values.set(name, value);
    if (dims === undefined || dims.some((n) => typeof n === 'string')) this.#open.add(value);
  }

  #addNode(proto: NodeProto): void {
    const type = typeOf(proto);
    const name = proto.name === '' ? undefined : proto.name;
    const label = name ?? proto.output.find((output) => output !== '') ?? '';
    const fail = (problem: string): never => {
      throw new GraphError(`${type} '${label}': ${problem}`);
    };
    const inputs = proto.input.map((input) =>
      input === '' ? undefined : (this.#values.get(input) ?? fail(`its input '${input}' is never computed.`)),
    );
    if (type === 'If') {
      for (const value of this.#branch(proto, inputs[0], fail)) this.#values.set(value.name, value);
      return;
    }
    const attributes: Record<string, RawAttribute> = {};
    for (const attribute of proto.attribute) {
      const content = rawAttribute(attribute, this.#options.file, this.#options.externalData);
      if (content === undefined && (isOp(type) || type === 'Constant')) {
        fail(`the attribute '${attribute.name}' has an unsupported kind.`);
      }
      if (content !== undefined) attributes[attribute.name] = content;
    }
    const reading: Reading = {
      b: this.#b,
      opset: this.#parsed.opsets[''] ?? 1,
      known: (value) => this.#known(value),
      fixSizes: () => {
        if (inputs.some((value) => value !== undefined && this.#open.has(value))) this.#sizesFixed = true;
      },
      fail,
    };
    const raw = { type, name: label, inputs, outputs: proto.output, attributes };
    if (type === 'Constant') {
      const content = constantContent(raw) ?? fail('it has no content of a supported type.');
      this.#values.set(proto.output[0], this.#b.constant(content, proto.output[0]));
      return;
    }
    const node = upgrade(raw, reading);
    const made = this.#emit(node, name, reading);
    const open = inputs.some((value) => value !== undefined && this.#open.has(value));
    const sized = readsSizes(type) ? open : inputs.some((value) => value !== undefined && this.#sized.has(value));
    node.outputs.forEach((output, i) => {
      const value = made[i];
      if (output === '' || value === undefined) return;
      this.#values.set(output, value);
      // The shape of sizes themselves does not change, but results computed from them may.
      if (open && !readsSizes(type)) this.#open.add(value);
      if (sized) this.#sized.add(value);
    });
  }

  /** Adds the branch that a known condition chooses, in place of an If, and gives its outputs. */
  #branch(proto: NodeProto, condition: Value | undefined, fail: (problem: string) => never): readonly Value[] {
    const known = this.#known(condition);
    if (known === undefined) return fail('its condition depends on data.');
    if (condition !== undefined && this.#sized.has(condition)) this.#sizesFixed = true;
    const name = Number(known.data[0]) === 0 ? 'else_branch' : 'then_branch';
    const branch = proto.attribute.find((attribute) => attribute.name === name)?.g;
    if (branch === undefined) return fail(`it has no ${name}.`);
    const { file, externalData } = this.#options;
    this.#b.reserve(branch.node.flatMap(({ output }) => output));
    for (const tensor of branch.initializer) {
      this.#values.set(tensor.name, this.#b.constant(tensorFromProto(tensor, file, externalData)));
    }
    for (const node of plainNodes(this.#parsed.model, branch.node)) this.#addNode(node);
    return proto.output.map((output, i) => {
      const made = this.#values.get(branch.output[i]?.name ?? '');
      if (made === undefined) return fail(`its output '${output}' is never computed.`);
      const own = this.#b.node('Identity', [made], {}, [output])[0] as Value;
      const content = this.#known(made);
      if (content !== undefined) this.#folded.set(own, content);
      if (this.#open.has(made)) this.#open.add(own);
      if (this.#sized.has(made)) this.#sized.add(own);
      return own;
    });
  }

  #emit(node: RawNode, name: string | undefined, reading: Reading): readonly Value[] {
    const result = this.#fold(node);
    const output = node.outputs[0];
    const translated = translate(node, reading);
    if (translated !== undefined) {
      const values = [translated].flat().map((value, i) => {
        const given = node.outputs[i] || `${output || node.name}:${i}`;
        return this.#b.node('Identity', [value], {}, [given], i === 0 ? name : undefined)[0] as Value;
      });
      if (result !== undefined) this.#folded.set(values[0] as Value, result);
      return values;
    }
    if (!isOp(node.type)) {
      if (result !== undefined) return [this.#b.constant(result, output)];
      const why = QUANTISED.test(node.type)
        ? ' of a quantised network, which can be predicted with, and trained on from as float32,'
        : '';
      return reading.fail(`this operation${why} is not supported.`);
    }
    const outputs = node.outputs.map((given, i) => (given === '' ? `${output || node.name}:${i}` : given));
    const inputs = this.#materialise(node.type, node.inputs, reading);
    const values = this.#b.node(node.type, inputs, attributesFor(node.type, node, reading), outputs, name);
    if (result !== undefined) this.#folded.set(values[0], result);
    return values;
  }

  #known(value: Value | undefined): NdArray | undefined {
    return value === undefined ? undefined : (this.#b.constantOf(value) ?? this.#folded.get(value));
  }

  #fold(node: RawNode): NdArray | undefined {
    if (readsSizes(node.type)) return foldSizes(node.type, node.inputs[0]?.shape ?? [], node.attributes);
    const inputs = node.inputs.map((value) => this.#known(value));
    const complete = node.inputs.every((value, i) => value === undefined || inputs[i] !== undefined);
    return complete ? fold(node.type, inputs, node.attributes) : undefined;
  }

  /** Converts computed sizes to constants where the row requires them. */
  #materialise(op: OpName, inputs: RawNode['inputs'], reading: Reading): RawNode['inputs'] {
    const positions = rowOf(op).traits.known;
    return inputs.map((value, i) => {
      if (value === undefined || !positions.includes(i)) return value;
      if (this.#sized.has(value)) this.#sizesFixed = true;
      if (this.#b.constantOf(value) !== undefined) return value;
      const content = this.#folded.get(value);
      if (content === undefined) return reading.fail(`its input ${i}, '${value.name}', depends on data.`);
      return this.#b.constant(content);
    });
  }

  /** The declared symbols, unless a constant was computed from a size that they were bound to. */
  #symbols(tensors: readonly DeclaredTensor[]): Graph['symbols'] {
    const symbolic = tensors.filter(({ dims }) => dims?.some((n) => typeof n === 'string'));
    if (this.#sizesFixed || symbolic.length === 0) return undefined;
    return new Map(symbolic.map(({ name, dims }) => [name, dims ?? []]));
  }
}

function declaredType(inputs: ReturnType<typeof fedInputs>, name: string): number {
  return inputs.find((input) => input.name === name)?.type?.tensorType?.elemType ?? 0;
}

/** The attributes supported by the row; all others must have been handled before. */
function attributesFor<K extends OpName>(op: K, node: RawNode, { fail }: Reading): AttributesOf[K] {
  const kinds = (OPS[op] as OpRow<K>).attributes as { readonly [name: string]: string };
  for (const [name, value] of Object.entries(node.attributes)) {
    const kind = kinds[name];
    if (kind === undefined) fail(`the attribute '${name}' is not supported.`);
    const fits =
      kind === 'int' || kind === 'float'
        ? typeof value === 'number'
        : kind === 'ints'
          ? Array.isArray(value)
          : kind === 'tensor'
            ? typeof value === 'object' && 'dtype' in value
            : typeof value === 'string';
    if (!fits) fail(`the attribute '${name}' is not of the kind '${kind}'.`);
  }
  return node.attributes as unknown as AttributesOf[K];
}
