/** A model for other programs: a package of BioImage.IO from a run or an ONNX file of Lamella. */

import { float32, type NdArray } from '../array/ndarray.ts';
import { stream } from '../array/random.ts';
import { DatasetError, ModelError, option, UsageError } from '../errors.ts';
import { preprocessingOf } from '../export/bioimageio/operations.ts';
import { type PackageDetails, testShape, writeBioImageIo } from '../export/bioimageio/package.ts';
import { baseName, folderName, joinPath } from '../files.ts';
import { readSignature } from '../graph/onnx/model.ts';
import { selectChannels } from '../input/channels.ts';
import { inputPages } from '../input/network-input.ts';
import type { InputSpec } from '../input/normalise.ts';
import { applyOperations } from '../input/operations.ts';
import { type ModelMetadata, readMetadata, requireClasses } from '../models/metadata.ts';
import type { Host } from './host.ts';
import { readImageFile } from './image-files.ts';
import { modelFileOf, readModel } from './model-files.ts';

export interface PackageModelOptions extends Partial<PackageDetails> {
  /**
   * An image whose middle becomes the package's test, and is published with it. Default: spots on noise, made up.
   */
  readonly sample?: string;
  readonly which?: 'best' | 'last';
  /** When the package is made. Default: when the model was. */
  readonly date?: Date;
}

export interface ExportModelOptions extends PackageModelOptions {
  /** Where to write the package, a zip that does not exist yet. Default: `bioimageio.zip` beside the model. */
  readonly bioimageio?: string;
}

export interface ExportedModel {
  readonly out: string;
  readonly name: string;
  /** Shape of the test image, [1, channels, height, width]. */
  readonly test: readonly number[];
  /** What the package cannot say of the model. */
  readonly notes: readonly string[];
}

/**
 * Writes a model as a package of BioImage.IO that other programs open and test.
 * @param model a run folder or an ONNX file that Lamella wrote
 * @throws UsageError if the file exists; as `packageModel`
 *
 * @example await exportBioImageIo(nodeHost, 'runs/nuclei', { bioimageio: 'nuclei.zip', authors: ['A. Person'] });
 */
export async function exportBioImageIo(
  host: Host,
  model: string,
  { bioimageio, ...options }: ExportModelOptions = {},
): Promise<ExportedModel> {
  const { files } = host;
  const out = bioimageio ?? joinPath(folderName(await modelFileOf(files, model, options.which)), 'bioimageio.zip');
  if ((await files.kind(out)) !== undefined) {
    throw new UsageError('this exists already.', {
      file: out,
      remedy: `Choose another file with ${option('bioimageio')}.`,
    });
  }
  const { bytes, ...made } = await packageModel(host, model, options);
  await files.write(out, bytes);
  return { out, ...made };
}

/**
 * A model as a package of BioImage.IO, in memory.
 * @throws UsageError for a detail that the format does not take; ModelError for a model that does not give classes or maps
 * for every pixel, or is of another program; DatasetError for a sample that is too small or has other channels.
 */
export async function packageModel(
  host: Host,
  model: string,
  { sample, which, name: given, date, ...details }: PackageModelOptions = {},
): Promise<Omit<ExportedModel, 'out'> & { readonly bytes: Uint8Array }> {
  const { files } = host;
  const file = await modelFileOf(files, model, which);
  const weights = await readModel(files, file);
  const signature = readSignature(weights, { file });
  const metadata = readMetadata(signature, { file });
  if (metadata === undefined) {
    throw new ModelError('this is a model of another program: how an image becomes its input is not known.', {
      file,
      remedy: 'Train on from it first (lamella train DATA --from), and export that run.',
    });
  }
  // Where none is trained, none is packaged.
  if (host.packagedMaps === undefined) requireClasses(metadata, file);
  const [batch, , height, width] = signature.inputs[0]?.dims ?? [];
  const packaged = {
    bytes: weights,
    opset: signature.opsets[''] ?? 1,
    metadata,
    ...(typeof batch === 'number' ? { batch } : {}),
    ...(typeof height === 'number' && typeof width === 'number' ? { fixed: [height, width] as const } : {}),
  };
  const shape = testShape(packaged);
  const input = metadata.input as unknown as InputSpec;
  const image = sample === undefined ? madeUp(shape, input) : await middleOf(host, sample, shape, input);
  const name = given ?? `Lamella ${plainName(model)}`;
  const test = { input: image, output: await runPackaged(host, weights, image, metadata) };
  const { bytes, notes } = writeBioImageIo(
    packaged,
    test,
    { name, ...details },
    date ?? madeAt(metadata),
    host.packagedMaps?.(metadata),
  );
  return { bytes, name, test: image.shape, notes };
}

/** Of what a package takes and gives. */
const PACKAGE_AXES = ['batch', 'channel', 'y', 'x'];

/** When the run began that made the model; the beginning of 1970 if it does not say. */
function madeAt({ provenance: { created } }: ModelMetadata): Date {
  const date = new Date(typeof created === 'string' ? created : Number.NaN);
  return Number.isNaN(date.getTime()) ? new Date(0) : date;
}

/** The name of a run's folder or of a model's, as far as BioImage.IO takes it. */
function plainName(model: string): string {
  const path = model.replace(/[/\\]+$/, '');
  const name = /\.onnx$/i.test(path) ? baseName(folderName(path)) || baseName(path) : baseName(path);
  return name
    .replace(/\.onnx$/i, '')
    .replace(/[^\p{L}\p{N} _+\-()]+/gu, '-')
    .slice(0, 100);
}

/** What the network gives for an image as other programs prepare it. */
async function runPackaged(
  host: Host,
  bytes: Uint8Array,
  image: NdArray<'float32'>,
  { input }: ModelMetadata,
): Promise<NdArray<'float32'>> {
  const { operations } = preprocessingOf(input as unknown as InputSpec);
  const signature = readSignature(bytes);
  const [inputName, outputName] = [signature.inputs[0]?.name, signature.outputs[0]?.name];
  if (inputName === undefined || outputName === undefined) throw new ModelError('The model has no input or no output.');
  const data = applyOperations({ ...image, axes: PACKAGE_AXES }, operations);
  const runtime = await host.openRuntime();
  try {
    const program = await runtime.load(bytes);
    const output = (await program.run({ [inputName]: float32(image.shape, data) }))[outputName];
    if (output?.dtype !== 'float32') throw new ModelError('The model does not give float32.');
    return output as NdArray<'float32'>;
  } finally {
    await runtime.dispose();
  }
}

/** Spots on noise, in the range of the training images where that is known, else of 8 bits. */
function madeUp([channels, height, width]: readonly [number, number, number], input: InputSpec): NdArray<'float32'> {
  const image = float32([1, channels, height, width]);
  const random = stream(0, 'package');
  const pixels = height * width;
  for (let c = 0; c < channels; c++) {
    const { kind, numbers } = input.normalisation;
    const [first, second] = numbers[Math.min(c, numbers.length - 1)] ?? [0, 255];
    const [low, high] =
      kind === 'zscore' && numbers.length > 0 ? [first - 2 * second, first + 2 * second] : [first, second];
    const spots = Array.from({ length: 24 }, () => ({
      y: random.uniform() * height,
      x: random.uniform() * width,
      radius: random.between(3, 12),
    }));
    for (let p = 0; p < pixels; p++) {
      const [y, x] = [Math.floor(p / width), p % width];
      const light = spots.reduce(
        (most, spot) => Math.max(most, Math.exp(-((y - spot.y) ** 2 + (x - spot.x) ** 2) / (2 * spot.radius ** 2))),
        0,
      );
      const value = low + (high - low) * Math.min(1, Math.max(0, 0.1 + 0.7 * light + 0.05 * random.normal()));
      image.data[c * pixels + p] = high - low > 100 ? Math.round(value) : value;
    }
  }
  return image;
}

/** The middle of an image, in the channels and values of its file. */
async function middleOf(
  host: Host,
  file: string,
  [channels, height, width]: readonly [number, number, number],
  input: InputSpec,
): Promise<NdArray<'float32'>> {
  const { pages } = inputPages(await readImageFile(host.files, file));
  const page = pages[Math.floor(pages.length / 2)] as (typeof pages)[number];
  if (page.height < height || page.width < width) {
    throw new DatasetError(
      `the image is ${page.width} x ${page.height}; the test of this network takes ${width} x ${height} pixels.`,
      { file, remedy: `Use a larger image for ${option('sample')}, or leave it out.` },
    );
  }
  const planes = selectChannels(page, input.channels);
  const image = float32([1, channels, height, width]);
  const [top, left] = [(page.height - height) >> 1, (page.width - width) >> 1];
  for (let c = 0; c < channels; c++) {
    for (let y = 0; y < height; y++) {
      const from = (c * page.height + top + y) * page.width + left;
      image.data.set(planes.subarray(from, from + width), (c * height + y) * width);
    }
  }
  return image;
}
