/** Image classifiers: opening, running, averaging. */

import { float32, type NdArray } from '../array/ndarray.ts';
import { Interrupted, ModelError } from '../errors.ts';
import { readSignature, type Signature } from '../graph/onnx/model.ts';
import type { NamedPage } from '../input/channels.ts';
import { type ClassInput, cropViews, storedPlanes } from '../input/classes.ts';
import { prepareView } from '../input/network-input.ts';
import { type ModelMetadata, readMetadata } from '../models/metadata.ts';
import type { Program, Runtime } from '../runtime/runtime.ts';

/** An image classifier that is ready to run. */
export interface Classifier {
  readonly program: Program;
  readonly inputName: string;
  readonly outputName: string;
  readonly input: ClassInput;
  readonly classes: readonly string[];
  readonly signature: Signature;
  readonly metadata: ModelMetadata;
}

/** Whether a file is one of our image classifiers. @throws FormatError, ModelError as `openClassifier`. */
export function isClassifierFile(bytes: Uint8Array, file?: string): boolean {
  return readMetadata(readSignature(bytes, { file }), { file })?.task === 'classification';
}

/**
 * Opens an image classifier. `program.dispose()` frees it.
 * @throws FormatError if the bytes are not ONNX; ModelError if the file is not one of our classifiers; DeviceError.
 */
export async function openClassifier(
  runtime: Runtime,
  bytes: Uint8Array,
  { file }: { readonly file?: string } = {},
): Promise<Classifier> {
  const signature = readSignature(bytes, { file });
  const metadata = readMetadata(signature, { file });
  const [image] = signature.inputs;
  const [output] = signature.outputs;
  if (metadata?.task !== 'classification' || image === undefined || output === undefined) {
    throw new ModelError('this model is not an image classifier.', { file, remedy: 'Use only image classifiers.' });
  }
  return {
    program: await runtime.load(bytes),
    inputName: image.name,
    outputName: output.name,
    input: metadata.input as unknown as ClassInput,
    classes: metadata.classes.map(({ name }) => name),
    signature,
    metadata,
  };
}

export interface ClassifyOptions {
  /** Number of views to average; default: as in the model file. */
  readonly views?: 1 | 10;
  /** Views per run. Default 128. */
  readonly batch?: number;
  /** Called with the numbers of completed and of all images. */
  readonly onProgress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

/**
 * The class probabilities of each image, [images, classes]; rows sum to 1.
 * @throws DatasetError if an image's channels do not match; Interrupted; DeviceError.
 */
export async function classifyPages(
  {
    program,
    inputName,
    outputName,
    input,
    classes,
  }: Pick<Classifier, 'program' | 'inputName' | 'outputName' | 'input' | 'classes'>,
  pages: readonly NamedPage[],
  { views = input.views, batch = 128, onProgress, signal }: ClassifyOptions = {},
): Promise<NdArray<'float32'>> {
  const { channels, crop, stored } = input;
  const places = cropViews({ crop, stored, views });
  const size = channels.count * crop[0] * crop[1];
  const result = float32([pages.length, classes.length]);
  const together = Math.max(1, Math.floor(batch / places.length));
  for (let first = 0; first < pages.length; first += together) {
    if (signal?.aborted === true) throw new Interrupted('stopped while classifying.');
    const some = pages.slice(first, first + together);
    const images = new Float32Array(some.length * places.length * size);
    some.forEach((page, i) => {
      const planes = storedPlanes(page, input);
      places.forEach((view, v) => {
        const at = (i * places.length + v) * size;
        prepareView(planes, input, view, images.subarray(at, at + size));
      });
    });
    const outputs = await program.run({
      [inputName]: float32([some.length * places.length, channels.count, ...crop], images),
    });
    addViews(outputs[outputName], places.length, result, first);
    onProgress?.(first + some.length, pages.length);
  }
  return result;
}

/** Averages the views of each image into its row of `result`; a single output is the second of two classes. */
function addViews({ data, shape }: NdArray, views: number, result: NdArray<'float32'>, first: number): void {
  const [rows, outputs] = shape as readonly [number, number];
  const classes = result.shape[1];
  for (let row = 0; row < rows; row++) {
    const to = (first + Math.floor(row / views)) * classes;
    for (let c = 0; c < classes; c++) {
      const p = outputs === 1 ? (c === 1 ? Number(data[row]) : 1 - Number(data[row])) : Number(data[row * outputs + c]);
      result.data[to + c] = result.data[to + c] + p / views;
    }
  }
}

/** The mean of several networks' probabilities for the same images. */
export function meanProbabilities(probabilities: readonly NdArray<'float32'>[]): NdArray<'float32'> {
  const mean = float32(probabilities[0].shape);
  for (const { data } of probabilities) {
    for (let i = 0; i < data.length; i++) {
      mean.data[i] = mean.data[i] + data[i] / probabilities.length;
    }
  }
  return mean;
}
