/** Several networks in one ONNX file. */

import { ndarray } from '../../array/ndarray.ts';
import { GraphError } from '../../errors.ts';
import {
  type GraphProto,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
  StringStringEntryProtoSchema,
  type ValueInfoProto,
} from './messages.ts';
import { fedInputs, parseModel } from './model.ts';
import { create, toBinary } from './protobuf.ts';
import { tensorToProto } from './tensor.ts';

/** A scope for the names of one of the networks. */
const scope = (network: number): string => `network${network}/`;

/**
 * A file whose output is the mean of the outputs of several files for one input: y = (y_1 + ... + y_n) / n. Its input and
 * output are declared as those of the first; the values of each network are named `network0/...`, `network1/...`.
 * @param files with one input and one output each, of the same ranks and number of channels
 * @throws FormatError if bytes are not ONNX; GraphError for files with several inputs or outputs, other versions of
 * operations, functions or graphs inside of nodes
 */
export function meanOnnx(files: readonly Uint8Array[], metadata: { readonly [key: string]: string } = {}): Uint8Array {
  const parsed = files.map((bytes) => parseModel(bytes));
  const [first] = parsed;
  if (first === undefined) throw new GraphError('There is no network to take the mean of.');
  const opsets: { [domain: string]: number } = {};
  for (const { model, graph, opsets: own } of parsed) {
    requirePlain(graph, model.functions.length > 0);
    for (const [domain, version] of Object.entries(own)) {
      const known = opsets[domain] ?? version;
      if (known !== version) {
        throw new GraphError(`One network has the operations of version ${known}, another those of ${version}.`, {
          remedy: 'Export them alike.',
        });
      }
      opsets[domain] = known;
    }
  }
  const [input] = fedInputs(first.graph) as [ValueInfoProto];
  const [output] = first.graph.output as [ValueInfoProto];
  const scoped = parsed.map(({ graph }, i) => scopedGraph(graph, scope(i), input.name));
  const share = 'share of each network';
  const node = (opType: string, inputs: readonly string[], name: string): NodeProto =>
    create(NodeProtoSchema, { opType, name, input: [...inputs], output: [name] });
  const sums: NodeProto[] = [];
  const sum = scoped
    .map(({ output: name }) => name)
    .reduce((before, name, i) => {
      sums.push(node('Add', [before, name], `sum${i}`));
      return `sum${i}`;
    });
  const { model } = first;
  model.opsetImport = Object.entries(opsets).map(([domain, version]) =>
    create(OperatorSetIdProtoSchema, { domain, version: BigInt(version) }),
  );
  model.metadataProps = Object.entries(metadata).map(([key, value]) =>
    create(StringStringEntryProtoSchema, { key, value }),
  );
  Object.assign(first.graph, {
    node: [...scoped.flatMap(({ nodes }) => nodes), ...sums, node('Mul', [sum, share], output.name)],
    initializer: [
      ...scoped.flatMap(({ tensors }) => tensors),
      tensorToProto(ndarray('float32', [], Float32Array.of(1 / files.length)), share),
    ],
    input: [input],
    output: [output],
    valueInfo: [],
  });
  return toBinary(ModelProtoSchema, model);
}

function requirePlain(graph: GraphProto, hasFunctions: boolean): void {
  const [inputs, outputs] = [fedInputs(graph).length, graph.output.length];
  if (inputs !== 1 || outputs !== 1) {
    throw new GraphError(`A network has ${inputs} inputs and ${outputs} outputs; one of each is needed for a mean.`);
  }
  const inner = graph.node.find(({ attribute }) => attribute.some(({ g, graphs }) => g !== undefined || graphs.length));
  if (inner !== undefined || hasFunctions) {
    throw new GraphError(
      `A network has ${inner === undefined ? 'functions' : `a graph inside of ${inner.opType}`}, which is not joined with others.`,
    );
  }
}

/** The nodes and tensors of a graph with all names in a scope, except for that of the shared input. */
function scopedGraph(graph: GraphProto, prefix: string, sharedInput: string) {
  const [own] = fedInputs(graph) as [ValueInfoProto];
  const named = (name: string): string => (name === '' ? '' : name === own.name ? sharedInput : `${prefix}${name}`);
  return {
    nodes: graph.node.map((node) => ({
      ...node,
      name: `${prefix}${node.name}`,
      input: node.input.map(named),
      output: node.output.map(named),
    })),
    tensors: graph.initializer.map((tensor) => ({ ...tensor, name: named(tensor.name) })),
    output: named((graph.output[0] as ValueInfoProto).name),
  };
}
