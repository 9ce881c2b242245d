/** The recipe of a run on volumes: the user's settings, and choices from the data for the rest, each with its reason. */

import { augmentSettings } from '../../../augment/options.ts';
import type { TrainingSet, VolumePages } from '../../../dataset/patch-position.ts';
import type { PreparedDataset } from '../../../dataset/prepare.ts';
import { option, UsageError } from '../../../errors.ts';
import { networkNamed } from '../../../models/registry.ts';
import type { Triple, Unet3dModelSpec } from '../../../models/unet3d.ts';
import { chooseUnet3d, gigabytes, sidesText } from '../../../models/unet3d-choice.ts';
import { inputShape, type Recipe } from '../../config.ts';
import { startRecipe } from '../../start-recipe.ts';
import type { ChosenRecipe } from '../../task.ts';
import { peakBytes } from '../../too-large.ts';
import { trainedLabels } from '../../trained-regions.ts';
import {
  AUGMENT_STRENGTHS,
  chooseTraining,
  NO_SEPARATION,
  type RecipeCircumstances,
  type TrainSettings,
} from '../segmentation/choose-recipe.ts';
import { ownOptions, requireUnset } from '../segmentation/network-options.ts';
import { optionsOfStart } from '../segmentation/start-network.ts';
import { chooseBalance } from '../segmentation/window-recipe.ts';

const NETWORK = 'unet3d';
/** Share of the free memory that a step may take; the volumes, threads and validation take the rest. */
const MEMORY_SHARE = 0.6;
/** What ONNX Runtime takes beside the values of the step. */
const KERNELS = 1.3;
/** Pixels that differ more in height and width are not turned by 90 degrees. */
const SQUARE = 1.5;
const TILTED = 15;

/** @throws UsageError for settings that do not apply to volumes yet */
export function requireVolumeSettings(settings: TrainSettings): void {
  requireUnset(NETWORK, settings, ['foveation', 'cover', 'inputSize']);
  if (settings.task === 'instances') {
    throw new UsageError(
      `${option('task', 'instances')} is not supported for volumes yet: touching objects are not told apart.`,
      {
        remedy: `Remove it, and objects are told from background, where what is connected is one; or use ${option('network', 'unet')}, which separates them slice by slice.`,
      },
    );
  }
  if (settings.separation !== undefined && settings.separation.w0 > 0) {
    throw new UsageError(
      `${option('separation')} is not supported for volumes yet: the weights of borders are those of single slices.`,
      {
        remedy: `Remove it, or use ${option('network', 'unet')}.`,
      },
    );
  }
}

/** @throws UsageError for settings that do not match each other or the data, or too little memory */
export function chooseVolumeRecipe(
  data: PreparedDataset,
  given: TrainSettings & { readonly spacing: Triple; readonly notes: readonly string[] },
  { fingerprint, split, cores, minutes, flops, memoryBytes, start, before }: Omit<RecipeCircumstances, 'separation'>,
): ChosenRecipe {
  const { spacing, notes: spacingNotes, ...settingsGiven } = given;
  const settings = start === undefined ? settingsGiven : { ...settingsGiven, ...optionsOfStart(start, settingsGiven) };
  const defaults = networkNamed(NETWORK).training;
  const { seed = 0, batch = defaults.batch, exact = false } = settings;
  const own = ownOptions(NETWORK, start === undefined ? settings : {});
  const classes = data.mapping.classes.length;
  // Its one output stays: the second of two classes.
  const numClasses = start?.model.numClasses === 1 && classes === 2 ? 1 : classes;
  const common = { channels: data.input.channels.count, numClasses };
  const before3d = start && ({ ...start.model, ...common } as Unet3dModelSpec);
  const smallest = smallestOf(data.train);
  const training = chooseTraining(settings, defaults);
  const partOf = (model: Unet3dModelSpec, [slices, ...patch]: Triple) => ({ model, slices, patch, batch, ...training });
  const stepBytes = (model: Unet3dModelSpec, patch: Triple): number => {
    try {
      return KERNELS * peakBytes(partOf(model, patch) as unknown as Recipe);
    } catch (cause) {
      // A patch that does not fit the network is told below.
      if (cause instanceof UsageError) return 0;
      throw cause;
    }
  };
  const bytes = memoryBytes === undefined ? undefined : MEMORY_SHARE * memoryBytes;
  const memory = bytes === undefined ? undefined : { bytes, stepBytes };
  const circumstances = { ...common, spacing, smallest, minutes, flops, cores, ...own, spec: before3d, memory };
  const chosen = chooseUnet3d({ ...circumstances, slices: settings.slices, patch: settings.patch });
  const model: Unet3dModelSpec = { ...chosen.spec, ...own };
  const { patch } = chosen;
  requireFits(data.train, patch);
  const takes = stepBytes(model, patch);
  if (bytes !== undefined && takes > bytes) {
    const fitting = chooseUnet3d(circumstances);
    const largest =
      stepBytes(fitting.spec, fitting.patch) <= bytes
        ? `The largest that does is about ${option('patch', `${fitting.patch[2]}x${fitting.patch[1]}`)} ${option('slices', fitting.patch[0])}`
        : `Use ${option('baseChannels', 8)} or less`;
    throw new UsageError(
      `A step with patches of ${sidesText(patch)}, batch ${batch}, takes about ${gigabytes(takes)}, and there are ${gigabytes(bytes)} for it.`,
      { remedy: `${largest}; or close other programs.` },
    );
  }
  const { labels, notes: ofRegions } = trainedLabels(data.mapping, model);
  const from = start && startRecipe(start, { model, labels }, settings);
  const { augment, note } = augmentation(settings, spacing);
  const { loss, optimizer, learningRate, schedule, clipNorm, averageDecay } = training;
  const extras = [
    ...(clipNorm === null ? [] : [`gradients clipped at ${clipNorm}`]),
    ...(averageDecay === null ? [] : [`weights averaged (${averageDecay})`]),
  ];
  const recipe: Recipe = {
    seed,
    data: {
      fingerprint,
      split,
      balance: chooseBalance({ ...settings, network: NETWORK }),
      separation: NO_SEPARATION,
      focusFraction: 0.33,
      ...(before && { before }),
    },
    labels,
    input: data.input,
    model,
    patch: [patch[1], patch[2]],
    slices: patch[0],
    batch,
    augment,
    ...training,
    exact,
    ...(from && { start: from.recipe }),
  };
  // Names the multiples if a patch that was asked for does not fit.
  networkNamed(NETWORK).build(model, inputShape(recipe, batch), { training: true });
  const network =
    start === undefined ? chosen.reasons : [`${networkNamed(NETWORK).title} as in ${start.name}`, ...chosen.reasons];
  return {
    recipe,
    notes: [
      ...spacingNotes,
      ...ofRegions,
      ...(from?.notes ?? []),
      ...network.map(
        (reason, i) =>
          `${['network', 'width', 'patch'][start === undefined ? i : i === 0 ? 0 : 2]}: ${reason.replace(/^patch /, '')}`,
      ),
      `batch: ${batch}${settings.batch === undefined ? ', since a larger patch shows more than a second one' : ' as asked for'}`,
      note,
      ...(data.mapping.kind === 'instances'
        ? ['objects: told from background; touching ones are not told apart in volumes yet, what is connected is one']
        : []),
      `training: ${loss.name}, ${optimizer.name}, learning rate ${learningRate}, ${schedule.name}${extras.map((text) => `, ${text}`).join('')}`,
    ],
  };
}

/** Fewest voxels along each axis. */
function smallestOf({ pages, volumes = [] }: TrainingSet): Triple {
  return [
    Math.min(...volumes.map(({ slices }) => slices)),
    Math.min(...pages.map(({ height }) => height)),
    Math.min(...pages.map(({ width }) => width)),
  ];
}

/**
 * Volumes are mirrored at their borders where a patch extends beyond; more than one whole mirror image per side would only
 * repeat content.
 * @throws UsageError naming the volume and its size
 */
export function requireFits({ pages, volumes = [] }: TrainingSet, patch: Triple): void {
  const sizeOf = ({ first, slices }: VolumePages): Triple => {
    const { height, width } = pages[first] as TrainingSet['pages'][number];
    return [slices, height, width];
  };
  const tooSmall = volumes.find((volume) => sizeOf(volume).some((side, i) => (patch[i] as number) > 2 * side));
  if (tooSmall === undefined) return;
  throw new UsageError(
    `The patch of ${sidesText(patch)} is larger than the volume "${pages[tooSmall.first]?.name}" (${sidesText(sizeOf(tooSmall))}), even mirrored at its borders.`,
    { remedy: `Use a smaller ${option('patch')} or ${option('slices')}, or leave that volume out.` },
  );
}

/** One change for all slices of a patch: whatever tilts or stretches the depth would need voxels alike along it. */
function augmentation(settings: TrainSettings, [, y, x]: Triple): { augment: Recipe['augment']; note: string } {
  const options = AUGMENT_STRENGTHS[settings.augment ?? 'default'];
  const plain = augmentSettings(options);
  const isSquare = Math.max(y, x) / Math.min(y, x) < SQUARE;
  const augment = isSquare ? plain : { ...plain, turn: false, rotateDegrees: Math.min(TILTED, plain.rotateDegrees) };
  if (settings.augment === 'none') return { augment, note: 'augmentation: none, as asked for' };
  const turned = isSquare
    ? ''
    : `; no turns by 90 degrees and rotations up to ${augment.rotateDegrees}, since pixels are not square`;
  return {
    augment,
    note: `augmentation: in the plane, the same for all slices of a patch, and half of the patches mirrored along z${turned}`,
  };
}
