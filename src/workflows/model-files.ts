import { ModelError, RunError } from '../errors.ts';
import { baseName, type Files, folderName, joinPath, type WritableFiles } from '../files.ts';
import { externalFiles, withEmbeddedWeights } from '../graph/onnx/external.ts';
import { withOutput } from '../models/chosen-output.ts';
import { type OpenModelOptions, openModel } from '../predict/open.ts';
import type { OpenedModel } from '../predict/own.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { FOLDS_FILES, RUN_FILES } from '../train/store.ts';

/** Names of the description of a package of BioImage.IO in a folder. */
export const PACKAGE_NAMES: readonly string[] = ['rdf.yaml', 'bioimageio.yaml', 'model.yaml'];

/** Whether a file is the description of a package, by its name. */
export const isDescription = (file: string): boolean =>
  PACKAGE_NAMES.includes(baseName(file)) || file.endsWith('.bioimageio.yaml');

/** Whether a file is a package of BioImage.IO, by its name. */
export const isPackage = (file: string): boolean => /\.zip$/i.test(file) || isDescription(file);

/**
 * The ONNX file, or package, of a run folder, a run of folds, a folder with a package, or path.
 * @param which of a run's two models to prefer; of a run of folds there is one alone, made of the best
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
  const { best, last } = RUN_FILES;
  for (const name of [...(which === 'best' ? [best, last, FOLDS_FILES.model] : [last, best]), ...PACKAGE_NAMES]) {
    const file = joinPath(path, name);
    if ((await files.kind(file)) !== undefined) return file;
  }
  throw new RunError('there is no model here: neither best.onnx nor last.onnx.', {
    file: path,
    remedy: 'Use a run that has reached its first validation, or an ONNX file.',
  });
}

/**
 * The bytes of an ONNX file, with the weights that it has in files beside it, or of a package.
 * @param output of several, the one to keep
 * @throws FormatError if it is not ONNX, or its weights are truncated; DatasetError for a file that cannot be read;
 * ModelError for a package that cannot be used; UsageError for an output that there is not.
 */
export async function readModel(files: Files, file: string, output?: string): Promise<Uint8Array> {
  const bytes = await readWhole(files, file);
  return output === undefined ? bytes : withOutput(bytes, output, file);
}

async function readWhole(files: Files, file: string): Promise<Uint8Array> {
  if (isPackage(file)) {
    if (files.modelPackage !== undefined) return files.modelPackage(file);
    throw new ModelError('packages of BioImage.IO are not read here.', {
      file,
      remedy: 'Use the ONNX file in it, or the command line.',
    });
  }
  const bytes = await files.read(file);
  const weights = new Map<string, Uint8Array>();
  for (const name of externalFiles(bytes, file)) {
    weights.set(name, await files.read(joinPath(folderName(file), name)));
  }
  if (weights.size === 0) return bytes;
  return withEmbeddedWeights(bytes, (name) => weights.get(name) as Uint8Array, file);
}

/** Whether a path is a run folder with a model, or an ONNX file or package by its name. */
export async function isModel(files: WritableFiles, path: string): Promise<boolean> {
  const kind = await files.kind(path);
  if (kind !== 'folder') return kind === 'file' && (/\.onnx$/i.test(path) || isPackage(path));
  for (const name of [RUN_FILES.best, RUN_FILES.last, FOLDS_FILES.model, ...PACKAGE_NAMES]) {
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

export interface OpenModelFileOptions extends Pick<OpenModelOptions, 'evaluation' | 'patches' | 'output'> {
  /** For a run folder: the model with the best validation score (default), or the last one. */
  readonly which?: 'best' | 'last';
}

/**
 * Opens the model of a run folder, an ONNX file from any exporter, or a package of BioImage.IO.
 * @throws as `modelFileOf`, `openRuntime` and `openModel`.
 */
export async function openModelFile(
  { files, openRuntime }: { readonly files: WritableFiles; readonly openRuntime: () => Promise<Runtime> },
  path: string,
  { which = 'best', evaluation, patches, output }: OpenModelFileOptions = {},
): Promise<OpenedModelFile> {
  const file = await modelFileOf(files, path, which);
  const bytes = await readModel(files, file);
  return { ...(await openOnDevice(await openRuntime(), bytes, { file, evaluation, patches, output })), file };
}
