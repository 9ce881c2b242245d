/** Weights in files beside the model, as PyTorch exports them by default. */

import { ModelProtoSchema, type TensorProto } from './messages.ts';
import { parseModel } from './model.ts';
import { toBinary } from './protobuf.ts';
import { type ExternalData, externalLocation, tensorFromProto, tensorToProto } from './tensor.ts';

/**
 * Names of the files beside a model that hold its weights; none for a file that is complete.
 * @throws FormatError if the bytes are not ONNX, or a name leads out of the model's folder.
 */
export function externalFiles(bytes: Uint8Array, file?: string): readonly string[] {
  const names = parseModel(bytes, file).graph.initializer.map((tensor) => externalLocation(tensor, file));
  return [...new Set(names.filter((name) => name !== undefined))];
}

/**
 * The model with all weights in itself.
 * @throws FormatError if a file of weights is shorter than the model says.
 */
export function withEmbeddedWeights(bytes: Uint8Array, read: ExternalData, file?: string): Uint8Array {
  const { model, graph } = parseModel(bytes, file);
  const embedded = (tensor: TensorProto): TensorProto =>
    externalLocation(tensor, file) === undefined
      ? tensor
      : tensorToProto(tensorFromProto(tensor, file, read), tensor.name);
  graph.initializer = graph.initializer.map(embedded);
  return toBinary(ModelProtoSchema, model);
}
