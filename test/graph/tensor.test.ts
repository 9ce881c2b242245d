import { describe, expect, it } from 'vitest';
import { float32, int64, ndarray } from '../../src/array/ndarray.ts';
import { GraphBuilder } from '../../src/graph/builder.ts';
import { type TensorProto, TensorProtoSchema } from '../../src/graph/onnx/messages.ts';
import { create, type Init } from '../../src/graph/onnx/protobuf.ts';
import { readOnnx } from '../../src/graph/onnx/read.ts';
import { tensorFromProto } from '../../src/graph/onnx/tensor.ts';
import { writeOnnx } from '../../src/graph/onnx/write.ts';

describe('tensors in files', () => {
  it('are read from the typed fields', () => {
    const read = (fields: Init<TensorProto>) => tensorFromProto(create(TensorProtoSchema, { name: 't', ...fields }));
    expect(read({ dims: [2n], dataType: 1, floatData: [1, 2] })).toEqual(float32([2], [1, 2]));
    expect(read({ dims: [1n], dataType: 7, int64Data: [-3n] })).toEqual(int64([-3]));
    expect(read({ dims: [], dataType: 11, doubleData: [0.1] })).toEqual(ndarray('float64', [], Float64Array.of(0.1)));
    // float16 keeps its bits in the field of int32
    expect(read({ dims: [1n], dataType: 10, int32Data: [0x3c00] }).data).toEqual(Uint16Array.of(0x3c00));
    expect(read({ dims: [2n], dataType: 9, int32Data: [1, 0] }).data).toEqual(Uint8Array.of(1, 0));
    expect(() => read({ dims: [3n], dataType: 1, floatData: [1] })).toThrow(/'t' of shape \[3\] has 1 elements/);
    expect(() => read({ dims: [1n], dataType: 8 })).toThrow(/'t' holds string/);
    expect(() => read({ dims: [3n], dataType: 1, rawData: new Uint8Array(8) })).toThrow(/needs 12 bytes and has 8/);
  });

  const external = (location: string) =>
    create(TensorProtoSchema, {
      name: 'w',
      dims: [2n],
      dataType: 1,
      dataLocation: 1,
      externalData: [
        { key: 'location', value: location },
        { key: 'offset', value: '4' },
        { key: 'length', value: '8' },
      ],
    });

  it('may lie in a file beside the model, when it is given', () => {
    const beside = new Uint8Array(Float32Array.of(9, 1, 2).buffer);
    expect(tensorFromProto(external('w.bin'), 'm.onnx', () => beside)).toEqual(float32([2], [1, 2]));
    expect(() => tensorFromProto(external('w.bin'), 'm.onnx')).toThrow(/m\.onnx: .*'w\.bin'.*one file/);
    expect(() => tensorFromProto(external('w.bin'), 'm.onnx', () => new Uint8Array(5))).toThrow(/has 5 bytes/);
  });

  it('that lie about where and how much are refused', () => {
    const lying = (dims: bigint[], offset: string, length: string) =>
      tensorFromProto(
        create(TensorProtoSchema, {
          ...{ name: 'w', dims, dataType: 1, dataLocation: 1 },
          externalData: Object.entries({ location: 'w.bin', offset, length }).map(([key, value]) => ({ key, value })),
        }),
        'm.onnx',
        () => new Uint8Array(12),
      );
    expect(lying([2n], '4', '8')).toEqual(float32([2], [0, 0]));
    expect(() => lying([2n], '8', '8')).toThrow("m.onnx: 'w.bin' has 12 bytes; 'w' wants 8 from 8.");
    expect(() => lying([2n], '-4', '8')).toThrow("'w' wants 8 from -4");
    expect(() => lying([2n], '0', '9007199254740993')).toThrow("'w.bin' has 12 bytes");
    expect(() => lying([2n], 'a', '8')).toThrow("'w' wants 8 from NaN");
    // Nothing is allocated for what is not there.
    expect(() => lying([1n << 40n, 1n << 40n], '0', '12')).toThrow(/m\.onnx: .* needs .* bytes and has 12/);
    const huge = create(TensorProtoSchema, { name: 'w', dims: [1n << 50n], dataType: 1, floatData: [1] });
    expect(() => tensorFromProto(huge, 'm.onnx')).toThrow(
      "m.onnx: The tensor 'w' of shape [1125899906842624] has 1 elements",
    );
  });

  it.each(['../w.bin', '/etc/passwd', 'a/../../b', 'C:\\w.bin', ''])('never lie at %j', (location) => {
    expect(() => tensorFromProto(external(location), 'm.onnx', () => new Uint8Array(12))).toThrow(
      `m.onnx: The tensor 'w' is in a file named '${location}', outside of its folder. Put the weights beside the model.`,
    );
  });
});

describe('sizes that a file leaves open', () => {
  function resized(fixed: boolean): Uint8Array {
    const b = new GraphBuilder('g');
    const x = b.input('x', 'float32', [1, 1, 4, 4]);
    const shape = b.op('Shape', [x]);
    const y = fixed ? b.op('Reshape', [x, b.ints([1, 16])]) : b.op('Relu', [x]);
    const graph = b.build([b.output(y, 'y'), b.output(shape, 's')]);
    return writeOnnx({ ...graph, symbols: new Map([['x', [1, 1, 'h', 4]]]) });
  }

  it('stay open', () => {
    const graph = readOnnx(resized(false), { bind: { h: 4 } });
    expect(graph.symbols?.get('x')).toEqual([1, 1, 'h', 4]);
    expect(readOnnx(resized(false), { bind: { h: 7 } }).outputs[0]?.shape).toEqual([1, 1, 7, 4]);
  });

  it('must fit what the graph has fixed', () => {
    expect(() => readOnnx(resized(true), { bind: { h: 7 } })).toThrow(/Reshape .* cannot be reshaped to \[1, 16\]/);
  });

  it('may not be given shapes that contradict the file', () => {
    expect(() => readOnnx(resized(false), { shapes: { x: [1, 1, 4, 5] } })).toThrow(/declared as \[1, 1, h, 4\]/);
  });
});
