import { holdsClasses } from '../dataset/classification/names.ts';
import { extensionOf } from '../dataset/discover/names.ts';
import { FormatError, factsOf, ModelError, option, UsageError } from '../errors.ts';
import { joinPath, type WritableFiles } from '../files.ts';
import type { ModelName } from '../models/registry.ts';
import { MODELS } from '../models/registry.ts';
import { RUN_FILES } from '../train/store.ts';
import { readFolds } from './folds/record.ts';
import type { Host } from './host.ts';
import { type Inspected, type InspectOptions, inspectedSource } from './inspect-image.ts';
import { isPackage, PACKAGE_NAMES } from './model-files.ts';
import { readPredictionFile } from './prediction-file.ts';

/**
 * Describes an image, volume, data set, run, ONNX file, package of BioImage.IO or network name; loads only the code needed.
 * @throws FormatError if nothing is there, or the file is neither an image nor a model; UsageError for options of labels
 *   where there are none.
 */
export async function inspect(
  host: Pick<Host, 'files'> & Partial<Pick<Host, 'openRuntime' | 'memory'>>,
  path: string,
  options: InspectOptions = {},
): Promise<Inspected> {
  const inspected = await inspectAny(host, path, options).catch((cause: unknown) => named(cause, path, options));
  const given = (['classes', 'ignore'] as const).filter((name) => options[name] !== undefined);
  if (given.length > 0 && inspected.describe.kind !== 'dataset') {
    throw new UsageError(`there are no labels for ${given.map((name) => option(name)).join(' and ')} to apply to.`, {
      file: path,
      remedy: 'Inspect a folder of images and labels.',
    });
  }
  if (options.check === true && inspected.describe.kind !== 'package') {
    throw new UsageError(`${option('check')} is for packages of BioImage.IO.`, { file: path, remedy: 'Remove it.' });
  }
  if (options.personal !== true) return inspected;
  const { personalOf } = await import('./inspect-personal.ts');
  const elements = await personalOf(host.files, path, options.series);
  const width = Math.max(0, ...elements.map(({ name }) => name.length)) + 2;
  const lines = elements.map(({ name, value }) => `    ${name.padEnd(width)}${value}`);
  return {
    ...inspected,
    describe: {
      ...inspected.describe,
      personal: Object.fromEntries(elements.map(({ name, value }) => [name, value])),
    },
    text: [inspected.text, `  personal data${lines.length === 0 ? ': none' : ':'}`, ...lines].join('\n'),
  };
}

/** A file that is no image, whose personal data are asked for: what it is. @throws the cause otherwise */
function named(cause: unknown, file: string, { personal }: InspectOptions): Inspected {
  const what = factsOf(cause, 'unsupported-format')?.what;
  if (personal !== true || what === undefined) throw cause;
  return { describe: { kind: 'file', file, what }, text: `${file}\n  ${what}` };
}

/** The package that a path is, or the description of one in a folder that is no run. */
async function packageAt(files: WritableFiles, path: string, kind: 'file' | 'folder'): Promise<string | undefined> {
  if (kind === 'file') return isPackage(path) ? path : undefined;
  if ((await files.kind(joinPath(path, RUN_FILES.config))) !== undefined) return undefined;
  for (const name of PACKAGE_NAMES) {
    const file = joinPath(path, name);
    if ((await files.kind(file)) === 'file') return file;
  }
  return undefined;
}

async function inspectAny(
  host: Pick<Host, 'files'> & Partial<Pick<Host, 'openRuntime' | 'memory'>>,
  path: string,
  options: InspectOptions,
): Promise<Inspected> {
  const { files } = host;
  const kind = await files.kind(path);
  const { size } = options;
  if (kind === undefined) {
    if (Object.hasOwn(MODELS, path))
      return (await import('./inspect-model.ts')).inspectNetwork(path as ModelName, size);
    throw new FormatError('there is no such file or folder.', {
      file: path,
      remedy: `Check the path, or use the name of a network: ${Object.keys(MODELS).join(', ')}.`,
    });
  }
  const described = await packageAt(files, path, kind);
  if (described !== undefined)
    return (await import('./bioimageio/inspect.ts')).inspectPackage(host, described, options);
  if (holdsClasses(await files.list(path))) return (await import('./inspect-classes.ts')).inspectClasses(files, path);
  if (kind === 'folder') {
    const isRun = (await files.kind(joinPath(path, RUN_FILES.config))) !== undefined;
    const { inspectFolder, inspectFolds, inspectPrediction, inspectRun } = await import('./inspect-folder.ts');
    const predicted = await readPredictionFile(files, path);
    if (predicted !== undefined) return inspectPrediction(files, path, predicted);
    const folds = await readFolds(files, path);
    if (folds !== undefined) return inspectFolds(path, folds);
    return isRun ? inspectRun(files, path) : inspectFolder(host, path, options);
  }
  const asModel = async () => (await import('./inspect-model.ts')).inspectModel(files, path, size);
  if (extensionOf(path) === 'onnx') return asModel();
  try {
    const { openImageFile } = await import('./image-files.ts');
    return await inspectedSource(host, await openImageFile(files, path, { palette: 'index' }), options);
  } catch (cause) {
    if (!(cause instanceof FormatError)) throw cause;
    // An ONNX file with another extension.
    return asModel().catch((other: unknown) => {
      throw other instanceof FormatError || other instanceof ModelError ? cause : other;
    });
  }
}
