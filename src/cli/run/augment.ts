import { nodeHost } from '../../platform/node/host.ts';
import { drawAugmentation } from '../../workflows/augment.ts';
import type { command } from '../commands/augment.ts';
import type { Options, Positionals } from '../declare.ts';
import { withFlags } from '../option-words.ts';
import { say } from '../print.ts';

export async function run([folder]: Positionals<typeof command>, options: Options<typeof command>): Promise<void> {
  const { notes, words } = await drawAugmentation(nodeHost, folder, options);
  for (const note of notes) say(withFlags(note));
  say(
    `${options.count} ${options.count === 1 ? 'patch' : 'patches'} (${words}): ${options.out}`,
    'columns: the patch, the augmented patch, its labels in colour (ignored pixels striped), its loss weights (bright is high)',
  );
}
