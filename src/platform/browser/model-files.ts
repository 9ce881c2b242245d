import { type ModelOnDevice, openOnDevice } from '../../workflows/model-files.ts';
import { bytesOf, type FileSource, nameOf } from './files.ts';
import { type OpenRuntimeOptions, openRuntime } from './runtime.ts';

/**
 * Opens an ONNX file, from Lamella or another program.
 * @throws FormatError if it cannot be fetched or is not ONNX; DeviceError, ModelError as `openRuntime`, `openModel`.
 *
 * @example const model = await openModelFile('/model.onnx');
 */
export async function openModelFile(source: FileSource, options: OpenRuntimeOptions = {}): Promise<ModelOnDevice> {
  const bytes = await bytesOf(source);
  return openOnDevice(await openRuntime(options), bytes, { file: nameOf(source) });
}
