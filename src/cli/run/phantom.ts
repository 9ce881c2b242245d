import { phantom, writeSlices } from 'lamella/phantom';
import { nodeFiles } from '../../platform/node/files.ts';
import { requireFreeFolder } from '../../workflows/out-folder.ts';
import type { command } from '../commands/phantom.ts';
import type { Options, Positionals } from '../declare.ts';
import { say } from '../print.ts';

export async function run(
  [folder]: Positionals<typeof command>,
  { size: [height, width], ...options }: Options<typeof command>,
): Promise<void> {
  const { depth, seed } = options;
  await requireFreeFolder(nodeFiles, folder);
  await writeSlices(nodeFiles, folder, phantom({ ...options, height, width }), [...Array(depth).keys()]);
  say(
    `${depth} slices of ${width} x ${height} in ${folder}: image/ and label/ (255 inside, 0 membrane), seed ${seed}`,
    `Next: npx lamella train ${folder}`,
  );
}
