/** Data of the lung report. */

import type { Table } from '../../measure/table.ts';
import type { OutlinedPicture } from '../kit/outline-overlay.ts';
import type { Method, PageHead, Score, ScoreTable } from '../run/data.ts';

/** A windowed slice with the outlines of the lungs: `L` and `R`, of the kinds `left` and `right`. */
export interface LungsSlice extends OutlinedPicture {
  readonly name: string;
}

/** Frontal projection of the volume. */
export interface LungsProjection {
  /** PNG as a data URI, one pixel per voxel; the page stretches it to the size in mm. */
  readonly picture: string;
  readonly widthMm: number;
  readonly heightMm: number;
}

/** HU histogram of the lungs, in bins of equal width. */
export interface HuCounts {
  readonly startHu: number;
  readonly widthHu: number;
  readonly left: readonly number[];
  readonly right: readonly number[];
  /** Median HU of both lungs, from the unbinned values; null without lung. */
  readonly medianHu: Score;
}

export interface LungsPatient {
  readonly name: string;
  readonly slices: readonly LungsSlice[];
  readonly sliceCount: number;
  readonly counts: HuCounts;
  /** Figures for both lungs together and for each. */
  readonly figures?: ScoreTable;
  readonly projection?: LungsProjection;
}

export interface LungsReport extends PageHead, Method {
  /** One row per patient, with the column `patient`. */
  readonly perPatient: Table;
  /** One row per slice. */
  readonly perSlice: Table;
  readonly patients: readonly LungsPatient[];
  /** Overlap and surface distances, if there is ground truth. */
  readonly scores: readonly ScoreTable[];
}
