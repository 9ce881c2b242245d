/** A recipe's network, loss, optimizer and schedule in words. */

import { networkNamed } from '../models/registry.ts';
import { LOSSES, type LossName } from '../nn/losses/registry.ts';
import { OPTIMIZERS } from '../nn/optimizers/registry.ts';
import type { Recipe } from '../train/config.ts';

/** Options whose names alone say too little. */
const WORDS: { readonly [option: string]: (value: unknown) => string } = {
  baseChannels: (n) => `${n} channels at the first level`,
  maxChannels: (n) => `at most ${n} channels per level`,
  brightness: () => 'a first layer that sees brightness',
  batchNorm: (mode) => `batch normalisation ${mode === 'train' ? 'by each batch' : 'by running statistics'}`,
  norm: (kind) => (kind === 'none' ? 'no normalisation layers' : `${kind} normalisation`),
  upsampling: (kind) => `${kind} upsampling`,
  hidden: (units) => `hidden layers of ${listed(units)} units`,
  warmUp: (steps) => `warm-up of ${steps} steps`,
};

/** `512, 256`; kernels as `1x3x3, 3x3x3`. */
export const listed = (value: unknown): string =>
  Array.isArray(value) ? value.map((one) => (Array.isArray(one) ? one.join('x') : one)).join(', ') : String(value);

const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null && !Array.isArray(value);

/** `depth 4`, `residual`; options that are off are omitted. */
function optionsOf(options: object): string[] {
  return Object.entries(options).flatMap(([key, value]) => {
    // Sizes that a network of a file takes are told elsewhere.
    if (value === undefined || value === false || isObject(value)) return [];
    const name = key.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
    return [WORDS[key]?.(value) ?? (value === true ? name : `${name} ${listed(value)}`)];
  });
}

/** `U-Net, 16 channels at the first level, depth 4`; channels and classes are those of the data. */
export function describeNetwork({ model: { name, channels: _, numClasses: __, ...options } }: Recipe): string {
  return [networkNamed(name).title.replace(/^(A|An|The) /, ''), ...optionsOf(options)].join(', ');
}

/** `soft Dice plus cross entropy (dice-ce)`. */
export function describeLoss({ loss: { name, ...options }, maps }: Recipe): string {
  if (maps !== undefined) return `that of ${name}`;
  return `${LOSSES[name as LossName].summary} (${[name, ...optionsOf(options)].join(', ')})`;
}

/** `Adam with decoupled weight decay (adamw, weight decay 0.01), learning rate 0.001`. */
export function describeOptimizer({ optimizer: { name, ...options }, learningRate }: Recipe): string {
  return `${OPTIMIZERS[name].summary} (${[name, ...optionsOf(options)].join(', ')}), learning rate ${learningRate}`;
}

/** `cosine, warm-up of 30 steps`. */
export function describeSchedule({ schedule: { name, ...options } }: Recipe): string {
  return [name, ...optionsOf(options)].join(', ');
}
