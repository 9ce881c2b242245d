/** How each network is trained when nothing else is said. */
import type { LossSpec } from '../nn/losses/registry.ts';
import type { OptimizerSpec } from '../nn/optimizers/registry.ts';
import type { ScheduleSpec } from '../nn/schedules.ts';
import type { ModelName } from './spec.ts';

export interface TrainingDefaults {
  readonly loss: LossSpec;
  readonly optimizer: OptimizerSpec;
  /** Base rate, before the schedule's factor. */
  readonly learningRate: number;
  readonly schedule: ScheduleSpec;
  readonly batch: number;
  /** How long a run is when nothing is said. */
  readonly minutes: number;
  /** Side of the patches in pixels, where images are that large; 0 for networks of whole images. */
  readonly patch: number;
  /** The weight map that separates touching objects, where labels are instances; null for none. */
  readonly separation: { readonly w0: number; readonly sigma: number } | null;
  /** Gradients are scaled down to this global norm; null for not. */
  readonly clipNorm: number | null;
  /** Decay of the moving average of the weights, with which predictions are made; null for none. */
  readonly averageDecay: number | null;
}

/** Of the classifiers of pixels. The paper has plain gradient descent over days on a GPU; this gets further in minutes. */
const SLIDING_WINDOW = {
  loss: { name: 'ce' },
  optimizer: { name: 'adamw', weightDecay: 0.01 },
  learningRate: 1e-3,
  schedule: { name: 'cosine', warmUp: 50 },
  batch: 64,
  minutes: 10,
  separation: null,
  clipNorm: 1,
  averageDecay: 0.99,
} as const satisfies Partial<TrainingDefaults>;

export const TRAINING_DEFAULTS: { readonly [N in ModelName]: TrainingDefaults } = {
  unet: {
    loss: { name: 'ce' },
    optimizer: { name: 'adamw', weightDecay: 0.01 },
    // Half of what comes apart on lungs: docs/networks.md.
    learningRate: 1.5e-3,
    schedule: { name: 'cosine', warmUp: 50 },
    batch: 1,
    minutes: 10,
    patch: 256,
    separation: null,
    clipNorm: 1,
    averageDecay: 0.99,
  },
  // Ronneberger et al. 2015, sections 2 to 3. The paper gives neither the learning rate nor the number of
  // steps; with momentum 0.99 and a loss divided by its weights, 1e-3 trains and 1e-2 diverges.
  unet2015: {
    loss: { name: 'ce' },
    optimizer: { name: 'sgd', momentum: 0.99 },
    learningRate: 1e-3,
    schedule: { name: 'constant' },
    batch: 1,
    minutes: 10,
    patch: 572,
    separation: { w0: 10, sigma: 5 },
    clipNorm: null,
    averageDecay: null,
  },
  n1: { ...SLIDING_WINDOW, patch: 9 },
  n2: { ...SLIDING_WINDOW, patch: 23 },
  n3: { ...SLIDING_WINDOW, patch: 47 },
  n4: { ...SLIDING_WINDOW, patch: 95 },
  // Rosenblatt's rule: one image a step, corrected by itself where it is wrong. The rate only scales w.
  perceptron: {
    loss: { name: 'perceptron' },
    optimizer: { name: 'sgd', momentum: 0 },
    learningRate: 1,
    schedule: { name: 'constant' },
    batch: 1,
    minutes: 1,
    patch: 0,
    separation: null,
    clipNorm: null,
    averageDecay: null,
  },
  mlp: {
    loss: { name: 'ce' },
    optimizer: { name: 'adamw', weightDecay: 0.01 },
    learningRate: 1e-3,
    schedule: { name: 'cosine', warmUp: 50 },
    batch: 128,
    minutes: 1.5,
    patch: 0,
    separation: null,
    clipNorm: null,
    averageDecay: 0.99,
  },
  // Krizhevsky et al. 2012, section 5; the rate is divided by 10 when the validation no longer gets better.
  alexnet: {
    loss: { name: 'ce' },
    optimizer: { name: 'sgd', momentum: 0.9, weightDecay: 5e-4 },
    learningRate: 0.01,
    schedule: { name: 'plateau' },
    batch: 128,
    minutes: 10,
    patch: 0,
    separation: null,
    clipNorm: null,
    averageDecay: null,
  },
};
