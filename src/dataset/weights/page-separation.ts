/**
 * The border weights of a slice, computed when a patch is first cut from it: 30 slices of 512 x 512 take 0.7 s, which
 * would delay the first training step.
 */

import { ndarray } from '../../array/ndarray.ts';
import { connectedComponents } from '../../objects/connected-components.ts';
import type { Labelled } from '../annotated.ts';
import { IGNORE } from '../labels/labels.ts';
import { type SeparationOptions, separationTerm } from './separation-weight.ts';
import { addSmallObjects } from './small-objects.ts';

/** Structured-cloneable; in shared memory it is computed once for all threads. */
export interface PageSeparation extends SeparationOptions {
  /** The border term is between the objects of this class. */
  readonly objectClass: number;
  /** Object numbers [height, width]; without them the connected pieces of the class are the objects. */
  readonly numbers?: Int32Array;
  /** Object size in pixels below which an object's weight increases; 0: independent of size. */
  readonly typicalSize: number;
  /** [height, width], to be filled. */
  readonly term: Float32Array;
  /** One element, 1 once the term is filled. */
  readonly filled: Int32Array;
}

interface LabelledPage extends Labelled {
  readonly separation?: PageSeparation;
}

/**
 * Weights beyond those of the classes [height, width]; undefined if the slice has none. Two threads that need them at
 * the same time both write the same values.
 */
export function borderWeights({ height, width, label, separation }: LabelledPage): Float32Array | undefined {
  if (separation === undefined) return undefined;
  const { objectClass, numbers, typicalSize, term, filled } = separation;
  if (Atomics.load(filled, 0) === 1) return term;
  const own = label.map((value) => (value === objectClass ? 1 : 0));
  const objects =
    numbers === undefined
      ? piecesOf(label, own, [height, width])
      : numbers.map((value, p) => (own[p] === 1 ? value : 0));
  const made = separationTerm(objects, [height, width], separation);
  if (numbers !== undefined && typicalSize > 0) addSmallObjects(made, { objects: numbers, label, width }, typicalSize);
  term.set(made);
  Atomics.store(filled, 0, 1);
  return term;
}

/** Number of the piece at each pixel of the mask `own`. Ignored pixels may connect pieces, so that they split none. */
function piecesOf(label: Uint8Array, own: Uint8Array, size: readonly [number, number]): Int32Array {
  const may = label.map((value, p) => (value === IGNORE ? 1 : own[p]));
  return connectedComponents(ndarray('uint8', size, may)).labels.data.map((piece, p) => (own[p] === 1 ? piece : 0));
}
