import { float32, type NdArray } from '../../src/array/ndarray.ts';
import { stream } from '../../src/array/random.ts';
import type { SegmentationModel } from '../../src/predict/model.ts';
import type { TilingRule } from '../../src/predict/tile-plan.ts';
import type { Program } from '../../src/runtime/runtime.ts';

type Planes = NdArray<'float32'>;

/** 3x3 convolution [C,H,W] to [K,H,W] with zero padding, or to [K,H-2,W-2] without. */
function conv3(x: Planes, outputs: number, padded: boolean, key: string): Planes {
  const [channels, height, width] = x.shape as [number, number, number];
  const random = stream(7, key);
  const weights = Float32Array.from({ length: outputs * channels * 9 }, () => random.normal() / 3);
  const pad = padded ? 1 : 0;
  const [rows, columns] = [height - 2 + 2 * pad, width - 2 + 2 * pad];
  const y = float32([outputs, rows, columns]);
  for (let k = 0; k < outputs; k++) {
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < columns; j++) {
        let sum = 0;
        for (let c = 0; c < channels; c++) {
          for (let t = 0; t < 9; t++) {
            const [r, s] = [i + Math.floor(t / 3) - pad, j + (t % 3) - pad];
            if (r < 0 || s < 0 || r >= height || s >= width) continue;
            sum += (weights[(k * channels + c) * 9 + t] as number) * (x.data[(c * height + r) * width + s] as number);
          }
        }
        y.data[(k * rows + i) * columns + j] = sum;
      }
    }
  }
  return y;
}

function pool2(x: Planes): Planes {
  const [channels, height, width] = x.shape as [number, number, number];
  if (height % 2 === 1 || width % 2 === 1) throw new Error(`odd size ${height} x ${width}`);
  const y = float32([channels, height / 2, width / 2]);
  for (let i = 0; i < y.data.length; i++) {
    const [c, r, s] = [
      Math.floor(i / ((height * width) / 4)),
      Math.floor(i / (width / 2)) % (height / 2),
      i % (width / 2),
    ];
    const at = (c * height + 2 * r) * width + 2 * s;
    y.data[i] = Math.max(...[0, 1, width, width + 1].map((d) => x.data[at + d] as number));
  }
  return y;
}

function up2(x: Planes): Planes {
  const [channels, height, width] = x.shape as [number, number, number];
  const y = float32([channels, 2 * height, 2 * width]);
  for (let c = 0; c < channels; c++) {
    for (let r = 0; r < 2 * height; r++) {
      for (let s = 0; s < 2 * width; s++) {
        y.data[(2 * c * height + r) * 2 * width + s] = x.data[(c * height + (r >> 1)) * width + (s >> 1)] as number;
      }
    }
  }
  return y;
}

/** conv, pool, conv, up (and conv where padded): strides, borders and all. */
export function fakeForward(x: Planes, padded: boolean, outputs = 2): Planes {
  const coarse = conv3(pool2(conv3(x, 3, padded, 'a')), padded ? 3 : outputs, padded, 'b');
  return padded ? conv3(up2(coarse), outputs, padded, 'c') : up2(coarse);
}

export const PADDED: TilingRule = { multiple: 2, offset: 0, minimum: 2, halo: 5, margin: 0, exact: true };
export const UNPADDED: TilingRule = { multiple: 2, offset: 0, minimum: 8, halo: 4, margin: 3, exact: true };

/** Runs `forward` on each image of the batch. */
export function fakeProgram(forward: (x: Planes) => Planes): Program & { readonly runs: number[][] } {
  const runs: number[][] = [];
  return {
    runs,
    inputs: [{ name: 'x', dtype: 'float32', shape: ['N', 1, 'H', 'W'] }],
    outputs: [{ name: 'y', dtype: 'float32', shape: ['N', 2, 'H', 'W'] }],
    async run({ x }) {
      const { shape, data } = x as Planes;
      const [count, channels, height, width] = shape as [number, number, number, number];
      runs.push([count, channels, height, width]);
      const size = channels * height * width;
      const results = Array.from({ length: count }, (_, n) =>
        forward(float32([channels, height, width], data.subarray(n * size, (n + 1) * size))),
      );
      const first = results[0] as Planes;
      const y = float32([count, ...first.shape]);
      results.forEach((result, n) => {
        y.data.set(result.data, n * result.data.length);
      });
      return { y };
    },
    writeState: async () => {},
    readState: async () => ({}),
    dispose: async () => {},
  };
}

/** A model of a fake network; values of the page go in as they are, cut at -1000 and 1000. */
export function fakeModel(
  rule: TilingRule,
  forward: (x: Planes) => Planes,
  rest: Partial<SegmentationModel> = {},
): SegmentationModel & { readonly program: ReturnType<typeof fakeProgram> } {
  return {
    program: fakeProgram(forward),
    inputName: 'x',
    outputName: 'y',
    input: {
      channels: { mode: 'grey', count: 1 },
      normalisation: {
        kind: 'zscore',
        scope: 'dataset',
        percentiles: [1, 99],
        perChannel: false,
        numbers: [[0, 1]],
        leastSpread: 0,
      },
    },
    outputs: 2,
    activation: 'softmax',
    classes: ['background', 'cell'],
    rule: { y: rule, x: rule },
    maxBatch: 8,
    notes: [],
    ...rest,
  } as SegmentationModel & { readonly program: ReturnType<typeof fakeProgram> };
}
