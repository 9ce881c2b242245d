import fc from 'fast-check';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { type DType, float32, int64, type NdArray, ndarray } from '../../src/array/ndarray.ts';
import { FormatError, GraphError } from '../../src/errors.ts';
import { GraphBuilder } from '../../src/graph/builder.ts';
import type { Graph } from '../../src/graph/ir.ts';
import { readSignature } from '../../src/graph/onnx/model.ts';
import { readOnnx } from '../../src/graph/onnx/read.ts';
import { writeOnnx } from '../../src/graph/onnx/write.ts';
import { printGraph } from '../../src/graph/print.ts';
import { expectAllClose } from '../support/expect-all-close.ts';

function small(): Graph {
  const b = new GraphBuilder('small');
  const x = b.input('x', 'float32', [1, 1, 4, 4]);
  const w = b.constant(float32([2, 1, 3, 3], new Float32Array(18).fill(0.5)), 'w');
  const y = b.op('LeakyRelu', [b.op('Conv', [x, w], { kernel_shape: [3, 3], pads: [1, 1, 1, 1] })], { alpha: 0.01 });
  const z = b.op('Cast', [b.op('Greater', [y, b.scalar(1)])], { to: 'float64' });
  const graph = b.build([b.output(y, 'y'), b.output(z, 'z')]);
  return { ...graph, symbols: new Map([['x', ['N', 1, 4, 4]]]) };
}

describe('ONNX files', () => {
  it('come back as the same graph and the same bytes', () => {
    const graph = small();
    const bytes = writeOnnx(graph);
    const read = readOnnx(bytes, { bind: { N: 1 } });
    expect(printGraph(read)).toBe(printGraph(graph));
    expect(writeOnnx(read)).toEqual(bytes);
  });

  it('run in ONNX Runtime', async () => {
    const session = await InferenceSession.create(writeOnnx(small()), { intraOpNumThreads: 1 });
    const { y } = await session.run({ x: new Tensor('float32', new Float32Array(16).fill(1), [1, 1, 4, 4]) });
    // Ones under a 3x3 kernel of halves: 4, 6 or 9 of them at corner, edge and centre.
    expectAllClose(((y as Tensor).data as Float32Array).slice(0, 8), [2, 3, 3, 2, 3, 4.5, 4.5, 3]);
    await session.release();
  });

  it('say what they are', () => {
    const signature = readSignature(writeOnnx(small(), { metadata: { lamella: '{}' }, producerVersion: '1' }));
    expect(signature.inputs).toEqual([{ name: 'x', dtype: 'float32', dims: ['N', 1, 4, 4] }]);
    expect(signature.outputs.map(({ dtype }) => dtype)).toEqual(['float32', 'float64']);
    expect(signature.metadata).toEqual({ lamella: '{}' });
    expect(signature.opsets).toEqual({ '': 18 });
    expect(signature.operations.get('Identity')).toBe(2);
    expect(signature.storedElements).toBe(19);
    expect([signature.producer, signature.producerVersion]).toEqual(['lamella', '1']);
  });

  it('keep constants of every dtype', () => {
    const arrays: NdArray[] = [
      float32([2], [Number.NaN, -0]),
      ndarray('float64', [1], Float64Array.of(Math.PI)),
      ndarray('float16', [2], Uint16Array.of(0x3c00, 0x7c00)),
      int64([2 ** 40, -1]),
      ndarray('bool', [2], Uint8Array.of(0, 1)),
      ndarray('uint8', [0]),
      ndarray('uint64', [], BigUint64Array.of(2n ** 64n - 1n)),
      ndarray('int8', [1, 1], Int8Array.of(-128)),
    ];
    const b = new GraphBuilder('constants');
    const graph = b.build(arrays.map((array, i) => b.output(b.constant(array), `y${i}`)));
    const bytes = writeOnnx(graph);
    expect([...readOnnx(bytes).constants.values()]).toEqual(arrays);
    expect(writeOnnx(readOnnx(bytes))).toEqual(bytes);
  });

  it('that leave sizes open want them bound', () => {
    expect(() => readOnnx(writeOnnx(small()), { file: 'm.onnx' })).toThrow(
      /m\.onnx: The input 'x' has dynamic sizes: .*N.*bind/s,
    );
  });

  it.each([
    ['an empty file', new Uint8Array()],
    ['a PNG', Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a)],
    ['text', Uint8Array.from('hello, this is no model', (c) => c.charCodeAt(0))],
  ])('%s is refused with its name', (_, bytes) => {
    expect(() => readOnnx(bytes, { file: 'x.onnx' })).toThrow(FormatError);
    expect(() => readSignature(bytes, { file: 'x.onnx' })).toThrow(/^x\.onnx: /);
  });

  it('cut off anywhere give an error of ours', () => {
    const bytes = writeOnnx(small());
    for (let length = 0; length < bytes.length; length++) {
      let caught: unknown;
      try {
        readOnnx(bytes.slice(0, length), { bind: { N: 1 } });
      } catch (error) {
        caught = error;
      }
      expect(caught instanceof FormatError || caught instanceof GraphError, `at ${length}: ${caught}`).toBe(true);
    }
  });

  it('with damaged bytes give a graph or an error of ours, never anything else', () => {
    const bytes = writeOnnx(small());
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.nat(255), (at, byte) => {
        const damaged = bytes.slice();
        damaged[at] = byte;
        try {
          readOnnx(damaged, { bind: { N: 1 } });
        } catch (error) {
          if (!(error instanceof FormatError || error instanceof GraphError)) throw error;
        }
      }),
      { numRuns: 500 },
    );
  });

  it('dtypes stand in the file as ONNX numbers them', () => {
    const numbers: [DType, number][] = [
      ['float32', 1],
      ['int64', 7],
      ['bool', 9],
      ['float64', 11],
    ];
    for (const [dtype, number] of numbers) {
      const b = new GraphBuilder('g');
      const bytes = writeOnnx(b.build([b.output(b.input('x', dtype, [1]), 'y')]));
      // ValueInfoProto of x: field 2 (type) > field 1 (tensor) > field 1 (element type)
      expect(String(bytes)).toContain(String([10, 1, 120, 18, 10, 10, 8, 8, number]));
    }
  });
});
