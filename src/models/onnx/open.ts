/**
 * A network in the ONNX file of another program, to be trained: built for any size that it takes, and written back with
 * other weights and everything else as it was.
 */

import type { NdArray, Shape4 } from '../../array/ndarray.ts';
import { option, UsageError } from '../../errors.ts';
import { GraphBuilder } from '../../graph/builder.ts';
import type { Graph, Node, Value } from '../../graph/ir.ts';
import { editOnnx, separateVectors } from '../../graph/onnx/edit.ts';
import { floatForm } from '../../graph/onnx/float-form.ts';
import { imageForm } from '../../graph/onnx/image-form.ts';
import { imageInput } from '../../graph/onnx/image-input.ts';
import { readSignature } from '../../graph/onnx/model.ts';
import { readOnnx } from '../../graph/onnx/read.ts';
import type { Network } from '../../nn/network.ts';
import { chosenOutput } from '../chosen-output.ts';
import type { BuildOptions, NetworkFile } from '../definition.ts';
import { PROBABILITIES_NAME } from '../prediction.ts';
import { type Logits, logitsOf } from './activation.ts';
import type { OnnxSpec } from './definition.ts';
import { type End, firstLayers, lastLayer, resized } from './ends.ts';
import { atFirstSize, chooseOutput, type Refuse, refusing, requireOpenSizes, tileOf } from './find.ts';
import { cutAt, networkOf, valueNamed } from './network.ts';
import { type Barrier, encoderTensors, trainedTensors, withoutGradient } from './parameters.ts';

type Weights = { readonly [name: string]: NdArray };

export interface OnnxNetwork extends NetworkFile {
  /** As the file has it. */
  readonly spec: OnnxSpec;
  /** What was found, as printed lines. */
  readonly notes: readonly string[];
  /** Of trained tensors, and statistics of batch normalisations, by name. */
  readonly weights: Weights;
  /** Trained tensors before the first layer that makes maps larger; none if there is no such layer. */
  readonly encoder: readonly string[];
  /** Trained tensors that no gradient reaches. */
  readonly barriers: readonly Barrier[];
  /** The layer that makes the logits. */
  readonly head: End;
  /**
   * @param spec that of the file, or with other numbers of channels and classes: their layers are drawn anew
   * @throws ModelError if these numbers cannot change, saying why; UsageError for a number of images that it cannot take
   */
  build(spec: OnnxSpec, shape: Shape4, options?: Omit<BuildOptions, 'file'>): Network;
  write(spec: OnnxSpec, weights: Weights, metadata: { readonly [key: string]: string }): Uint8Array;
}

/**
 * @throws FormatError if the bytes are not ONNX; ModelError for what cannot be trained, naming what is in the way.
 */
export function openOnnxNetwork(given: Uint8Array, file?: string): OnnxNetwork {
  const refuse = refusing(file);
  const form = imageForm(given);
  const { bytes, notes } = floatForm(form.bytes);
  const signature = readSignature(bytes, { file });
  if (signature.inputs[0]?.dims?.length === 5) {
    refuse('the model takes volumes [N, C, D, H, W]; training here is on slices.');
  }
  const input = imageInput(signature, file);
  const [batch, channels] = input.dims;
  if (typeof channels === 'string') {
    return refuse('the model does not state its number of channels.', 'Export it with a fixed number of channels.');
  }
  if (typeof batch === 'number' && batch > 1) {
    refuse(`the model takes ${batch} images at once only.`, 'Export it for one image, or any number.');
  }
  // Height and width are open in what is written, whatever was declared.
  const open = editOnnx(separateVectors(bytes), { inputDims: [batch, channels, 'height', 'width'] });
  const read = (of: Uint8Array, shape: Shape4): Graph => readOnnx(of, { file, shapes: { [input.name]: shape } });
  const graph = atFirstSize(input, refuse, (height, width) => read(open, [1, channels, height, width]));
  const image = graph.inputs[0] as Value;
  const output = chooseOutput(
    graph,
    { file, chosen: chosenOutput(signature), operations: signature.operations },
    refuse,
  );
  const { value: logits, activation } = logitsOf(graph, output);
  const tile = tileOf(graph, logits, refuse);
  requireOpenSizes(output, tile, image.shape as Shape4, (shape) => read(open, shape), refuse);

  const { graph: cut } = cutAt(graph, logits.name);
  const trained = trainedTensors(cut, image);
  if (trained.length === 0) refuse('the model has no float32 weights that could be trained.');
  const barriers = withoutGradient(cut, logits, trained);
  if (barriers.length === trained.length) refuse(`the model cannot be trained: ${(barriers[0] as Barrier).op}.`);
  const statistics = statisticsOf(cut, refuse);
  const spec: OnnxSpec = {
    name: 'onnx',
    channels,
    numClasses: logits.shape[1] as number,
    tile,
    ...(statistics.length > 0 && { batchNorm: 'fixed' as const }),
  };
  const head = lastLayer(cut, logits);
  const names = {
    trained: new Set(trained.map(({ name }) => name)),
    head: new Set('why' in head ? [] : head.map(({ name }) => name)),
  };

  /** Tensors for other numbers of channels and classes. */
  const replacements = (wanted: OnnxSpec): Weights => {
    const ends = [
      { what: 'channels', end: firstLayers(cut, image) },
      { what: 'numClasses', end: head },
    ] as const;
    return Object.assign(
      {},
      ...ends.map(({ what, end }) => {
        if (wanted[what] === spec[what]) return {};
        if (!('why' in end)) return resized(end, cut, wanted[what]);
        const [one, several] = what === 'channels' ? ['channel', 'channels'] : ['class', 'classes'];
        const own = `${spec[what]} ${spec[what] === 1 ? one : several}`;
        return refuse(
          `the network has ${own}, which cannot become ${wanted[what]}: ${end.why}.`,
          `Use data with ${own}, or another model.`,
        );
      }),
    );
  };
  const files = new Map<string, Uint8Array>();
  const fileFor = (wanted: OnnxSpec): Uint8Array => {
    const key = `${wanted.channels},${wanted.numClasses}`;
    const inputDims = [batch, wanted.channels, 'height', 'width'];
    const made = files.get(key) ?? editOnnx(open, { tensors: replacements(wanted), inputDims });
    files.set(key, made);
    return made;
  };

  return {
    spec,
    notes: [
      ...form.notes,
      ...notes,
      ...notesOn(graph, output, { activation, classes: spec.numClasses, norms: statistics.length > 0 }),
    ],
    weights: Object.fromEntries(
      [...trained, ...statistics].map((value) => [
        value.name,
        cut.constants.get(valueNamed(cut, value.name)) as NdArray,
      ]),
    ),
    encoder: encoderTensors(cut, trained),
    barriers,
    head,
    build(wanted, shape, { training = false, isFrozen = () => false } = {}) {
      if (typeof batch === 'number' && shape[0] !== batch) {
        throw new UsageError(`The network of ${file} takes one image at once, not ${shape[0]}.`, {
          remedy: `Use ${option('batch', 1)}, or export it with an open number of images.`,
        });
      }
      const whole = cutAt(read(fileFor(wanted), shape), logits.name);
      return networkOf(whole.graph, whole.logits, { ...names, batchNorm: wanted.batchNorm, training, isFrozen });
    },
    write(wanted, weights, metadata) {
      const wants = wanted.numClasses === 1 ? 'sigmoid' : 'softmax';
      const sides = tile.margin === 0 ? ['height', 'width'] : ['output_height', 'output_width'];
      const name = GraphBuilder.from(graph).fresh(PROBABILITIES_NAME);
      const appended = { kind: wants === 'sigmoid' ? 'Sigmoid' : 'Softmax', name } as const;
      return editOnnx(fileFor(wanted), {
        tensors: weights,
        output: {
          value: activation === wants ? output.name : logits.name,
          dims: [batch, wanted.numClasses, ...sides],
          ...(activation !== wants && { activation: appended }),
        },
        metadata,
      });
    },
  };
}

/** Running means and variances of batch normalisations. */
function statisticsOf({ nodes }: Graph, refuse: Refuse): readonly Value[] {
  const norms = nodes.filter(({ op }) => op === 'BatchNormalization') as Node<'BatchNormalization'>[];
  const training = norms.find(({ attributes }) => attributes.training_mode === 1);
  if (training !== undefined) {
    refuse(
      `BatchNormalization '${training.name}' was exported in training mode.`,
      'Export the model for prediction (in PyTorch: model.eval()).',
    );
  }
  return norms.flatMap(({ inputs }) => inputs.slice(3) as Value[]);
}

function notesOn(
  { outputs }: Graph,
  { name }: Value,
  { activation, classes, norms }: Pick<Logits, 'activation'> & { readonly classes: number; readonly norms: boolean },
): readonly string[] {
  const ending = classes === 1 ? 'sigmoid' : 'softmax';
  return [
    ...(outputs.length > 1
      ? [`output '${name}' is trained and kept; the other ${outputs.length - 1} are left out`]
      : []),
    ...(activation === 'none' ? [`output '${name}' is taken for logits: a ${ending} is appended`] : []),
    ...(activation === 'sigmoid' && classes > 1
      ? [`the ${classes} classes exclude each other from now on: a softmax takes the place of the sigmoid`]
      : []),
    ...(norms ? [] : ['batch normalisation: none in the file (exporters merge it into convolutions)']),
  ];
}
