/**
 * Every operation by name, with its attributes. A row of `OPS` (ops/table.ts) must exist for each. Ops of ONNX's own
 * domain keep their names; `lamella.X` are ours, each with a reference decomposition into standard ONNX; `nchwc.X` are
 * ONNX Runtime's blocked kernels. They are not declared beside the rows: rules of rows build ops by these names, and the
 * package's declarations would lose augmentations of this module.
 */
import type { DType, NdArray } from '../array/ndarray.ts';

// biome-ignore lint/complexity/noBannedTypes: an op without attributes takes exactly the empty object
type None = {};

interface Axis {
  readonly axis?: number;
}
interface Keep {
  readonly keepdims?: 0 | 1;
}

/** Spatial attributes of convolutions; defaults: no padding, stride 1, dilation 1, one group. */
export interface ConvAttributes {
  readonly kernel_shape?: readonly number[];
  /** Begin of each spatial axis, then end of each. */
  readonly pads?: readonly number[];
  readonly strides?: readonly number[];
  readonly dilations?: readonly number[];
  readonly group?: number;
}

export interface PoolAttributes {
  readonly kernel_shape: readonly number[];
  readonly pads?: readonly number[];
  readonly strides?: readonly number[];
  readonly dilations?: readonly number[];
  readonly ceil_mode?: 0 | 1;
}

export interface AttributesOf {
  // Elementwise, two inputs, broadcasting
  Add: None;
  Sub: None;
  Mul: None;
  Div: None;
  Pow: None;
  Max: None;
  Min: None;
  Equal: None;
  Greater: None;
  GreaterOrEqual: None;
  Less: None;
  LessOrEqual: None;
  And: None;
  Or: None;
  Where: None;
  // Elementwise, one input
  Not: None;
  Neg: None;
  Abs: None;
  Sign: None;
  Sqrt: None;
  Reciprocal: None;
  Exp: None;
  Log: None;
  Relu: None;
  LeakyRelu: { readonly alpha?: number };
  Sigmoid: None;
  Tanh: None;
  Softplus: None;
  Erf: None;
  Floor: None;
  HardSigmoid: { readonly alpha?: number; readonly beta?: number };
  Clip: None;
  Identity: None;
  Cast: { readonly to: DType };
  Dropout: { readonly seed?: number };
  // Reductions; axes are the second input
  ReduceSum: Keep & { readonly noop_with_empty_axes?: 0 | 1 };
  ReduceMean: Keep & { readonly noop_with_empty_axes?: 0 | 1 };
  ReduceMax: Keep & { readonly noop_with_empty_axes?: 0 | 1 };
  ReduceMin: Keep & { readonly noop_with_empty_axes?: 0 | 1 };
  ArgMax: Axis & Keep & { readonly select_last_index?: 0 | 1 };
  Softmax: Axis;
  LogSoftmax: Axis;
  // Shape and movement
  Shape: { readonly start?: number; readonly end?: number };
  ConstantOfShape: { readonly value?: NdArray };
  Reshape: { readonly allowzero?: 0 | 1 };
  Flatten: Axis;
  Squeeze: None;
  Unsqueeze: None;
  Transpose: { readonly perm?: readonly number[] };
  Expand: None;
  Tile: None;
  Concat: { readonly axis: number };
  Split: Axis & { readonly num_outputs?: number };
  Slice: None;
  Pad: { readonly mode?: 'constant' };
  Gather: Axis;
  ScatterElements: Axis & { readonly reduction?: 'none' | 'add' };
  DepthToSpace: { readonly blocksize: number; readonly mode?: 'DCR' | 'CRD' };
  SpaceToDepth: { readonly blocksize: number };
  Col2Im: {
    readonly dilations?: readonly number[];
    readonly pads?: readonly number[];
    readonly strides?: readonly number[];
  };
  Resize: {
    readonly mode?: 'nearest' | 'linear';
    readonly coordinate_transformation_mode?: 'half_pixel' | 'asymmetric' | 'align_corners' | 'pytorch_half_pixel';
    readonly nearest_mode?: 'floor' | 'round_prefer_floor';
  };
  // Products, convolution, pooling, normalisation
  MatMul: None;
  Gemm: { readonly alpha?: number; readonly beta?: number; readonly transA?: 0 | 1; readonly transB?: 0 | 1 };
  Conv: ConvAttributes;
  ConvTranspose: ConvAttributes & { readonly output_padding?: readonly number[] };
  MaxPool: PoolAttributes & { readonly storage_order?: 0 };
  AveragePool: PoolAttributes & { readonly count_include_pad?: 0 | 1 };
  GlobalAveragePool: None;
  BatchNormalization: { readonly epsilon?: number; readonly momentum?: number; readonly training_mode?: 0 };
  InstanceNormalization: { readonly epsilon?: number };
  LRN: { readonly size: number; readonly alpha?: number; readonly beta?: number; readonly bias?: number };
  // Ours: gradients with several possible formulations
  'lamella.ConvGradInput': ConvAttributes & { readonly input_shape: readonly number[] };
  'lamella.ConvGradWeight': ConvAttributes & { readonly kernel_shape: readonly number[] };
  'lamella.MaxPoolGrad': PoolAttributes;
  // ONNX Runtime's blocked layout, [N][C/block][H][W][block] in memory
  'nchwc.ReorderInput': { readonly channels_last?: 0 };
  'nchwc.ReorderOutput': { readonly channels: number; readonly channels_last?: 0 };
  'nchwc.Conv': ConvAttributes & { readonly activation?: 'Relu' };
  'nchwc.MaxPool': PoolAttributes;
  'nchwc.AveragePool': PoolAttributes & { readonly count_include_pad?: 0 | 1 };
  'nchwc.Upsample': { readonly scales: readonly number[]; readonly mode?: 'nearest' };
  // ONNX Runtime's product of a transposed input
  'microsoft.FusedMatMul': { readonly transBatchB: 1 };
}

export type OpName = keyof AttributesOf;

/** How an attribute is written in a file. */
export type AttributeKind = 'int' | 'ints' | 'float' | 'string' | 'tensor' | 'dtype';
