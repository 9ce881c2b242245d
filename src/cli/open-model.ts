import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ModelError, RunError } from '../errors.ts';
import { type OpenRuntimeOptions, openRuntime } from '../platform/node/runtime.ts';
import { type OpenedModel, openModel } from '../predict/open.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { RUN_FILES } from '../train/store.ts';

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

/** A model on a device; `close` frees both. */
export interface ReadyModel {
  readonly file: string;
  readonly runtime: Runtime;
  readonly model: OpenedModel;
  close(): Promise<void>;
}

/** @throws as `modelFileOf` and `openModel`. */
export async function readyModel(
  path: string,
  which: 'best' | 'last',
  device: NonNullable<OpenRuntimeOptions['device']>,
): Promise<ReadyModel> {
  const file = await modelFileOf(path, which);
  let bytes: Uint8Array;
  try {
    bytes = await readFile(file);
  } catch (cause) {
    throw new ModelError('this may not be read.', { file, remedy: 'Check the permissions.', cause });
  }
  const runtime = await openRuntime({ device });
  try {
    const model = await openModel(runtime, bytes, { file });
    return { file, runtime, model, close: () => runtime.dispose() };
  } catch (cause) {
    await runtime.dispose();
    throw cause;
  }
}
