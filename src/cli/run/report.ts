import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type ReportOptions, writeReport } from '../../platform/node/report.ts';
import type { ReportFlags } from '../commands/report.ts';

/** Writes the report and says where it is. */
export async function reportOn(run: string, options: ReportOptions, say: (line: string) => void): Promise<void> {
  const { file } = await writeReport(run, options);
  say(`report: ${file}  (${pathToFileURL(resolve(file)).href})`);
}

export async function runReport(run: string, { out, tta, device, data }: ReportFlags): Promise<void> {
  await reportOn(
    run,
    { tta, device, ...(out === undefined ? {} : { out }), ...(data === undefined ? {} : { folder: data }) },
    (line) => process.stdout.write(`${line}\n`),
  );
}
