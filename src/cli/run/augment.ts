import { augmentSettings } from '../../augment/options.ts';
import type { SampleOptions } from '../../augment/sample.ts';
import { augmentSheet } from '../../augment/sheet.ts';
import { parseClasses } from '../../dataset/labels/labels.ts';
import { requirePatchFits, type TrainingPage } from '../../dataset/patch-position.ts';
import { prepareDataset, readDataset } from '../../dataset/prepare.ts';
import { UsageError } from '../../errors.ts';
import { writePng } from '../../image/formats/png/write.ts';
import { atomicWrite } from '../../platform/node/atomic-write.ts';
import { nodeFiles } from '../../platform/node/files.ts';
import { AUGMENT_STRENGTHS } from '../../train/tasks/segmentation/choose-recipe.ts';
import { chooseBalance, chooseWindow } from '../../train/tasks/segmentation/window-recipe.ts';
import type { AugmentFlags } from '../commands/augment.ts';

/** What the flags say of the patches, and the words for it. @throws UsageError for what does not fit together. */
function patchesOf(
  { window: name, foveation, cover, patch: given, augment = name === undefined ? 'default' : 'turns' }: AugmentFlags,
  pages: readonly TrainingPage[],
): { readonly options: Omit<SampleOptions, 'seed'>; readonly words: string } {
  const common = { batch: 1, focusShare: 0.33 };
  const settings = { foveation, cover };
  const image = [Math.min(...pages.map((page) => page.height)), Math.min(...pages.map((page) => page.width))] as const;
  const window = chooseWindow(name ?? 'unet', image, settings);
  const strength = augmentSettings(AUGMENT_STRENGTHS[augment]);
  if (window === undefined) {
    const patch = given ?? ([192, 192] as const);
    requirePatchFits(pages, patch, 0);
    return { options: { ...common, patch, outputMargin: 0, augment: strength }, words: `changed (${augment})` };
  }
  if (given !== undefined) {
    throw new UsageError('--patch does not go with --window, which has its own side.', { remedy: 'Leave it out.' });
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
    words: `changed (${augment}; ${covered} pixels in a window of ${side}${blurred})`,
  };
}

export async function runAugment(folder: string, flags: AugmentFlags): Promise<void> {
  const { out, count, seed, ignore } = flags;
  const raw = await readDataset(nodeFiles, folder);
  const { train, notes } = prepareDataset(raw, {
    seed,
    split: { fraction: 0 },
    balance: chooseBalance(flags.window === undefined ? {} : { model: flags.window }),
    ...(flags.classes === undefined ? {} : { classes: parseClasses(flags.classes) }),
    ignore,
  });
  const { options, words } = patchesOf(flags, train.pages);
  const sheet = augmentSheet(train, { ...options, seed }, { rows: count });
  await atomicWrite(out, writePng(sheet));
  for (const note of notes) process.stdout.write(`${note}\n`);
  process.stdout.write(`${count} patches, each plain, ${words}, with labels and with loss weights: ${out}\n`);
}
