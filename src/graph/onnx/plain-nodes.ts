/** The nodes of a file as a list that can be read from its beginning: in order, with the functions of the file written out. */

import { FormatError } from '../../errors.ts';
import {
  AttributeProtoSchema,
  type FunctionProto,
  type ModelProto,
  type NodeProto,
  NodeProtoSchema,
} from './messages.ts';
import { domainOf } from './model.ts';
import { create } from './protobuf.ts';

/** Functions that call each other deeper than this do so without end. */
const MOST_DEPTH = 32;

/** @throws FormatError for nodes, or functions, that need each other in a circle */
export function plainNodes({ functions }: Pick<ModelProto, 'functions'>, nodes: readonly NodeProto[]): NodeProto[] {
  const known = new Map(functions.map((each) => [`${domainOf(each.domain)}:${each.name}`, each]));
  return inOrder(
    known.size === 0 ? nodes : nodes.flatMap((node, i) => writtenOut(node, known, `${node.name || i}`, 0)),
  );
}

function writtenOut(
  node: NodeProto,
  known: ReadonlyMap<string, FunctionProto>,
  prefix: string,
  depth: number,
): readonly NodeProto[] {
  const called = known.get(`${domainOf(node.domain)}:${node.opType}`);
  if (called === undefined) return [node];
  if (depth > MOST_DEPTH) throw new FormatError(`The function '${called.name}' of the file calls itself without end.`);
  const outer = new Map<string, string>([
    ...called.input.map((name, i) => [name, node.input[i] ?? ''] as const),
    ...called.output.flatMap((name, i) => (node.output[i] ? [[name, node.output[i]] as const] : [])),
  ]);
  const renamed = (name: string): string => (name === '' ? '' : (outer.get(name) ?? `${prefix}/${name}`));
  const given = new Map(node.attribute.map((attribute) => [attribute.name, attribute]));
  return inOrder(called.node).flatMap((inner, i) => {
    const attribute = inner.attribute.flatMap((each) => {
      if (each.refAttrName === '') return [each];
      const own = given.get(each.refAttrName);
      return own === undefined ? [] : [create(AttributeProtoSchema, { ...own, name: each.name })];
    });
    const name = `${prefix}/${inner.name || i}`;
    const ends = { input: inner.input.map(renamed), output: inner.output.map(renamed) };
    return writtenOut(create(NodeProtoSchema, { ...inner, ...ends, attribute, name }), known, name, depth + 1);
  });
}

/** What a node reads, within its subgraphs too. */
export function inputsOf({ input, attribute }: NodeProto): readonly string[] {
  const inner = attribute.flatMap(({ g, graphs }) => (g === undefined ? graphs : [g, ...graphs]));
  return [
    ...input,
    ...inner.flatMap(({ node, output }) => [...node.flatMap(inputsOf), ...output.map(({ name }) => name)]),
  ];
}

/** Nodes so that each comes after those that make its inputs, and else as they were. */
export function inOrder(nodes: readonly NodeProto[]): NodeProto[] {
  const makers = new Map(nodes.flatMap((node, i) => node.output.map((name) => [name, i] as const)));
  const needed = nodes.map((node, i) => {
    const made = inputsOf(node).flatMap((name) => (name === '' ? [] : (makers.get(name) ?? [])));
    return new Set(made.filter((maker) => maker !== i));
  });
  if (needed.every((makersOf, i) => [...makersOf].every((maker) => maker < i))) return [...nodes];
  const users = nodes.map((): number[] => []);
  for (const [i, makersOf] of needed.entries()) for (const maker of makersOf) users[maker]?.push(i);
  const waiting = needed.map(({ size }) => size);
  const ready = waiting.flatMap((count, i) => (count === 0 ? [i] : []));
  const ordered: NodeProto[] = [];
  for (let k = 0; k < ready.length; k++) {
    const i = ready[k] as number;
    ordered.push(nodes[i] as NodeProto);
    for (const user of users[i] ?? []) {
      waiting[user] = (waiting[user] as number) - 1;
      if (waiting[user] === 0) ready.push(user);
    }
  }
  if (ordered.length === nodes.length) return ordered;
  const stuck = nodes[waiting.findIndex((count) => count > 0)] as NodeProto;
  throw new FormatError(
    `Nodes of the file need each other in a circle, such as ${stuck.opType} '${stuck.name || stuck.output[0]}'.`,
  );
}
