/** The mean prediction of several networks. */
import { float32 } from '../array/ndarray.ts';
import { ModelError } from '../errors.ts';
import type { Image } from '../image/image.ts';
import type { SegmentationModel } from './model.ts';
import { type PredictOptions, predictImage } from './predict.ts';

/** A model and its file. */
export type NamedModel = SegmentationModel & { readonly file: string };

/** @throws ModelError naming two models whose classes differ. */
export function requireSameClasses(models: readonly Pick<NamedModel, 'classes' | 'file'>[]): void {
  const [first, ...others] = models;
  for (const other of others) {
    if (first === undefined || other.classes.join() === first.classes.join()) continue;
    throw new ModelError(
      `its classes are ${other.classes.join(', ')}, those of ${first.file} are ${first.classes.join(', ')}.`,
      { file: other.file, remedy: 'Average models that were trained for the same classes.' },
    );
  }
}

/**
 * The mean of the probabilities of models with the same classes; otherwise as `predictImage`. `onProgress` counts over
 * all models. @throws as `predictImage`.
 */
export async function predictAverage(
  models: readonly SegmentationModel[],
  image: Image,
  options: PredictOptions = {},
): Promise<Image<'float32'>> {
  const { onProgress } = options;
  let mean: Image<'float32'> | undefined;
  for (const [i, model] of models.entries()) {
    const prediction = await predictImage(model, image, {
      ...options,
      ...(onProgress && {
        onProgress: (done: number, total: number) => onProgress(i * total + done, models.length * total),
      }),
    });
    if (models.length === 1) return prediction;
    mean ??= { ...prediction, ...float32(prediction.shape) };
    for (let k = 0; k < prediction.data.length; k++) {
      mean.data[k] = mean.data[k] + prediction.data[k] / models.length;
    }
  }
  return mean as Image<'float32'>;
}
