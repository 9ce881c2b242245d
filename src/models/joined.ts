/** Networks that were trained alike, as one whose output is the mean of theirs. */

import { ModelError } from '../errors.ts';
import { meanOnnx } from '../graph/onnx/mean.ts';
import { readSignature } from '../graph/onnx/model.ts';
import { type Json, type ModelMetadata, metadataEntry, readMetadata } from './metadata.ts';
import type { TileSizes } from './sizes.ts';
import { isWindowName } from './sliding-window.ts';

/** A model file of Lamella. */
export interface JoinedPart {
  readonly file: string;
  readonly bytes: Uint8Array;
}

/** What they have in common, as it is called in messages. */
const ALIKE = {
  input: 'the input (channels, normalisation, pixel sizes)',
  axes: 'the axes',
  classes: 'the classes',
  activation: 'the activation',
  maps: 'the maps of objects',
  task: 'the task',
} as const satisfies { readonly [K in keyof ModelMetadata]?: string };

/**
 * One ONNX file with the mean of the outputs of several models, which have the same classes and prepare images in the same
 * way. Networks may differ in width and depth.
 * @param found how objects are separated and class maps cleaned, in place of what each of them says
 * @throws ModelError naming two models that differ and in what; for classifiers of single pixels; as `meanOnnx`
 */
export function joinModels(
  parts: readonly [JoinedPart, ...JoinedPart[]],
  found: Pick<ModelMetadata, 'separation' | 'cleaning'>,
): Uint8Array {
  const all = parts.map((part) => ({ ...part, metadata: metadataOf(part) }));
  const [first, ...others] = all as [(typeof all)[number], ...typeof all];
  if (isWindowName(first.metadata.network.name)) {
    throw new ModelError(`networks of single pixels (${first.metadata.network.name}) are not joined.`, {
      file: first.file,
      remedy: 'Name the runs of the folds one after the other: predict takes their mean.',
    });
  }
  for (const { file, metadata } of others) {
    for (const [key, what] of Object.entries(ALIKE) as [keyof typeof ALIKE, string][]) {
      if (JSON.stringify(metadata[key]) === JSON.stringify(first.metadata[key])) continue;
      throw new ModelError(`${what} of it and of ${first.file} differ.`, {
        file,
        remedy: 'Train all folds on the same data with the same settings.',
      });
    }
  }
  const { separation: _, training: __, cleaning: ___, tile, depth, provenance, ...common } = first.metadata;
  const sizesOf = (key: 'tile' | 'depth'): TileSizes =>
    all.map(({ file, metadata }) => ({ file, sizes: metadata[key] as TileSizes })).reduce(commonSizes).sizes;
  const metadata: ModelMetadata = {
    ...common,
    ...(tile && { tile: sizesOf('tile') }),
    ...(depth && { depth: sizesOf('depth') }),
    ...found,
    folds: parts.length,
    provenance: { ...provenance, networks: all.map(({ metadata: { provenance } }) => provenance as Json) },
  };
  return meanOnnx(
    parts.map(({ bytes }) => bytes),
    metadataEntry(metadata),
  );
}

function metadataOf({ bytes, file }: JoinedPart): ModelMetadata {
  const metadata = readMetadata(readSignature(bytes, { file }), { file });
  if (metadata === undefined) throw new ModelError('this is no model of Lamella.', { file });
  return metadata;
}

interface NamedSizes {
  readonly file: string;
  readonly sizes: TileSizes;
}

const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b));

/** The sides that both take, and how far either sees. @throws ModelError for networks that cut off borders of other widths */
function commonSizes(a: NamedSizes, b: NamedSizes): NamedSizes {
  if (JSON.stringify(a.sizes) === JSON.stringify(b.sizes)) return a;
  const [x, y] = [a.sizes, b.sizes];
  if (x.margin !== y.margin || x.offset !== 0 || y.offset !== 0) {
    throw new ModelError(`the network and that of ${a.file} take images of other sizes.`, {
      file: b.file,
      remedy: 'Train all folds with the same depth.',
    });
  }
  const multiple = (x.multiple / gcd(x.multiple, y.multiple)) * y.multiple;
  return {
    ...a,
    sizes: {
      multiple,
      offset: 0,
      min: Math.ceil(Math.max(x.min, y.min) / multiple) * multiple,
      margin: x.margin,
      halo: x.halo === null || y.halo === null ? null : Math.max(x.halo, y.halo),
    },
  };
}
