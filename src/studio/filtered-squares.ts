/**
 * The quick model on squares of a page. What its filters give there does not depend on labels: it is computed once and
 * kept, so that a preview after a stroke costs the perceptron alone.
 */

import { cutBox } from '../array/cut-box.ts';
import { float32, type NdArray } from '../array/ndarray.ts';
import { writeOnnx } from '../graph/onnx/write.ts';
import { FILTER_REACH_PX, featureCount, filterGraph, mapPerceptron } from '../models/filter-bank.ts';
import { PROBABILITIES_NAME, probabilityGraph } from '../models/prediction.ts';
import type { PageRegion } from '../predict/predict.ts';
import { fillWindow, type PreparedPage } from '../predict/window.ts';
import type { Program, Runtime } from '../runtime/runtime.ts';
import type { LearnedQuick } from '../train/quick.ts';

/** Pixels along the side of a square, in which smaller regions are computed, too. */
export const SQUARE_PX = 256;
const TILE_PX = SQUARE_PX + 2 * FILTER_REACH_PX;
/** Bytes of features that are kept: 36 squares of one channel. */
const KEPT_BYTES = 2 ** 28;

export class FilteredSquares {
  readonly #runtime: Runtime;
  readonly #channels: number;
  #filters: Program | undefined;
  #perceptron: { readonly spec: string; readonly program: Program } | undefined;
  /** Features by page and corner, those that were used last at the end. */
  readonly #kept = new Map<string, NdArray<'float32'>>();
  readonly #numbers = new WeakMap<Float32Array, number>();
  #pages = 0;

  constructor(runtime: Runtime, channels: number) {
    this.#runtime = runtime;
    this.#channels = channels;
  }

  /** Whether what the filters give on so many squares is kept beside as many others. */
  keeps(squares: number): boolean {
    return 2 * squares * 4 * featureCount({ channels: this.#channels }) * SQUARE_PX ** 2 <= KEPT_BYTES;
  }

  /** [1, 28 channels, 256, 256] from a corner of a page on, mirrored beyond its edges. */
  async features(page: PreparedPage, { x, y }: Pick<PageRegion, 'x' | 'y'>): Promise<NdArray<'float32'>> {
    const number = this.#numbers.get(page.planes) ?? this.#pages++;
    this.#numbers.set(page.planes, number);
    const key = `${number}/${x},${y}`;
    const features = this.#kept.get(key) ?? (await this.#filtered(page, { x, y }));
    this.#kept.delete(key);
    this.#kept.set(key, features);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size * features.data.byteLength > KEPT_BYTES) this.#kept.delete(oldest as string);
    return features;
  }

  async #filtered(page: PreparedPage, { x, y }: Pick<PageRegion, 'x' | 'y'>): Promise<NdArray<'float32'>> {
    const channels = this.#channels;
    this.#filters ??= await this.#runtime.load(writeOnnx(filterGraph({ channels }, TILE_PX)));
    const image = float32([1, channels, TILE_PX, TILE_PX]);
    const { height, width } = page;
    const origin = { y: y - FILTER_REACH_PX, x: x - FILTER_REACH_PX };
    fillWindow(image.data, page.planes, { height, width, channels }, origin, { y: TILE_PX, x: TILE_PX });
    return (await this.#filters.run({ image })).features as NdArray<'float32'>;
  }

  /** Probabilities [classes, height, width] of a region of at most 256 x 256 pixels. */
  async predict(
    { spec, weights }: Pick<LearnedQuick, 'spec' | 'weights'>,
    page: PreparedPage,
    { x, y, width, height }: PageRegion,
  ): Promise<NdArray<'float32'>> {
    const features = await this.features(page, { x, y });
    const text = JSON.stringify(spec);
    if (this.#perceptron?.spec !== text) {
      await this.#perceptron?.program.dispose();
      const graph = probabilityGraph(mapPerceptron(spec, SQUARE_PX));
      this.#perceptron = { spec: text, program: await this.#runtime.load(writeOnnx(graph)) };
    }
    const outputs = await this.#perceptron.program.run({ ...weights, features });
    const { data } = outputs[PROBABILITIES_NAME] as NdArray<'float32'>;
    const square = { height: SQUARE_PX, width: SQUARE_PX };
    return float32(
      [spec.numClasses, height, width],
      cutBox(data, spec.numClasses, square, { y: 0, x: 0, height, width }),
    );
  }

  async dispose(): Promise<void> {
    await this.#filters?.dispose();
    await this.#perceptron?.program.dispose();
    this.#kept.clear();
  }
}
