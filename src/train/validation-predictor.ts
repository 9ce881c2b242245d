/** A network's prediction for a validation slice: for all of it, or for a sample of its pixels. */
import { ndarray } from '../array/ndarray.ts';
import type { TrainingPage } from '../dataset/patch-position.ts';
import type { RawPage } from '../dataset/raw.ts';
import type { ScoredPage } from '../evaluate/scorer.ts';
import { readSignature } from '../graph/onnx/model.ts';
import type { WindowSpec } from '../input/window.ts';
import { type CalibrationCounts, countPixels } from '../predict/calibration.ts';
import { openModel } from '../predict/open.ts';
import { loadPatches } from '../predict/patch-model.ts';
import { classifyPixels } from '../predict/patchwise.ts';
import { predictPage } from '../predict/predict.ts';
import type { Runtime } from '../runtime/runtime.ts';

interface PagePredictor {
  predict(page: TrainingPage, source: RawPage): Promise<ScoredPage>;
  dispose(): Promise<void>;
}

/** Predicts whole slices. */
export async function pagePredictor(runtime: Runtime, bytes: Uint8Array): Promise<PagePredictor> {
  const model = await openModel(runtime, bytes);
  return {
    predict: async (page, source) => ({ page, probabilities: await predictPage(model, source) }),
    dispose: () => model.program.dispose(),
  };
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
