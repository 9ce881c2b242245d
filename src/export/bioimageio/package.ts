/**
 * A model as a package of BioImage.IO (https://bioimage.io), for the programs that read these: a zip with the network as
 * ONNX, a description of what goes in and comes out, and a test of it.
 *
 * Format 0.5.10: from 0.5.11 on, documentation and covers are no plain strings, which older readers want. The description
 * is written as JSON, which is YAML.
 */

import { sha256 } from '@noble/hashes/sha2.js';
import { type Zippable, zipSync } from 'fflate';
import type { NdArray } from '../../array/ndarray.ts';
import { ModelError, UsageError } from '../../errors.ts';
import type { InputSpec } from '../../input/normalise.ts';
import type { Operation } from '../../input/operations.ts';
import type { Json, ModelMetadata } from '../../models/metadata.ts';
import type { TileSizes } from '../../models/sizes.ts';
import { isWindowName } from '../../models/sliding-window.ts';
import { writeNpy } from './npy.ts';
import { preprocessingOf } from './operations.ts';
import { readme } from './readme.ts';

export const FORMAT_VERSION = '0.5.10';

/** What only its maker knows of a model. */
export interface PackageDetails {
  /** 5 to 128 letters, digits, spaces and `_ + - ( )`. */
  readonly name: string;
  readonly description?: string;
  readonly authors?: readonly string[];
  /** SPDX identifier, such as `CC-BY-4.0`. */
  readonly licence?: string;
  /** Publications, as text. */
  readonly cite?: readonly string[];
}

export interface PackagedModel {
  /** The ONNX file. */
  readonly bytes: Uint8Array;
  readonly opset: number;
  readonly metadata: ModelMetadata;
  /** A number of images that the file fixes; undefined: any. */
  readonly batch?: number;
  /** Sides that the file fixes; undefined: any that the network takes. */
  readonly fixed?: readonly [height: number, width: number];
}

/** An image [1, channels, height, width] in the values of its file, and what the network makes of it. */
export interface TestTensors {
  readonly input: NdArray<'float32'>;
  readonly output: NdArray<'float32'>;
}

const NAME = /^[\p{L}\p{N} _+\-()]{5,128}$/u;

/**
 * The sides of the tiles that other programs cut: the smallest, and what to add. The halo is rounded up to whole steps,
 * so that blocks start where pooling does: with any other one results in their middle differ.
 */
export function tilesOf({ multiple, min, margin, halo, offset }: TileSizes): {
  readonly min: number;
  readonly step: number;
  readonly halo: number;
} {
  const step = multiple;
  // A network that looks at the whole image has no halo: one large tile is nearest to that.
  if (halo === null) return { min: Math.max(min, Math.ceil((512 - offset) / step) * step + offset), step, halo: 0 };
  // The output of an unpadded network has lost its border already.
  if (margin > 0) return { min, step, halo: 0 };
  const whole = Math.ceil(halo / step) * step;
  const least = Math.floor((2 * whole) / step + 1) * step + offset;
  return { min: Math.max(min, least), step, halo: whole };
}

/** The shape of a test image: the smallest that the network takes with a halo around. */
export function testShape({
  metadata,
  fixed,
}: PackagedModel): readonly [channels: number, height: number, width: number] {
  const { min } = tilesOf(tileSizesOf(metadata));
  const [height, width] = fixed ?? [min, min];
  return [metadata.network.channels, height, width];
}

/** @throws ModelError for networks that do not give a class for every pixel of an image */
export function tileSizesOf({ axes, tile, task, network }: ModelMetadata): TileSizes {
  const what =
    task === 'classification'
      ? 'the network names the class of a whole image'
      : isWindowName(network.name)
        ? 'the network classifies the middle of a window'
        : axes === 'ncdhw'
          ? 'the network takes volumes'
          : undefined;
  if (tile !== undefined && what === undefined) return tile;
  throw new ModelError(`${what ?? 'the network states no tile sizes'}: a package could only give it the wrong input.`, {
    remedy: 'Export a network that segments whole tiles, such as unet.',
  });
}

/**
 * Names of channels and classes as the format takes them: letters, digits and `_`, different from each other, in which
 * case does not count.
 */
export function identifiers(names: readonly string[]): readonly string[] {
  const taken = new Set<string>();
  return names.map((name, i) => {
    const plain = name.replace(/[^A-Za-z0-9_]+/g, '_').replace(/^(?=\d)/, '_');
    const base = /[A-Za-z0-9]/.test(plain) ? plain : `channel_${i}`;
    let free = base;
    for (let n = 2; taken.has(free.toLowerCase()); n++) free = `${base}_${n}`;
    taken.add(free.toLowerCase());
    return free;
  });
}

function inputChannels({ channels }: InputSpec): readonly string[] {
  const { mode, count, names, pick } = channels;
  if (mode === 'colour') return ['red', 'green', 'blue'];
  if (mode === 'grey') return ['intensity'];
  const given = names ?? pick?.map((one) => (typeof one === 'string' ? one : `channel_${one}`));
  return given?.length === count ? given : Array.from({ length: count }, (_, i) => `channel_${i}`);
}

/** Units of length by their size in mm, the largest first. */
const UNITS = [
  ['micrometer', 1e-3],
  ['nanometer', 1e-6],
  ['picometer', 1e-9],
] as const;

/**
 * The side of a pixel of the training images, if they all state it and agree within a tenth: a whole number of the
 * largest unit that is right to 1e-4, because bioimageio.spec 0.5.12 computes the size of an output as size * scale /
 * scale, which is 55.99999999999999 for 56 pixels of 0.305, and refuses 56.
 */
export function pixelOf({ pixelMm }: Pick<InputSpec, 'pixelMm'>): { readonly scale?: number; readonly unit?: string } {
  if (pixelMm === undefined || pixelMm[1] > 1.1 * pixelMm[0]) return {};
  const side = (pixelMm[0] + pixelMm[1]) / 2;
  for (const [unit, mm] of UNITS) {
    const scale = Math.round(side / mm);
    if (Math.abs(scale * mm - side) <= 1e-4 * side) return { scale, unit };
  }
  return {};
}

const hex = (bytes: Uint8Array): string => [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');

/** What a network gives instead of probabilities of classes. */
export interface PackagedMaps {
  /** Name of the output. */
  readonly id: string;
  readonly channels: readonly string[];
  /** In a sentence. */
  readonly said: string;
  /** What other programs look for in `config`. */
  readonly config?: { readonly [program: string]: Json };
}

export interface ModelPackage {
  /** The zip. */
  readonly bytes: Uint8Array;
  readonly operations: readonly Operation[];
  /** What the package cannot say of the model, also in its README. */
  readonly notes: readonly string[];
}

/**
 * Writes the package. The same model and test give the same bytes.
 * @param date when it is made
 * @param maps for a network that gives no classes
 * @throws UsageError for a name that the format does not take; ModelError as `tileSizesOf`.
 */
export function writeBioImageIo(
  model: PackagedModel,
  test: TestTensors,
  details: PackageDetails,
  date: Date,
  maps?: PackagedMaps,
): ModelPackage {
  const { metadata, bytes, opset, batch, fixed } = model;
  const { name, description, authors = [], licence, cite = [] } = details;
  if (!NAME.test(name)) {
    throw new UsageError(`"${name}" cannot be the name of a model of BioImage.IO.`, {
      remedy: 'Use 5 to 128 letters, digits, spaces and _ + - ( ).',
    });
  }
  const sizes = tileSizesOf(metadata);
  const { min, step, halo } = tilesOf(sizes);
  const input = metadata.input as unknown as InputSpec;
  const { operations, unsaid } = preprocessingOf(input);
  const isForeground = metadata.activation === 'sigmoid';
  const classes = metadata.classes.map((each) => each.name).slice(isForeground ? 1 : 0);
  const pixel = pixelOf(input);
  const notes = [
    ...unsaid,
    ...(sizes.halo === null
      ? [
          `The network looks at the whole image at once: tiles smaller than it differ, so that ${min} pixels are the least.`,
        ]
      : []),
  ];
  const inputId = 'image';
  const batchAxis = { type: 'batch', ...(batch === 1 ? { size: 1 } : {}) };
  const space = (id: 'y' | 'x') => ({ type: 'space', id, ...pixel });
  const sideOf = (i: number) => fixed?.[i] ?? { min, step };
  const outputSide = (id: 'y' | 'x') => ({
    ...space(id),
    size: { tensor_id: inputId, axis_id: id, offset: -sizes.margin },
    ...(halo > 0 && fixed === undefined ? { halo } : {}),
  });
  const files: Zippable = {
    'weights.onnx': bytes,
    'test_input.npy': writeNpy(test.input),
    'test_output.npy': writeNpy(test.output),
    'README.md': new TextEncoder().encode(readme(metadata, details, { notes, operations, said: maps?.said })),
  };
  const rdf = {
    format_version: FORMAT_VERSION,
    type: 'model',
    name,
    description: description ?? `${metadata.network.name}: ${metadata.classes.map((each) => each.name).join(', ')}`,
    ...(authors.length === 0 ? {} : { authors: authors.map((author) => ({ name: author })) }),
    ...(licence === undefined ? {} : { license: licence }),
    ...(cite.length === 0 ? {} : { cite: cite.map((text) => citation(text)) }),
    documentation: 'README.md',
    tags: ['segmentation', 'lamella', metadata.network.name],
    timestamp: date.toISOString(),
    inputs: [
      {
        id: inputId,
        axes: [
          batchAxis,
          { type: 'channel', channel_names: identifiers(inputChannels(input)) },
          { ...space('y'), size: sideOf(0) },
          { ...space('x'), size: sideOf(1) },
        ],
        data: { type: 'float32' },
        test_tensor: { source: 'test_input.npy' },
        preprocessing: operations,
      },
    ],
    outputs: [
      {
        id: maps?.id ?? 'probabilities',
        axes: [
          batchAxis,
          { type: 'channel', channel_names: maps?.channels ?? identifiers(classes) },
          outputSide('y'),
          outputSide('x'),
        ],
        data: { type: 'float32', ...(!maps && { range: [0, 1] }) },
        test_tensor: { source: 'test_output.npy' },
      },
    ],
    weights: { onnx: { source: 'weights.onnx', sha256: hex(sha256(bytes)), opset_version: opset } },
    config: { lamella: metadata, ...maps?.config },
  };
  files['rdf.yaml'] = new TextEncoder().encode(`${JSON.stringify(rdf, undefined, 2)}\n`);
  // Weights do not deflate. The first date of the format: the same model makes the same package.
  return { bytes: zipSync(files, { level: 0, mtime: new Date(1980, 0, 1) }), operations, notes };
}

/** A text with the DOI or address in it, one of which the format demands. */
function citation(text: string): { readonly text: string; readonly doi?: string; readonly url?: string } {
  const doi = /10\.\d{4,9}\/\S*[^\s.,;)]/.exec(text)?.[0];
  if (doi !== undefined) return { text, doi };
  const url = /https?:\/\/\S*[^\s.,;)]/.exec(text)?.[0];
  if (url !== undefined) return { text, url };
  throw new UsageError(`the reference "${text}" has no DOI and no address.`, {
    remedy: 'Add one: "Ronneberger et al. 2015, doi 10.1007/978-3-319-24574-4_28".',
  });
}
