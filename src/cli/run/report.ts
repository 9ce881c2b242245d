import { join } from 'node:path';
import { nodeHost } from '../../platform/node/host.ts';
import { describeVolumes, NO_SIZE } from '../../report/kit/volume-table.ts';
import { FOLDS_FILES } from '../../train/store.ts';
import type { ReportOptions } from '../../workflows/segmentation-report.ts';
import type { command } from '../commands/report.ts';
import type { Options, Positionals } from '../declare.ts';
import { pageLine, say as print } from '../print.ts';
import { refuseFolds } from '../refuse-folds.ts';

/** Writes the report and prints its path. */
export async function reportOn(run: string, options: ReportOptions, say: (line: string) => void): Promise<void> {
  // The 400 files of the report's libraries should not delay training.
  const { writeReport } = await import('../../workflows/report.ts');
  const { file, data } = await writeReport(nodeHost, run, options);
  const { stacks = [] } = data;
  for (const line of describeVolumes(stacks)) say(line);
  if (stacks.length > 0 && stacks.every(({ meanMm }) => meanMm === null)) say(`note: ${NO_SIZE}`);
  say(pageLine('report', file));
}

export async function run([folder]: Positionals<typeof command>, options: Options<typeof command>): Promise<void> {
  await refuseFolds(folder, `its report is ${join(folder, FOLDS_FILES.report)}, and each fold has its own`);
  await reportOn(folder, options, print);
}
