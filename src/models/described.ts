/** What a package says of the model of another program: JSON in the metadata of its ONNX file, as it is read from there. */

import { ModelError } from '../errors.ts';
import type { Signature } from '../graph/onnx/model.ts';
import type { MapKind } from '../objects/object-maps.ts';
import type { Json } from './metadata.ts';

/** The key in the file's metadata. */
export const DESCRIPTION_KEY = 'lamella.package';

/** Sides of an image that a network takes. */
export interface Sides {
  readonly min: number;
  readonly step: number;
}

/** How objects are found in the maps of a network. What is left out is as `predict` has it. */
export interface DescribedObjects {
  /** Star-convex polygons (StarDist) or flows (Cellpose). */
  readonly kind: MapKind;
  /** Pixels that are more probable propose an object, or belong to one: 0..1. */
  readonly threshold?: number;
  /** Stars: as `StarOptions.overlap` and `StarOptions.margin`. */
  readonly overlap?: number;
  readonly margin?: number;
  /** Stars: number of rays. Maps that follow them are no distances. */
  readonly rays?: number;
  /** Flows: as `FlowOptions.flowError` and `FlowOptions.minSize`. */
  readonly flowError?: number;
  readonly minSize?: number;
}

export interface DescribedModel {
  /** Name of the package. */
  readonly name: string;
  /** How an image becomes the input, as `input/normalise.ts` writes and reads it. */
  readonly input: { readonly [key: string]: Json };
  /** Names of the classes of each output that has them, background first. */
  readonly classes: { readonly [output: string]: readonly string[] };
  readonly sides?: { readonly z?: Sides; readonly y: Sides; readonly x: Sides };
  /** Pixels at the edges of each output that are not to be used where the image was cut. */
  readonly halos?: { readonly [output: string]: { readonly z?: number; readonly y: number; readonly x: number } };
  /** Of each output whose graph can be followed, the tile rules (`predict/tile-plan.ts`) that fit what the package says. */
  readonly rules?: { readonly [output: string]: { readonly [axis: string]: Json } };
  /** If its outputs are no classes. */
  readonly objects?: DescribedObjects;
  /** What a user should know, one sentence each. */
  readonly notes: readonly string[];
}

/** The metadata entry to write to the file. */
export function descriptionEntry(model: DescribedModel): { readonly [DESCRIPTION_KEY]: string } {
  return { [DESCRIPTION_KEY]: JSON.stringify(model) };
}

/** @throws ModelError if the entry is not what `descriptionEntry` writes */
export function readDescription({ metadata }: Pick<Signature, 'metadata'>, file?: string): DescribedModel | undefined {
  const entry = metadata[DESCRIPTION_KEY];
  if (entry === undefined) return undefined;
  try {
    const model = JSON.parse(entry) as DescribedModel;
    const isComplete = typeof model.input.channels === 'object' && typeof model.input.normalisation === 'object';
    if (isComplete && typeof model.classes === 'object' && Array.isArray(model.notes)) return model;
  } catch (cause) {
    if (!(cause instanceof SyntaxError || cause instanceof TypeError)) throw cause;
  }
  throw new ModelError(`The model's entry '${DESCRIPTION_KEY}' is not what Lamella writes there.`, {
    file,
    remedy: 'Use the package that the model is from.',
  });
}
