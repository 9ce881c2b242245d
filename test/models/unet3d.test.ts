import { describe, expect, it } from 'vitest';
import { float32, type NdArray, ndarray, type Shape } from '../../src/array/ndarray.ts';
import { tileRule } from '../../src/graph/analysis/receptive-field.ts';
import { inputsToConstants } from '../../src/graph/constants.ts';
import { writeOnnx } from '../../src/graph/onnx/write.ts';
import { planUnet3d, UNET3D, type Unet3dSpec, unet3d } from '../../src/models/unet3d.ts';
import { diceCrossEntropy } from '../../src/nn/losses/dice.ts';
import { adamW } from '../../src/nn/optimizers/adam.ts';
import { openModel } from '../../src/predict/open.ts';
import type { OpenedModel } from '../../src/predict/own.ts';
import { predictVolume, type VolumeModel } from '../../src/predict/volume.ts';
import { trainingStep } from '../../src/train/step.ts';
import { cpu } from '../support/run-graph.ts';

describe('the plan of a U-Net of volumes', () => {
  const FLAT = [1, 3, 3];
  const CUBE = [3, 3, 3];
  const SLICES = [1, 2, 2];
  const ALL = [2, 2, 2];

  it.each([
    // 50 nm slices of 4 nm pixels: 12.5, 6.25, 3.1 and 1.6 times as far apart.
    ['ISBI', [50, 4, 4], [16, 96, 96], [FLAT, FLAT, FLAT, CUBE, CUBE], [SLICES, SLICES, SLICES, ALL], [16, 96, 96]],
    ['cubes', [1, 1, 1], [32, 128, 128], Array(6).fill(CUBE), [ALL, ALL, ALL, SLICES, SLICES], [32, 128, 128]],
    [
      '1:20',
      [20, 1, 1],
      [8, 256, 256],
      [...Array(4).fill(FLAT), CUBE, CUBE],
      [...Array(4).fill(SLICES), ALL],
      [8, 256, 256],
    ],
    ['twice as far, which is not alike', [2, 1, 1], [16, 16, 16], [FLAT, CUBE, CUBE], [SLICES, ALL], [16, 16, 16]],
    ['a size that has to be rounded', [1, 1, 1], [17, 31, 33], [CUBE, CUBE, CUBE], [ALL, ALL], [16, 28, 32]],
    ['one slice', [1, 1, 1], [1, 16, 16], [CUBE, CUBE, CUBE], [SLICES, SLICES], [1, 16, 16]],
    ['a patch too small to halve', [1, 1, 1], [4, 7, 7], [CUBE], [], [4, 7, 7]],
  ] as const)('%s', (_, spacing, patch, kernels, factors, rounded) => {
    expect(planUnet3d(spacing, patch)).toEqual({ kernels, factors, patch: rounded });
  });

  it('refuses what is no size', () => {
    expect(() => planUnet3d([0, 1, 1], [8, 8, 8])).toThrow(/voxels, each 1 x 1 x 0 in size/);
    expect(() => planUnet3d([1, 1, 1], [8, 8, 8.5])).toThrow(/patch of 8.5 x 8 x 8 voxels/);
  });
});

const SIZE = [8, 16, 16] as const;
const { kernels, factors } = planUnet3d([4, 1, 1], SIZE);
const SPEC: Unet3dSpec = { channels: 1, numClasses: 2, baseChannels: 8, norm: 'weight', kernels, factors };

describe('a U-Net of volumes', () => {
  it('names the multiples that it takes', () => {
    const [z, y, x] = [1, 4, 4];
    expect(factors).toEqual([
      [1, 2, 2],
      [1, 2, 2],
    ]);
    expect(() => unet3d(SPEC, [1, 1, 8, 16, 18])).toThrow(/18 x 16 x 8 voxels does not fit/);
    expect(() => unet3d(SPEC, [1, 2, 8, 16, 16])).toThrow(/2 channels/);
    expect(() => unet3d({ ...SPEC, kernels: [] }, [1, 1, 8, 16, 16])).toThrow(/3 levels was given 0 kernels/);
    expect(unet3d(SPEC, [1, 1, z, y, x]).logits.shape).toEqual([1, 2, 1, 4, 4]);
  });

  it('sees fewer slices than pixels where slices lie far apart', () => {
    const { builder, input, logits } = unet3d(SPEC, [1, 1, 32, 64, 64]);
    const { axes, exact } = tileRule(builder.build([logits]), input, logits);
    expect(exact).toBe(true);
    expect(axes.map(({ multiple }) => multiple)).toEqual([1, 4, 4]);
    // Two convolutions at the lowest level see one slice to each side each; nothing else looks along the depth.
    expect(axes.map(({ haloBefore }) => haloBefore)[0]).toBe(2);
    expect(axes[1]?.haloBefore).toBeGreaterThan(2);
  });

  it('learns by a training step, and predicts as a file what it learned', async () => {
    const shape: Shape = [1, 1, ...SIZE];
    const [image, labels] = blob(SIZE);
    const network = unet3d(SPEC, [1, 1, ...SIZE], { training: true });
    const step = trainingStep(network, diceCrossEntropy(), adamW(), { clipNorm: 1 });
    const runtime = await cpu();
    const program = await runtime.compile(step.graph, { state: step.state });
    await program.writeState(step.initialState(3));
    const target = { labels, pixelWeights: float32(labels.shape, new Float32Array(labels.data.length).fill(1)) };
    const losses: number[] = [];
    for (let i = 0; i < 40; i++) {
      const { loss } = await program.run({ image, ...target, learningRate: float32([], [1e-2]) });
      losses.push(loss?.data[0] as number);
    }
    expect(losses.at(-1)).toBeLessThan(0.3 * (losses[0] as number));
    const weights = step.weightsOf(await program.readState());
    await program.dispose();

    const { builder, logits } = unet3d(SPEC, shape as Parameters<typeof unet3d>[1]);
    const graph = builder.build([builder.output(logits, 'logits')]);
    const sizes = ['depth', 'height', 'width'];
    const file = writeOnnx({
      ...inputsToConstants(graph, weights),
      symbols: new Map([
        ['image', ['batch', 1, ...sizes]],
        ['logits', ['batch', 2, ...sizes]],
      ]),
    });
    const model = (await openModel(runtime, file)) as OpenedModel & VolumeModel;
    const [depth, height, width] = SIZE;
    const slices = Array.from({ length: depth }, (_, z) => {
      const planes = (image.data as Float32Array).slice(z * height * width, (z + 1) * height * width);
      return { planes, height, width };
    });
    const predicted = await predictVolume(model, slices as unknown as Parameters<typeof predictVolume>[1]);
    await model.program.dispose();
    let right = 0;
    predicted.forEach(({ data }, z) => {
      for (let p = 0; p < height * width; p++) {
        const isInside = (data[height * width + p] as number) > 0.5;
        if (isInside === (labels.data[z * height * width + p] === 1)) right++;
      }
    });
    expect(right / labels.data.length).toBeGreaterThan(0.97);
  });
});

/** A bright ellipsoid in noise, and which voxels it has. */
function blob([depth, height, width]: readonly [number, number, number]): [NdArray<'float32'>, NdArray<'int32'>] {
  const labels = ndarray('int32', [1, depth, height, width]);
  const image = float32([1, 1, depth, height, width]);
  for (let i = 0; i < labels.data.length; i++) {
    const z = Math.floor(i / (height * width));
    const y = Math.floor(i / width) % height;
    const isInside = ((z - 3.5) / 3) ** 2 + ((y - 7.5) / 5) ** 2 + (((i % width) - 7.5) / 5) ** 2 < 1;
    labels.data[i] = isInside ? 1 : 0;
    image.data[i] = (isInside ? 0.6 : 0) + 0.4 * Math.sin(1.7 * i + 0.01 * i * i);
  }
  return [image, labels];
}

it('the typical network is as planned for cubes', () => {
  const { kernels, factors } = planUnet3d([1, 1, 1], [32, 128, 128]);
  expect(UNET3D.typical.spec).toMatchObject({ kernels, factors });
});
