/** The description of a model in a package of BioImage.IO, model formats 0.4 and 0.5, in one form. */

import { FormatError } from '../../errors.ts';
import { Fields } from './fields.ts';
import { axisOfLetter, type DescribedOperation } from './operations.ts';

/** A file of the package. */
export interface Source {
  readonly source: string;
  /** Of its bytes, in hexadecimal digits, if stated. */
  readonly sha256?: string;
}

export interface PackageAxis {
  /** `batch`, `channel`, `y`, `x`, `z`, `time`, `index`. */
  readonly name: string;
  /** Of a channel axis. */
  readonly channels?: readonly string[];
  /** Of an axis of space: the side of a pixel in mm. */
  readonly pixelMm?: number;
  /** Sides that an axis of an input takes, if they are stated. */
  readonly sides?: { readonly min: number; readonly step: number };
  /** Of an axis of an output: pixels at both ends that are not to be used where the image was cut. */
  readonly halo?: number;
}

export interface PackageTensor {
  readonly name: string;
  readonly axes: readonly PackageAxis[];
  readonly operations: readonly DescribedOperation[];
  /** NumPy file by which the model can be tested. */
  readonly test?: Source;
}

export interface Weights extends Source {
  /** The file of large tensors beside an ONNX file. */
  readonly external?: Source;
}

export interface PackageDescription {
  /** Such as `0.5.4`. */
  readonly format: string;
  readonly name: string;
  readonly summary?: string;
  readonly licence?: string;
  readonly authors: readonly string[];
  readonly inputs: readonly PackageTensor[];
  readonly outputs: readonly PackageTensor[];
  /** What StarDist's own export says of the model, if it is from there. */
  readonly stardist: Fields;
  /** By format: `onnx`, `torchscript`, `pytorch_state_dict`, `keras_hdf5`, ... */
  readonly weights: { readonly [format: string]: Weights };
}

/** Aliases that a description may resolve to: more would let a short text grow without end. */
const MOST_ALIASES = 100;

/**
 * Reads a description.
 * @throws FormatError if it is not YAML, not of a model, or of a format other than 0.4 and 0.5
 */
export async function parseDescription(text: string, file: string): Promise<PackageDescription> {
  const { parse } = await import('yaml');
  let content: unknown;
  try {
    content = parse(text, { maxAliasCount: MOST_ALIASES, logLevel: 'error' });
  } catch (cause) {
    throw new FormatError(`its description is not YAML: ${(cause as Error).message.split('\n')[0]}`, { file, cause });
  }
  const all = new Fields(content, '', file);
  const kind = all.at('type').optional((type) => type.text()) ?? 'none';
  if (kind !== 'model') {
    throw new FormatError(
      `this describes no model but ${kind === 'none' ? 'nothing that is known' : `a thing of type '${kind}'`}.`,
      {
        file,
        remedy: 'Use the description of a model of BioImage.IO.',
      },
    );
  }
  const format = all.at('format_version').text();
  const [, minor = ''] = /^0\.(\d+)(?:\.|$)/.exec(format) ?? [];
  if (minor !== '4' && minor !== '5') {
    throw new FormatError(`this is of model format ${format}; supported are 0.4 and 0.5.`, {
      file,
      remedy: 'Convert it by bioimageio.core: bioimageio update-format PACKAGE.',
    });
  }
  const isOld = minor === '4';
  const tensors = isOld ? oldTensors : newTensors;
  const [inputs, outputs] = [tensors(all, 'inputs'), tensors(all, 'outputs')];
  if (inputs.length === 0 || outputs.length === 0) all.fail('names no inputs or no outputs');
  const summary = all.at('description').optional((one) => one.text());
  const licence = all.at('license').optional((one) => one.text());
  return {
    format,
    name: all.at('name').text(),
    ...(summary !== undefined && { summary }),
    ...(licence !== undefined && { licence }),
    authors: all
      .at('authors')
      .list()
      .map((author) => author.at('name').text()),
    inputs,
    outputs,
    stardist: all.at('config').at('stardist'),
    weights: weightsOf(all.at('weights')),
  };
}

function weightsOf(weights: Fields): PackageDescription['weights'] {
  const entries = weights.keys().flatMap((format) => {
    const entry = weights.at(format);
    if (!entry.isGiven) return [];
    const external = entry.at('external_data').optional(sourceOf);
    return [[format, { ...sourceOf(entry), ...(external !== undefined && { external }) }] as const];
  });
  if (entries.length === 0) weights.fail('names no weights');
  return Object.fromEntries(entries);
}

/** A file by its name alone, or with its hash. */
function sourceOf(field: Fields): Source {
  if (field.isText) return { source: field.text() };
  const sha256 = field.at('sha256').optional((one) => one.text());
  return { source: field.at('source').text(), ...(sha256 !== undefined && { sha256 }) };
}

const describedOperations = (list: Fields, key: 'id' | 'name'): readonly DescribedOperation[] =>
  list.list().map((each) => ({ id: each.at(key).text(), kwargs: each.at('kwargs') }));

/** Units of length, in mm. */
const UNITS: { readonly [unit: string]: number } = {
  millimeter: 1,
  micrometer: 1e-3,
  nanometer: 1e-6,
  picometer: 1e-9,
  angstrom: 1e-7,
  centimeter: 10,
  meter: 1000,
};

function newTensors(all: Fields, which: 'inputs' | 'outputs'): readonly PackageTensor[] {
  const operations = which === 'inputs' ? 'preprocessing' : 'postprocessing';
  return all
    .at(which)
    .list()
    .map((tensor): PackageTensor => {
      const test = tensor.at('test_tensor').optional(sourceOf);
      return {
        name: tensor.at('id').optional((one) => one.text()) ?? which.slice(0, -1),
        axes: tensor.at('axes').list().map(newAxis),
        operations: describedOperations(tensor.at(operations), 'id'),
        ...(test !== undefined && { test }),
      };
    });
}

function newAxis(axis: Fields): PackageAxis {
  const type = axis.at('type').text();
  const given = axis.at('id').optional((one) => one.text());
  const name = given ?? (type === 'space' ? 'x' : type);
  const channels = axis.at('channel_names').optional((one) => one.texts());
  const mm = UNITS[axis.at('unit').optional((one) => one.text()) ?? ''];
  const scale = axis.at('scale').optional((one) => one.number()) ?? 1;
  const size = axis.at('size');
  const isOpen = size.at('min').isGiven;
  const halo = axis.at('halo').optional((one) => one.whole(0));
  return {
    name,
    ...(type === 'channel' && channels !== undefined && { channels }),
    ...(type === 'space' && mm !== undefined && { pixelMm: scale * mm }),
    ...(isOpen && { sides: { min: size.at('min').whole(1), step: size.at('step').whole(1) } }),
    ...(halo !== undefined && { halo }),
  };
}

/** Format 0.4: axes are letters, the shapes of open sizes a smallest one and steps, test tensors lists of their own. */
function oldTensors(all: Fields, which: 'inputs' | 'outputs'): readonly PackageTensor[] {
  const operations = which === 'inputs' ? 'preprocessing' : 'postprocessing';
  const tests = all.at(which === 'inputs' ? 'test_inputs' : 'test_outputs').list();
  return all
    .at(which)
    .list()
    .map((tensor, i): PackageTensor => {
      const letters = [...tensor.at('axes').text()];
      const shape = tensor.at('shape');
      const [least, steps] = [shape.at('min'), shape.at('step')].map((one) => one.list().map((n) => n.whole(0)));
      const halos = tensor
        .at('halo')
        .list()
        .map((n) => n.whole(0));
      const test = tests[i]?.optional(sourceOf);
      return {
        name: tensor.at('name').text(),
        axes: letters.map((letter, axis) => {
          const [min, step] = [least?.[axis], steps?.[axis]];
          const isOpen = min !== undefined && step !== undefined && step > 0;
          const halo = halos[axis];
          return {
            name: axisOfLetter(letter),
            ...(isOpen && { sides: { min, step } }),
            ...(halo !== undefined && { halo }),
          };
        }),
        operations: describedOperations(tensor.at(operations), 'name'),
        ...(test !== undefined && { test }),
      };
    });
}
