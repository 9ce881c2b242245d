/** What the project that is open gives to other programs: one file, or a zip of several. */

import { baseName, extensionOf } from '../dataset/discover/names.ts';
import { factsOf, UsageError } from '../errors.ts';
import { type BlobLike, joinPath } from '../files.ts';
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
import { copyOfProject } from './project-copy.ts';
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

/** A zip of so many bytes, before compression, takes no room in the storage of a page. */
const SMALL_BYTES = 2 ** 27;
/** So much of a zip is handed to the platform at a time. */
const PIECE_BYTES = 2 ** 24;

/** A file of the project under the name that it has in the export. */
interface Part {
  readonly name: string;
  /** Its path in the host's files, or its bytes. */
  readonly content: string | Uint8Array;
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
    if (!name.endsWith('/')) parts.push({ name, content: path });
    else
      for (const inner of await host.files.list(path))
        parts.push({ name: name + inner, content: joinPath(path, inner) });
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
    parts.push({ name: `${open.id}-quick.onnx`, content: joinPath(open.folder, open.liveModelFiles.quick) });
  }
  const folder = (): string => joinPath(open.folder, runOf(open.project, run));
  if (formats.includes('onnx')) {
    parts.push({ name: `${open.id}.onnx`, content: await modelFileOf(host.files, folder()) });
  }
  if (formats.includes('bioimageio')) {
    const { bytes } = await packageModel(host, folder(), { name: `Lamella ${open.id}` });
    parts.push({ name: `${open.id}-bioimageio.zip`, content: bytes });
  }
  if (formats.includes('report') && (run !== undefined || prediction === undefined)) {
    const path = joinPath(folder(), RUN_FILES.report);
    if ((await host.files.kind(path)) === undefined)
      await writeSegmentationReport(host, folder(), { folder: open.folder });
    parts.push({ name: 'training-report.html', content: path });
  }
  return parts;
}

/**
 * Exports what is asked for. The project is exported also where its storage is full or was cleared.
 * @throws UsageError if there is nothing of it yet; as `measureBy` and `writeSegmentationReport`
 */
export async function exportFiles(
  host: StudioHost,
  open: OpenProject,
  options: ExportOptions,
  emit: (event: EngineEvent) => void,
): Promise<ExportedFile> {
  const copy = options.formats.includes('project') ? await copyOfProject(host, open) : undefined;
  if (copy === undefined && !open.readOnly) await open.flush();
  const whole = [...(copy?.files ?? [])].map(([file, content]) => ({ name: `${open.id}/${file}`, content }));
  const parts = [...(await measuredParts(host, open, options)), ...(await runParts(host, open, options)), ...whole];
  const [only] = parts;
  if (only === undefined) throw new UsageError('There is nothing to export.');
  const problems = copy?.problems ?? [];
  if (parts.length === 1) {
    const { name, content } = only;
    return {
      name: baseName(name),
      content: typeof content === 'string' ? await host.content(content) : content,
      problems,
    };
  }
  const suffix = options.formats.length === 1 && whole.length > 0 ? '' : '-export';
  const content = await zipOf(host, joinPath(open.folder, FOLDERS.own, EXPORT_FILE), parts, (done, name) =>
    emit({ kind: 'progress', task: 'export', done, total: parts.length, text: name }),
  );
  return { name: `${open.id}${suffix}.zip`, content, problems };
}

/**
 * A zip of parts.
 * @param path where it is made, unless it is small or there is no space
 */
async function zipOf(
  host: StudioHost,
  path: string,
  parts: readonly Part[],
  onPart: (done: number, name: string) => void,
): Promise<ExportedFile['content']> {
  function* inputs(): Generator<ZipInput> {
    for (const [done, { name, content }] of parts.entries()) {
      onPart(done, name);
      const stored = READABLE_EXTENSIONS.includes(extensionOf(name)) || /\.(zip|parquet|ckpt)$/.test(name);
      yield {
        path: name,
        stored,
        read: async () => (typeof content === 'string' ? host.files.read(content) : content),
      };
    }
  }
  const write = (put: (part: Uint8Array) => Promise<void>): Promise<void> => writeZip(inputs(), put, new Date());
  // The export before takes room that this one, or the project, may need.
  await host.remove(path).catch(() => undefined);
  if (host.place !== 'tab' || !(await isSmall(host, parts))) {
    try {
      const file = await host.openFile(path);
      try {
        await file.truncate(0);
        await write((part) => file.append(part));
      } finally {
        await file.close();
      }
      return await host.content(path);
    } catch (cause) {
      await host.remove(path).catch(() => undefined);
      if (!isNoPlace(cause)) throw cause;
    }
  }
  return inMemory(host, write);
}

/** Whether a zip cannot be made where the project is, but elsewhere. */
const isNoPlace = (cause: unknown): boolean =>
  factsOf(cause, 'no-space') !== undefined || factsOf(cause, 'folder-gone') !== undefined;

async function isSmall(host: StudioHost, parts: readonly Part[]): Promise<boolean> {
  let bytes = 0;
  for (const { content } of parts) {
    bytes += typeof content === 'string' ? (await host.content(content)).size : content.length;
    if (bytes > SMALL_BYTES) return false;
  }
  return true;
}

async function inMemory(
  host: StudioHost,
  write: (put: (part: Uint8Array) => Promise<void>) => Promise<void>,
): Promise<BlobLike> {
  const pieces: BlobLike[] = [];
  let piece: Uint8Array[] = [];
  let bytes = 0;
  const end = (): void => {
    pieces.push(host.blob(piece));
    piece = [];
    bytes = 0;
  };
  await write(async (part) => {
    piece.push(part);
    bytes += part.length;
    if (bytes >= PIECE_BYTES) end();
  });
  end();
  return host.blob(pieces);
}
