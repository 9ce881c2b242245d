import type { TrainingPage } from '../dataset/patch-position.ts';
import { type Coordinates, innerCoordinates } from './field.ts';
import { sampleBicubic, sampleBilinear, sampleLabels } from './resample.ts';

/** The source of patches, one slice: image [channels, height, width], labels and border weights [height, width]. */
export interface WarpSource extends Pick<TrainingPage, 'image' | 'height' | 'width' | 'label'> {
  readonly channels: number;
  /** Weights beyond those of the classes; undefined if there are none. */
  readonly separation?: Float32Array | undefined;
}

export interface Warped {
  /** [channels, height, width] of the patch. */
  readonly image: Float32Array;
  /** [height - 2 margin, width - 2 margin]. */
  readonly label: Uint8Array;
  readonly separation: Float32Array | undefined;
}

/**
 * Image, labels and weights of a patch, sampled from the source through one coordinate field, so that they move
 * together.
 * @param outputMargin pixels on each side lost by an unpadded network; labels and weights exclude them
 */
export function warp(
  source: WarpSource,
  field: Coordinates,
  [height, width]: readonly [number, number],
  {
    outputMargin = 0,
    interpolation = 'bicubic',
  }: { readonly outputMargin?: number; readonly interpolation?: 'bicubic' | 'bilinear' } = {},
): Warped {
  const { channels } = source;
  const size = [source.height, source.width] as const;
  const sourcePixels = source.height * source.width;
  const pixels = height * width;
  const image = new Float32Array(channels * pixels);
  const sample = interpolation === 'bicubic' ? sampleBicubic : sampleBilinear;
  for (let c = 0; c < channels; c++) {
    sample(
      source.image.subarray(c * sourcePixels, (c + 1) * sourcePixels),
      size,
      field,
      image.subarray(c * pixels, (c + 1) * pixels),
    );
  }
  const inner = innerCoordinates(field, [height, width], outputMargin);
  const label = new Uint8Array(inner.y.length);
  sampleLabels(source.label, size, inner, label);
  let separation: Float32Array | undefined;
  if (source.separation !== undefined) {
    separation = new Float32Array(inner.y.length);
    sampleBilinear(source.separation, size, inner, separation);
  }
  return { image, label, separation };
}
