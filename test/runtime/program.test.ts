import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { float32 } from '../../src/array/ndarray.ts';
import { DeviceError, GraphError, ModelError, UsageError } from '../../src/errors.ts';
import { GraphBuilder } from '../../src/graph/builder.ts';
import { writeOnnx } from '../../src/graph/onnx/write.ts';
import { availableDevices, openRuntime } from '../../src/platform/node/runtime.ts';
import type { Runtime } from '../../src/runtime/runtime.ts';

/** total' = total + x; doubled = 2 total' */
function accumulator() {
  const b = new GraphBuilder('accumulator');
  const x = b.input('x', 'float32', [3]);
  const total = b.input('total', 'float32', [3]);
  const sum = b.add(total, x);
  return b.build([b.output(sum, 'next'), b.output(b.mul(sum, b.scalar(2)), 'doubled')]);
}

describe('a program on the CPU', () => {
  let runtime: Runtime;
  beforeAll(async () => {
    runtime = await openRuntime({ device: 'cpu', threads: 1 });
  });
  afterAll(async () => {
    await runtime.dispose();
  });

  it('keeps state from run to run, neither fed nor returned', async () => {
    const program = await runtime.compile(accumulator(), { state: { total: 'next' } });
    expect(program.inputs.map(({ name }) => name)).toEqual(['x']);
    expect(program.outputs).toEqual([{ name: 'doubled', dtype: 'float32', shape: [3] }]);
    const start = float32([3], [1, 2, 3]);
    await program.writeState({ total: start });
    const x = float32([3], [10, 20, 30]);
    const first = await program.run({ x });
    const second = await program.run({ x });
    const third = await program.run({ x });
    expect(Array.from(first.doubled?.data as Float32Array)).toEqual([22, 44, 66]);
    expect(Array.from(second.doubled?.data as Float32Array)).toEqual([42, 84, 126]);
    expect(Array.from(third.doubled?.data as Float32Array)).toEqual([62, 124, 186]);
    const state = await program.readState();
    await program.run({ x });
    expect(Array.from(state.total?.data as Float32Array)).toEqual([31, 62, 93]);
    expect(Array.from(start.data), 'the written array is not touched').toEqual([1, 2, 3]);
    await program.writeState({ total: start });
    const again = await program.run({ x });
    expect(Array.from(again.doubled?.data as Float32Array)).toEqual([22, 44, 66]);
    await program.dispose();
  });

  it('says which input is wrong', async () => {
    const program = await runtime.compile(accumulator(), { state: { total: 'next' } });
    await expect(program.run({ x: float32([3]) })).rejects.toThrow("The state 'total' has no value yet.");
    await program.writeState({ total: float32([3]) });
    await expect(program.run({})).rejects.toThrow("The input 'x' (float32[3]) is missing.");
    await expect(program.run({ x: float32([2]) })).rejects.toThrow("The input 'x' must be float32[3], not float32[2].");
    await expect(program.writeState({ y: float32([3]) })).rejects.toThrow(UsageError);
    await program.dispose();
    await expect(program.run({ x: float32([3]) })).rejects.toThrow('disposed');
  });

  it('refuses state whose next value has another shape', async () => {
    const b = new GraphBuilder('g');
    const x = b.input('x', 'float32', [3]);
    const graph = b.build([b.output(b.sum(x, [0]), 'y')]);
    await expect(runtime.compile(graph, { state: { x: 'y' } })).rejects.toThrow(GraphError);
    await expect(runtime.compile(graph, { state: { x: 'z' } })).rejects.toThrow("no output 'z'");
  });

  it('loads a model file with open sizes and refuses what is not one', async () => {
    const b = new GraphBuilder('relu');
    const x = b.input('x', 'float32', [1, 2]);
    const y = b.output(b.op('Relu', [x]), 'y');
    const symbols = new Map([
      ['x', ['n', 2]],
      ['y', ['n', 2]],
    ]);
    const program = await runtime.load(writeOnnx(b.build([y], { symbols })));
    expect(program.inputs).toEqual([{ name: 'x', dtype: 'float32', shape: ['n', 2] }]);
    const result = await program.run({ x: float32([3, 2], [1, -2, 3, -4, 5, -6]) });
    expect(result.y?.shape).toEqual([3, 2]);
    expect(Array.from(result.y?.data as Float32Array)).toEqual([1, 0, 3, 0, 5, 0]);
    await expect(runtime.load(new Uint8Array([1, 2, 3]))).rejects.toThrow(ModelError);
  });
});

describe('devices', () => {
  it('always has the CPU', () => {
    expect(availableDevices()).toContain('cpu');
  });
  it('names what is present when a device is absent', async () => {
    const absent = (['dml', 'coreml'] as const).find((name) => !availableDevices().includes(name));
    expect(absent, 'no machine has both').toBeDefined();
    await expect(openRuntime({ device: absent as 'dml' })).rejects.toThrow(DeviceError);
    await expect(openRuntime({ device: absent as 'dml' })).rejects.toThrow(/Present: .*cpu/);
  });
});
