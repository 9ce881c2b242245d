/** Models of runs as files, and files made ready to predict. */

import type { NdArray } from '../../array/ndarray.ts';
import type { Page } from '../../dataset/planes.ts';
import { writeOnnx } from '../../graph/onnx/write.ts';
import { exportNetwork, PROBABILITIES } from '../../models/prediction.ts';
import { sizesOf } from '../../models/registry.ts';
import type { SegmentationModel } from '../../predict/model.ts';
import { predictPage } from '../../predict/predict.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import type { Recipe } from '../../train/config.ts';

export async function exportModel(
  recipe: Recipe,
  weights: { readonly [parameter: string]: NdArray },
  { step }: { readonly step?: number } = {},
): Promise<Uint8Array> {
  const metadata = { input: recipe.input, classes: recipe.labels.classes, step };
  return writeOnnx(exportNetwork(recipe.model, weights), { metadata: { lamella: JSON.stringify(metadata) } });
}

export async function openExported(runtime: Runtime, bytes: Uint8Array, recipe: Recipe) {
  const program = await runtime.load(bytes);
  const { multiple, offset, least, margin } = sizesOf(recipe.model);
  const rule = { multiple, offset, minimum: least, halo: 8 * multiple, margin: margin / 2, exact: true };
  const model: SegmentationModel = {
    program,
    inputName: 'image',
    outputName: PROBABILITIES,
    input: recipe.input,
    outputs: recipe.model.outputs,
    activation: 'none',
    classes: recipe.labels.classes.map(({ name }) => name),
    rule: { y: rule, x: rule },
    maxBatch: 8,
    notes: [],
  };
  return {
    predict: (page: Page & { readonly name?: string }) => predictPage(model, page),
    dispose: () => program.dispose(),
  };
}
