/** The WebAssembly that pages run, in Node: without onnxruntime-web's own script, and with it. */
import * as ort from 'onnxruntime-web';
import start from 'onnxruntime-web/ort-wasm-simd-threaded.mjs';
import { expect, it } from 'vitest';
import { unetStep } from '../../bench/unet-step.ts';
import { float32 } from '../../src/array/ndarray.ts';
import { GraphBuilder } from '../../src/graph/builder.ts';
import { writeOnnx } from '../../src/graph/onnx/write.ts';
import { openWasm } from '../../src/platform/browser/web-assembly.ts';
import { ortRuntime } from '../../src/runtime/ort.ts';
import type { Runtime } from '../../src/runtime/runtime.ts';
import type { OrtModule } from '../../src/runtime/tensors.ts';
import { OrtLibrary } from '../../src/runtime/wasm/library.ts';
import { wasmModule } from '../../src/runtime/wasm/session.ts';

const THREADS = 2;

/** A runtime over a module as pages have it. */
const over = (module: OrtModule): Runtime =>
  ortRuntime(module, {
    device: 'wasm',
    description: 'WASM',
    sessionOptions: { enableMemPattern: false, logSeverityLevel: 3 },
    target: { winograd: 'auto', columns: true, hidesShapes: true },
    stateMode: 'device',
  });

async function trained(runtime: Runtime) {
  const { graph, state, initial, feeds } = unetStep({ base: 32, levels: 3, size: 32 });
  const program = await runtime.compile(graph, { state });
  await program.writeState(initial);
  const losses: (number | bigint)[] = [];
  for (let step = 0; step < 3; step++) losses.push((await program.run(feeds)).loss?.data[0] as number);
  const values = await program.readState();
  await program.dispose();
  return { losses, values };
}

it('trains with the same bits as through onnxruntime-web', async () => {
  ort.env.wasm.numThreads = THREADS;
  const theirs = await trained(over(ort));
  const ours = await trained(await openWasm({ threads: THREADS }));
  expect(ours.losses).toEqual(theirs.losses);
  expect(ours.losses[2]).toBeLessThan(ours.losses[0] as number);
  expect(Object.keys(ours.values).length).toBeGreaterThan(20);
  for (const [name, { data }] of Object.entries(theirs.values)) {
    const bytes = (array: ArrayBufferView) => Buffer.from(array.buffer, array.byteOffset, array.byteLength);
    expect(bytes(ours.values[name]?.data as ArrayBufferView).equals(bytes(data)), name).toBe(true);
  }
});

/** total' = total + x; doubled = 2 total' */
function accumulator(size: number) {
  const b = new GraphBuilder('accumulator');
  const x = b.input('x', 'float32', [size]);
  const total = b.input('total', 'float32', [size]);
  const sum = b.add(total, x);
  return b.build([b.output(sum, 'next'), b.output(b.mul(sum, b.scalar(2)), 'doubled')]);
}

it('keeps state from run to run, which a later run does not change for whoever has read it', async () => {
  const program = await (await openWasm({ threads: THREADS })).compile(accumulator(3), { state: { total: 'next' } });
  expect(program.inputs).toEqual([{ name: 'x', dtype: 'float32', shape: [3] }]);
  expect(program.outputs).toEqual([{ name: 'doubled', dtype: 'float32', shape: [3] }]);
  const first = float32([3], [1, 2, 3]);
  await program.writeState({ total: first });
  const x = float32([3], [10, 20, 30]);
  await program.run({ x });
  const state = await program.readState();
  const { doubled } = await program.run({ x });
  await program.run({ x });
  expect(Array.from(doubled?.data as Float32Array)).toEqual([42, 84, 126]);
  expect(Array.from(state.total?.data as Float32Array)).toEqual([11, 22, 33]);
  expect(Array.from((await program.readState()).total?.data as Float32Array)).toEqual([31, 62, 93]);
  expect(Array.from(first.data), 'the written array is not touched').toEqual([1, 2, 3]);
  await program.writeState({ total: first });
  await program.run({ x });
  expect(Array.from((await program.readState()).total?.data as Float32Array)).toEqual([11, 22, 33]);
  await program.dispose();
});

it('needs no more memory the longer it runs, nor for programs that are gone', async () => {
  const wasm = await start({ numThreads: 1 });
  const library = new OrtLibrary(wasm);
  library.check(wasm._OrtInit(1, 2));
  const runtime = over(wasmModule(library));
  const size = 1_000_000;
  const work = async (runs: number): Promise<number> => {
    const program = await runtime.compile(accumulator(size), { state: { total: 'next' } });
    await program.writeState({ total: float32([size]) });
    for (let i = 0; i < runs; i++) await program.run({ x: float32([size]) });
    await program.readState();
    await program.dispose();
    return wasm.HEAPU8.length;
  };
  const before = await work(5);
  expect(before).toBeGreaterThan(4 * size);
  for (let i = 0; i < 10; i++) expect(await work(20)).toBe(before);
});

it('loads a file with symbolic sizes, and says what is wrong with one that is none', async () => {
  const runtime = await openWasm({ threads: THREADS });
  const b = new GraphBuilder('double');
  const x = b.input('x', 'float32', [1, 4]);
  const graph = b.build([b.output(b.add(x, x), 'y')]);
  const program = await runtime.load(writeOnnx({ ...graph, symbols: new Map([[x.name, ['n', 4]]]) }));
  expect(program.inputs).toEqual([{ name: 'x', dtype: 'float32', shape: ['n', 4] }]);
  const { y } = await program.run({ x: float32([2, 4], [1, 2, 3, 4, 5, 6, 7, 8]) });
  expect(y?.shape).toEqual([2, 4]);
  expect(Array.from(y?.data as Float32Array)).toEqual([2, 4, 6, 8, 10, 12, 14, 16]);
  await program.dispose();
  await expect(runtime.load(new Uint8Array([1, 2, 3]))).rejects.toThrow(/^The model cannot run on WASM, 2 threads: \S/);
});
