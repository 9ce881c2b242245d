import {
  type OpenedModelFile,
  type OpenModelFileOptions as OpenFileOptions,
  openModelFile as openFile,
} from '../../workflows/model-files.ts';
import { nodeFiles } from './files.ts';
import { type OpenRuntimeOptions, openRuntime } from './runtime.ts';

export interface OpenModelFileOptions extends OpenRuntimeOptions, OpenFileOptions {}

/**
 * Opens the model of a run folder, an ONNX file from any exporter, or a package of BioImage.IO.
 * @throws RunError, ModelError if there is no model; as `openRuntime` and `openModel`.
 *
 * @example const model = await openModelFile('runs/a');
 */
export async function openModelFile(
  path: string,
  { which, evaluation, patches, output, ...device }: OpenModelFileOptions = {},
): Promise<OpenedModelFile> {
  const host = { files: nodeFiles, openRuntime: () => openRuntime(device) };
  return openFile(host, path, { which, evaluation, patches, output });
}
