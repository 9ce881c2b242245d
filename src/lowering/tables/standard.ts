import type { Formulations } from '../context.ts';
import { convGradInputByColumns, convGradWeightByColumns } from '../conv/columns.ts';
import { convGradInputFlipped } from '../conv/flipped.ts';
import { convGradWeightDepthwise } from '../conv/grad-weight-depthwise.ts';
import { convGradWeightByShifts, convGradWeightByWindows } from '../conv/shifts.ts';
import { convGradInputWinograd, convGradWeightWinograd, convWinograd } from '../conv/winograd.ts';
import { clipGradient, reluGradient } from '../layouts/gates.ts';
import { softmaxByParts } from '../passes/softmax-by-parts.ts';
import { sumOfPoolGrad } from '../pool/bias.ts';
import { maxPoolGradByComparison } from '../pool/blocked.ts';

/** Standard ops only. */
export const STANDARD: Formulations = {
  Conv: [convWinograd],
  'lamella.ConvGradInput': [convGradInputWinograd, convGradInputByColumns, convGradInputFlipped],
  'lamella.ConvGradWeight': [
    convGradWeightWinograd,
    convGradWeightByColumns,
    convGradWeightByShifts,
    convGradWeightByWindows,
    convGradWeightDepthwise,
  ],
  'lamella.MaxPoolGrad': [maxPoolGradByComparison],
  ReduceSum: [sumOfPoolGrad],
  Softmax: [softmaxByParts],
  Where: [reluGradient, clipGradient],
};
