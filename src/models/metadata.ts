/** The metadata of a model file: the JSON under the key `lamella` of its ONNX metadata. */
import { ModelError } from '../errors.ts';
import type { Signature } from '../graph/onnx/model.ts';
import type { Cleaning } from '../objects/clean-classes.ts';
import { MAP_KINDS, type ObjectMaps } from '../objects/object-maps.ts';
import { FORMER_METADATA, rename } from './former-names.ts';
import type { ModelSpec } from './registry.ts';
import type { TileSizes } from './sizes.ts';

/** The key in the file's metadata. */
export const METADATA_KEY = 'lamella';
const VERSION = 1;

export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

export interface ClassInfo {
  readonly name: string;
  /** The value that encodes the class in label images. */
  readonly value: number;
}

export interface ModelMetadata {
  readonly version: typeof VERSION;
  /** One class per image; undefined for one class per pixel. */
  readonly task?: 'classification';
  readonly network: ModelSpec;
  /** Axes of the input and the output; `ncdhw` for networks of volumes. */
  readonly axes: 'nchw' | 'ncdhw';
  /** How an image becomes the input: channels, normalisation, pixel size, as `input/normalise.ts` writes and reads it. */
  readonly input: { readonly [key: string]: Json };
  /** All classes including background; with a sigmoid, and of maps, the second is the foreground. */
  readonly classes: readonly ClassInfo[];
  readonly activation: 'sigmoid' | 'softmax' | 'regions' | 'none';
  /** Maps by which objects are found, which the output is instead of classes. */
  readonly maps?: ObjectMaps;
  /** Undefined for classification. */
  readonly tile?: TileSizes;
  /** The same along the depth, for networks of volumes. */
  readonly depth?: TileSizes;
  /** How objects in its predictions are best separated, found on validation images; read by `predict/objects.ts`. */
  readonly separation?: { readonly [key: string]: Json };
  /** How maps of its classes are cleaned, chosen by cross-validation. */
  readonly cleaning?: Cleaning;
  /** Number of networks of which the output is the mean, one for each fold. */
  readonly folds?: number;
  /** What training on from the file needs: the network before weights were folded, and which label values are which class. */
  readonly training?: { readonly network: ModelSpec; readonly labels: { readonly [key: string]: Json } };
  /** How the model was produced: command, data, seed, steps, scores, version, date. */
  readonly provenance: { readonly [key: string]: Json };
  /** Licence of the training data, as stated by the user. */
  readonly licence: string | null;
}

/** The metadata entry to write to the file: `writeOnnx(graph, { metadata: metadataEntry(m) })`. */
export function metadataEntry(metadata: ModelMetadata): { readonly [METADATA_KEY]: string } {
  return { [METADATA_KEY]: JSON.stringify(metadata) };
}

/**
 * Reads what `metadataEntry` wrote.
 * @param file for messages.
 * @throws ModelError if the text is not such an entry, naming the field, or was written by a later version.
 */
export function parseMetadata(text: string, { file }: { readonly file?: string } = {}): ModelMetadata {
  const fail = (problem: string, cause?: unknown): never => {
    const remedy = 'Export the model again, or use it as a plain ONNX model without this entry.';
    throw new ModelError(`The model's entry '${METADATA_KEY}' ${problem}.`, {
      remedy,
      file,
      cause,
    });
  };
  let json: Json;
  try {
    json = rename(JSON.parse(text), FORMER_METADATA) as Json;
  } catch (cause) {
    return fail('is not JSON', cause);
  }
  const entry = new Fields(json, '', fail);
  const version = entry.number('version');
  if (version > VERSION) fail(`has version ${version}; this program supports ${VERSION}`);
  const network = entry.fields('network');
  network.text('name');
  for (const key of ['channels', 'numClasses']) {
    if (network.number(key) < 1) fail(`has ${network.number(key)} ${key} in 'network'`);
  }
  const ofVolumes = entry.text('axes') === 'ncdhw';
  if (!ofVolumes && entry.text('axes') !== 'nchw') fail(`has axes '${entry.text('axes')}', not 'nchw' or 'ncdhw'`);
  const activation = entry.text('activation');
  if (!['sigmoid', 'softmax', 'regions', 'none'].includes(activation))
    fail(`has an unknown activation '${activation}'`);
  entry.fields('input');
  entry.fields('provenance');
  const classes = entry.list('classes').map((item, i) => new Fields(item, `classes[${i}].`, fail));
  for (const item of classes) {
    item.text('name');
    item.number('value');
  }
  if (entry.has('maps')) {
    const by = entry.fields('maps').text('by');
    if (!MAP_KINDS.some((kind) => kind === by)) fail(`has unknown maps '${by}'`);
  }
  const expected = activation === 'softmax' || activation === 'regions' ? network.number('numClasses') : 2;
  if (classes.length !== expected) fail(`names ${classes.length} classes where the network has ${expected}`);
  if (entry.has('task')) {
    if (entry.text('task') !== 'classification') fail(`has an unknown task '${entry.text('task')}'`);
    for (const key of ['stored', 'crop']) entry.fields('input').list(key);
    entry.fields('input').number('views');
  } else {
    for (const tile of ofVolumes ? ['tile', 'depth'] : ['tile']) {
      const sides = entry.fields(tile);
      for (const key of ['multiple', 'offset', 'min', 'margin']) sides.number(key);
      if (!sides.isNull('halo')) sides.number('halo');
    }
  }
  if (!entry.isNull('licence')) entry.text('licence');
  if (entry.has('separation')) entry.fields('separation').text('by');
  if (entry.has('cleaning')) entry.fields('cleaning').list('rules');
  return json as unknown as ModelMetadata;
}

/**
 * What the file of a model says of itself; undefined for models of other programs.
 * @throws ModelError as `parseMetadata`.
 */
export function readMetadata(
  { metadata }: Pick<Signature, 'metadata'>,
  where: { readonly file?: string } = {},
): ModelMetadata | undefined {
  const entry = metadata[METADATA_KEY];
  return entry === undefined ? undefined : parseMetadata(entry, where);
}

/** @throws ModelError for a network that gives maps by which objects are found, where classes are needed */
export function requireClasses({ maps }: ModelMetadata, file: string | undefined): void {
  if (maps === undefined) return;
  throw new ModelError(`the network gives ${maps.by}, not probabilities of classes.`, {
    file,
    remedy: 'Use a network of classes; lamella predict takes this one.',
  });
}

/** Typed access to the fields of a JSON object; errors name the full path of a field. */
class Fields {
  readonly #object: { readonly [key: string]: Json };
  readonly #path: string;
  readonly #fail: (problem: string) => never;

  constructor(json: Json, path: string, fail: (problem: string) => never) {
    if (typeof json !== 'object' || json === null || Array.isArray(json)) {
      fail(path === '' ? 'is not an object' : `has no object at '${path.slice(0, -1)}'`);
    }
    this.#object = json as { readonly [key: string]: Json };
    this.#path = path;
    this.#fail = fail;
  }

  has(key: string): boolean {
    return this.#object[key] !== undefined;
  }
  isNull(key: string): boolean {
    return this.#object[key] === null;
  }
  number(key: string): number {
    const value = this.#object[key];
    return typeof value === 'number' && Number.isFinite(value) ? value : this.#wrong(key, 'number');
  }
  text(key: string): string {
    const value = this.#object[key];
    return typeof value === 'string' ? value : this.#wrong(key, 'text');
  }
  list(key: string): readonly Json[] {
    const value = this.#object[key];
    return Array.isArray(value) ? (value as readonly Json[]) : this.#wrong(key, 'list');
  }
  fields(key: string): Fields {
    return new Fields(this.#object[key] ?? null, `${this.#path}${key}.`, this.#fail);
  }
  #wrong(key: string, wanted: string): never {
    return this.#fail(`has no ${wanted} at '${this.#path}${key}'`);
  }
}
