/** The report of a run folder, whatever its network does. */

import { networkNamed } from '../models/registry.ts';
import type { ReportData } from '../report/run/data.ts';
import { collectClassReport } from './class-report.ts';
import type { Host } from './host.ts';
import { readRun } from './read-run.ts';
import {
  collectSegmentationReport,
  keepReport,
  type ReportOptions,
  reportTitle,
  type WrittenReport,
} from './segmentation-report.ts';

/**
 * Writes the report of a run: predicts its validation images with its best model, scores them and renders the report.
 * @returns the report's path and data
 * @throws RunError if there is no run or no model yet; DatasetError if the data have moved.
 */
export async function writeReport(host: Host, run: string, options: ReportOptions = {}): Promise<WrittenReport> {
  return keepReport(host, run, await collectReport(host, run, options), options);
}

/** All data of a run's report. @throws as `writeReport`. */
export async function collectReport(host: Host, run: string, options: ReportOptions = {}): Promise<ReportData> {
  const results = await readRun(host.files, run);
  const { config } = results;
  if (config.recipe.classes === undefined) return collectSegmentationReport(host, run, results, options);
  const networkName = networkNamed(config.recipe.model.name).title;
  const { device = 'auto', folder = config.folder } = options;
  const title = await reportTitle(host, run, { folder });
  return collectClassReport(host, { title, run, ...results, networkName, device, folder });
}
