/** What the project that is open gives to other programs: one file, or a zip of several. */

import { baseName, extensionOf } from '../dataset/discover/names.ts';
import { UsageError } from '../errors.ts';
import { joinPath } from '../files.ts';
import { READABLE_EXTENSIONS } from '../image/formats/registry.ts';
import { writeZip, type ZipInput } from '../image/zip.ts';
import { RUN_FILES } from '../train/store.ts';
import type { MeasureFormat } from '../workflows/choices.ts';
import { packageModel } from '../workflows/export-model.ts';
import { modelFileOf } from '../workflows/model-files.ts';
import { writeSegmentationReport } from '../workflows/segmentation-report.ts';
import type { EngineEvent, ExportedFile, ExportFormat, ExportOptions } from './engine.ts';
import type { StudioHost } from './host.ts';
import { measurePrediction } from './measuring.ts';
import type { OpenProject } from './open-project.ts';
import { FOLDERS } from './project-folder.ts';
import { runOf } from './training.ts';

/** As `lamella measure --format` names them. */
const MEASURED: { readonly [F in ExportFormat]?: MeasureFormat } = {
  csv: 'csv',
  parquet: 'parquet',
  labels: 'tiff',
  roi: 'roi',
  geojson: 'geojson',
  coco: 'coco',
};

const EXPORT_FILE = 'export.zip';
const PACKAGE_FILE = 'bioimageio.zip';

/** A file of the project under the name that it has in the export. */
interface Part {
  readonly name: string;
  /** In the host's files. */
  readonly path: string;
}

async function measuredParts(host: StudioHost, open: OpenProject, options: ExportOptions): Promise<readonly Part[]> {
  const formats = options.formats.flatMap((format) => MEASURED[format] ?? []);
  const report = options.formats.includes('report') && options.prediction !== undefined;
  if (formats.length === 0 && !report) return [];
  const { prediction } = options;
  const measured = prediction === undefined ? undefined : await measurePrediction(host, open, prediction, formats);
  if (measured === undefined || measured.written.length === 0) {
    throw new UsageError('There is nothing to export yet.', { remedy: 'Segment the images first.' });
  }
  const { out, written } = measured;
  const parts: Part[] = [];
  for (const name of written.filter((path) => report || path !== RUN_FILES.report)) {
    const path = joinPath(out, name);
    if (!name.endsWith('/')) parts.push({ name, path });
    else
      for (const inner of await host.files.list(path)) parts.push({ name: name + inner, path: joinPath(path, inner) });
  }
  return parts;
}

async function runParts(
  host: StudioHost,
  open: OpenProject,
  { formats, run, prediction }: ExportOptions,
): Promise<readonly Part[]> {
  const parts: Part[] = [];
  if (formats.includes('quick')) {
    parts.push({ name: `${open.id}-quick.onnx`, path: joinPath(open.folder, open.liveModelFiles.quick) });
  }
  const folder = (): string => joinPath(open.folder, runOf(open.project, run));
  if (formats.includes('onnx')) {
    const path = await modelFileOf(host.files, folder());
    parts.push({ name: `${open.id}.onnx`, path });
  }
  if (formats.includes('bioimageio')) {
    const { bytes } = await packageModel(host, folder(), { name: `Lamella ${open.id}` });
    const path = joinPath(open.folder, FOLDERS.own, PACKAGE_FILE);
    await host.files.write(path, bytes);
    parts.push({ name: `${open.id}-bioimageio.zip`, path });
  }
  if (formats.includes('report') && (run !== undefined || prediction === undefined)) {
    const path = joinPath(folder(), RUN_FILES.report);
    if ((await host.files.kind(path)) === undefined)
      await writeSegmentationReport(host, folder(), { folder: open.folder });
    parts.push({ name: 'training-report.html', path });
  }
  return parts;
}

/** Every file of the project but what it can do without, and images that lie elsewhere. */
async function projectParts(host: StudioHost, open: OpenProject): Promise<readonly Part[]> {
  const name = open.id;
  const names = await host.files.list(open.folder);
  return names
    .filter((file) => !file.startsWith(`${FOLDERS.own}/`) && baseName(file) !== 'lock')
    .map((file) => ({ name: `${name}/${file}`, path: joinPath(open.folder, file) }));
}

/**
 * Exports what is asked for.
 * @throws UsageError if there is nothing of it yet; as `measureBy` and `writeSegmentationReport`
 */
export async function exportFiles(
  host: StudioHost,
  open: OpenProject,
  options: ExportOptions,
  emit: (event: EngineEvent) => void,
): Promise<ExportedFile> {
  if (!open.readOnly) await open.flush();
  const whole = options.formats.includes('project') ? await projectParts(host, open) : [];
  const parts = [...(await measuredParts(host, open, options)), ...(await runParts(host, open, options)), ...whole];
  const [only] = parts;
  if (only === undefined) throw new UsageError('There is nothing to export.');
  if (parts.length === 1) return { name: baseName(only.name), content: await host.content(only.path) };
  const path = joinPath(open.folder, FOLDERS.own, EXPORT_FILE);
  const file = await host.openFile(path);
  try {
    await file.truncate(0);
    await writeZip(inputs(), (part) => file.append(part), new Date());
  } finally {
    await file.close();
  }
  const suffix = options.formats.length === 1 && whole.length > 0 ? '' : '-export';
  return { name: `${open.id}${suffix}.zip`, content: await host.content(path) };

  function* inputs(): Generator<ZipInput> {
    for (const [done, { name, path: from }] of parts.entries()) {
      emit({ kind: 'progress', task: 'export', done, total: parts.length, text: name });
      const stored = READABLE_EXTENSIONS.includes(extensionOf(name)) || /\.(zip|parquet|ckpt)$/.test(name);
      yield { path: name, stored, read: () => host.files.read(from) };
    }
  }
}
