import { nodeHost } from '../../platform/node/host.ts';
import { drawAugmentation } from '../../workflows/augment.ts';
import type { AugmentFlags } from '../commands/augment.ts';

export async function runAugment(folder: string, flags: AugmentFlags): Promise<void> {
  const { notes, words } = await drawAugmentation(nodeHost, folder, flags);
  for (const note of notes) process.stdout.write(`${note}\n`);
  process.stdout.write(
    `${flags.count} patches, each before and after (${words}), with labels and loss weights: ${flags.out}\n`,
  );
}
