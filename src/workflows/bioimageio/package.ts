/** Packages of BioImage.IO of other programs: what they describe, and their network as an ONNX file that says the same. */

import { sha256 } from '@noble/hashes/sha2.js';
import { float32 } from '../../array/ndarray.ts';
import { counted, FormatError, ModelError } from '../../errors.ts';
import { type Files, folderName, joinPath } from '../../files.ts';
import { editOnnx } from '../../graph/onnx/edit.ts';
import { freeName, type Step, withEnds } from '../../graph/onnx/ends.ts';
import { externalFiles, withEmbeddedWeights } from '../../graph/onnx/external.ts';
import { imageForm } from '../../graph/onnx/image-form.ts';
import { type DeclaredTensor, readSignature, type Signature } from '../../graph/onnx/model.ts';
import { usualChannels } from '../../input/channels.ts';
import { byOperations, type InputSpec } from '../../input/normalise.ts';
import type { Operation } from '../../input/operations.ts';
import { type DescribedModel, descriptionEntry } from '../../models/described.ts';
import { METADATA_KEY } from '../../models/metadata.ts';
import { openPackage, type PackageFiles } from './archive.ts';
import { type PackageDescription, type PackageTensor, parseDescription, type Source } from './description.ts';
import { findsObjects, objectsOf } from './objects.ts';
import { operationsOf } from './operations.ts';
import { axisOf, fittedSizes } from './sizes.ts';

export interface ModelPackage {
  readonly files: PackageFiles;
  readonly description: PackageDescription;
}

/**
 * @param path a zip, or the description in a folder
 * @throws FormatError if it is no package, or is damaged
 */
export async function readPackage(files: Files, path: string): Promise<ModelPackage> {
  const opened = await openPackage(files, path);
  return { files: opened, description: await parseDescription(opened.text, path) };
}

/** A file of a package. @throws FormatError if it is not there, or is not the one that the description means */
export async function readSource({ files }: ModelPackage, { source, sha256: stated }: Source): Promise<Uint8Array> {
  const bytes = await files.read(source);
  if (stated === undefined) return bytes;
  const found = [...sha256(bytes)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  if (found === stated.toLowerCase()) return bytes;
  throw new FormatError(
    `'${source}' is not the file that the description means: its SHA-256 is ${found}, not ${stated}.`,
    {
      file: files.file,
      remedy: 'Download the package again.',
    },
  );
}

/**
 * The network as its package has it, with all weights in itself.
 * @throws ModelError if the package has no ONNX file, naming what it has
 */
export async function weightsOf(pack: ModelPackage): Promise<Uint8Array> {
  const { weights } = pack.description;
  const { file } = pack.files;
  if (weights.onnx === undefined) {
    throw new ModelError(`the package has no ONNX file; its weights are ${Object.keys(weights).join(', ')}.`, {
      file,
      remedy: 'Convert them (in Python: bioimageio.core, bioimageio add-weights), or use a package with ONNX.',
    });
  }
  const { source, external } = weights.onnx;
  const bytes = await readSource(pack, weights.onnx);
  const stored = new Map<string, Uint8Array>();
  for (const name of externalFiles(bytes, file)) {
    const path = joinPath(folderName(source), name).replace(/^\.\//, '');
    const isStated = external !== undefined && external.source === path;
    stored.set(name, await readSource(pack, isStated ? external : { source: path }));
  }
  if (stored.size === 0) return bytes;
  return withEmbeddedWeights(bytes, (name) => stored.get(name) as Uint8Array, file);
}

/**
 * A package as an ONNX file: what is done to its outputs is part of the network, and how images become its input, names
 * of channels and classes and the size of pixels stand in its metadata.
 * @param path as `readPackage`
 * @throws ModelError for a package without ONNX, for one that is not of a network of single images, and for operations
 * that need code of other programs
 */
export async function packageAsOnnx(files: Files, path: string): Promise<Uint8Array> {
  const pack = await readPackage(files, path);
  const weights = await weightsOf(pack);
  const signature = readSignature(weights, { file: path });
  // Of Lamella's own packages the model says it itself.
  if (signature.metadata[METADATA_KEY] !== undefined) return weights;
  const { description } = pack;
  const [input, ...others] = description.inputs as [PackageTensor, ...PackageTensor[]];
  if (others.length > 0) {
    throw new ModelError(
      `the network takes ${description.inputs.length} inputs: ${description.inputs.map(({ name }) => name).join(', ')}.`,
      {
        file: path,
        remedy: 'Use a network of one image.',
      },
    );
  }
  requireImage(input, path);
  const form = imageForm(weights);
  requireChannels(input, readSignature(form.bytes), path);
  const objects = objectsOf(description.outputs, description.stardist, path);
  const { bytes, classes, names: processed } = withOperations(form.bytes, signature, description, path);
  const { notes, ...sizes } = fittedSizes(
    bytes,
    input,
    description.outputs.map((tensor, i) => ({ name: processed[i] as string, tensor })),
  );
  const described: DescribedModel = {
    name: description.name,
    input: inputOf(input, path) as unknown as DescribedModel['input'],
    classes: objects === undefined ? classes : {},
    ...sidesOf(input),
    ...(sizes as unknown as Pick<DescribedModel, 'rules' | 'halos'>),
    ...(objects && { objects }),
    notes: [`From the package '${description.name}'.`, ...form.notes, ...datasetNotes(input), ...notes],
  };
  return editOnnx(bytes, { metadata: descriptionEntry(described) });
}

const names = ({ axes }: PackageTensor): readonly string[] => axes.map(({ name }) => name);

const IMAGE_AXES = ['batch', 'channel', 'y', 'x'];
/** What Lamella's tensors have, and that with the channels last, which `imageForm` brings there. */
const ORDERS = [IMAGE_AXES.join(), 'batch,y,x,channel'];

function requireImage(tensor: PackageTensor, file: string): void {
  const axes = names(tensor);
  if (ORDERS.includes(axes.join())) return;
  throw new ModelError(`the network takes '${tensor.name}' with the axes ${axes.join(', ')}.`, {
    file,
    remedy: `Use a network of images with the axes ${IMAGE_AXES.join(', ')}.`,
  });
}

/** @throws ModelError for another number of channels, or of values for them, than the network takes */
function requireChannels(input: PackageTensor, { inputs: [taken] }: Signature, file: string): void {
  const count = taken?.dims?.[1];
  if (typeof count !== 'number') return;
  const lies = (what: string): ModelError =>
    new ModelError(`its description has ${what}, and its network takes ${counted(count, 'channel')}.`, {
      file,
      remedy: 'Use the network that the description is of.',
    });
  const named = channelNames(input)?.length ?? count;
  if (named !== count) throw lies(counted(named, 'channel'));
  for (const { id, kwargs } of operationsOf(input.operations, names(input), file)) {
    const { axis, ...values } = kwargs as { readonly axis?: string };
    const wrong = Object.values(values).find((each) => Array.isArray(each) && ![1, count].includes(each.length));
    if (axis === 'channel' && wrong !== undefined)
      throw lies(`${(wrong as readonly number[]).length} values of its operation '${id}'`);
  }
}

function inputOf(input: PackageTensor, file: string): InputSpec {
  const operations = operationsOf(input.operations, names(input), file);
  for (const { id, kwargs } of operations) {
    const axes: readonly string[] | undefined = 'axes' in kwargs ? kwargs.axes : undefined;
    if (axes !== undefined && axes.includes('y') !== axes.includes('x')) {
      throw new ModelError(`its operation '${id}' is over rows or columns of an image by themselves.`, { file });
    }
  }
  const stated = channelNames(input);
  const usual = usualChannels(stated?.length ?? 1);
  const isColour = stated?.join().toLowerCase() === 'red,green,blue';
  const isNamed = stated?.every((name) => !/^(?:channel_?)?\d+$/.test(name)) ?? false;
  const channels =
    usual.mode === 'grey' || isColour || !isNamed
      ? usual
      : { mode: 'asis' as const, count: usual.count, names: stated as readonly string[] };
  const sides = input.axes.flatMap(({ pixelMm }) => pixelMm ?? []);
  return {
    channels,
    normalisation: byOperations(operations),
    ...(sides.length === 2 && { pixelMm: [Math.min(...sides), Math.max(...sides)] as const }),
  };
}

const channelNames = ({ axes }: PackageTensor): readonly string[] | undefined =>
  axes.find(({ name }) => name === 'channel')?.channels;

function sidesOf(input: PackageTensor): Pick<DescribedModel, 'sides'> {
  const [y, x] = [axisOf(input, 'y')?.sides, axisOf(input, 'x')?.sides];
  return y === undefined || x === undefined ? {} : { sides: { y, x } };
}

/** Statistics of all images at once are those of each here. */
function datasetNotes({ operations }: PackageTensor): readonly string[] {
  const ofAll = operations.filter(({ id, kwargs }) => {
    const axes = kwargs.at('axes');
    const isStatistic =
      ['scale_range', 'zero_mean_unit_variance'].includes(id) &&
      kwargs.at('mode').optional((one) => one.text()) !== 'fixed';
    return (
      isStatistic &&
      (!axes.isGiven ||
        kwargs.at('mode').optional((one) => one.text()) === 'per_dataset' ||
        (!axes.isText && axes.texts().includes('batch')))
    );
  });
  return ofAll.map(({ id }) => `Its operation '${id}' is over all images together; here it is over each by itself.`);
}

/** The outputs by the names of the package, with what is done to them. */
function withOperations(
  bytes: Uint8Array,
  { outputs: original }: Signature,
  { outputs }: PackageDescription,
  file: string,
): { readonly bytes: Uint8Array; readonly classes: DescribedModel['classes']; readonly names: readonly string[] } {
  const { outputs: given } = readSignature(bytes);
  if (given.length < outputs.length || original.length < outputs.length) {
    throw new ModelError(`its description has ${outputs.length} outputs, and its ONNX file ${given.length}.`, {
      file,
      remedy: 'Use the network that the description is of.',
    });
  }
  const classes: { [output: string]: readonly string[] } = {};
  const made = outputs.map((tensor, i) => {
    const { name: from, dims = [] } = given[i] as DeclaredTensor;
    const name = tensor.name === from ? from : freeName(bytes, tensor.name);
    // What follows the finding of objects is done to their labels.
    const last = tensor.operations.findIndex(findsObjects);
    const own = last < 0 ? tensor.operations : tensor.operations.slice(0, last);
    const operations = operationsOf(own, names(tensor), file);
    const isMap = dims.length === 4;
    const steps = isMap ? operations.flatMap((each) => stepsOf(each, file)) : [];
    const processed = steps.length > 0 && name === from ? freeName(bytes, `${name}_processed`) : name;
    const stated = classNames(tensor);
    if (isMap && stated !== undefined) classes[processed] = stated;
    return { from, name: processed, dims, steps };
  });
  return { bytes: withEnds(bytes, { outputs: made }), classes, names: made.map(({ name }) => name) };
}

/** Names of the classes, if the package gives any: of one map those of background and foreground. */
function classNames(tensor: PackageTensor): readonly string[] | undefined {
  const stated = channelNames(tensor);
  if (stated === undefined || stated.every((name) => /^(?:channel_?)?\d+$/.test(name))) return undefined;
  const [only = ''] = stated;
  // Names of what a value is, and not of what is shown.
  const isGeneral = /prob|mask|pred|output|foreground|segment/i.test(only);
  return stated.length === 1 ? ['background', isGeneral ? 'foreground' : only] : stated;
}

/** An operation on [N, C, H, W] as nodes. @throws ModelError for one that depends on the whole image */
function stepsOf(operation: Operation, file: string): readonly Step[] {
  const constant = (values: number | readonly number[], axis: string | undefined) => {
    const list = typeof values === 'number' ? [values] : values;
    if (list.length > 1 && axis !== 'channel') {
      throw new ModelError(`its operation '${operation.id}' has values along '${axis}'.`, { file });
    }
    return float32([list.length, 1, 1], list);
  };
  switch (operation.id) {
    case 'ensure_dtype':
      return [];
    case 'sigmoid':
      return [{ op: 'Sigmoid' }];
    case 'softmax':
      if (operation.kwargs.axis !== 'channel') break;
      return [{ op: 'Softmax', attributes: { axis: 1 } }];
    case 'scale_linear': {
      const { gain, offset, axis } = operation.kwargs;
      return [
        { op: 'Mul', constants: [constant(gain, axis)] },
        { op: 'Add', constants: [constant(offset, axis)] },
      ];
    }
    case 'fixed_zero_mean_unit_variance': {
      const { mean, std, axis } = operation.kwargs;
      return [
        { op: 'Sub', constants: [constant(mean, axis)] },
        { op: 'Div', constants: [constant(std, axis)] },
      ];
    }
    case 'clip': {
      const { min, max, min_percentile, max_percentile } = operation.kwargs;
      if (min_percentile !== undefined || max_percentile !== undefined) break;
      return [
        ...(min === undefined ? [] : [{ op: 'Max', constants: [constant(min, undefined)] }]),
        ...(max === undefined ? [] : [{ op: 'Min', constants: [constant(max, undefined)] }]),
      ];
    }
    case 'binarize': {
      const { threshold, axis } = operation.kwargs;
      return [
        { op: 'Greater', constants: [constant(threshold, axis)] },
        { op: 'Cast', attributes: { to: 1 } },
      ];
    }
  }
  throw new ModelError(
    `its operation '${operation.id}' on an output depends on the whole image: it is for networks that restore images.`,
    {
      file,
      remedy: 'Use a segmentation network.',
    },
  );
}
