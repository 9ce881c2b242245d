/** Predictions in formats that name the values of label maps. */

import { backgroundOf, type LabelMapping } from '../dataset/labels/labels.ts';
import type { OpenedModel } from '../predict/own.ts';
import type { encodeSegments } from './encode-segments.ts';
import { type ClassSegments, classSegments, objectSegments, PATIENT_NOTE } from './segments.ts';

/** Loaded with what encodes them only when they are written. */
const encode: typeof encodeSegments = async (...given) =>
  (await import('./encode-segments.ts')).encodeSegments(...given);

/** The classes of a model as segments: all but the background of its training labels. @param values of its label maps */
function ofClasses({ metadata, classes }: OpenedModel, values: readonly number[] | undefined): ClassSegments {
  const trained = metadata?.training?.labels as unknown as LabelMapping | undefined;
  // Without the mapping, values tell the background.
  const [first] = metadata?.classes ?? [];
  const background = trained === undefined ? ((first?.value ?? 0) === 0 ? [0] : []) : backgroundOf(trained);
  return classSegments(classes, background, values);
}

export const SEGMENTS = { encode, ofClasses, ofObjects: objectSegments, patientNote: PATIENT_NOTE };
