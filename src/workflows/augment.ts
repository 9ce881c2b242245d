import { augmentSettings } from '../augment/options.ts';
import type { SampleOptions } from '../augment/sample.ts';
import { augmentSheet } from '../augment/sheet.ts';
import type { LabelOptions } from '../dataset/labels/labels.ts';
import { requirePatchFits, type TrainingPage } from '../dataset/patch-position.ts';
import { prepareDataset, readDataset } from '../dataset/prepare.ts';
import { option, UsageError } from '../errors.ts';
import { writePng } from '../image/formats/png/write.ts';
import type { WindowName } from '../models/sliding-window.ts';
import { AUGMENT_STRENGTHS } from '../train/tasks/segmentation/choose-recipe.ts';
import { chooseBalance, chooseWindow } from '../train/tasks/segmentation/window-recipe.ts';
import type { Host } from './host.ts';

export interface DrawAugmentationOptions extends Pick<LabelOptions, 'classes' | 'ignore'> {
  /** The PNG file to write. */
  readonly out: string;
  /** Number of patches; default 8. */
  readonly count?: number;
  readonly seed?: number;
  readonly augment?: keyof typeof AUGMENT_STRENGTHS;
  /** Side of a patch as [height, width]; default 192 x 192. */
  readonly patch?: readonly [number, number];
  /** A patch classifier whose windows are shown. */
  readonly window?: WindowName;
  readonly foveation?: number;
  readonly cover?: number;
}

/** Patch options and their description. @throws UsageError for mutually exclusive options. */
function patchesOf(
  {
    window: name,
    foveation,
    cover,
    patch: given,
    augment = name === undefined ? 'default' : 'turns',
  }: DrawAugmentationOptions,
  pages: readonly TrainingPage[],
): { readonly options: Omit<SampleOptions, 'seed'>; readonly words: string } {
  const common = { batch: 1, focusFraction: 0.33 };
  const settings = { foveation, cover };
  const image = [Math.min(...pages.map((page) => page.height)), Math.min(...pages.map((page) => page.width))] as const;
  const window = chooseWindow(name ?? 'unet', image, settings);
  const strength = augmentSettings(AUGMENT_STRENGTHS[augment]);
  if (window === undefined) {
    const patch = given ?? ([192, 192] as const);
    requirePatchFits(pages, patch, 0);
    return { options: { ...common, patch, outputMargin: 0, augment: strength }, words: `augmented (${augment})` };
  }
  if (given !== undefined) {
    throw new UsageError(
      `${option('patch')} and ${option('window')} are mutually exclusive: a window has a fixed size.`,
      {
        remedy: 'Remove one of them.',
      },
    );
  }
  const { side, cover: covered, foveationPx } = window;
  const blurred = foveationPx > 0 ? `, blurred up to ${foveationPx} pixels at the border` : '';
  return {
    options: {
      ...common,
      patch: [side, side],
      outputMargin: (side - 1) / 2,
      augment: { ...strength, interpolation: 'bilinear' },
      balanced: true,
      window,
    },
    words: `augmented (${augment}; ${covered} pixels in a window of ${side}${blurred})`,
  };
}

/**
 * Samples a sheet of training patches before and after augmentation, with labels and loss weights, as a PNG file.
 * @returns the decisions, for display
 * @throws DatasetError; UsageError for mutually exclusive options.
 */
export async function drawAugmentation(
  { files }: Pick<Host, 'files'>,
  folder: string,
  options: DrawAugmentationOptions,
): Promise<{ readonly notes: readonly string[]; readonly words: string }> {
  const { out, count = 8, seed = 0, window, classes, ignore } = options;
  const raw = await readDataset(files, folder);
  const { train, notes } = prepareDataset(raw, {
    seed,
    split: { fraction: 0 },
    balance: chooseBalance({ network: window }),
    classes,
    ignore,
  });
  const patches = patchesOf(options, train.pages);
  const sheet = augmentSheet(train, { ...patches.options, seed }, { rows: count });
  await files.write(out, writePng(sheet, { zlib: files.zlib }));
  return { notes, words: patches.words };
}
