/** What is written of a prediction. */

import type { SeparationSettings } from '../objects/instances.ts';
import type { Probability, ResultFormat, SegmentFormat } from './choices.ts';

/** How the words of the option are stored. */
export const DEPTHS = { '8bit': 'uint8', '16bit': 'uint16', float: 'float32' } as const satisfies {
  readonly [P in Exclude<Probability, 'none'>]: string;
};

/** What to write per image. */
export interface PredictionOutputs {
  /** Probabilities of the foreground class, or one map per class; default `8bit`. */
  readonly probability?: Probability;
  /** Label maps with the values of the training labels; default: yes. */
  readonly labels?: boolean;
  /** Default: yes. */
  readonly overlay?: boolean;
  /** Separate objects, numbered from 1; default: no. */
  readonly objects?: boolean;
  /** How they are separated, where it is not as the model says. Default: as it says, else by their shape. */
  readonly separation?: Partial<SeparationSettings>;
  /** Default `same`. Those of segments are of label maps and objects; the others are then written as `same`. */
  readonly format?: ResultFormat | SegmentFormat;
  /** Whether DICOM segmentations take over what identifies the patient and the study from their series; default: yes. */
  readonly patient?: boolean;
  /** Probability threshold for the foreground class, for models with two classes; default 0.5. */
  readonly threshold?: number;
  /** Radius in pixels of a median filter over the probabilities. */
  readonly median?: number;
  /** Whether images are predicted at the pixel size of the training images (`PredictOptions.resample`); default: no. */
  readonly resample?: boolean;
  /** Voxel size [z, y, x] in mm that overrides the files' value. */
  readonly spacing?: readonly [number | undefined, number, number];
}
