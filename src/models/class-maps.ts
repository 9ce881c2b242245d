/** Which outputs of a network of another program are maps of classes. */

import { ModelError, option, UsageError } from '../errors.ts';
import type { Graph, Value } from '../graph/ir.ts';
import { logitsOf } from './onnx/activation.ts';

/** An output, by what it is declared to give or gave. */
export interface OutputShape {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly (number | string)[];
}

/** Parts of names of outputs that are no classes. */
const NO_CLASSES =
  /(?:^|[^a-z])(?:flows?|dist(?:ances?)?|feat(?:ures?)?|embed(?:ding)?s?|offsets?|vectors?|gradients?|styles?|rays?)(?:[^a-z]|$)/i;

export const outputText = ({ name, dtype, shape }: OutputShape): string => `${name}: ${dtype} [${shape.join(', ')}]`;

/** Of a network of images 4 axes, of volumes 5. */
export const isMapOfRank =
  (rank: number) =>
  ({ dtype, shape }: OutputShape): boolean =>
    dtype === 'float32' && shape.length === rank;

export const isMap = isMapOfRank(4);

/** Why a map is no map of classes, by its name; undefined if nothing speaks against it. */
export const notClassesByName = ({ name }: Pick<OutputShape, 'name'>): string | undefined =>
  NO_CLASSES.test(name) ? 'by its name no classes' : undefined;

/** Why a map is no map of classes of its own, by what makes it; undefined if nothing speaks against it. */
export function notClassesByGraph(graph: Graph, map: Value, maps: readonly Value[]): string | undefined {
  const makers = new Map(graph.nodes.flatMap((node) => node.outputs.map((value) => [value, node] as const)));
  /** What a value is another name of. */
  const behind = (value: Value): Value => {
    const node = makers.get(value);
    return node?.op === 'Identity' ? behind(node.inputs[0] as Value) : value;
  };
  const own = behind(map);
  const maker = makers.get(own);
  if (maker?.op === 'Relu') return 'distances or features: a ReLU ends it';
  const probabilities = maps.find((other) => behind(other) !== own && behind(logitsOf(graph, other).value) === own);
  if (probabilities !== undefined) return `what '${probabilities.name}' makes probabilities of`;
  if (maker?.op !== 'Concat') return undefined;
  const kinds = maker.inputs.map((value) =>
    ['Sigmoid', 'Softmax'].includes(makers.get(behind(value as Value))?.op ?? ''),
  );
  return kinds.includes(true) && kinds.includes(false)
    ? 'probabilities beside other values, such as distances'
    : undefined;
}

/** What such maps are. */
export const CELLPOSE_MAPS = 'two flows and a cell probability, as Cellpose gives them';

/**
 * Whether three maps that are no probabilities are the two flows and the cell probability of Cellpose: its networks
 * compute a style vector beside them, which is normalised and goes through dense layers.
 */
export function looksLikeCellpose(
  { shape }: OutputShape,
  others: readonly OutputShape[],
  operations: ReadonlyMap<string, number>,
): boolean {
  const has = (...names: readonly string[]): boolean => names.some((name) => operations.has(name));
  const hasStyle = has('ReduceSum', 'ReduceL2', 'LpNormalization') && has('Gemm', 'MatMul') && has('Conv');
  return shape[1] === 3 && (hasStyle || others.some((other) => other.shape.length === 2));
}

/**
 * Chooses the map of classes among outputs.
 * @param asked the output that the user names, which is taken whatever it looks like
 * @param rank number of axes of a map: 4 (default), or 5 for volumes
 * @param why why a map is no map of classes, in words that follow "it is"; undefined for one that may be
 * @throws UsageError if `asked` is not there; ModelError if no map or several may be classes, naming all outputs
 */
export function chooseClassMap<T extends OutputShape>(
  outputs: readonly T[],
  {
    asked,
    file,
    rank = 4,
    why,
  }: {
    readonly asked?: string;
    readonly file?: string;
    readonly rank?: number;
    readonly why: (map: T) => string | undefined;
  },
): T {
  const shown = outputs.map(outputText).join('; ');
  const maps = outputs.filter(isMapOfRank(rank));
  if (asked !== undefined) {
    const found = maps.find(({ name }) => name === asked);
    if (found !== undefined) return found;
    const isThere = outputs.some(({ name }) => name === asked);
    throw new UsageError(`The model has ${isThere ? 'no map' : 'no output'} '${asked}'; it gives ${shown}.`, {
      file,
      remedy: `Use ${option('output')} with one of ${maps.map(({ name }) => name).join(', ') || 'the maps of another model'}.`,
    });
  }
  if (maps.length === 0) {
    throw new ModelError(`The model gives ${shown}.`, {
      file,
      remedy: `A segmentation model gives one map float32 [N, classes, ${rank === 5 ? 'depth, ' : ''}height, width].`,
    });
  }
  const reasons = maps.map((map) => ({ map, reason: why(map) }));
  const [first, ...others] = reasons.filter(({ reason }) => reason === undefined);
  if (first !== undefined && others.length === 0) return first.map;
  const remedy = `Choose one with ${option('output')}, such as ${option('output', (first ?? reasons[0])?.map.name ?? '')}.`;
  if (first !== undefined) {
    throw new ModelError(`The model gives ${1 + others.length} maps that may be classes: ${shown}.`, { file, remedy });
  }
  const told = reasons.map(({ map, reason }) => `${outputText(map)} (${reason})`).join('; ');
  throw new ModelError(`The model gives no map of classes: ${told}.`, {
    file,
    remedy: `${remedy.slice(0, -1)}, to take it for classes, or use ${option('separate')} for stars and flows.`,
  });
}
