/** `lamella/graph`: building, differentiating, analysing, reading and writing ONNX graphs. */

export { type GraphCost, graphCost, graphMacs, type NodeCost, parameterCount } from '../graph/analysis/cost.ts';
export {
  type Dependence,
  dependsOn,
  type ReceptiveField,
  receptiveField,
  tileRule,
  traceDependence,
} from '../graph/analysis/receptive-field.ts';
export { graphLayers, type Layer } from '../graph/analysis/summary.ts';
export { gradient } from '../graph/autodiff.ts';
export { GraphBuilder } from '../graph/builder.ts';
export { checkGraph } from '../graph/check.ts';
export { constantsToInputs, inputsToConstants, parametersOf } from '../graph/constants.ts';
export { networkSvg } from '../graph/draw.ts';
export type { Graph, Node, Value } from '../graph/ir.ts';
export { readSignature, type Signature } from '../graph/onnx/model.ts';
export { readOnnx } from '../graph/onnx/read.ts';
export { type WriteOptions, writeOnnx } from '../graph/onnx/write.ts';
export type { Build, OpKind } from '../graph/op-row.ts';
export { type ConvGeometry, convGeometry } from '../graph/ops/convolution.ts';
export { opKind } from '../graph/ops/table.ts';
export { printGraph } from '../graph/print.ts';
export { bindShapes, decompose } from '../graph/rewrite.ts';
export type { WinogradUse } from '../lowering/conv/minimal-filters.ts';
export { denseGraph } from '../predict/dense.ts';
