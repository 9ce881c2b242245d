import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ModelError, RunError } from '../../errors.ts';
import { type OpenedModel, type OpenModelOptions, openModel } from '../../predict/open.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import { RUN_FILES } from '../../train/store.ts';
import { type OpenRuntimeOptions, openRuntime } from './runtime.ts';

/**
 * The ONNX file that is meant by a run folder or a path.
 * @param which of a run's two models; the other one is taken where it is missing
 * @throws RunError, ModelError when there is none.
 */
export async function modelFileOf(path: string, which: 'best' | 'last' = 'best'): Promise<string> {
  const info = await stat(path).catch(() => undefined);
  if (info === undefined) {
    throw new ModelError('there is no such file or folder.', {
      file: path,
      remedy: 'Give a run folder or an ONNX file.',
    });
  }
  if (!info.isDirectory()) return path;
  const order = which === 'best' ? [RUN_FILES.best, RUN_FILES.last] : [RUN_FILES.last, RUN_FILES.best];
  for (const name of order) {
    const file = join(path, name);
    if ((await stat(file).catch(() => undefined)) !== undefined) return file;
  }
  throw new RunError('there is no model here: neither best.onnx nor last.onnx.', {
    file: path,
    remedy: 'Give a run folder whose training came to its first validation, or an ONNX file.',
  });
}

/** A model on a device of its own; `close` frees both. */
export interface ModelOnDevice extends OpenedModel {
  readonly file: string;
  readonly runtime: Runtime;
  close(): Promise<void>;
}

export interface OpenModelFileOptions extends OpenRuntimeOptions, Pick<OpenModelOptions, 'evaluation' | 'patches'> {
  /** Of a run folder: the model with the best validation score (default), or the last one. */
  readonly which?: 'best' | 'last';
}

/**
 * Opens the model of a run folder, or an ONNX file, anyone's.
 * @throws as `modelFileOf`, `openRuntime` and `openModel`.
 *
 * @example const model = await openModelFile('runs/a');
 */
export async function openModelFile(
  path: string,
  { which = 'best', evaluation, patches, ...device }: OpenModelFileOptions = {},
): Promise<ModelOnDevice> {
  const file = await modelFileOf(path, which);
  let bytes: Uint8Array;
  try {
    bytes = await readFile(file);
  } catch (cause) {
    throw new ModelError('this may not be read.', { file, remedy: 'Check the permissions.', cause });
  }
  const runtime = await openRuntime(device);
  try {
    const model = await openModel(runtime, bytes, {
      file,
      evaluation,
      patches,
    });
    return { ...model, file, runtime, close: () => runtime.dispose() };
  } catch (cause) {
    await runtime.dispose();
    throw cause;
  }
}
