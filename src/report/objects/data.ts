/** What the page of measured objects shows. */

import type { Table } from '../../measure/table.ts';
import type { ObjectShape } from '../kit/outline-overlay.ts';
import type { Facts, Figure, Score } from '../run/data.ts';

/** How the objects of an image, or of several, compare with the truth. */
export interface MatchCounts {
  readonly truth: number;
  readonly predicted: number;
  /** One true object and one predicted one, each the other's. */
  readonly matched: number;
  /** True objects that nothing is found for. */
  readonly missed: number;
  /** Predicted objects over more than one true object. */
  readonly merged: number;
  /** True objects found as more than one. */
  readonly split: number;
  /** Predicted objects where there is none. */
  readonly spurious: number;
}

/** One image with its outlines. */
export interface ObjectsFigure {
  readonly name: string;
  readonly group: string;
  readonly widthPx: number;
  readonly heightPx: number;
  /** PNG as a data URI, perhaps smaller than the image. */
  readonly picture: string;
  readonly shapes: readonly ObjectShape[];
  readonly objects: number;
  readonly match?: MatchCounts;
  /** Which slice of a volume it is, from 1, and of how many. */
  readonly slice?: { readonly index: number; readonly count: number };
}

/** One image in the table of counts. */
export interface ObjectsImage {
  readonly name: string;
  readonly group: string;
  readonly objects: number;
  /** Share of the pixels or voxels that lie in objects. */
  readonly covered: Score;
  readonly match?: MatchCounts;
}

export interface ObjectsReport {
  readonly title: string;
  readonly summary: string;
  /** ISO 8601. */
  readonly createdAt: string;
  readonly headline: readonly Figure[];
  readonly images: readonly ObjectsImage[];
  /** The images that are shown. */
  readonly figures: readonly ObjectsFigure[];
  /** Those with the most errors, where there is a truth. */
  readonly worst: readonly ObjectsFigure[];
  /** All objects: `image`, `label`, then what was measured. */
  readonly table: Table;
  /** Average precision over the thresholds of IoU, where there is a truth. */
  readonly precision?: readonly (readonly [iou: number, ap: Score])[];
  /** What is to be known of the measurements: units, what was left out. */
  readonly notes: readonly string[];
  readonly facts: Facts;
  readonly commands: readonly string[];
}
