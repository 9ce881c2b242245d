/** What the page of measured lungs shows. */

import type { Table } from '../../measure/table.ts';
import type { ObjectShape } from '../kit/outline-overlay.ts';
import type { Facts, Figure, Score, ScoreTable } from '../run/data.ts';

/** A windowed slice with the outlines of the lungs. */
export interface LungsSlice {
  readonly name: string;
  readonly widthPx: number;
  readonly heightPx: number;
  /** PNG as a data URI. */
  readonly picture: string;
  /** `L` and `R`, of the kinds `left` and `right`. */
  readonly shapes: readonly ObjectShape[];
}

/** The volume seen from the front. */
export interface LungsProjection {
  /** PNG as a data URI, a pixel a voxel: to be stretched to the size in mm. */
  readonly picture: string;
  readonly widthMm: number;
  readonly heightMm: number;
}

/** Voxels of the lungs over HU, in bins of equal width. */
export interface HuCounts {
  readonly startHu: number;
  readonly widthHu: number;
  readonly left: readonly number[];
  readonly right: readonly number[];
  /** Of the values of both lungs themselves; null where there is no lung. */
  readonly medianHu: Score;
}

export interface LungsPatient {
  readonly name: string;
  readonly slices: readonly LungsSlice[];
  readonly sliceCount: number;
  readonly counts: HuCounts;
  /** Figures of both lungs and of each. */
  readonly figures?: ScoreTable;
  readonly projection?: LungsProjection;
}

export interface LungsReport {
  readonly title: string;
  readonly summary: string;
  /** ISO 8601. */
  readonly createdAt: string;
  readonly headline: readonly Figure[];
  /** A row a patient, with the column `patient`. */
  readonly perPatient: Table;
  /** A row a slice. */
  readonly perSlice: Table;
  readonly patients: readonly LungsPatient[];
  /** Overlap and surface distances, where there is a truth. */
  readonly scores: readonly ScoreTable[];
  readonly notes: readonly string[];
  readonly facts: Facts;
  readonly commands: readonly string[];
}
