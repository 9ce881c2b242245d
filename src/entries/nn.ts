/** `lamella/nn`: layers, losses, optimizers, schedules, networks, and the training step built from them. */

export { type Batch, makeBatch } from '../augment/batch.ts';
export { type AugmentOptions, type AugmentSettings, augmentSettings, NO_AUGMENTATION } from '../augment/options.ts';
export type { SampleOptions } from '../augment/sample.ts';
export type { AlexNetSpec } from '../models/alexnet.ts';
export type { ModelMetadata } from '../models/metadata.ts';
export type { MlpSpec } from '../models/mlp.ts';
export { type OnnxNetwork, openOnnxNetwork } from '../models/onnx/open.ts';
export type { PerceptronSpec } from '../models/perceptron.ts';
export { exportNetwork, predictionGraph } from '../models/prediction.ts';
export { buildNetwork, type ModelName, type ModelSpec, sizesOf } from '../models/registry.ts';
export type { SizeConstraints } from '../models/sizes.ts';
export type { SlidingWindowSpec } from '../models/sliding-window.ts';
export { chooseUnet, type UnetSpec } from '../models/unet.ts';
export { planUnet3d, type Unet3dSpec, unet3d } from '../models/unet3d.ts';
export type { Unet2015Spec } from '../models/unet2015.ts';
export { drawMasks } from '../nn/dropout-masks.ts';
export * as init from '../nn/initialise.ts';
export {
  type Conv3dOptions,
  type ConvOptions,
  centreCrop,
  concatCropped,
  conv2d,
  conv3d,
  dense,
  dropout,
  flatten,
  instanceNorm,
  localResponseNorm,
  maxPool,
  relu,
  upConv,
  upsample,
} from '../nn/layers.ts';
export { crossEntropy, sigmoidCrossEntropy } from '../nn/losses/cross-entropy.ts';
export { type DiceOptions, dice as diceLoss, diceCrossEntropy } from '../nn/losses/dice.ts';
export { type FocalOptions, focal as focalLoss } from '../nn/losses/focal.ts';
export { isClass, type Loss, type Target, weightedMean } from '../nn/losses/loss.ts';
export { perceptronCriterion } from '../nn/losses/perceptron.ts';
export type { LossName, LossSpec } from '../nn/losses/registry.ts';
export { type Initialiser, type Network, NetworkBuilder, type Parameter } from '../nn/network.ts';
export { type AdamOptions, adam, adamW } from '../nn/optimizers/adam.ts';
export type { Optimizer } from '../nn/optimizers/optimizer.ts';
export type { OptimizerName, OptimizerSpec } from '../nn/optimizers/registry.ts';
export { type SgdOptions, sgd } from '../nn/optimizers/sgd.ts';
export { type Schedule, type ScheduleName, type ScheduleSpec, scheduleOf } from '../nn/schedules.ts';
export { convergence } from '../train/convergence.ts';
export { type StepOptions, type TrainingStep, trainingStep } from '../train/step.ts';
export { feedsOf } from '../train/train-step.ts';
