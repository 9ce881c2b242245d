import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { float32, ndarray } from '../../src/array/ndarray.ts';
import { stream } from '../../src/array/random.ts';
import { FormatError, ModelError } from '../../src/errors.ts';
import { GraphBuilder } from '../../src/graph/builder.ts';
import { writeOnnx } from '../../src/graph/onnx/write.ts';
import { inputNotes, inputPages } from '../../src/input/network-input.ts';
import { openRuntime } from '../../src/platform/node/runtime.ts';
import { activationOf } from '../../src/predict/foreign.ts';
import { openModel } from '../../src/predict/open.ts';
import { predictImage, predictPlanes } from '../../src/predict/predict.ts';
import { predictVolume } from '../../src/predict/volume.ts';
import type { Runtime } from '../../src/runtime/runtime.ts';
import { expectAllClose } from '../support/expect-all-close.ts';

interface Case {
  readonly model: string;
  readonly shape: readonly [number, number];
  readonly input: readonly number[];
  readonly output: readonly number[];
}
/** Exported by PyTorch, with what PyTorch computes: scripts/golden/foreign_models.py. */
const CASES = JSON.parse(readFileSync(new URL('../golden/foreign_models.json', import.meta.url), 'utf8')) as Readonly<
  Record<string, Case>
>;

let runtime: Runtime;
beforeAll(async () => {
  runtime = await openRuntime({ device: 'cpu' });
});
afterAll(() => runtime.dispose());

const bytesOf = (name: string): Uint8Array => new Uint8Array(Buffer.from((CASES[name] as Case).model, 'base64'));
const pageOf = (name: string) => {
  const { input, shape } = CASES[name] as Case;
  return { planes: Float32Array.from(input), height: shape[0], width: shape[1] };
};

describe('quantised models', () => {
  const read = (name: string) => readFileSync(new URL(`../golden/${name}`, import.meta.url));
  // From scripts/golden/quantised.py.
  const { x, y } = JSON.parse(read('quantised.json').toString()) as {
    readonly [name in 'x' | 'y']: { readonly shape: readonly number[]; readonly data: readonly number[] };
  };

  test.each(['qdq', 'operators', 'dynamic', 'half'])('%s: computed as they are, in tiles of the rule', async (kind) => {
    const model = await openModel(runtime, new Uint8Array(read(`quantised-${kind}.onnx`)));
    expect(model.rule.y).toMatchObject({ multiple: 4, exact: kind !== 'dynamic' });
    expect(model.program.inputs.map(({ dtype }) => dtype)).toEqual(['float32']);
    const results = await model.program.run({ [model.inputName]: float32(x.shape, x.data) });
    const own = results[model.outputName]?.data as Float32Array;
    const furthest = own.reduce((most, value, i) => Math.max(most, Math.abs(value - (y.data[i] as number))), 0);
    // Rounded to steps of their own, so that it is not the network before, but near it.
    expect(furthest).toBeGreaterThan(1e-5);
    expect(furthest).toBeLessThan(kind === 'half' ? 2e-3 : 0.02);
    await model.program.dispose();
  });
});

describe('models exported by PyTorch', () => {
  test('open size, three classes, logits: softmax applied, tile rule from the graph', async () => {
    const name = 'open size, three classes, logits';
    const model = await openModel(runtime, bytesOf(name));
    expect(model.notes.join(' ')).toMatch(/softmax is applied/);
    expect(model).toMatchObject({ activation: 'softmax', outputs: 3, classes: ['background', 'class 1', 'class 2'] });
    expect(model.input.channels).toEqual({ mode: 'colour', count: 3 });
    expect(model.rule.y).toMatchObject({ multiple: 2, exact: true });
    const { output, shape } = CASES[name] as Case;
    const pixels = shape[0] * shape[1];
    const expected = output.map((_, i) => {
      const p = i % pixels;
      const exps = [0, 1, 2].map((c) => Math.exp(output[c * pixels + p] as number));
      return (exps[Math.floor(i / pixels)] as number) / exps.reduce((a, b) => a + b);
    });
    const actual = await predictPlanes(model, pageOf(name), { border: 0 });
    // Input and output are stored with six digits.
    expectAllClose(actual.data, expected, { rtol: 0, atol: 1e-5 });
    // Any size, tiled.
    const large = {
      planes: Float32Array.from({ length: 3 * 61 * 47 }, (_, i) => Math.sin(i / 5)),
      height: 61,
      width: 47,
    };
    const [whole, tiled] = [await predictPlanes(model, large), await predictPlanes(model, large, { tile: 32 })];
    expectAllClose(tiled.data, whole.data, { rtol: 0, atol: 1e-5 });
    await model.program.dispose();
  });

  test('fixed size, one channel, sigmoid: larger and smaller images, pixels divided by 255', async () => {
    const name = 'fixed size, one channel, sigmoid';
    const model = await openModel(runtime, bytesOf(name));
    expect(model).toMatchObject({ activation: 'none', outputs: 1, classes: ['background', 'foreground'] });
    expect(model.rule.x.fixed).toBe(32);
    const actual = await predictPlanes(model, pageOf(name));
    expectAllClose(actual.data.subarray(1024), (CASES[name] as Case).output, { rtol: 0, atol: 1e-5 });
    expect(model.notes).toContain('Pixel values are divided by 255.');
    for (const [height, width] of [
      [1, 1],
      [90, 33],
    ] as const) {
      const image = { ...ndarray('uint8', [height, width]), axes: 'yx', spacing: {} };
      expect((await predictImage(model, image)).shape).toEqual([2, height, width]);
    }
    for (const [dtype, note] of [
      ['uint8', undefined],
      [
        'uint16',
        'Its values are uint16, and divided by 255 like those of 8 bits: convert it to 8 bits if the network expects 0 to 1.',
      ],
    ] as const) {
      const image = { ...ndarray(dtype, [40, 40]), axes: 'yx', spacing: {} };
      const [page] = inputPages(image).pages;
      expect(page && inputNotes(image, page, model.input)).toEqual(note === undefined ? [] : [note]);
    }
    await model.program.dispose();
  });

  test('open size, a quarter of the resolution: interpolated and blended', async () => {
    const name = 'open size, a quarter of the resolution';
    const model = await openModel(runtime, bytesOf(name));
    expect(model.rule.y).toMatchObject({ multiple: 32, margin: 0, exact: false });
    expect(model.notes.join(' ')).toMatch(/blended/);
    const result = await predictPlanes(model, pageOf(name), { border: 0 });
    expect(result.shape).toEqual([2, 32, 32]);
    // In the middle of four coarse pixels the interpolated logit is their mean.
    const { output } = CASES[name] as Case;
    const logit = (c: number) =>
      [0, 1, 8, 9].reduce((sum, d) => sum + (output[c * 64 + 3 * 8 + 3 + d] as number), 0) / 4;
    const around = [15, 16].flatMap((y) => [15, 16].map((x) => result.data[y * 32 + x] as number));
    expect(around.reduce((a, b) => a + b) / 4).toBeCloseTo(1 / (1 + Math.exp(logit(1) - logit(0))), 3);
    await model.program.dispose();
  });
});

describe('what is not a segmentation model is refused by what it takes', () => {
  const model = (
    shape: readonly number[],
    build: (b: GraphBuilder, x: ReturnType<GraphBuilder['input']>) => unknown,
  ) => {
    const b = new GraphBuilder('other');
    const x = b.input('x', 'float32', shape);
    return writeOnnx(b.build([b.output(build(b, x) as typeof x, 'y')]));
  };
  test('vectors, classifiers', async () => {
    await expect(
      openModel(
        runtime,
        model([1, 10], (b, x) => b.neg(x)),
      ),
    ).rejects.toThrow(/x: float32 \[1, 10\]/);
    await expect(
      openModel(
        runtime,
        model([1, 3, 8, 8], (b, x) => b.sum(x, [2, 3])),
      ),
    ).rejects.toThrow(ModelError);
    await expect(
      openModel(
        runtime,
        model([4, 3, 8, 8], (b, x) => b.neg(x)),
      ),
    ).rejects.toThrow(/4 images at once/);
  });
  test('bytes that are no ONNX', async () => {
    await expect(openModel(runtime, Uint8Array.of(1, 2, 3), { file: 'a.onnx' })).rejects.toThrow(FormatError);
  });
});

describe('logits or probabilities', () => {
  test('by their values', () => {
    expect(activationOf(float32([1, 2, 1, 2], [0.2, 1, 0.8, 0])).activation).toBe('none');
    expect(activationOf(float32([1, 2, 1, 2], [0.2, 1, 0.8, 3])).activation).toBe('softmax');
    expect(activationOf(float32([1, 1, 1, 2], [0.2, 1])).activation).toBe('none');
    expect(activationOf(float32([1, 1, 1, 2], [-0.2, 1])).activation).toBe('sigmoid');
    expect(activationOf(float32([1, 2, 1, 1], [0.9, 0.9])).note).toMatch(/independent/);
  });
});

test.each([[2], [2, 2], [2, 2, 2]])(
  'away from the border predictions are what the network gives of the image alone: strides of %j',
  async (...steps) => {
    const random = stream(11, 'strides');
    const b = new GraphBuilder('strides');
    const weights = (shape: readonly number[]) =>
      b.constant(
        float32(
          shape,
          Float32Array.from({ length: shape.reduce((n, side) => n * side, 1) }, () => random.normal()),
        ),
      );
    const x = b.input('x', 'float32', [1, 1, 64, 64]);
    const down = steps.reduce(
      (value, step) => b.op('Conv', [value, weights([1, 1, 3, 3])], { strides: [step, step], pads: [1, 1, 1, 1] }),
      x,
    );
    const whole = steps.reduce((product, step) => product * step, 1);
    // As MONAI's U-Net.
    const up = steps.toReversed().reduce((value, step) => {
      const ends = { pads: [1, 1, 1, 1], output_padding: [step - 1, step - 1] };
      return b.op('ConvTranspose', [value, weights([1, 1, 3, 3])], { strides: [step, step], ...ends });
    }, down);
    const last = b.op('Conv', [up, weights([1, 1, 3, 3])], { pads: [1, 1, 1, 1] });
    const graph = b.build([b.output(b.op('Sigmoid', [last]), 'y')]);
    const symbols = new Map([
      ['x', ['n', 1, 'h', 'w']],
      ['y', ['n', 1, 'h', 'w']],
    ]);
    const model = await openModel(runtime, writeOnnx({ ...graph, symbols }));
    const { halo, exact } = model.rule.y;
    // No whole number of strides, which the frame has to be all the same.
    expect(halo % whole).not.toBe(0);
    expect(exact).toBe(true);
    const side = 96;
    const planes = Float32Array.from({ length: side * side }, () => random.uniform());
    const own = await model.program.run({ x: float32([1, 1, side, side], planes) });
    for (const tile of [640, 64]) {
      const { data } = await predictPlanes(model, { planes, height: side, width: side }, { tile });
      let furthest = 0;
      for (let y = halo; y < side - halo; y++) {
        for (let x = halo; x < side - halo; x++) {
          const i = y * side + x;
          furthest = Math.max(furthest, Math.abs((data[side * side + i] as number) - Number(own.y?.data[i])));
        }
      }
      expect(furthest).toBeLessThan(1e-6);
    }
    await model.program.dispose();
  },
);

test('a network with instance normalisation gives what it gives of the image alone, up to its border', async () => {
  const b = new GraphBuilder('instance');
  const random = stream(12, 'instance');
  const x = b.input('x', 'float32', [1, 1, 64, 64]);
  const weights = b.constant(
    float32(
      [4, 1, 3, 3],
      Float32Array.from({ length: 36 }, () => random.normal()),
    ),
  );
  const [scale, shift] = [float32([4], [1, 2, 1, 2]), float32([4], [0, 1, 0, -1])].map((array) => b.constant(array));
  const convolved = b.op('Conv', [x, weights], { pads: [1, 1, 1, 1] });
  const normalised = b.op('InstanceNormalization', [convolved, scale as never, shift as never], { epsilon: 1e-5 });
  const last = b.constant(
    float32(
      [1, 4, 3, 3],
      Float32Array.from({ length: 36 }, () => random.normal()),
    ),
  );
  const graph = b.build([b.output(b.op('Sigmoid', [b.op('Conv', [normalised, last], { pads: [1, 1, 1, 1] })]), 'y')]);
  const symbols = new Map([
    ['x', ['n', 1, 'h', 'w']],
    ['y', ['n', 1, 'h', 'w']],
  ]);
  const model = await openModel(runtime, writeOnnx({ ...graph, symbols }));
  const side = 96;
  // Brighter in the middle: statistics of the image and a frame would be others.
  const planes = Float32Array.from({ length: side * side }, (_, p) => {
    const [dy, dx] = [Math.floor(p / side) - side / 2, (p % side) - side / 2];
    return random.uniform() + Math.exp(-(dy * dy + dx * dx) / 500);
  });
  const own = await model.program.run({ x: float32([1, 1, side, side], planes) });
  const { data } = await predictPlanes(model, { planes, height: side, width: side });
  for (let p = 0; p < side * side; p++) expect(data[side * side + p]).toBeCloseTo(Number(own.y?.data[p]), 5);
  await model.program.dispose();
});

test.each(['2', '3'])('as nnU-Net, whose output is shifted and not smaller: dimensions %s', async (dimensions) => {
  const rank = Number(dimensions);
  const random = stream(13, 'shifted');
  const b = new GraphBuilder('shifted');
  const each = (value: number): number[] => new Array<number>(rank).fill(value);
  const weights = (side: number) =>
    b.constant(
      float32(
        [1, 1, ...each(side)],
        Float32Array.from({ length: side ** rank }, () => random.normal()),
      ),
    );
  const x = b.input('x', 'float32', [1, 1, ...each(32)]);
  // Before each halving a pixel more is seen on one side, and enlarging by 2 does not undo that.
  const down = [2, 2].reduce(
    (value, step) => b.op('Conv', [value, weights(3)], { strides: each(step), pads: each(1).concat(each(1)) }),
    x,
  );
  const up = [2, 2].reduce((value, step) => b.op('ConvTranspose', [value, weights(2)], { strides: each(step) }), down);
  const symbols = new Map(['x', 'y'].map((name) => [name, ['n', 1, ...each(0).map((_, i) => `side${i}`)]] as const));
  const model = await openModel(runtime, writeOnnx({ ...b.build([b.output(b.op('Sigmoid', [up]), 'y')]), symbols }));
  expect(model.rule.y).toMatchObject({ multiple: 4, offset: 0, margin: 0, exact: true });
  const side = 32;
  const data = Float32Array.from({ length: side ** rank }, () => random.uniform());
  const own = (await model.program.run({ x: float32([1, 1, ...each(side)], data) })).y as {
    readonly data: ArrayLike<number>;
  };
  const pages =
    rank === 2 ? [data] : Array.from({ length: side }, (_, z) => data.subarray(z * side ** 2, (z + 1) * side ** 2));
  const prepared = pages.map((planes, z) => ({ planes, height: side, width: side, name: `${z}` }));
  const found =
    rank === 2
      ? [await predictPlanes(model, prepared[0] as (typeof prepared)[0], { tile: 24 })]
      : await predictVolume(model as never, prepared as never);
  const { halo } = model.rule.y;
  expect(halo).toBeLessThan(side / 2);
  let [furthest, count] = [0, 0];
  for (let p = 0; p < data.length; p++) {
    const place = Array.from({ length: rank }, (_, axis) => Math.floor(p / side ** axis) % side);
    if (place.some((at) => at < halo || at >= side - halo)) continue;
    const z = Math.floor(p / side ** 2);
    furthest = Math.max(
      furthest,
      Math.abs((found[z]?.data[side ** 2 + (p % side ** 2)] as number) - (own.data[p] as number)),
    );
    count++;
  }
  expect(count).toBeGreaterThan(0);
  expect(furthest).toBeLessThan(1e-6);
  await model.program.dispose();
});

/** Taps of a kernel, zeros before and after, and the pixel of the image at which the output begins. */
const UNEVEN = [
  { name: 'a pixel less at one end', height: [4, 1, 1, 0], width: [4, 2, 0, 0] },
  { name: 'much less at one side', height: [7, 0, 3, 3], width: [9, 6, 1, -2] },
  { name: 'larger than the image', height: [3, 2, 2, -1], width: [1, 1, 3, -1] },
] as const;

test.each(UNEVEN)('an output with uneven margins, in tiles as in one piece: $name', async ({ height, width }) => {
  const random = stream(17, 'uneven');
  const b = new GraphBuilder('uneven');
  const numbers = (shape: readonly number[]) =>
    float32(
      shape,
      Float32Array.from({ length: shape.reduce((p, q) => p * q, 1) }, () => random.normal()),
    );
  const x = b.input('x', 'float32', [1, 1, 64, 64]);
  const pooled = b.op('Relu', [b.op('Conv', [x, b.constant(numbers([2, 1, 3, 3]))], { pads: [1, 1, 1, 1] })]);
  const [[rows, top, bottom, firstRow], [columns, left, right, firstColumn]] = [height, width];
  const pads = [top, left, bottom, right];
  const y = b.op('Conv', [pooled, b.constant(numbers([1, 2, rows, columns]))], { pads });
  const graph = b.build([b.output(b.op('Sigmoid', [y]), 'y')]);
  const symbols = new Map([
    ['x', ['n', 1, 'h', 'w']],
    ['y', ['n', 1, 'h2', 'w2']],
  ]);
  const model = await openModel(runtime, writeOnnx({ ...graph, symbols }));
  expect(model.rule.y.exact).toBe(true);
  const size = { height: 70, width: 83 };
  const planes = numbers([size.height, size.width]).data;
  const { y: own } = await model.program.run({ x: float32([1, 1, size.height, size.width], planes) });
  const [, , outRows, outColumns] = own?.shape ?? [];
  const whole = await predictPlanes(model, { planes, ...size });
  const tiled = await predictPlanes(model, { planes, ...size }, { tile: 32 });
  expect(whole.shape).toEqual([2, size.height, size.width]);
  expectAllClose(tiled.data, whole.data, { rtol: 0, atol: 1e-6 });
  let compared = 0;
  for (let row = 12; row < size.height - 12; row++) {
    for (let column = 12; column < size.width - 12; column++) {
      const o = [row - firstRow, column - firstColumn] as const;
      expect(o[0] < (outRows as number) && o[1] < (outColumns as number)).toBe(true);
      const expected = own?.data[o[0] * (outColumns as number) + o[1]];
      expect(whole.data[(size.height + row) * size.width + column]).toBeCloseTo(Number(expected), 5);
      compared++;
    }
  }
  expect(compared).toBe((size.height - 24) * (size.width - 24));
  await model.program.dispose();
});
