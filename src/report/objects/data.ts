/** Data of the object report. */

import type { Table } from '../../measure/table.ts';
import type { OutlinedPicture } from '../kit/outline-overlay.ts';
import type { Method, PageHead, Score } from '../run/data.ts';

/** Comparison of the objects of one or more images with the ground truth. */
export interface MatchCounts {
  readonly truth: number;
  readonly predicted: number;
  /** One-to-one matches of ground truth and prediction. */
  readonly matched: number;
  /** Ground-truth objects without a prediction. */
  readonly missed: number;
  /** Predicted objects that cover several ground-truth objects. */
  readonly merged: number;
  /** Ground-truth objects predicted as several. */
  readonly split: number;
  /** Predicted objects where the ground truth has none. */
  readonly spurious: number;
}

/** How much of an image is one class. */
export interface ClassShare {
  /** In the label maps. */
  readonly value: number;
  readonly name: string;
  /** Fraction of the pixels or voxels. */
  readonly covered: number;
}

/** One image in the table of counts. */
export interface ObjectsImage {
  readonly name: string;
  readonly group: string;
  readonly objects: number;
  /** Fraction of the pixels or voxels inside objects. */
  readonly covered: Score;
  /** Of its label map, if its values are classes. */
  readonly shares?: readonly ClassShare[];
  readonly match?: MatchCounts;
}

/** One image with its outlines. */
export interface ObjectsFigure extends OutlinedPicture, Omit<ObjectsImage, 'covered' | 'shares'> {
  /** The slice of a volume, counted from 1, and the number of slices. */
  readonly slice?: { readonly index: number; readonly count: number };
}

export interface ObjectsReport extends PageHead, Method {
  readonly images: readonly ObjectsImage[];
  /** The images shown. */
  readonly figures: readonly ObjectsFigure[];
  /** The images with the most errors, if there is ground truth. */
  readonly worst: readonly ObjectsFigure[];
  /** All objects: `image`, `label`, then the measurements. */
  readonly table: Table;
  /** Average precision over IoU thresholds, if there is ground truth. */
  readonly precision?: readonly (readonly [iou: number, ap: Score])[];
}
