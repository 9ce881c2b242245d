import { ModelError, RunError } from '../errors.ts';
import { type Files, folderName, joinPath, type WritableFiles } from '../files.ts';
import { externalFiles, withEmbeddedWeights } from '../graph/onnx/external.ts';
import { type OpenedModel, type OpenModelOptions, openModel } from '../predict/open.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { RUN_FILES } from '../train/store.ts';

/**
 * The ONNX file of a run folder or path.
 * @param which of a run's two models to prefer
 * @throws RunError, ModelError if there is none.
 */
export async function modelFileOf(
  files: WritableFiles,
  path: string,
  which: 'best' | 'last' = 'best',
): Promise<string> {
  const kind = await files.kind(path);
  if (kind === undefined) {
    throw new ModelError('there is no such file or folder.', {
      file: path,
      remedy: 'Specify a run folder or an ONNX file.',
    });
  }
  if (kind === 'file') return path;
  const order = which === 'best' ? [RUN_FILES.best, RUN_FILES.last] : [RUN_FILES.last, RUN_FILES.best];
  for (const name of order) {
    const file = joinPath(path, name);
    if ((await files.kind(file)) !== undefined) return file;
  }
  throw new RunError('there is no model here: neither best.onnx nor last.onnx.', {
    file: path,
    remedy: 'Use a run that has reached its first validation, or an ONNX file.',
  });
}

/**
 * The bytes of an ONNX file, with the weights that it has in files beside it.
 * @throws FormatError if it is not ONNX, or its weights are truncated; DatasetError for a file that cannot be read.
 */
export async function readModel(files: Files, file: string): Promise<Uint8Array> {
  const bytes = await files.read(file);
  const weights = new Map<string, Uint8Array>();
  for (const name of externalFiles(bytes, file)) {
    weights.set(name, await files.read(joinPath(folderName(file), name)));
  }
  if (weights.size === 0) return bytes;
  return withEmbeddedWeights(bytes, (name) => weights.get(name) as Uint8Array, file);
}

/** Whether a path is a run folder with a model, or an ONNX file by its name. */
export async function isModel(files: WritableFiles, path: string): Promise<boolean> {
  const kind = await files.kind(path);
  if (kind !== 'folder') return kind === 'file' && /\.onnx$/i.test(path);
  for (const name of [RUN_FILES.best, RUN_FILES.last]) {
    if ((await files.kind(joinPath(path, name))) === 'file') return true;
  }
  return false;
}

/** A model on its own device; `close` frees both. */
export interface ModelOnDevice extends OpenedModel {
  readonly runtime: Runtime;
  close(): Promise<void>;
}

/** Opens a model on a device that is its own. @throws as `openModel`; the device is closed then */
export async function openOnDevice(
  runtime: Runtime,
  bytes: Uint8Array,
  options: OpenModelOptions,
): Promise<ModelOnDevice> {
  try {
    return { ...(await openModel(runtime, bytes, options)), runtime, close: () => runtime.dispose() };
  } catch (cause) {
    await runtime.dispose();
    throw cause;
  }
}

export interface OpenedModelFile extends ModelOnDevice {
  readonly file: string;
}

export interface OpenModelFileOptions extends Pick<OpenModelOptions, 'evaluation' | 'patches'> {
  /** For a run folder: the model with the best validation score (default), or the last one. */
  readonly which?: 'best' | 'last';
}

/**
 * Opens the model of a run folder, or an ONNX file from any exporter.
 * @throws as `modelFileOf`, `openRuntime` and `openModel`.
 */
export async function openModelFile(
  { files, openRuntime }: { readonly files: WritableFiles; readonly openRuntime: () => Promise<Runtime> },
  path: string,
  { which = 'best', evaluation, patches }: OpenModelFileOptions = {},
): Promise<OpenedModelFile> {
  const file = await modelFileOf(files, path, which);
  const bytes = await readModel(files, file);
  return { ...(await openOnDevice(await openRuntime(), bytes, { file, evaluation, patches })), file };
}
