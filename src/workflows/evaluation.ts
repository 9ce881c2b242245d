/** What `evaluate` finds. */

import type { LabelKindFinding } from '../dataset/labels/label-kind.ts';
import type { LabelMapping } from '../dataset/labels/labels.ts';
import type { ScoreBasis } from '../evaluate/basis.ts';
import type { ClassDistances } from '../evaluate/surfaces.ts';
import type { InstanceScores } from '../metrics/instances.ts';
import type { IsbiScores } from '../metrics/isbi.ts';
import type { OverlapScores } from '../metrics/overlap.ts';
import type { MetricGroup } from './choices.ts';
import type { NotScored } from './evaluate-items.ts';

export interface Evaluation {
  readonly mapping: LabelMapping;
  readonly metrics: readonly MetricGroup[];
  /** Number of files and time points, or of slices if scored slice by slice. */
  readonly images: number;
  /** What the scores rest on. */
  readonly basis: ScoreBasis;
  /** Number of regions that a project holds out, if they alone are scored. */
  readonly regions?: number;
  /** Predicted images of a project that are not scored. */
  readonly notScored: readonly NotScored[];
  readonly classes: readonly string[];
  /** Interpretation of the label values, with the reason. */
  readonly labelKinds: {
    readonly truth: LabelKindFinding;
    /** Undefined for probabilities. */
    readonly prediction: LabelKindFinding | undefined;
  };
  /** How volumes are scored; undefined without volumes. */
  readonly volumes?: '3D' | 'slice by slice';
  /** The readers' remarks on the files, one line each. */
  readonly notes: readonly string[];
  readonly isbi?: IsbiScores;
  readonly overlap?: OverlapScores;
  readonly instances?: InstanceScores;
  readonly surface?: { readonly unit: 'mm' | 'px'; readonly perClass: readonly ClassDistances[] };
}
