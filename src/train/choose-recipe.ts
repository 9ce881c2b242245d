/** The recipe of a run: what the user said, and for the rest a choice from the data, each with its reason. */

import { type AugmentOptions, augmentSettings, NO_AUGMENTATION } from '../augment/options.ts';
import type { LabelClass } from '../dataset/labels.ts';
import type { PreparedDataset } from '../dataset/prepare.ts';
import type { SplitChoice } from '../dataset/split.ts';
import { sizesOf } from '../models/registry.ts';
import type { ModelName, ModelSpec, UnetSpec } from '../models/spec.ts';
import type { LossName, LossSpec } from '../nn/losses/registry.ts';
import type { OptimiserName, OptimiserSpec } from '../nn/optimisers/registry.ts';
import { OPTIMISERS } from '../nn/optimisers/registry.ts';
import type { ScheduleName, ScheduleSpec } from '../nn/schedules.ts';
import type { Recipe } from './config.ts';

export type AugmentStrength = 'none' | 'light' | 'default' | 'strong';

/** What a user may say of a run; everything else is chosen. */
export interface TrainSettings {
  readonly steps?: number;
  readonly minutes?: number;
  readonly seed?: number;
  readonly split?: SplitChoice;
  readonly classes?: readonly (string | LabelClass)[];
  readonly ignore?: readonly number[];
  readonly task?: 'semantic' | 'instances';
  readonly balance?: number;
  readonly separation?: { readonly w0: number; readonly sigmaPx: number };
  readonly augment?: AugmentStrength;
  readonly model?: ModelName;
  readonly base?: number;
  readonly depth?: number;
  readonly norm?: NonNullable<UnetSpec['norm']>;
  readonly residual?: boolean;
  readonly patch?: readonly [number, number];
  readonly batch?: number;
  readonly loss?: LossName;
  readonly optimiser?: OptimiserName;
  readonly learningRate?: number;
  readonly schedule?: ScheduleName;
  readonly exact?: boolean;
}

/** What the choice depends on besides the data. */
export interface Circumstances {
  readonly fingerprint: string;
  readonly split: SplitChoice;
  readonly cores: number;
  readonly minutes: number | undefined;
}

export const AUGMENT_STRENGTHS: { readonly [S in AugmentStrength]: AugmentOptions } = {
  none: NO_AUGMENTATION,
  light: { warpShare: 0.3, elasticSigmaPx: 4, brightness: 0.1, contrast: 1.15, gamma: 1.2, noise: 0.05, blurPx: 0.5 },
  default: {},
  strong: {
    warpShare: 0.9,
    elasticSigmaPx: 14,
    scale: 1.4,
    brightness: 0.3,
    contrast: 1.5,
    gamma: 1.7,
    noise: 0.15,
    blurPx: 1.2,
  },
};

/** @throws UsageError for settings that do not fit each other or the data. */
export function chooseRecipe(
  data: PreparedDataset,
  settings: TrainSettings,
  { fingerprint, split, cores, minutes }: Circumstances,
): { readonly recipe: Recipe; readonly notes: readonly string[] } {
  const notes: string[] = [];
  const { seed = 0, batch = 1, loss: lossName = 'ce', optimiser: optimiserName = 'adamw', exact = false } = settings;
  const common = { channels: data.input.channels.count, outputs: data.mapping.classes.length };
  const depth = settings.depth ?? 4;
  const model: ModelSpec =
    settings.model === 'unet2015'
      ? { name: 'unet2015', ...common, ...(settings.base === undefined ? {} : { base: settings.base }) }
      : {
          name: 'unet',
          ...common,
          base: settings.base ?? 16,
          depth,
          ...(settings.norm === undefined ? {} : { norm: settings.norm }),
          ...(settings.residual === undefined ? {} : { residual: settings.residual }),
        };
  const sizes = sizesOf(model);
  const smallest = data.train.pages.reduce((least, { height, width }) => Math.min(least, height, width), 1 << 20);
  const side = sizes.nearest(Math.min(256, smallest));
  const patch = settings.patch ?? [side, side];
  notes.push(
    `network: ${model.name}, base ${model.base ?? 64}, patch ${patch[1]} x ${patch[0]}, batch ${batch}; ${cores} cores, ${minutes ?? '-'} min`,
  );

  const optimiser: OptimiserSpec =
    optimiserName === 'sgd' ? { name: 'sgd', momentum: 0.99, nesterov: true } : { name: optimiserName };
  const learningRate = settings.learningRate ?? OPTIMISERS[optimiserName].learningRate;
  const schedule = scheduleSpec(settings.schedule ?? 'cosine');
  const loss = { name: lossName } as LossSpec;
  notes.push(
    `training: ${lossName}, ${optimiserName} with learning rate ${learningRate}, schedule ${schedule.name}, weights averaged`,
  );
  return {
    recipe: {
      seed,
      data: {
        fingerprint,
        split,
        balance: settings.balance ?? 0.5,
        separation: settings.separation ?? { w0: 0, sigmaPx: 5 },
        focusShare: 0.33,
      },
      labels: data.mapping,
      input: data.input,
      model,
      patch,
      batch,
      augment: augmentSettings(AUGMENT_STRENGTHS[settings.augment ?? 'default']),
      loss,
      optimiser,
      learningRate,
      schedule,
      clipNorm: 1,
      averageDecay: 0.995,
      exact,
    },
    notes,
  };
}

const WARM_UP_STEPS = 50;
const WARM_UP_SHARE = 0.1;

function scheduleSpec(name: ScheduleName): ScheduleSpec {
  return name === 'one-cycle' ? { name } : { name, warmUp: WARM_UP_STEPS };
}

/** The recipe with a warm-up that a run of so few steps has time for. */
export function withWarmUp(recipe: Recipe, steps: number): Recipe {
  const { schedule } = recipe;
  if (schedule.name === 'one-cycle') return recipe;
  const warmUp = Math.min(WARM_UP_STEPS, Math.floor(WARM_UP_SHARE * steps));
  return { ...recipe, schedule: { ...schedule, warmUp } };
}
