/** Precision, recall and their harmonic mean, from counts. */

export interface PrecisionRecall {
  /** Fraction of the predicted that is correct, 0..1. */
  readonly precision: number;
  /** Fraction of the actual that was found, 0..1. */
  readonly recall: number;
  /** 2 precision recall / (precision + recall), 0..1. */
  readonly fScore: number;
}

/**
 * precision = shared / predicted, recall = shared / actual, F = 2 shared / (predicted + actual). If nothing was
 * predicted and nothing exists, all three are 1; if only one of them is empty, the quotient that is 0/0 and F are 0.
 */
export function precisionRecall(shared: number, predicted: number, actual: number): PrecisionRecall {
  if (predicted === 0 && actual === 0) return { precision: 1, recall: 1, fScore: 1 };
  return {
    precision: predicted === 0 ? 0 : shared / predicted,
    recall: actual === 0 ? 0 : shared / actual,
    fScore: (2 * shared) / (predicted + actual),
  };
}
