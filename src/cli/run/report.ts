import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { nodeHost } from '../../platform/node/host.ts';
import { describeVolumes, NO_SIZE } from '../../report/kit/volume-table.ts';
import type { ReportOptions } from '../../workflows/report.ts';
import type { DEVICE_NAMES } from '../choices.ts';

export interface ReportFlags {
  readonly out?: string;
  readonly data?: string;
  readonly spacing?: readonly [number | undefined, number, number];
  readonly tta: 1 | 4 | 8;
  readonly device: (typeof DEVICE_NAMES)[number];
}

/** `--spacing` as it is kept in a run. */
export function spacingOf({
  spacing,
}: {
  readonly spacing?: readonly [number | undefined, number, number] | undefined;
}): Pick<ReportOptions, 'spacingMm'> {
  return spacing === undefined ? {} : { spacingMm: [spacing[0] ?? null, spacing[1], spacing[2]] };
}

/** Writes the report and says where it is. */
export async function reportOn(run: string, options: ReportOptions, say: (line: string) => void): Promise<void> {
  // The libraries that draw it, 400 files, are not what a training should wait for.
  const { writeReport } = await import('../../workflows/report.ts');
  const { file, data } = await writeReport(nodeHost, run, options);
  const { stacks = [] } = data;
  for (const line of describeVolumes(stacks)) say(line);
  if (stacks.length > 0 && stacks.every(({ meanMm }) => meanMm === null)) say(`note: ${NO_SIZE}`);
  say(`report: ${file}  (${pathToFileURL(resolve(file)).href})`);
}

export async function runReport(run: string, { out, tta, device, data, spacing }: ReportFlags): Promise<void> {
  await reportOn(
    run,
    {
      tta,
      device,
      ...spacingOf({ spacing }),
      ...(out === undefined ? {} : { out }),
      ...(data === undefined ? {} : { folder: data }),
    },
    (line) => process.stdout.write(`${line}\n`),
  );
}
