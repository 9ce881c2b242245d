/** The configuration of a run as JSON: everything needed to resume it, and to repeat it on the same data. */

import { crc32, hex8 } from '../array/crc32.ts';
import type { Shape4, Shape5 } from '../array/ndarray.ts';
import type { ClassAugment } from '../augment/class-batch.ts';
import type { AugmentSettings } from '../augment/options.ts';
import type { LabelMapping } from '../dataset/labels/labels.ts';
import { type Memo, noMemo } from '../dataset/memo.ts';
import type { SplitChoice } from '../dataset/split.ts';
import { option, RunError } from '../errors.ts';
import type { ClassInput } from '../input/classes.ts';
import type { InputSpec } from '../input/normalise.ts';
import type { TrainingDefaults } from '../models/definition.ts';
import { FORMER_CONFIG, FORMER_RECIPE, inverse, rename } from '../models/former-names.ts';
import type { ModelSpec } from '../models/registry.ts';
import type { MapKind, ObjectMaps } from '../objects/object-maps.ts';
import type { TensorLayout } from '../runtime/runtime.ts';
import type { Rehearsal, RunData } from './before.ts';
import { checkConfig } from './config-rules.ts';
import type { Plan } from './plan.ts';
import type { StartRecipe } from './start-recipe.ts';
import { RUN_FILES, type Store, type StoreReader } from './store.ts';
import type { ValidationMetric } from './validate.ts';

/** What determines every weight of the result: the same recipe, data and machine produce the same bits. */
export interface Recipe
  extends Pick<TrainingDefaults, 'optimizer' | 'learningRate' | 'schedule' | 'clipNorm' | 'averageDecay'> {
  readonly seed: number;
  readonly loss: TrainingDefaults['loss'] | { readonly name: MapKind };
  readonly data: {
    /** Of names and contents of the training and validation slices. */
    readonly fingerprint: string;
    readonly split: SplitChoice;
    /** How strongly rare classes are weighted, 0..1. */
    readonly balance: number;
    /** Border weights between objects; w0 0: none. */
    readonly separation: { readonly w0: number; readonly sigmaPx: number };
    /** Fraction of patches centred near a rare class. */
    readonly focusFraction: number;
    /** Whether the central pixels of patches have each class equally often. */
    readonly balanced?: boolean;
    /** Beside data of the run that it trains on from. */
    readonly before?: Rehearsal;
  };
  readonly labels: LabelMapping;
  readonly input: InputSpec | ClassInput;
  readonly model: ModelSpec;
  /** Maps by which objects are found, for a network that learns them instead of classes. */
  readonly maps?: ObjectMaps;
  /** Network input, [height, width]. */
  readonly patch: readonly [number, number];
  /** Slices of the input, for networks of volumes. */
  readonly slices?: number;
  readonly batch: number;
  readonly augment: AugmentSettings;
  /** For image classifiers. */
  readonly classes?: ClassAugment;
  /** Direct convolutions only. */
  readonly exact: boolean;
  /** For a run that is fine-tuned from a model. */
  readonly start?: StartRecipe;
}

export interface RunConfig extends RunData {
  /** Version of this format. */
  readonly version: 1;
  /** Version of Lamella. */
  readonly lamella: string;
  /** ISO 8601. */
  readonly created: string;
  /** The user's settings, by the library's names; missing in runs of earlier versions. */
  readonly settings?: { readonly [name: string]: unknown };
  readonly recipe: Recipe;
  readonly metric: ValidationMetric | undefined;
  readonly plan: Plan;
  /** The requested duration, if the plan is based on it. */
  readonly minutes?: number;
  readonly machine: {
    readonly device: string;
    readonly description: string;
    /** A resumed run keeps it if the device supports it, since another layout changes the last bits. */
    readonly layout?: TensorLayout;
    /** Fingerprint of the step as executed, with every choice of formulation. */
    readonly step?: string;
    /** Measured before the first step, in milliseconds. */
    readonly stepMs?: number;
    readonly validationMs?: number;
    /** Measured before the network was chosen to fit it; absent where it was not. */
    readonly gflops?: number;
    readonly [detail: string]: string | number | undefined;
  };
  /** Voxel size that overrides the files' value; null: not overridden. Needed for scores in mm, not for weights. */
  readonly spacingMm?: readonly [z: number | null, y: number, x: number];
  /** Every automatic choice, with its reason. */
  readonly notes: readonly string[];
}

/** Shape of the network's input for a number of images or volumes. */
export const inputShape = ({ model, patch, slices }: Recipe, images: number): Shape4 | Shape5 =>
  slices === undefined ? [images, model.channels, ...patch] : [images, model.channels, slices, ...patch];

/** `128 x 128`, of volumes `128 x 128 x 16`: x first. */
export const patchText = ({ patch, slices }: Pick<Recipe, 'patch' | 'slices'>): string =>
  [patch[1], patch[0], ...(slices === undefined ? [] : [slices])].join(' x ');

/** JSON with sorted keys. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, item: unknown) =>
    typeof item === 'object' && item !== null && !Array.isArray(item)
      ? Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1)))
      : item,
  );
}

/**
 * Eight hexadecimal digits of a recipe, stored in checkpoints. Its keys are hashed under their original names, so that
 * checkpoints of older runs still match.
 */
export function recipeHash(recipe: Recipe): string {
  return hex8(crc32(new TextEncoder().encode(canonical(rename(recipe, inverse(FORMER_RECIPE))))));
}

/** Hash of the names and contents of slices, so that a resumed run detects changed data. */
export function fingerprintOf(
  pages: readonly { readonly name: string; readonly image: ArrayBufferView; readonly label: ArrayBufferView }[],
  memo: Memo = noMemo,
): string {
  const crcOf = (values: ArrayBufferView) => {
    const { buffer, byteOffset, byteLength } = values;
    return memo(values, 'crc', () => crc32(new Uint8Array(buffer, byteOffset, byteLength)));
  };
  const parts = pages.map(({ name, image, label }) => [name, crcOf(image), crcOf(label)]);
  return hex8(crc32(new TextEncoder().encode(JSON.stringify(parts))));
}

/**
 * A line naming the settings that differ from those a run started with, if any.
 * @param given the current settings; undefined values are not compared
 */
export function differingSettings(given: object, { settings }: RunConfig): string | undefined {
  if (settings === undefined) return undefined;
  const now: { readonly [name: string]: unknown } = JSON.parse(JSON.stringify(given));
  const named = (from: typeof now, name: string): string =>
    from[name] === undefined
      ? `no ${option(name)}`
      : option(name, typeof from[name] === 'object' ? JSON.stringify(from[name]) : String(from[name]));
  const names = [...new Set([...Object.keys(settings), ...Object.keys(now)])].filter(
    (name) => canonical(settings[name]) !== canonical(now[name]),
  );
  if (names.length === 0) return undefined;
  const pairs = names.map((name) => `${named(settings, name)} (now ${named(now, name)})`);
  return `The run keeps the settings it began with: ${pairs.join('; ')}.`;
}

export async function writeConfig(store: Store, config: RunConfig): Promise<void> {
  await store.write(RUN_FILES.config, `${JSON.stringify(config, null, 2)}\n`);
}

/** @throws RunError if it is missing, damaged, or of an unknown version. */
export async function readConfig(store: StoreReader): Promise<RunConfig> {
  const file = store.pathOf(RUN_FILES.config);
  const bytes = await store.read(RUN_FILES.config);
  if (bytes === undefined) {
    throw new RunError('this folder contains no run.', {
      file: store.name,
      remedy: `Use a folder that has a ${RUN_FILES.config}.`,
      facts: { code: 'no-run' },
    });
  }
  return parseConfig(bytes, file);
}

/** @throws RunError as `readConfig`. */
export function parseConfig(bytes: Uint8Array, file: string): RunConfig {
  const because = (problem: string, cause?: unknown): RunError =>
    new RunError(problem, { file, remedy: 'Use the unmodified config.json of a run.', cause });
  let config: unknown;
  try {
    config = rename(JSON.parse(new TextDecoder().decode(bytes)), FORMER_CONFIG);
  } catch (cause) {
    throw because('this is not JSON.', cause);
  }
  if ((config as Partial<RunConfig> | null)?.version !== 1)
    throw because('this is not the configuration of a run, or of another version.');
  checkConfig(config, file);
  return config as RunConfig;
}
