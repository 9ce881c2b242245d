import type { LabelOptions } from '../dataset/labels/labels.ts';
import { describeImage, formatDescription } from '../image/describe.ts';
import { withSpacingMm } from '../image/geometry.ts';
import type { Image } from '../image/image.ts';

/** `classes` and `ignore`, of a data set only, describe its labels as a training run with them would see them. */
export interface InspectOptions extends Pick<LabelOptions, 'classes' | 'ignore'> {
  /** Image height and width for computing costs, if the model does not fix them. */
  readonly size?: readonly [number, number];
  /** Whether to run the test of a package of BioImage.IO; default: no. */
  readonly check?: boolean;
  /** Which of several resolutions to describe; default 0, the full one. */
  readonly level?: number;
  /** Name of the DICOM series in a folder, or of the image in OME-Zarr. */
  readonly series?: string;
  /** Voxel size [z, y, x] in mm that overrides the file's value. */
  readonly spacing?: readonly [number | undefined, number, number];
  /** Whether to include personal data, which is otherwise never shown; default: no. */
  readonly personal?: boolean;
}

/** The description of a path. */
export interface Inspected {
  /** JSON, except for `bigint` and `Map`. */
  readonly describe: { readonly kind: string; readonly [name: string]: unknown };
  /** The description as lines of text. */
  readonly text: string;
  /** The image, if it is one. */
  readonly image?: Image;
}

/** An image with its description. */
export function inspectedImage(read: Image, { spacing }: Pick<InspectOptions, 'spacing'>): Inspected {
  const image = spacing === undefined ? read : withSpacingMm(read, spacing);
  const description = describeImage(image);
  return { describe: { kind: 'image', ...description }, text: formatDescription(description), image };
}
