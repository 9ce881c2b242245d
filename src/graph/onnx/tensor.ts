/** Tensors as stored in ONNX files. Bytes are little-endian, as in the arrays of every JavaScript engine. */
import { allocate, bytesPer, type DType, elementCount, type NdArray, ndarray } from '../../array/ndarray.ts';
import { FormatError } from '../../errors.ts';
import { EXTERNAL, type TensorProto, TensorProtoSchema } from './messages.ts';
import { create } from './protobuf.ts';

/** ONNX's type number of each dtype. */
export const DATA_TYPES: { readonly [D in DType]: number } = {
  float32: 1,
  uint8: 2,
  int8: 3,
  uint16: 4,
  int16: 5,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
  float64: 11,
  uint32: 12,
  uint64: 13,
};
/** Those that no array has. */
const OTHER_TYPES = new Map([
  [0, 'undefined'],
  [8, 'string'],
  [14, 'complex64'],
  [15, 'complex128'],
  [16, 'bfloat16'],
]);

const DTYPES = new Map<number, DType>((Object.keys(DATA_TYPES) as DType[]).map((dtype) => [DATA_TYPES[dtype], dtype]));

/** The dtype of an ONNX type number, or undefined for an unsupported one (string, bfloat16, complex, ...). */
export function dtypeOf(dataType: number): DType | undefined {
  return DTYPES.get(dataType);
}

/** ONNX's name of a type number in lower case: `string`, `bfloat16`; `type 42` for an unknown one. */
export function describeDataType(dataType: number): string {
  return dtypeOf(dataType) ?? OTHER_TYPES.get(dataType) ?? `type ${dataType}`;
}

/** Returns the bytes of an external file, by the name stored in the model. */
export type ExternalData = (location: string) => Uint8Array;

/** An array as a tensor of a file, its elements as raw bytes. `name` is omitted for a tensor in an attribute. */
export function tensorToProto(array: NdArray, name?: string): TensorProto {
  const { data } = array;
  return create(TensorProtoSchema, {
    dims: array.shape.map(BigInt),
    dataType: DATA_TYPES[array.dtype],
    ...(name !== undefined && { name }),
    rawData: new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength),
  });
}

/** Number of the type in ONNX. */
const BFLOAT16 = 16;

/** The float32 whose upper half the 16 bits of a bfloat16 are. */
function widened({ shape, data }: NdArray): NdArray<'float32'> {
  const bits = Uint32Array.from(data as Uint16Array, (half) => half << 16);
  return ndarray('float32', shape, new Float32Array(bits.buffer));
}

/**
 * A tensor of a file, from raw bytes, typed fields or an external file; bfloat16 as float32.
 * @throws FormatError for an unsupported type, a wrong number of elements, or missing external data.
 */
export function tensorFromProto(proto: TensorProto, file?: string, external?: ExternalData): NdArray {
  const where = { file };
  const what = `The tensor '${proto.name}'`;
  if (proto.dataType === BFLOAT16)
    return widened(
      tensorFromProto(create(TensorProtoSchema, { ...proto, dataType: DATA_TYPES.uint16 }), file, external),
    );
  const dtype = dtypeOf(proto.dataType);
  if (dtype === undefined) {
    throw new FormatError(`${what} holds ${describeDataType(proto.dataType)}, which is not supported.`, where);
  }
  const shape = proto.dims.map(Number);
  if (shape.some((n) => n < 0)) throw new FormatError(`${what} has the shape [${shape.join(', ')}].`, where);
  const length = elementCount(shape);
  const location = externalLocation(proto, file);
  if (location === undefined && proto.rawData.length === 0) {
    const listed = typedElements(proto, dtype);
    if (listed.length !== length) {
      throw new FormatError(`${what} of shape [${shape.join(', ')}] has ${listed.length} elements.`, where);
    }
    const data = allocate(dtype, length);
    if (data instanceof BigInt64Array || data instanceof BigUint64Array) {
      for (let i = 0; i < length; i++) data[i] = BigInt(listed[i] as bigint);
    } else {
      for (let i = 0; i < length; i++) data[i] = Number(listed[i]);
    }
    return ndarray(dtype, shape, data);
  }
  const bytes = location === undefined ? proto.rawData : externalBytes(proto, location, file, external);
  if (bytes.length !== length * bytesPer(dtype)) {
    throw new FormatError(
      `${what} of shape [${shape.join(', ')}] needs ${length * bytesPer(dtype)} bytes and has ${bytes.length}.`,
      where,
    );
  }
  const data = allocate(dtype, length);
  new Uint8Array(data.buffer as ArrayBuffer).set(bytes);
  return ndarray(dtype, shape, data);
}

/** Elements in the typed fields; small types and float16's bits share the field of int32. */
function typedElements(proto: TensorProto, dtype: DType): ArrayLike<number | bigint> {
  switch (dtype) {
    case 'float32':
      return proto.floatData;
    case 'float64':
      return proto.doubleData;
    case 'int64':
      return proto.int64Data;
    case 'uint64':
    case 'uint32':
      return proto.uint64Data;
    default:
      return proto.int32Data;
  }
}

/**
 * The file that holds a tensor's content; undefined for one that the model holds.
 * @throws FormatError for one outside of the model's folder: a model must not make us read there.
 */
export function externalLocation(
  { dataLocation, externalData, name }: TensorProto,
  file: string | undefined,
): string | undefined {
  if (dataLocation !== EXTERNAL) return undefined;
  const location = externalData.find(({ key }) => key === 'location')?.value ?? '';
  if (location === '' || /^([/\\]|[A-Za-z]:)|(^|[/\\])\.\.([/\\]|$)/.test(location)) {
    throw new FormatError(`The tensor '${name}' is in a file named '${location}', outside of its folder.`, {
      file,
      remedy: 'Put the weights beside the model.',
    });
  }
  return location;
}

function externalBytes(
  proto: TensorProto,
  location: string,
  file: string | undefined,
  external: ExternalData | undefined,
): Uint8Array {
  const where = { file };
  const entries = new Map(proto.externalData.map(({ key, value }) => [key, value]));
  if (external === undefined) {
    throw new FormatError(`The weights are in another file, '${location}'.`, {
      ...where,
      remedy: 'Save the model as one file (in Python: onnx.save(model, path, save_as_external_data=False)).',
    });
  }
  const bytes = external(location);
  const offset = Number(entries.get('offset') ?? 0);
  const length = Number(entries.get('length') ?? bytes.length - offset);
  if (!(offset >= 0) || !(length >= 0) || offset + length > bytes.length) {
    throw new FormatError(
      `'${location}' has ${bytes.length} bytes; '${proto.name}' wants ${length} from ${offset}.`,
      where,
    );
  }
  return bytes.subarray(offset, offset + length);
}
