/**
 * A network from a file that is recompiled for one shape, with known weights, once enough tiles of that shape are
 * expected. A file runs in one session for all sizes; compiled, convolutions use Winograd and are fused with upsampling
 * (src/lowering). U-Net, 32 channels, 512 x 512, one thread: 431 ms of CPU time instead of 608, probabilities within
 * 4.2e-7; compiling takes 600 ms and keeps a second copy of the weights.
 */
import type { NdArray, Shape } from '../array/ndarray.ts';
import { LamellaError, ModelError } from '../errors.ts';
import { readOnnx } from '../graph/onnx/read.ts';
import type { StripNetworkOptions } from '../graph/strips.ts';
import type { Feeds, Program, Runtime, TensorSpec } from '../runtime/runtime.ts';
import { StripPrograms } from './strip-programs.ts';

/** Number of pixels that make up for compiling: with fewer weights both the gain and the cost are smaller. */
const WORTHWHILE_PIXELS = 2_000_000;

/** Maximum number of shapes kept compiled: tiles, and the last, smaller batch of tiles. */
const MOST_SHAPES = 2;

export class PreparedProgram implements Program {
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
  readonly #runtime: Runtime;
  readonly #bytes: Uint8Array;
  readonly #file: Program;
  readonly #inputName: string;
  /** By shape, the oldest first; `undefined` if it could not be compiled. */
  readonly #compiled = new Map<string, Program | undefined>();
  readonly #pixels = new Map<string, number>();
  #strips: { readonly key: string; readonly programs: StripPrograms } | undefined;

  /** @param file the same network, loaded from `bytes`, which supports every shape; disposed together with this */
  constructor(runtime: Runtime, bytes: Uint8Array, file: Program, inputName: string) {
    this.inputs = file.inputs;
    this.outputs = file.outputs;
    this.#runtime = runtime;
    this.#bytes = bytes;
    this.#file = file;
    this.#inputName = inputName;
  }

  /** Announces a number of runs for this shape; compiles if that pays off, counting earlier announcements. */
  async prepare(shape: Shape, runs: number): Promise<void> {
    const key = shape.join();
    if (this.#compiled.has(key)) return;
    const [n, , height, width] = shape as readonly [number, number, number, number];
    const pixels = (this.#pixels.get(key) ?? 0) + runs * n * height * width;
    this.#pixels.set(key, pixels);
    if (pixels < WORTHWHILE_PIXELS) return;
    const [oldest] = this.#compiled.keys();
    if (this.#compiled.size >= MOST_SHAPES && oldest !== undefined) {
      await this.#compiled.get(oldest)?.dispose();
      this.#compiled.delete(oldest);
      // Must pay off again, so that alternating images of three sizes are not compiled for one by one.
      this.#pixels.delete(oldest);
    }
    this.#compiled.set(key, await this.#compile(shape));
  }

  /**
   * The network for strips of `rows` rows of images of this shape, [1, channels, height, width], as `StripNetwork.of`;
   * those of the shape before are disposed.
   */
  async openStrips(shape: Shape, options: StripNetworkOptions): Promise<StripPrograms> {
    const key = [...shape, options.rows].join();
    if (this.#strips?.key === key) return this.#strips.programs;
    await this.#strips?.programs.dispose();
    this.#strips = undefined;
    const network = this.#runtime.strips?.(readOnnx(this.#bytes, { shapes: { [this.#inputName]: shape } }), options);
    if (network === undefined) throw new ModelError('The network cannot be evaluated by strips.');
    const programs = new StripPrograms(this.#runtime, network);
    this.#strips = { key, programs };
    return programs;
  }

  run(feeds: Feeds): Promise<{ readonly [output: string]: NdArray }> {
    const shape = feeds[this.#inputName]?.shape.join() ?? '';
    return (this.#compiled.get(shape) ?? this.#file).run(feeds);
  }

  writeState(state: { readonly [input: string]: NdArray }): Promise<void> {
    return this.#file.writeState(state);
  }

  readState(names?: readonly string[]): Promise<{ readonly [input: string]: NdArray }> {
    return this.#file.readState(names);
  }

  async dispose(): Promise<void> {
    for (const program of this.#compiled.values()) await program?.dispose();
    await this.#strips?.programs.dispose();
    await this.#file.dispose();
  }

  async #compile(shape: Shape): Promise<Program | undefined> {
    try {
      return await this.#runtime.compile(readOnnx(this.#bytes, { shapes: { [this.#inputName]: shape } }));
    } catch (error) {
      // If compiling fails, the file runs unchanged.
      if (error instanceof LamellaError) return undefined;
      throw error;
    }
  }
}
