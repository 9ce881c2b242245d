import type { Formulations } from '../context.ts';
import { convBlocked, convGradInputBlocked } from '../conv/blocked.ts';
import {
  convDepthwiseBlocked,
  convGradInputDepthwiseBlocked,
  convGradWeightDepthwiseBlocked,
} from '../conv/depthwise-blocked.ts';
import { convGradInputFlipped } from '../conv/flipped.ts';
import { convGradWeightBlocked, convGradWeightOneBlocked } from '../conv/grad-weight-blocked.ts';
import { convGradWeightDepthwise } from '../conv/grad-weight-depthwise.ts';
import { convGradWeightByRows } from '../conv/grad-weight-rows.ts';
import { convGradWeightByShifts, convGradWeightByWindows } from '../conv/shifts.ts';
import { upConvBlocked } from '../conv/transposed-blocked.ts';
import { upConvByPhases } from '../conv/transposed-phases.ts';
import { convByRows, convGradInputByRows } from '../conv/winograd-rows.ts';
import { clipGradient, reluGradient } from '../layouts/gates.ts';
import { concatBlocked, reduceAll, reduceBlocked, reduceKernel, sliceBlocked } from '../layouts/moves.ts';
import { softmaxByParts } from '../passes/softmax-by-parts.ts';
import { sumOfPoolGrad } from '../pool/bias.ts';
import {
  averageGradByUpsampling,
  averagePoolBlocked,
  maxPoolBlocked,
  maxPoolGradByComparison,
  upsampleBlocked,
} from '../pool/blocked.ts';

/** ONNX Runtime's blocked kernels where the channel counts fit, otherwise standard ops. */
export const BLOCKED_TABLE: Formulations = {
  Conv: [convByRows, convBlocked, convDepthwiseBlocked],
  ConvTranspose: [upConvBlocked, upConvByPhases],
  'lamella.ConvGradInput': [
    averageGradByUpsampling,
    convGradInputByRows,
    convGradInputBlocked,
    convGradInputDepthwiseBlocked,
    convGradInputFlipped,
  ],
  'lamella.ConvGradWeight': [
    convGradWeightByRows,
    convGradWeightBlocked,
    convGradWeightOneBlocked,
    convGradWeightByShifts,
    convGradWeightByWindows,
    convGradWeightDepthwiseBlocked,
    convGradWeightDepthwise,
  ],
  MaxPool: [maxPoolBlocked],
  AveragePool: [averagePoolBlocked],
  'lamella.MaxPoolGrad': [maxPoolGradByComparison],
  Resize: [upsampleBlocked],
  Concat: [concatBlocked],
  Slice: [sliceBlocked],
  ReduceSum: [sumOfPoolGrad, reduceAll, reduceBlocked, reduceKernel],
  ReduceMean: [reduceAll, reduceBlocked, reduceKernel],
  ReduceMax: [reduceAll],
  ReduceMin: [reduceAll],
  Softmax: [softmaxByParts],
  Where: [reluGradient, clipGradient],
};
