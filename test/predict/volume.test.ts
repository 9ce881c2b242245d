import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { float32, ndarray } from '../../src/array/ndarray.ts';
import { stream } from '../../src/array/random.ts';
import { GraphBuilder } from '../../src/graph/builder.ts';
import { writeOnnx } from '../../src/graph/onnx/write.ts';
import type { Image } from '../../src/image/image.ts';
import { openRuntime } from '../../src/platform/node/runtime.ts';
import { openModel } from '../../src/predict/open.ts';
import type { OpenedModel } from '../../src/predict/own.ts';
import { predictImage, predictPage } from '../../src/predict/predict.ts';
import { planVolume, predictVolume, type VolumeModel } from '../../src/predict/volume.ts';
import type { Runtime } from '../../src/runtime/runtime.ts';
import { expectAllClose } from '../support/expect-all-close.ts';

/** Exported by PyTorch, with what PyTorch computes: scripts/golden/foreign_models.py. */
const {
  model: file,
  shape,
  input,
  output,
} = JSON.parse(readFileSync(new URL('../golden/foreign_models.json', import.meta.url), 'utf8'))[
  'volumes of open size'
] as {
  readonly model: string;
  readonly shape: readonly [number, number, number];
  readonly input: readonly number[];
  readonly output: readonly number[];
};

let runtime: Runtime;
let model: OpenedModel & VolumeModel;
beforeAll(async () => {
  runtime = await openRuntime({ device: 'cpu', threads: 2 });
  model = (await openModel(runtime, new Uint8Array(Buffer.from(file, 'base64')))) as OpenedModel & VolumeModel;
});
afterAll(async () => {
  await model.program.dispose();
  await runtime.dispose();
});

type Slices = Parameters<typeof predictVolume>[1];

function slicesOf(values: ArrayLike<number>, [depth, height, width]: readonly [number, number, number]): Slices {
  const pixels = height * width;
  return Array.from({ length: depth }, (_, z) => ({
    height,
    width,
    planes: Float32Array.from({ length: pixels }, (__, p) => values[z * pixels + p] as number),
  })) as unknown as Slices;
}

function noise(size: readonly [number, number, number]): Slices {
  const random = stream(3, 'volume');
  return slicesOf(
    Float32Array.from({ length: size[0] * size[1] * size[2] }, () => random.normal()),
    size,
  );
}

const joined = (slices: readonly { readonly data: Float32Array }[]): number[] =>
  slices.flatMap(({ data }) => Array.from(data));

describe('a network of volumes exported by PyTorch', () => {
  it('is opened with a tile rule along three axes, from its graph', () => {
    // Two poolings across and one along the depth; 3x3x3 kernels at full depth: 1 + 1 + 2 slices of 2 and the head's.
    expect(model.rule).toMatchObject({
      z: { multiple: 2, offset: 0, margin: 0, exact: true },
      y: { multiple: 4, offset: 0, margin: 0, exact: true },
      x: { multiple: 4, offset: 0, margin: 0, exact: true },
    });
    expect(model.rule.z.halo).toBeLessThan(model.rule.y.halo);
    expect(model).toMatchObject({ activation: 'softmax', outputs: 2, classes: ['background', 'foreground'] });
  });

  it('gives what PyTorch gives', async () => {
    const [depth, height, width] = shape;
    const given = await predictVolume(model, slicesOf(input, shape));
    const voxels = depth * height * width;
    const expected = given.map((_, z) =>
      Float32Array.from({ length: 2 * height * width }, (__, i) => {
        const p = z * height * width + (i % (height * width));
        const [a, b] = [output[p] as number, output[voxels + p] as number];
        return 1 / (1 + Math.exp(i < height * width ? b - a : a - b));
      }),
    );
    // Input and output are stored with six digits.
    expectAllClose(joined(given), joined(expected.map((data) => ({ data }))), { rtol: 0, atol: 1e-5 });
  });

  it.each([
    [[13, 41, 37], 36],
    [[40, 30, 9], 32],
    [[2, 70, 3], 48],
  ] as const)('gives for %j in tiles of %i what it gives for the whole', async (size, tile) => {
    const volume = noise(size);
    const [whole, tiled] = [await predictVolume(model, volume), await predictVolume(model, volume, { tile })];
    const { z, y, x } = planVolume(model, { depth: size[0], height: size[1], width: size[2] }, { tile });
    expect(z.tiles.length * y.tiles.length * x.tiles.length).toBeGreaterThan(1);
    expectAllClose(joined(tiled), joined(whole), { rtol: 0, atol: 1e-6 });
  });

  it('averages over orientations of the slices', async () => {
    const volume = noise([4, 12, 8]);
    const turned = volume.map((slice) => ({ ...slice, planes: slice.planes.toReversed() })) as unknown as Slices;
    const [one, other] = [
      await predictVolume(model, volume, { tta: 4 }),
      await predictVolume(model, turned, { tta: 4 }),
    ];
    // Turned by 180 degrees, each class by itself.
    const back = other.map(({ data }) => ({
      data: Float32Array.from([...data.subarray(0, 96).toReversed(), ...data.subarray(96).toReversed()]),
    }));
    expectAllClose(joined(back), joined(one), { rtol: 0, atol: 1e-6 });
  });

  it('predicts every time of an image by itself', async () => {
    const [times, depth, height, width] = [2, 5, 9, 8];
    const random = stream(4, 'image');
    const values = Uint8Array.from({ length: times * depth * height * width }, () => random.integer(256));
    const image: Image = { ...ndarray('uint8', [times, depth, height, width], values), axes: 'tzyx', spacing: {} };
    const both = await predictImage(model, image);
    expect(both).toMatchObject({ axes: 'tczyx', shape: [2, 2, 5, 9, 8] });
    const half = values.length / 2;
    const second: Image = { ...ndarray('uint8', [depth, height, width], values.slice(half)), axes: 'zyx', spacing: {} };
    const alone = await predictImage(model, second);
    expectAllClose(both.data.subarray(both.data.length / 2), alone.data, { rtol: 0, atol: 1e-6 });
  });

  it('refuses a single slice, and a slice of a stack', async () => {
    const image: Image = { ...ndarray('uint8', [9, 8]), axes: 'yx', spacing: {}, source: 'one.png' };
    await expect(predictImage(model, image)).rejects.toThrow(/one slice of 8 x 9; the network takes volumes/);
    const page = { data: new Float32Array(72), channels: 1, height: 9, width: 8 };
    await expect(predictPage(model, page)).rejects.toThrow(/takes volumes, not single slices/);
  });

  it('names the smallest tile', () => {
    expect(() => planVolume(model, { depth: 100, height: 100, width: 100 }, { tile: 8 })).toThrow(/Use \d+ or more/);
  });
});

describe('tiles of volumes', () => {
  const rule = { multiple: 8, offset: 0, minimum: 8, halo: 20, margin: 0, exact: true };
  const planned = (halo: number, size: readonly [number, number, number]) => {
    const side = { ...rule, halo };
    const network = { ...model, rule: { z: { ...side, halo: halo / 2 }, y: side, x: side } };
    return planVolume(network, { depth: size[0], height: size[1], width: size[2] });
  };

  it('are as few as about two million voxels each allow, cut where the volume is longest', () => {
    expect(planned(20, [30, 200, 200])).toMatchObject({
      description: '200 x 200 x 30 voxels in one tile of 200 x 200 x 32',
    });
    const { z, y, x, note } = planned(20, [30, 900, 500]);
    expect(z.side).toBe(32);
    expect(y.side * x.side * z.side).toBeLessThanOrEqual(2 ** 21);
    expect([...y.tiles, ...x.tiles].every(({ weights }) => weights === undefined)).toBe(true);
    expect(note).toBeUndefined();
  });

  it('are blended where exact ones would take too much memory, and it is said', () => {
    const { note, description, x, y, z } = planned(160, [300, 600, 600]);
    expect(note).toMatch(/sees 160 voxels around each: exact tiles would have 328 x 328 x 168 voxels/);
    expect(description).toMatch(/blended tiles/);
    expect(x.side * y.side * z.side).toBeLessThanOrEqual(2 ** 21);
  });
});

it('a network of volumes of a fixed size is opened by trial', async () => {
  const b = new GraphBuilder('fixed');
  const x = b.input('x', 'float32', [1, 1, 8, 16, 16]);
  // The mean over the volume is not followed along any axis: tiles are blended.
  const mean = b.op('ReduceMean', [x, b.ints([2, 3, 4])], { keepdims: 1 });
  const w = b.constant(float32([1, 1, 1, 1, 1], [4]));
  const y = b.op('Sigmoid', [b.op('Conv', [b.sub(x, mean), w])]);
  const opened = await openModel(runtime, writeOnnx(b.build([b.output(y, 'y')])));
  expect(opened.rule).toMatchObject({ z: { fixed: 8 }, y: { fixed: 16 }, x: { fixed: 16 } });
  const values = new Uint8Array(12 * 20 * 16).fill(7);
  const image: Image = { ...ndarray('uint8', [12, 20, 16], values), axes: 'zyx', spacing: {} };
  const { data } = await predictImage(opened, image);
  // x less its mean is 0 everywhere, and sigmoid(0) is a half.
  expect(data.every((value) => Math.abs(value - 0.5) < 1e-6)).toBe(true);
  await opened.program.dispose();
});
