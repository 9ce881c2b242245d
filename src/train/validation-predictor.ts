/** A network's prediction for a validation slice: for all of it, or for a sample of its pixels. */
import { cutBox } from '../array/cut-box.ts';
import { ndarray } from '../array/ndarray.ts';
import type { Rectangle } from '../array/window-sums.ts';
import { IGNORE } from '../dataset/labels/labels.ts';
import type { TrainingPage } from '../dataset/patch-position.ts';
import type { RawPage } from '../dataset/raw.ts';
import type { ScoredPage } from '../evaluate/scorer.ts';
import { readSignature } from '../graph/onnx/model.ts';
import type { WindowSpec } from '../input/window.ts';
import type { MapKind } from '../objects/object-maps.ts';
import { type CalibrationCounts, countPixels } from '../predict/calibration.ts';
import { openOwnModel } from '../predict/own.ts';
import { loadPatches } from '../predict/patch-model.ts';
import { classifyPixels } from '../predict/patchwise.ts';
import { predictPage } from '../predict/predict.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { MapNetworks } from './map-networks.ts';

export interface PagePredictor {
  predict(page: TrainingPage, source: RawPage): Promise<ScoredPage>;
  dispose(): Promise<void>;
}

/** Predicts slices, the maps of a network that gives such; of one that is annotated in part only, that part with its surroundings, which are as in the whole. */
export async function pagePredictor(
  runtime: Runtime,
  bytes: Uint8Array,
  by?: MapKind,
  maps?: MapNetworks,
): Promise<PagePredictor> {
  const model = await (by === undefined
    ? openOwnModel(runtime, bytes)
    : (maps as MapNetworks).open(runtime, bytes, by));
  return {
    async predict(page, source) {
      const region = scoredPart(page);
      const probabilities = await predictPage(model, source, { region });
      const { width, height } = region;
      const label = cutBox(page.label, 1, page, region);
      const objects = cutBox(source.label.values, 1, page, region);
      return { page: { name: page.name, width, height, label }, probabilities, objects };
    },
    dispose: () => model.program.dispose(),
  };
}

/** So far around what is scored objects are looked at: only one that reaches further is cut off. */
const CONTEXT_PX = 128;

/** The smallest rectangle around what is annotated, with its context. */
function scoredPart({ label, width, height }: TrainingPage): Rectangle {
  let [left, top, right, bottom] = [width, height, 0, 0];
  for (let y = 0, p = 0; y < height; y++) {
    for (let x = 0; x < width; x++, p++) {
      if (label[p] === IGNORE) continue;
      left = Math.min(left, x);
      right = Math.max(right, x + 1);
      top = Math.min(top, y);
      bottom = y + 1;
    }
  }
  const [x, y] = [Math.max(0, left - CONTEXT_PX), Math.max(0, top - CONTEXT_PX)];
  return { x, y, width: Math.min(width, right + CONTEXT_PX) - x, height: Math.min(height, bottom + CONTEXT_PX) - y };
}

/** Number of pixels of a slice that determine the score to about a percent. */
const SAMPLED = 1500;

/** Predicts the pixels of a grid, and returns them in the form of a slice. */
export async function samplePredictor(runtime: Runtime, bytes: Uint8Array, window: WindowSpec): Promise<PagePredictor> {
  const model = await loadPatches(runtime, bytes, readSignature(bytes), window);
  return {
    async predict({ name, image, label, height, width }) {
      const step = Math.max(1, Math.ceil(Math.sqrt((height * width) / SAMPLED)));
      const [rows, columns] = [Math.ceil(height / step), Math.ceil(width / step)];
      const pixel = (i: number) => [step * Math.floor(i / columns), step * (i % columns)] as const;
      const { data } = await classifyPixels(model, { planes: image, height, width }, rows * columns, pixel);
      const labels = Uint8Array.from({ length: rows * columns }, (_, i) => {
        const [y, x] = pixel(i);
        return label[y * width + x] as number;
      });
      const probabilities = ndarray('float32', [model.outputs, rows, columns], data);
      return { page: { name, height: rows, width: columns, label: labels }, probabilities };
    },
    dispose: () => model.program.dispose(),
  };
}

/** Counts the pixels of a slice of two classes for calibration. */
export function countPage(counts: CalibrationCounts, { page, probabilities: { shape, data } }: ScoredPage): void {
  if (shape[0] === 2) countPixels(counts, data.subarray(data.length / 2), page.label);
}
