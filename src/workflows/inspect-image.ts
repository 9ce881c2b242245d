import { describeImage, formatDescription } from '../image/describe.ts';
import { withSpacingMm } from '../image/geometry.ts';
import type { Image } from '../image/image.ts';

export interface InspectOptions {
  /** Height and width of the image that costs are computed for, where the model leaves them open. */
  readonly size?: readonly [number, number];
  /** Which DICOM series of a folder, by its name. */
  readonly series?: string;
  /** Voxel size [z, y, x] in mm that overrides what the file says. */
  readonly spacing?: readonly [number | undefined, number, number];
  /** Include what identifies the person, which is otherwise never shown; default: no. */
  readonly personal?: boolean;
}

/** What a path is. */
export interface Inspected {
  /** As JSON, but for `bigint` and `Map`. */
  readonly describe: object;
  /** For people, in lines. */
  readonly text: string;
  /** The image, where it is one. */
  readonly image?: Image;
}

/** An image with its description. */
export function inspectedImage(read: Image, { spacing }: Pick<InspectOptions, 'spacing'>): Inspected {
  const image = spacing === undefined ? read : withSpacingMm(read, spacing);
  const description = describeImage(image);
  return { describe: { kind: 'image', ...description }, text: formatDescription(description), image };
}
