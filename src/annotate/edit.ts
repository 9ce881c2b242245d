/** Edits: what they changed, and how they are made once more or taken back. */

import { FormatError } from '../errors.ts';
import type { AnnotationClass } from './annotation-class.ts';
import type { Side } from './chunk-runs.ts';
import type { LabelLayer, LayerChanges, LayerSize } from './label-layer.ts';
import { type Box, boundsOf, type Region } from './region.ts';

/** Where an edit changed something; without a slice in all of them. */
export interface ChangedPlace {
  readonly image: string;
  readonly slice?: number;
  readonly box: Box;
}

/** What an undo, a redo or a commit changed. */
export interface AppliedEdit {
  /** As given to `commit`. */
  readonly name: string;
  readonly places: readonly ChangedPlace[];
  /** Whether the list of classes changed. */
  readonly classes: boolean;
}

export interface LabelChange extends LayerChanges {
  readonly kind: 'labels';
  readonly image: string;
  /** Width, height and slices of the layer. */
  readonly size: readonly [width: number, height: number, slices: number];
}

/** What an edit changed. Lists are replaced as a whole. */
export type Change =
  | LabelChange
  | {
      readonly kind: 'regions';
      readonly image: string;
      readonly before: readonly Region[];
      readonly after: readonly Region[];
    }
  | {
      readonly kind: 'classes';
      readonly before: readonly AnnotationClass[];
      readonly after: readonly AnnotationClass[];
    };

/** Whether a change was made on an image of this size, and not on another one that had its id. */
export const isMadeOn = (
  { size }: Pick<LabelChange, 'size'>,
  { width, height, slices }: Required<LayerSize>,
): boolean => size.join() === [width, height, slices].join();

/**
 * Makes a change of labels once more (`after`) or takes it back (`before`).
 * @throws FormatError if the layer has another size than the one that the change was made on
 */
export function applyLabels(layer: LabelLayer, change: LabelChange, side: Side): void {
  if (!isMadeOn(change, layer)) {
    const { width, height, slices } = layer;
    throw new FormatError(
      `an edit of "${change.image}" was made on ${change.size.join(' x ')} pixels; the image has ${width} x ${height} x ${slices}.`,
      { remedy: 'Use the journal of these images, or start a new one.' },
    );
  }
  for (const chunk of change.chunks) layer.apply(chunk, side);
}

/** A change, with or without its labels. */
type Described = Exclude<Change, LabelChange> | Pick<LabelChange, 'kind' | 'image' | 'boxes'>;

/** What is said of an edit. */
export function describeEdit(name: string, changes: readonly Described[]): AppliedEdit {
  return { name, places: changes.flatMap(placesOf), classes: changes.some(({ kind }) => kind === 'classes') };
}

function placesOf(change: Described): readonly ChangedPlace[] {
  if (change.kind === 'classes') return [];
  const { image } = change;
  if (change.kind === 'labels') return change.boxes.map((place) => ({ image, ...place }));
  const kept = new Set(change.before.map((region) => JSON.stringify(region)));
  for (const region of change.after) {
    const text = JSON.stringify(region);
    if (!kept.delete(text)) kept.add(text);
  }
  return [...kept].map((text) => {
    const { slice, shape }: Region = JSON.parse(text);
    return { image, ...(slice === undefined ? {} : { slice }), box: boundsOf(shape) };
  });
}
