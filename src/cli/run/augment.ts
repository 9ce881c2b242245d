import { augmentSettings } from '../../augment/options.ts';
import { augmentSheet } from '../../augment/sheet.ts';
import { parseClasses } from '../../dataset/labels.ts';
import { requirePatchFits } from '../../dataset/place.ts';
import { prepareDataset, readDataset } from '../../dataset/prepare.ts';
import { writePng } from '../../image/write-png.ts';
import { atomicWrite } from '../../platform/node/atomic-write.ts';
import { nodeFiles } from '../../platform/node/files.ts';
import { AUGMENT_STRENGTHS } from '../../train/choose-recipe.ts';
import type { AugmentFlags } from '../commands/augment.ts';

export async function runAugment(folder: string, flags: AugmentFlags): Promise<void> {
  const { out, patch, count, seed, ignore } = flags;
  const raw = await readDataset(nodeFiles, folder);
  const { train, notes } = prepareDataset(raw, {
    seed,
    split: { fraction: 0 },
    ...(flags.classes === undefined ? {} : { classes: parseClasses(flags.classes) }),
    ...(ignore === undefined ? {} : { ignore }),
  });
  requirePatchFits(train.pages, patch, 0);
  const augment = augmentSettings(AUGMENT_STRENGTHS[flags.augment]);
  const options = { seed, patch, batch: 1, outputMargin: 0, focusShare: 0.33, augment };
  const sheet = augmentSheet(train, options, { rows: count });
  await atomicWrite(out, writePng(sheet));
  for (const note of notes) process.stdout.write(`${note}\n`);
  process.stdout.write(
    `${count} patches, each plain, changed (${flags.augment}), with labels and with loss weights: ${out}\n`,
  );
}
