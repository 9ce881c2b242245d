/**
 * A network from a file that is recompiled for one shape, with known weights, once enough tiles of that shape are
 * expected. A file runs in one session for all sizes; compiled, convolutions use Winograd and are fused with upsampling
 * (src/lowering). U-Net, 32 channels, 512 x 512, one thread: 431 ms of CPU time instead of 608, probabilities within
 * 4.2e-7; compiling takes 600 ms and keeps a second copy of the weights. Of tiles inside an image only the middle is
 * needed, and layers near the output then compute no more than that (`cropOutput`): of 640 x 640, 0.68 of the products.
 */
import type { NdArray, Shape, Shape4 } from '../array/ndarray.ts';
import { LamellaError } from '../errors.ts';
import { cropOutput } from '../graph/crop.ts';
import type { Graph } from '../graph/ir.ts';
import { readOnnx } from '../graph/onnx/read.ts';
import type { Feeds, Program, Runtime, TensorSpec } from '../runtime/runtime.ts';
import type { MiddleProgram } from './model.ts';

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
  /** The last one; without a program if it could not be compiled, or cut. */
  #middle: { readonly key: string; readonly made: (MiddleProgram & Pick<Program, 'dispose'>) | undefined } | undefined;
  /** By shape, the oldest first; `undefined` if it could not be compiled. */
  readonly #compiled = new Map<string, Program | undefined>();
  readonly #pixels = new Map<string, number>();

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
    if (this.#compiled.has(key) || !this.#paysOff(key, shape, runs)) return;
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
   * The middle of tiles of this shape, if compiling it pays off for so many runs, counting earlier announcements, and if it
   * is less work. One shape is kept.
   * @param halo radius of the receptive field: what is left out of a tile on each side, at most
   */
  async middle(shape: Shape, runs: number, halo: number): Promise<MiddleProgram | undefined> {
    const key = `middle of ${shape.join()}`;
    if (this.#middle?.key === key) return this.#middle.made;
    if (!this.#paysOff(key, shape, runs)) return undefined;
    if (this.#middle !== undefined) {
      await this.#middle.made?.dispose();
      this.#pixels.delete(this.#middle.key);
    }
    let margin = 0;
    const program = await this.#compile(shape, (graph) => {
      const cropped = cropOutput(graph, halo);
      ({ margin } = cropped);
      return margin === 0 ? undefined : cropped.graph;
    });
    const made = program && {
      margin,
      run: (feeds: Feeds) => program.run(feeds),
      dispose: () => program.dispose(),
    };
    this.#middle = { key, made };
    return made;
  }

  /** Announces runs of a program; whether there are enough in all. */
  #paysOff(key: string, shape: Shape, runs: number): boolean {
    const [n, , height, width] = shape as Shape4;
    const pixels = (this.#pixels.get(key) ?? 0) + runs * n * height * width;
    this.#pixels.set(key, pixels);
    return pixels >= WORTHWHILE_PIXELS;
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
    await this.#middle?.made?.dispose();
    await this.#file.dispose();
  }

  async #compile(
    shape: Shape,
    change: (graph: Graph) => Graph | undefined = (graph) => graph,
  ): Promise<Program | undefined> {
    try {
      const graph = change(readOnnx(this.#bytes, { shapes: { [this.#inputName]: shape } }));
      return graph && (await this.#runtime.compile(graph));
    } catch (error) {
      // If compiling fails, the file runs unchanged.
      if (error instanceof LamellaError) return undefined;
      throw error;
    }
  }
}
