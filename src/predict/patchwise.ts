/**
 * Patch classifiers evaluated one window after another: slow, but the only way for foveated windows, and the reference
 * for dense evaluation.
 */
import { elementCount, float32, type NdArray } from '../array/ndarray.ts';
import { Interrupted, ModelError } from '../errors.ts';
import { type WindowReader, type WindowSpec, windowReader } from '../input/window.ts';
import type { Program } from '../runtime/runtime.ts';

/** A patch classifier that is ready to run, [N, C, side, side] to [N, classes] or [N, classes, 1, 1]. */
export interface PatchModel {
  readonly program: Program;
  readonly inputName: string;
  readonly outputName: string;
  readonly channels: number;
  readonly outputs: number;
  readonly window: WindowSpec;
  /** The only supported number of windows; undefined: any. */
  readonly batch?: number;
}

export interface PatchOptions {
  /** Windows per run. Default 64. */
  readonly batch?: number;
  /** Called after each run with the numbers of completed and of all windows. */
  readonly onProgress?: (done: number, total: number) => void;
  /** Checked before every run. */
  readonly signal?: AbortSignal;
}

/** Planes [channels, height, width] from `prepareInput`. */
export interface Planes {
  readonly planes: Float32Array;
  readonly height: number;
  readonly width: number;
}

/**
 * The network's output for the windows around `count` pixels, float32 [outputs, count].
 * @param pixel y and x of the i-th; the image is mirrored where a window extends beyond it
 * @throws Interrupted if `signal` is aborted; ModelError if the network returns a shape other than declared.
 */
export async function classifyPixels(
  model: PatchModel,
  { planes, height, width }: Planes,
  count: number,
  pixel: (i: number) => readonly [number, number],
  { batch: wanted = 64, onProgress, signal }: PatchOptions = {},
): Promise<NdArray<'float32'>> {
  const { program, inputName, outputName, channels, outputs, window, batch = wanted } = model;
  const read: WindowReader = windowReader(planes, { channels, height, width }, window);
  const size = channels * window.side ** 2;
  const result = float32([outputs, count]);
  for (let done = 0; done < count; ) {
    if (signal?.aborted === true) throw new Interrupted('Prediction was stopped.');
    const taken = Math.min(batch, count - done);
    const fed = model.batch ?? taken;
    const feed = float32([fed, channels, window.side, window.side]);
    for (let i = 0; i < taken; i++) {
      const [y, x] = pixel(done + i);
      read(y, x, feed.data.subarray(i * size, (i + 1) * size));
    }
    const output = (await program.run({ [inputName]: feed }))[outputName];
    if (output?.dtype !== 'float32' || output.shape[0] !== fed || elementCount(output.shape) !== fed * outputs) {
      throw new ModelError(
        `The model gave ${output === undefined ? 'nothing' : `${output.dtype} [${output.shape}]`} for ${fed} windows, float32 [${fed}, ${outputs}] is expected.`,
      );
    }
    for (let i = 0; i < taken; i++) {
      for (let c = 0; c < outputs; c++) {
        result.data[c * count + done + i] = output.data[i * outputs + c] as number;
      }
    }
    done += taken;
    onProgress?.(done, count);
  }
  return result;
}

/**
 * A program that computes a patch classifier at every pixel of an image, [1, C, H, W] to [1, outputs, H', W'] with H' =
 * H - 2 floor(cover / 2): the substitute for the dense graph, patch by patch.
 */
export function patchwiseProgram(model: PatchModel, options: PatchOptions = {}): Program {
  const { channels, outputs, window, inputName, outputName, program } = model;
  const margin = Math.floor(window.cover / 2);
  return {
    inputs: [{ name: inputName, dtype: 'float32', shape: [1, channels, 'height', 'width'] }],
    outputs: [{ name: outputName, dtype: 'float32', shape: [1, outputs, 'output_height', 'output_width'] }],
    async run(feeds) {
      const { shape, data } = feeds[inputName] as NdArray<'float32'>;
      const [height, width] = [shape[2], shape[3]];
      const [rows, columns] = [height - 2 * margin, width - 2 * margin];
      const { data: found } = await classifyPixels(
        model,
        { planes: data, height, width },
        rows * columns,
        (i) => [margin + Math.floor(i / columns), margin + (i % columns)],
        options,
      );
      return { [outputName]: float32([1, outputs, rows, columns], found) };
    },
    writeState: (state) => program.writeState(state),
    readState: () => program.readState(),
    dispose: () => program.dispose(),
  };
}
