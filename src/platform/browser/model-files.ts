import { type OpenedModel, openModel } from '../../predict/open.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import { bytesOf, type FileSource, nameOf } from './files.ts';
import { type OpenRuntimeOptions, openRuntime } from './runtime.ts';

/** A model on its own device; `close` frees both. */
export interface ModelOnDevice extends OpenedModel {
  readonly runtime: Runtime;
  close(): Promise<void>;
}

/**
 * Opens an ONNX file, from Lamella or another program.
 * @throws FormatError if it cannot be fetched or is not ONNX; DeviceError, ModelError as `openRuntime`, `openModel`.
 *
 * @example const model = await openModelFile('/model.onnx');
 */
export async function openModelFile(source: FileSource, options: OpenRuntimeOptions = {}): Promise<ModelOnDevice> {
  const bytes = await bytesOf(source);
  const file = nameOf(source);
  const runtime = await openRuntime(options);
  try {
    const model = await openModel(runtime, bytes, { file });
    return { ...model, runtime, close: () => runtime.dispose() };
  } catch (cause) {
    await runtime.dispose();
    throw cause;
  }
}
