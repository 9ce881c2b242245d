import { EXTERNAL, ModelProtoSchema, StringStringEntryProtoSchema } from '../../src/graph/onnx/messages.ts';
import { create, fromBinary, toBinary } from '../../src/graph/onnx/protobuf.ts';

/** An ONNX model as PyTorch exports it by default: the bytes of its initialisers are in a file of this name beside it. */
export function weightsBeside(
  bytes: Uint8Array,
  location: string,
): { readonly model: Uint8Array; readonly weights: Uint8Array } {
  const model = fromBinary(ModelProtoSchema, bytes);
  const parts: Uint8Array[] = [];
  let offset = 0;
  for (const tensor of model.graph?.initializer ?? []) {
    const { rawData } = tensor;
    const place = { location, offset: String(offset), length: String(rawData.length) };
    tensor.externalData = Object.entries(place).map(([key, value]) =>
      create(StringStringEntryProtoSchema, { key, value }),
    );
    tensor.dataLocation = EXTERNAL;
    tensor.rawData = new Uint8Array();
    parts.push(rawData);
    offset += rawData.length;
  }
  return { model: toBinary(ModelProtoSchema, model), weights: Buffer.concat(parts) };
}
