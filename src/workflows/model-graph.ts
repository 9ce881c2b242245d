/** The graph of a network's name, a run folder or an ONNX file. */
import { UsageError } from '../errors.ts';
import type { WritableFiles } from '../files.ts';
import { parametersOf } from '../graph/constants.ts';
import type { Graph, Value } from '../graph/ir.ts';
import { readSignature, type Signature } from '../graph/onnx/model.ts';
import { predictionGraph } from '../models/prediction.ts';
import { MODELS, type ModelName, type ModelSpec } from '../models/registry.ts';
import { boundGraph } from './bound-graph.ts';
import { modelFileOf, readModel } from './model-files.ts';

export interface ModelGraph {
  /** The name or the file. */
  readonly title: string;
  readonly graph: Graph;
  /** Trainable tensors: constants of a file, inputs of a network without weights. */
  readonly parameters: readonly Value[];
  /** For a network by name. */
  readonly spec?: Extract<ModelSpec, { readonly name: ModelName }>;
  /** For a file. */
  readonly signature?: Signature;
}

/** A network by its name, without weights. @throws UsageError for a size that it does not support. */
export function namedGraph(name: ModelName, size?: readonly [number, number]): ModelGraph {
  const { spec: typical, size: usual, slices }: (typeof MODELS)[ModelName]['typical'] = MODELS[name].typical;
  const spec = 'input' in typical && size !== undefined ? { ...typical, input: size } : typical;
  const [height, width] = size ?? usual;
  const graph = predictionGraph(
    spec,
    slices === undefined ? [1, spec.channels, height, width] : [1, spec.channels, slices, height, width],
  );
  return { title: name, graph, parameters: graph.inputs.slice(1), spec };
}

/**
 * @param size of the images, if the model does not fix it
 * @throws ModelError, RunError, FormatError if there is no model or its graph is not supported.
 */
export async function modelGraph(
  files: WritableFiles,
  what: string,
  size?: readonly [number, number],
): Promise<ModelGraph> {
  if ((await files.kind(what)) === undefined) {
    if (Object.hasOwn(MODELS, what)) return namedGraph(what as ModelName, size);
    if (!/[./\\]/.test(what)) {
      throw new UsageError(`Unknown network, run folder or file '${what}'.`, {
        remedy: `Networks: ${Object.keys(MODELS).join(', ')}.`,
      });
    }
  }
  const file = await modelFileOf(files, what);
  const bytes = await readModel(files, file);
  const signature = readSignature(bytes, { file });
  const graph = boundGraph(bytes, signature, { file, size });
  if (graph instanceof Error) throw graph;
  return { title: file, graph, parameters: parametersOf(graph), signature };
}
